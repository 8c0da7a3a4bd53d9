//! An archive that is encrypted and was opened: its pieces are pieces of what it holds, and are read from the file as it is stored.

use std::io::{self, Read};

use crate::encryption::{NotOpened, Scheme, View};
use crate::options::Options;
use crate::pieces::Rest;

/// What an encrypted file holds.
pub(crate) struct Opened {
    pub(crate) scheme: Scheme,
    pub(crate) view: Box<dyn View>,
    /// Bytes of the file.
    pub(crate) file: u64,
}

impl Opened {
    /// Opens a file that is encrypted so and has so many bytes. `None` where no key does: why not is told by whoever reads it so.
    pub(crate) fn of(file: &mut Noted<impl Read>, bytes: u64, scheme: Scheme, options: &Options<'_>) -> Option<Self> {
        let keys = options.keys.filter(|keys| scheme.is_opened() && keys.opens(scheme))?;
        match keys.view(file, bytes) {
            Ok(view) => Some(Self { scheme, view, file: bytes }),
            Err(NotOpened::Unreadable(error)) => {
                file.rest = Rest::Failed(error);
                None
            }
            Err(_) => None,
        }
    }

    /// The byte of the file with which reading this byte begins. The first one is read with the file's header.
    pub(crate) fn begins_at(&self, byte: u64) -> u64 {
        if byte == 0 { 0 } else { self.view.begins_at(byte) }
    }

    /// What it holds from this byte on. `file` has its bytes from [`Opened::begins_at`] to its end.
    pub(crate) fn read<'a>(&'a self, mut file: impl Read + 'a, from: u64) -> Rest<Box<dyn Read + 'a>> {
        let header = self.view.begins_at(from).saturating_sub(self.begins_at(from));
        let skipped = io::copy(&mut file.by_ref().take(header), &mut io::sink());
        skipped.and_then(|_| self.view.read(Box::new(file), from)).map_or_else(Rest::Failed, Rest::More)
    }
}

/// A reader that can be read once more from its beginning.
pub(crate) struct Noted<R> {
    noted: Vec<u8>,
    /// Bytes of these that were read.
    read: usize,
    rest: Rest<R>,
}

impl<R: Read> Noted<R> {
    pub(crate) fn new(beginning: Vec<u8>, rest: Rest<R>) -> Self {
        Self { noted: beginning, read: 0, rest }
    }

    /// Once more from its beginning; nothing is noted any longer.
    pub(crate) fn again(self) -> impl Read {
        io::Cursor::new(self.noted).chain(self.rest)
    }
}

impl<R: Read> Read for Noted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let known = self.noted.get(self.read..).unwrap_or_default();
        let count = match known {
            [] => self.rest.read(out)?,
            mut known => known.read(out)?,
        };
        if self.read == self.noted.len() {
            self.noted.extend_from_slice(&out[..count]);
        }
        self.read += count;
        Ok(count)
    }
}
