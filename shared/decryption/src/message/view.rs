//! What a message holds, from any byte of it on.

use std::fmt;
use std::io::{self, BufReader, Read};

use aws_lc_rs::aead::LessSafeKey;
use pgdump::{NotOpened, View};

use super::frames::{AROUND, AROUND_LAST, Body, FOOTER, Message, verifying_key};
use super::header::Header;
use super::input::Input;
use crate::chunks::Chunks;

/// A signature is of everything in one go.
const NOT_VERIFIED: &str = "the signature of the AWS Encryption SDK: it is of the whole message, and nobody reads that whole; each frame \
                            is authenticated, by the data key; recoveryctl backup verify verifies both";

/// A message that was opened.
pub(super) struct MessageView {
    body: Body,
    is_signed: bool,
    chunks: Chunks,
}

impl MessageView {
    /// Of a message that has so many bytes.
    pub(super) fn of(header: &Header, key: LessSafeKey, bytes: u64) -> Result<Self, NotOpened> {
        let body = Body::of(header, key)?;
        let is_signed = verifying_key(header)?.is_some();
        let begin = header.bytes.len() as u64;
        let footer = if is_signed { FOOTER } else { 0 };
        let left = [begin, footer, AROUND_LAST].into_iter().fold(bytes, u64::saturating_sub);
        let chunks = Chunks::of(begin, body.frame_length as u64, AROUND, left);
        Ok(Self { body, is_signed, chunks })
    }
}

impl View for MessageView {
    fn bytes(&self) -> u64 {
        self.chunks.bytes()
    }

    fn begins_at(&self, byte: u64) -> u64 {
        self.chunks.with(byte).begins_at
    }

    fn read<'a>(&'a self, file: Box<dyn Read + 'a>, from: u64) -> io::Result<Box<dyn Read + 'a>> {
        let chunk = self.chunks.with(from);
        // The first one has the number 1.
        let sequence = u32::try_from(chunk.number).unwrap_or(u32::MAX).saturating_add(1);
        let input = Input::new(BufReader::new(file));
        let content = Message::from_frame(sequence, input, self.body.clone(), self.is_signed);
        Ok(Box::new(chunk.content_from(from, content)?))
    }

    fn not_checked(&self) -> Option<&'static str> {
        self.is_signed.then_some(NOT_VERIFIED)
    }
}

impl fmt::Debug for MessageView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MessageView").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}
