//! Archives that are encrypted as one file: recognised by how they begin, opened by whoever holds a key.

use std::fmt;
use std::io::{self, Read};

use serde::Serialize;

use crate::finding::Code;
use crate::verdict::FilePrint;

/// How a file is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// age, version 1 (C2SP age.md, "Header").
    Age,
    /// A message of the AWS Encryption SDK, version 1 or 2 ("AWS Encryption SDK message format reference"): a KMS envelope.
    AwsEncryptionSdk,
    /// age as text (C2SP age.md, "ASCII armor"): a third larger, and not opened here.
    AgeArmor,
    /// OpenPGP as text (RFC 9580, 6.2). As bytes it cannot be told from what is none.
    OpenPgp,
    /// `openssl enc` with a salt, which authenticates nothing.
    OpenSsl,
}

impl Scheme {
    /// So many bytes tell what is encrypted from what is not.
    pub const BEGINNING: usize = 34;

    /// Messages have no magic bytes of their own: version, in version 1 the type, and the algorithm suite.
    const ALL: [(Self, &[u8], &str); 15] = [
        (Self::Age, b"age-encryption.org/v1", "age"),
        (Self::AgeArmor, b"-----BEGIN AGE ENCRYPTED FILE-----", "age, as text"),
        (Self::OpenPgp, b"-----BEGIN PGP MESSAGE-----", "OpenPGP"),
        (Self::OpenSsl, b"Salted__", "openssl enc"),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x00, 0x14], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x00, 0x46], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x00, 0x78], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x01, 0x14], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x01, 0x46], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x01, 0x78], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x02, 0x14], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x03, 0x46], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[1, 0x80, 0x03, 0x78], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[2, 0x04, 0x78], AWS_ENCRYPTION_SDK),
        (Self::AwsEncryptionSdk, &[2, 0x05, 0x78], AWS_ENCRYPTION_SDK),
    ];

    /// How a file that begins so is encrypted, if it is. [`Scheme::BEGINNING`] bytes are enough.
    #[must_use]
    pub fn of(beginning: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, magic, _)| beginning.starts_with(magic)).map(|(scheme, ..)| scheme)
    }

    /// Whether there are keys that open it: the others are only recognised.
    #[must_use]
    pub fn is_opened(self) -> bool {
        matches!(self, Self::Age | Self::AwsEncryptionSdk)
    }
}

const AWS_ENCRYPTION_SDK: &str = "the AWS Encryption SDK";

impl fmt::Display for Scheme {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.into_iter().find(|(scheme, ..)| scheme == self).map_or("", |(.., name)| name);
        formatter.write_str(name)
    }
}

/// That an archive is encrypted, and what is known of it for that reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Encryption {
    /// How.
    pub scheme: Scheme,
    /// Whether a key opened it. Where none did, nothing is known of what it holds.
    pub opened: bool,
    /// Size and checksums of the file as it is stored, where they were asked for and it could be read to its end. Those of
    /// [`crate::Verdict::files`] are of what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FilePrint>,
}

/// Keys that may open an archive.
pub trait Keys: fmt::Debug + Sync {
    /// Whether they are for files that are encrypted so. Only these are opened with them.
    fn opens(&self, scheme: Scheme) -> bool;

    /// What the file holds. Reading it fails with [`io::ErrorKind::InvalidData`] when the bytes that are read are not those that were
    /// encrypted, and with nothing else then; otherwise as reading the file failed.
    ///
    /// # Errors
    /// [`NotOpened`], when the file's beginning is enough to see that it does not open.
    fn open<'a>(&self, file: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, NotOpened>;

    /// As [`Keys::open`], for readers that begin anywhere. The file has so many bytes, and only its beginning is read here.
    ///
    /// # Errors
    /// As [`Keys::open`].
    fn view(&self, file: &mut dyn Read, bytes: u64) -> Result<Box<dyn View>, NotOpened>;
}

/// What an encrypted file holds, as readers see it of which each begins somewhere else and knows nothing of the others.
///
/// Whoever reads up to the end finds what [`Keys::open`] would find: bytes that were changed, cut off, added or moved; of a signature
/// only what shows by its length, and as [`ErrorKind::Unsupported`], because it is not known to be damage.
///
/// [`ErrorKind::Unsupported`]: std::io::ErrorKind::Unsupported
pub trait View: fmt::Debug + Send + Sync {
    /// How many bytes that is, if the file ends as it was written: so says its length.
    fn bytes(&self) -> u64;

    /// The byte of the file with which reading this one begins.
    fn begins_at(&self, byte: u64) -> u64;

    /// What the file holds from this byte on. `file` has its own bytes from [`View::begins_at`] to its end.
    ///
    /// # Errors
    /// As reading it fails: see [`Keys::open`].
    fn read<'a>(&'a self, file: Box<dyn Read + 'a>, from: u64) -> io::Result<Box<dyn Read + 'a>>;

    /// What only a reading of the whole could check.
    fn not_checked(&self) -> Option<&'static str> {
        None
    }
}

/// Why a file does not open.
#[derive(Debug)]
pub enum NotOpened {
    /// It is encrypted to other keys, which says nothing about its bytes.
    WrongKey(String),
    /// What would unwrap its key could not be used, which says nothing about its bytes.
    KeyUnusable(String),
    /// It opens, and is not the one that is meant: its encryption context is another.
    ContextDiffers(String),
    /// Its beginning is not the one that was written.
    NotAuthentic(String),
    /// It is encrypted in a way that these keys are not for.
    Unsupported(String),
    /// Reading it failed, which says nothing about it.
    Unreadable(io::Error),
}

impl Clone for NotOpened {
    /// An error of reading cannot be had twice: the second has its kind and its words.
    fn clone(&self) -> Self {
        match self {
            Self::WrongKey(sentence) => Self::WrongKey(sentence.clone()),
            Self::KeyUnusable(sentence) => Self::KeyUnusable(sentence.clone()),
            Self::ContextDiffers(sentence) => Self::ContextDiffers(sentence.clone()),
            Self::NotAuthentic(sentence) => Self::NotAuthentic(sentence.clone()),
            Self::Unsupported(sentence) => Self::Unsupported(sentence.clone()),
            Self::Unreadable(error) => Self::Unreadable(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, sentence) = self.clone().told();
        write!(f, "{}: {sentence}", code.as_str())
    }
}

impl NotOpened {
    pub(crate) fn told(self) -> (Code, String) {
        match self {
            Self::WrongKey(sentence) => (Code::WrongKey, sentence),
            Self::KeyUnusable(sentence) => (Code::KeyUnusable, sentence),
            Self::ContextDiffers(sentence) => (Code::EncryptionContextDiffers, sentence),
            Self::NotAuthentic(sentence) => (Code::NotAuthentic, sentence),
            Self::Unsupported(sentence) => (Code::EncryptionUnsupported, sentence),
            Self::Unreadable(error) => (Code::Unreadable, format!("reading failed: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_told_by_its_beginning_and_by_no_less() {
        for (scheme, magic, _) in Scheme::ALL {
            assert!(magic.len() <= Scheme::BEGINNING);
            assert_eq!(Scheme::of(&[magic, b"\n..."].concat()), Some(scheme));
            assert_eq!(Scheme::of(&magic[..magic.len() - 1]), None);
        }
        assert_eq!(Scheme::of(b"PGDMP\x01\x0f\x00"), None);
        assert_eq!(Scheme::of(b""), None);
    }
}
