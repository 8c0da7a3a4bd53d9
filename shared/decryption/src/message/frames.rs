//! The frames of a message: each is authenticated before a byte of it is handed on.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::digest::{Context, SHA384};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1, ParsedPublicKey};
use data_encoding::BASE64;
use pgdump::NotOpened;

use super::header::{Content, Header, IV, PUBLIC_KEY, TAG};
use super::input::{Input, Stopped};

/// Bytes of a frame: so much memory one takes, whatever a message says. By default the SDKs write 4,096.
const LONGEST: u32 = 32 << 20;
/// What the last frame has instead of a sequence number ("Final Frame").
const LAST: u32 = u32::MAX;

/// Bytes of a frame beside what it holds; of the last one, which has a mark and its length, too.
pub(super) const AROUND: u64 = (4 + IV + TAG) as u64;
pub(super) const AROUND_LAST: u64 = AROUND + 4 + 4;
/// Bytes of a signature as AWS's SDK for Python always writes it, and so its command line. Where the last frame ends follows from it.
const SIGNATURE: usize = 103;
/// Bytes of a signature behind its length.
pub(super) const FOOTER: u64 = 2 + SIGNATURE as u64;

/// What a message holds.
///
/// Reading fails with [`ErrorKind::InvalidData`] when the encrypted bytes were changed or cut, and otherwise as reading them failed.
/// Where the message is signed and read from its first frame on, the last one is handed on only once the signature was verified.
pub struct Message<R> {
    input: Input<R>,
    body: Body,
    behind: Behind,
    /// One frame, with its tag.
    buffer: Vec<u8>,
    /// What of it was decrypted and not handed on yet.
    plain: Range<usize>,
    sequence: u32,
    end: End,
}

/// What all frames of a message have in common.
#[derive(Clone)]
pub(super) struct Body {
    key: Arc<LessSafeKey>,
    message_id: Vec<u8>,
    pub(super) frame_length: usize,
}

impl Body {
    pub(super) fn of(header: &Header, key: LessSafeKey) -> Result<Self, NotOpened> {
        let frame_length = match header.content {
            Content::Framed(length @ ..=LONGEST) => length as usize,
            Content::Framed(length) => {
                return Err(NotOpened::Unsupported(format!(
                    "its frames have {length} bytes each, and one has to be in memory whole: at most {LONGEST} are read here"
                )));
            }
            Content::Whole => {
                let sentence = "its body is not divided into frames, so that nothing of it can be authenticated before its end: encrypt \
                                it with a frame length (4096 is the default)";
                return Err(NotOpened::Unsupported(sentence.to_owned()));
            }
        };
        Ok(Self { key: Arc::new(key), message_id: header.message_id.clone(), frame_length })
    }
}

/// What follows the last frame.
enum Behind {
    Nothing,
    /// A signature of everything before it.
    Signature(ParsedPublicKey),
    /// One that is not verified, because not everything before it was read.
    Unverified,
}

/// Whether there is more.
enum End {
    /// There is.
    NotYet,
    /// Everything was authenticated that there is to authenticate ([`Behind`]).
    Reached,
    /// It is not what was written, and why.
    Forged(&'static str),
    /// Reading it failed.
    Failed(io::Error),
}

impl<R: Read> Message<R> {
    /// Reads it from its first frame on.
    pub(super) fn new(mut input: Input<R>, header: &Header, key: LessSafeKey) -> Result<Self, NotOpened> {
        let body = Body::of(header, key)?;
        let behind = verifying_key(header)?.map_or(Behind::Nothing, Behind::Signature);
        if let Behind::Signature(_) = behind {
            let mut digest = Context::new(&SHA384);
            digest.update(&header.bytes);
            input.digest_into(digest);
        }
        Ok(Self::from_parts(1, input, body, behind))
    }

    /// Reads it from the frame of this number on, with which the input begins.
    pub(super) fn from_frame(number: u32, input: Input<R>, body: Body, is_signed: bool) -> Self {
        Self::from_parts(number, input, body, if is_signed { Behind::Unverified } else { Behind::Nothing })
    }

    fn from_parts(sequence: u32, input: Input<R>, body: Body, behind: Behind) -> Self {
        let buffer = vec![0; body.frame_length + TAG];
        Self { input, body, behind, buffer, plain: 0..0, sequence, end: End::NotYet }
    }

    /// Reads the next frame, and authenticates it.
    fn next_frame(&mut self) -> Result<(), End> {
        let word = self.input.word()?;
        let is_last = word == LAST;
        let sequence = if is_last { self.input.word()? } else { word };
        if sequence != self.sequence {
            return Err(End::Forged("a frame is missing, there twice, or in another place than it was written"));
        }
        let mut iv = [0; IV];
        self.input.exact(&mut iv)?;
        let length = if is_last { self.input.word()? as usize } else { self.body.frame_length };
        if length > self.body.frame_length {
            return Err(End::Forged("its last frame is longer than a frame may be"));
        }
        self.input.exact(&mut self.buffer[..length + TAG])?;
        let authenticated = self.authenticated(is_last, sequence, length);
        self.body
            .key
            .open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(authenticated), &mut self.buffer[..length + TAG])
            .map_err(|_| End::Forged("a frame was changed"))?;
        if is_last {
            self.verify_end()?;
            self.end = End::Reached;
        }
        // The last one has no number, so that there is one more for every frame before it.
        self.sequence = sequence.saturating_add(1);
        self.plain = 0..length;
        Ok(())
    }

    /// What a frame is authenticated with ("Body AAD"): its message, its kind, its place and its length.
    fn authenticated(&self, is_last: bool, sequence: u32, length: usize) -> Vec<u8> {
        let kind: &[u8] = if is_last { b"AWSKMSEncryptionClient Final Frame" } else { b"AWSKMSEncryptionClient Frame" };
        [&self.body.message_id, kind, &sequence.to_be_bytes(), &(length as u64).to_be_bytes()].concat()
    }

    /// Behind the last frame there is the signature, where the suite has one, and nothing else.
    fn verify_end(&mut self) -> Result<(), End> {
        let reckoned = match &self.behind {
            Behind::Nothing => None,
            Behind::Signature(key) => {
                let digest = self.input.digested();
                let signature = signature(&mut self.input)?;
                let verified = digest.is_some_and(|digest| key.verify_digest_sig(&digest, &signature).is_ok());
                if !verified {
                    return Err(End::Forged("its signature is not of these bytes"));
                }
                None
            }
            Behind::Unverified => Some(signature(&mut self.input)?.len()),
        };
        if !self.input.is_at_end()? {
            return Err(End::Forged("bytes follow its end"));
        }
        match reckoned {
            Some(length) if length != SIGNATURE => Err(End::Failed(other_signature(length))),
            _ => Ok(()),
        }
    }
}

/// The bytes of a signature, behind their length.
fn signature<R: Read>(input: &mut Input<R>) -> Result<Vec<u8>, Stopped> {
    let mut length = [0; 2];
    input.exact(&mut length)?;
    let mut signature = vec![0; u16::from_be_bytes(length).into()];
    input.exact(&mut signature)?;
    Ok(signature)
}

/// What was reckoned from the length of the file is wrong: another implementation wrote it so, or it was changed since. Only who verifies
/// the signature knows which.
fn other_signature(length: usize) -> io::Error {
    let sentence = format!(
        "its signature has {length} bytes, and where it begins was reckoned with {SIGNATURE}: verify it with recoveryctl backup verify, \
         which reads it whole"
    );
    io::Error::new(ErrorKind::Unsupported, sentence)
}

/// The key that verifies the signature, where the suite has one. It is in the header, which was authenticated.
pub(super) fn verifying_key(header: &Header) -> Result<Option<ParsedPublicKey>, NotOpened> {
    let forged = |sentence: &str| NotOpened::NotAuthentic(sentence.to_owned());
    match (header.suite.is_signed, header.wrapped.context.get(PUBLIC_KEY)) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(forged("its header has a key that verifies signatures, and its algorithm suite has none")),
        (true, None) => Err(forged("its algorithm suite has a signature, and its header no key that verifies it")),
        (true, Some(key)) => {
            let point = BASE64.decode(key.as_bytes()).ok();
            let parsed = point.and_then(|point| ParsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point).ok());
            parsed.map(Some).ok_or_else(|| forged("the key in its header that would verify its signature is none"))
        }
    }
}

impl From<Stopped> for End {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Ended => Self::Forged("it ends before its last frame does"),
            Stopped::Failed(error) => Self::Failed(error),
        }
    }
}

impl<R: Read> Read for Message<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.plain.is_empty() && !out.is_empty() {
            match &self.end {
                End::NotYet => {}
                End::Reached => return Ok(0),
                End::Forged(what) => {
                    let sentence = format!("the encrypted bytes were changed or cut since they were written: {what}");
                    return Err(io::Error::new(ErrorKind::InvalidData, sentence));
                }
                End::Failed(error) => return Err(io::Error::new(error.kind(), error.to_string())),
            }
            if let Err(end) = self.next_frame() {
                self.end = end;
            }
        }
        let count = out.len().min(self.plain.len());
        out[..count].copy_from_slice(&self.buffer[self.plain.start..self.plain.start + count]);
        self.plain.start += count;
        Ok(count)
    }
}

impl<R> fmt::Debug for Message<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Message").finish_non_exhaustive()
    }
}
