//! A message's header: untrusted until a data key authenticates it, so every length in it is bounded.

use std::io::Read;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use pgdump::NotOpened;

use super::input::{Input, Stopped};
use super::suite::{COMMITMENT, Suite};
use super::wrapped::{DataKey, EncryptedDataKey, EncryptionContext, Wrapped};

/// Bytes of a header: an encryption context as long as one may be, and more than a hundred wrapped data keys.
const LONGEST: usize = 128 << 10;
/// Bytes of an initialisation vector.
pub(super) const IV: usize = 12;
/// Bytes of an authentication tag.
pub(super) const TAG: usize = 16;
/// Where the key is that verifies the signature ("Encryption context": the SDK keeps the prefix for itself).
pub(super) const PUBLIC_KEY: &str = "aws-crypto-public-key";

/// How the body is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Into frames with so many bytes each.
    Framed(u32),
    /// Not at all.
    Whole,
}

/// A header.
pub(super) struct Header {
    pub(super) suite: Suite,
    pub(super) message_id: Vec<u8>,
    pub(super) wrapped: Wrapped,
    pub(super) content: Content,
    /// All of its bytes, as they were read.
    pub(super) bytes: Vec<u8>,
    commitment: Vec<u8>,
    /// Its last bytes are what authenticates those before.
    authenticated: usize,
}

impl Header {
    pub(super) fn read<R: Read>(input: &mut Input<R>) -> Result<Self, NotOpened> {
        let mut fields = Fields { input, bytes: Vec::new() };
        let is_version_2 = match fields.byte()? {
            1 if fields.byte()? == 0x80 => false,
            2 => true,
            _ => {
                return Err(NotOpened::Unsupported("it is no message of the AWS Encryption SDK, version 1 or 2".to_owned()));
            }
        };
        let suite = Suite::of(is_version_2, fields.short()?)?;
        let message_id = fields.take(if is_version_2 { 32 } else { 16 })?.to_vec();
        let context = fields.context()?;
        let keys = fields.data_keys()?;
        let content = fields.byte()?;
        // Reserved bytes, and the length of an IV, which all suites have in common.
        fields.take(if is_version_2 { 0 } else { 5 })?;
        let frame_length = fields.word()?;
        let content = match (content, frame_length) {
            (1, 0) => Content::Whole,
            (2, 1..) => Content::Framed(frame_length),
            _ => return Err(not_as_written()),
        };
        let commitment = fields.take(if suite.commits { COMMITMENT } else { 0 })?.to_vec();
        let authenticated = fields.bytes.len();
        fields.take(if is_version_2 { TAG } else { IV + TAG })?;
        let wrapped = Wrapped { keys, context };
        Ok(Self { suite, message_id, wrapped, content, bytes: fields.bytes, commitment, authenticated })
    }

    /// The key of the message, once the header turned out to be the one that was written with it.
    pub(super) fn verify(&self, data_key: &DataKey) -> Result<LessSafeKey, NotOpened> {
        let (key, commitment) = self.suite.derive(data_key, &self.message_id)?;
        if !commitment.is(&self.commitment) {
            let sentence =
                "its header commits to another data key than the one that is wrapped in it: it was put together of two";
            return Err(NotOpened::NotAuthentic(sentence.to_owned()));
        }
        let (bytes, authentication) = self.bytes.split_at(self.authenticated);
        // In version 2 the IV is zero, and not in the header.
        let (iv, tag) = authentication.split_at(authentication.len() - TAG);
        let iv = iv.try_into().unwrap_or([0; IV]);
        let mut tag = tag.to_vec();
        let opened = key.open_in_place(Nonce::assume_unique_for_key(iv), Aad::from(bytes), &mut tag).is_ok();
        if opened { Ok(key) } else { Err(not_as_written()) }
    }
}

fn not_as_written() -> NotOpened {
    NotOpened::NotAuthentic("its encrypted header was changed since it was written".to_owned())
}

/// Fields of a header, remembered as they are read: all of them are authenticated together.
struct Fields<'a, R> {
    input: &'a mut Input<R>,
    bytes: Vec<u8>,
}

impl<R: Read> Fields<'_, R> {
    fn take(&mut self, count: usize) -> Result<&[u8], NotOpened> {
        let start = self.bytes.len();
        if start + count > LONGEST {
            return Err(NotOpened::Unsupported(format!("its header has more than {LONGEST} bytes, which is not read here")));
        }
        self.bytes.resize(start + count, 0);
        match self.input.exact(&mut self.bytes[start..]) {
            Ok(()) => Ok(&self.bytes[start..]),
            Err(Stopped::Ended) => Err(NotOpened::NotAuthentic("it ends inside its encrypted header".to_owned())),
            Err(Stopped::Failed(error)) => Err(NotOpened::Unreadable(error)),
        }
    }

    fn byte(&mut self) -> Result<u8, NotOpened> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn short(&mut self) -> Result<u16, NotOpened> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn word(&mut self) -> Result<u32, NotOpened> {
        self.take(4).map(|bytes| u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Bytes behind their length.
    fn counted(&mut self) -> Result<Vec<u8>, NotOpened> {
        let length = self.short()?;
        self.take(length.into()).map(<[u8]>::to_vec)
    }

    fn text(&mut self) -> Result<String, NotOpened> {
        String::from_utf8(self.counted()?).map_err(|_| not_as_written())
    }

    /// The pairs, behind the length of them all; of none there is nothing more.
    fn context(&mut self) -> Result<EncryptionContext, NotOpened> {
        let length = usize::from(self.short()?);
        let mut context = EncryptionContext::new();
        if length == 0 {
            return Ok(context);
        }
        let end = self.bytes.len() + length;
        for _ in 0..self.short()? {
            let (name, value) = (self.text()?, self.text()?);
            if self.bytes.len() > end || context.insert(name, value).is_some() {
                return Err(not_as_written());
            }
        }
        if self.bytes.len() == end { Ok(context) } else { Err(not_as_written()) }
    }

    fn data_keys(&mut self) -> Result<Vec<EncryptedDataKey>, NotOpened> {
        let count = self.short()?;
        if count == 0 {
            return Err(not_as_written());
        }
        let key = |_| {
            let provider = self.text()?;
            // Other providers than KMS keep there what is no text.
            let key = String::from_utf8_lossy(&self.counted()?).into_owned();
            Ok(EncryptedDataKey { provider, key, ciphertext: self.counted()? })
        };
        (0..count).map(key).collect()
    }
}
