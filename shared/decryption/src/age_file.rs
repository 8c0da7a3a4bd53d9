//! Files of age (age-encryption.org/v1) to X25519 recipients: who takes the backup never holds the key that opens it.
//!
//! age authenticates 64 KiB at a time and marks the last piece, so nothing forged is handed on and a cut shows.

mod view;

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::rc::Rc;
use std::sync::Arc;

use age::stream::StreamReader;
use age::x25519::Identity;
use age::{DecryptError, Decryptor};
use pgdump::{Keys, NotOpened, Scheme, View};

use view::AgeView;

/// How a file of age begins (C2SP age.md, "Header").
const MAGIC: &[u8] = b"age-encryption.org/v1";
/// How an identity is written (C2SP age.md, "The X25519 recipient type").
const IDENTITY: &str = "AGE-SECRET-KEY-1";
/// Bytes of a header: enough for a thousand recipients. The crate reads one to its end before it looks at it, however long that is.
const LONGEST_HEADER: usize = 128 << 10;

/// Whether a file that begins so is encrypted with age.
#[must_use]
pub fn is_encrypted(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC[..MAGIC.len().min(beginning.len())]) && !beginning.is_empty()
}

/// Why an encrypted backup does not open.
#[derive(Debug)]
pub enum Trouble {
    /// The text is no file of identities.
    IdentityUnreadable {
        /// The line, from 1; 0 where there is no line with an identity at all.
        line: usize,
    },
    /// It is not encrypted with age.
    NotEncrypted,
    /// None of the identities is one that it was encrypted to.
    WrongKey,
    /// Its header was changed or cut.
    Tampered,
    /// It is of a newer version of age, or encrypted to a passphrase.
    Unsupported,
    /// Reading failed, which says nothing about the backup.
    Unreadable(io::Error),
}

impl Trouble {
    /// The code as it appears in output. It never changes once released.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::IdentityUnreadable { .. } => "identity_unreadable",
            Self::NotEncrypted => "not_encrypted",
            Self::WrongKey => "wrong_key",
            Self::Tampered => "tampered",
            Self::Unsupported => "encryption_unsupported",
            Self::Unreadable(_) => "unreadable",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Never the line itself: it may be a key with one letter wrong.
            Self::IdentityUnreadable { line: 0 } => {
                write!(formatter, "there is no identity in it: none of its lines begins with {IDENTITY}")
            }
            Self::IdentityUnreadable { line } => {
                write!(
                    formatter,
                    "line {line} is no X25519 identity of age; each of its lines is a comment (#) or begins with {IDENTITY}"
                )
            }
            Self::NotEncrypted => formatter.write_str("it is not encrypted with age; verify it without an identity"),
            Self::WrongKey => formatter.write_str(
                "none of the identities opens it: it was encrypted to another recipient. This says nothing about its bytes",
            ),
            Self::Tampered => formatter.write_str("its encrypted header was changed or cut since it was written"),
            Self::Unsupported => formatter.write_str(
                "it is encrypted in a way that is not read here: to a passphrase, to more than a thousand recipients, or by a newer age; \
                 X25519 recipients are",
            ),
            Self::Unreadable(error) => write!(formatter, "reading failed: {error}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// Keys that may open a backup. Never printed.
#[derive(Clone)]
pub struct Identities(Arc<[Identity]>);

impl fmt::Debug for Identities {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identities({} redacted)", self.0.len())
    }
}

impl Identities {
    /// Reads identities as `age-keygen` writes them: one a line, beside comments and empty lines.
    ///
    /// # Errors
    /// [`Trouble::IdentityUnreadable`].
    pub fn read(text: &str) -> Result<Self, Trouble> {
        let mut identities = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                identities.push(line.parse().map_err(|_| Trouble::IdentityUnreadable { line: index + 1 })?);
            }
        }
        if identities.is_empty() { Err(Trouble::IdentityUnreadable { line: 0 }) } else { Ok(Self(identities.into())) }
    }
}

/// Opens an encrypted backup.
///
/// # Errors
/// [`Trouble`], when its header is enough to see that it does not open.
pub fn decrypt<R: Read>(reader: R, identities: &Identities) -> Result<Decrypted<R>, Trouble> {
    let watch = Watch::of_header();
    let inner = open(BufReader::new(watch.over(reader)), identities, &watch)?;
    watch.header.set(None);
    Ok(Decrypted(Authentic { inner, watch }))
}

/// Reads the header.
fn open<R: BufRead>(mut file: R, identities: &Identities, watch: &Watch) -> Result<StreamReader<R>, Trouble> {
    if !is_encrypted(file.fill_buf().map_err(Trouble::Unreadable)?) {
        return Err(Trouble::NotEncrypted);
    }
    let told = |error| trouble(error, watch.failed.get());
    let decryptor = Decryptor::new_buffered(file).map_err(told)?;
    if decryptor.is_scrypt() {
        return Err(Trouble::Unsupported);
    }
    let keys = identities.0.iter().map(|identity| -> &dyn age::Identity { identity });
    decryptor.decrypt(keys).map_err(told)
}

fn trouble(error: DecryptError, reading_failed: bool) -> Trouble {
    match error {
        DecryptError::Io(error) if reading_failed => Trouble::Unreadable(error),
        DecryptError::Io(error) if error.kind() == ErrorKind::FileTooLarge => Trouble::Unsupported,
        DecryptError::NoMatchingKeys => Trouble::WrongKey,
        DecryptError::UnknownFormat | DecryptError::ExcessiveWork { .. } => Trouble::Unsupported,
        // A header that does not parse, or does not belong to its key.
        _ => Trouble::Tampered,
    }
}

impl From<Trouble> for NotOpened {
    fn from(trouble: Trouble) -> Self {
        let told = trouble.to_string();
        match trouble {
            Trouble::Unreadable(error) => Self::Unreadable(error),
            Trouble::WrongKey => Self::WrongKey(told),
            Trouble::Tampered => Self::NotAuthentic(told),
            _ => Self::Unsupported(told),
        }
    }
}

impl Keys for Identities {
    fn opens(&self, scheme: Scheme) -> bool {
        scheme == Scheme::Age
    }

    fn open<'a>(&self, file: Box<dyn Read + 'a>) -> Result<Box<dyn Read + 'a>, NotOpened> {
        Ok(Box::new(decrypt(file, self)?))
    }

    fn view(&self, file: &mut dyn Read, bytes: u64) -> Result<Box<dyn View>, NotOpened> {
        Ok(Box::new(AgeView::of(file, bytes, self)?))
    }
}

/// What an encrypted backup holds.
///
/// Reading fails with [`ErrorKind::InvalidData`] when the encrypted bytes were changed or cut, and otherwise as reading them failed.
pub struct Decrypted<R: Read>(Authentic<BufReader<Watched<R>>>);

impl<R: Read> Read for Decrypted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl<R: Read> fmt::Debug for Decrypted<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Decrypted").finish_non_exhaustive()
    }
}

/// What age decrypts, with errors that say whether it is not authentic or could not be read.
struct Authentic<R> {
    inner: StreamReader<R>,
    watch: Watch,
}

impl<R> Authentic<R> {
    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            if self.watch.failed.get() || error.kind() == ErrorKind::Interrupted {
                return error;
            }
            io::Error::new(ErrorKind::InvalidData, "the encrypted bytes were changed or cut since they were written")
        })
    }
}

impl<R: Read> Read for Authentic<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out);
        self.told(read)
    }
}

/// What is known of reading itself: age tells of its failing and of forged bytes by the same kind of error.
#[derive(Clone, Default)]
struct Watch {
    failed: Rc<Cell<bool>>,
    /// Bytes that may still come before the header is known: one without end is ended.
    header: Rc<Cell<Option<usize>>>,
}

impl Watch {
    fn of_header() -> Self {
        Self { failed: Rc::default(), header: Rc::new(Cell::new(Some(LONGEST_HEADER))) }
    }

    fn over<R>(&self, inner: R) -> Watched<R> {
        Watched { inner, watch: self.clone() }
    }
}

/// A reader that is watched.
struct Watched<R> {
    inner: R,
    watch: Watch,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.watch.header.get();
        if left == Some(0) {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let most = out.len().min(left.unwrap_or(usize::MAX));
        loop {
            match self.inner.read(&mut out[..most]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.watch.failed.set(true);
                    return Err(error);
                }
                Ok(count) => {
                    self.watch.header.set(left.map(|left| left - count));
                    return Ok(count);
                }
            }
        }
    }
}
