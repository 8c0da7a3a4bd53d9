//! Buffered reading that knows its position and never trusts a length.

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead, ErrorKind, Read};

use crate::digest::{Fingerprinting, Halfway};
use crate::encryption::Scheme;
use crate::finding::{Code, Finding};
use crate::verdict::FilePrint;

/// Bytes that are looked at to tell what a file is.
const PEEK: usize = Scheme::BEGINNING;

/// Large enough that a system call, or a call into a checksum, costs nothing per byte; small enough to stay in the cache.
const BUFFER: usize = 256 << 10;

/// Bytes that can be looked at before they are taken.
///
/// An empty slice from [`Input::fill`] is the end.
pub(crate) trait Input {
    fn fill(&mut self) -> Result<&[u8], Finding>;
    fn consume(&mut self, count: usize);
    /// Bytes of the file up to here.
    fn position(&self) -> u64;
}

/// A file or stream being read.
pub(crate) struct Source<R> {
    inner: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    before: u64,
    fingerprinting: Option<Fingerprinting>,
    finished: bool,
    failed: Option<(ErrorKind, String)>,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(inner: R, fingerprint: bool) -> Self {
        Self::with_buffer(inner, Self::new_buffer(), fingerprint)
    }

    pub(crate) fn new_buffer() -> Box<[u8]> {
        vec![0; BUFFER].into_boxed_slice()
    }

    /// Reuses a buffer: directories have many small files.
    pub(crate) fn with_buffer(inner: R, buffer: Box<[u8]>, fingerprint: bool) -> Self {
        let fingerprinting = fingerprint.then(Fingerprinting::new);
        Self { inner, buffer, start: 0, end: 0, before: 0, fingerprinting, finished: false, failed: None }
    }

    /// A file of which the reader has the bytes from this one on.
    pub(crate) fn starting_at(begin: u64, inner: R) -> Self {
        Self { before: begin, ..Self::new(inner, false) }
    }

    /// A file that somebody else began to read; the reader has the bytes from this one on.
    pub(crate) fn going_on(begin: u64, inner: R, buffer: Box<[u8]>, fingerprinting: Fingerprinting) -> Self {
        let fingerprinting = Some(fingerprinting);
        Self { before: begin, fingerprinting, ..Self::with_buffer(inner, buffer, false) }
    }

    pub(crate) fn into_buffer(self) -> Box<[u8]> {
        self.buffer
    }

    /// The first bytes, without taking them; fewer when the file is shorter. To be called before anything is taken.
    pub(crate) fn peek(&mut self) -> Result<&[u8], Finding> {
        while self.end < PEEK && !self.finished {
            self.read_once().map_err(|error| Finding::unreadable(self.end as u64, &error))?;
        }
        Ok(&self.buffer[..self.end])
    }

    /// Reads on where nothing is left of what was read before.
    fn more(&mut self) -> io::Result<()> {
        while self.start == self.end && !self.finished {
            self.before += self.end as u64;
            (self.start, self.end) = (0, 0);
            self.read_once()?;
        }
        Ok(())
    }

    /// An error is the last that is heard of the reader: behind it, who asks again may find an end that is none.
    fn read_once(&mut self) -> io::Result<()> {
        if let Some((kind, text)) = &self.failed {
            return Err(io::Error::new(*kind, text.as_str()));
        }
        match self.inner.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.finished = true,
            Ok(count) => self.arrived(count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.failed = Some((error.kind(), error.to_string()));
                return Err(error);
            }
        }
        Ok(())
    }

    fn arrived(&mut self, count: usize) {
        let bytes = &self.buffer[self.end..self.end + count];
        if let Some(fingerprinting) = &mut self.fingerprinting {
            fingerprinting.update(bytes);
        }
        self.end += count;
    }

    /// How far the fingerprint has come, where one was asked for: up to here or further.
    pub(crate) fn halfway(&self) -> Option<Halfway> {
        self.fingerprinting.as_ref().map(Fingerprinting::halfway)
    }

    /// The fingerprint, where one was asked for and the file was read to its end.
    pub(crate) fn fingerprint(&self, name: &str) -> Option<FilePrint> {
        self.fingerprinting.clone().filter(|_| self.finished).map(|computed| computed.finish(name))
    }
}

impl<R: Read> Input for Source<R> {
    fn fill(&mut self) -> Result<&[u8], Finding> {
        if let Err(error) = self.more() {
            return Err(Finding::unreadable(self.position(), &error));
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.start = self.end.min(self.start + count);
    }

    fn position(&self) -> u64 {
        self.before + self.start as u64
    }
}

/// For whoever decrypts: it has to see errors as they are.
impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.more()?;
        let count = out.len().min(self.end - self.start);
        out[..count].copy_from_slice(&self.buffer[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

/// A part of an input, of a known length: a tar member.
pub(crate) struct Part<'a, I> {
    input: &'a mut I,
    left: u64,
}

impl<'a, I: Input> Part<'a, I> {
    pub(crate) fn new(input: &'a mut I, length: u64) -> Self {
        Self { input, left: length }
    }

    /// Bytes of it that were not taken yet.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }
}

impl<I: Input> Input for Part<'_, I> {
    fn fill(&mut self) -> Result<&[u8], Finding> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let (position, left) = (self.input.position(), self.left);
        let bytes = self.input.fill()?;
        if bytes.is_empty() {
            return Err(Finding::at(Code::Truncated, position, format!("the file ends {left} bytes too early")));
        }
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        Ok(&bytes[..count])
    }

    fn consume(&mut self, count: usize) {
        self.left -= (count as u64).min(self.left);
        self.input.consume(count);
    }

    fn position(&self) -> u64 {
        self.input.position()
    }
}

/// Reading of single values.
pub(crate) trait InputExt: Input {
    /// Takes everything up to the end.
    fn drain(&mut self) -> Result<(), Finding> {
        loop {
            let count = self.fill()?.len();
            if count == 0 {
                return Ok(());
            }
            self.consume(count);
        }
    }

    fn at_end(&mut self) -> Result<bool, Finding> {
        Ok(self.fill()?.is_empty())
    }

    fn byte(&mut self, what: &str) -> Result<u8, Finding> {
        let mut byte = [0];
        self.exact(&mut byte, what)?;
        Ok(byte[0])
    }

    /// Fills `out`; an end before that is a truncation of `what`.
    fn exact(&mut self, out: &mut [u8], what: &str) -> Result<(), Finding> {
        let mut done = 0;
        while done < out.len() {
            let position = self.position();
            let bytes = self.fill()?;
            if bytes.is_empty() {
                return Err(Finding::at(Code::Truncated, position, format!("the file ends inside {what}")));
            }
            let count = bytes.len().min(out.len() - done);
            out[done..done + count].copy_from_slice(&bytes[..count]);
            self.consume(count);
            done += count;
        }
        Ok(())
    }
}

impl<I: Input + ?Sized> InputExt for I {}

/// An input as a reader, for decoders that want one.
pub(crate) struct AsRead<'a, I> {
    input: &'a mut I,
    seen: &'a Seen,
}

/// What passed between a decoder and its input, and neither a count nor an [`io::Error`] can tell.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The input failed.
    pub(crate) failure: RefCell<Option<Finding>>,
    /// The decoder wanted more than there was. Some take that for a good end.
    pub(crate) end: Cell<bool>,
    /// Bytes that the decoder took.
    pub(crate) taken: Cell<u64>,
    /// Where the input stands in the file: further on than what was taken of it, because of what lies between its parts.
    pub(crate) position: Cell<u64>,
}

impl<'a, I: Input> AsRead<'a, I> {
    pub(crate) fn new(input: &'a mut I, seen: &'a Seen) -> Self {
        seen.position.set(input.position());
        Self { input, seen }
    }
}

impl<I: Input> BufRead for AsRead<'_, I> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.input.fill() {
            Ok(bytes) => {
                if bytes.is_empty() {
                    self.seen.end.set(true);
                }
                Ok(bytes)
            }
            Err(finding) => {
                self.seen.failure.borrow_mut().get_or_insert(finding);
                Err(ErrorKind::Other.into())
            }
        }
    }

    fn consume(&mut self, count: usize) {
        self.seen.taken.set(self.seen.taken.get() + count as u64);
        self.input.consume(count);
        self.seen.position.set(self.input.position());
    }
}

impl<I: Input> Read for AsRead<'_, I> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let count = bytes.len().min(out.len());
        out[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_failed_once_has_no_end_that_counts() {
        struct FailsOnce(bool);
        impl Read for FailsOnce {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) { Ok(0) } else { Err(io::Error::other("reset")) }
            }
        }
        let mut source = Source::new(b"PGDMP".chain(FailsOnce(false)), true);
        assert_eq!(source.fill(), Ok(b"PGDMP".as_slice()));
        source.consume(5);
        for _ in 0..3 {
            let failed = source.drain().unwrap_err();
            assert_eq!((failed.code, failed.offset), (Code::Unreadable, Some(5)));
        }
        assert_eq!(source.fingerprint("a"), None);
    }
}
