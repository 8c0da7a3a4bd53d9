//! What a file of age holds, from any byte of it on.

use std::fmt;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Seek, SeekFrom};

use pgdump::View;

use super::{Authentic, Identities, Trouble, Watch, open};
use crate::chunks::{Chunk, Chunks};

/// Bytes of a chunk, and of the tag behind it (C2SP age.md, "Payload").
const CONTENT: u64 = 64 << 10;
const TAG: u64 = 16;

/// A file that these identities open.
pub(super) struct AgeView {
    identities: Identities,
    /// All up to the first chunk.
    header: Vec<u8>,
    chunks: Chunks,
}

impl AgeView {
    /// Reads the header of a file that has so many bytes.
    pub(super) fn of(file: &mut dyn Read, bytes: u64, identities: &Identities) -> Result<Self, Trouble> {
        let watch = Watch::of_header();
        let mut header = Taken { inner: BufReader::new(watch.over(file)), bytes: Vec::new() };
        open(&mut header, identities, &watch)?;
        let header = header.bytes;
        let begin = header.len() as u64;
        let left = bytes.saturating_sub(begin).saturating_sub(TAG);
        Ok(Self { identities: identities.clone(), header, chunks: Chunks::of(begin, CONTENT, TAG, left) })
    }
}

impl View for AgeView {
    fn bytes(&self) -> u64 {
        self.chunks.bytes()
    }

    fn begins_at(&self, byte: u64) -> u64 {
        self.chunks.with(byte).begins_at
    }

    fn read<'a>(&'a self, file: Box<dyn Read + 'a>, from: u64) -> io::Result<Box<dyn Read + 'a>> {
        let watch = Watch::default();
        let chunk = self.chunks.with(from);
        let rest = BufReader::new(watch.over(file));
        let placed = Placed { header: &self.header, rest, at: 0, begins_at: chunk.begins_at };
        // It did open, and its header is the same.
        let inner = open(placed, &self.identities, &watch).map_err(Error::other)?;
        let mut content = Authentic { inner, watch };
        content.seek_chunk(&chunk)?;
        Ok(Box::new(chunk.content_from(from, content)?))
    }
}

impl<R: BufRead> Authentic<Placed<'_, R>> {
    /// To seek where a chunk begins, the crate would look at the end of the file, which is not here. So it seeks to the chunk's second
    /// byte, for which it reads the chunk, and within that one byte back.
    fn seek_chunk(&mut self, chunk: &Chunk) -> io::Result<()> {
        if chunk.number == 0 {
            return Ok(());
        }
        for byte in [1, 0] {
            let sought = self.inner.seek(SeekFrom::Start(chunk.before + byte));
            self.told(sought)?;
        }
        Ok(())
    }
}

impl fmt::Debug for AgeView {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AgeView").field("chunks", &self.chunks).finish_non_exhaustive()
    }
}

/// Keeps what is taken of a reader.
struct Taken<R> {
    inner: R,
    bytes: Vec<u8>,
}

impl<R: BufRead> BufRead for Taken<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // It was there a moment ago, so it comes without reading.
        if let Ok(there) = self.inner.fill_buf() {
            self.bytes.extend(there.iter().take(count));
        }
        self.inner.consume(count);
    }
}

impl<R: BufRead> Read for Taken<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

/// A file of which there is nothing but the header and what begins at one chunk.
struct Placed<'a, R> {
    /// What was not taken of it yet.
    header: &'a [u8],
    rest: R,
    at: u64,
    begins_at: u64,
}

impl<R: BufRead> BufRead for Placed<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.header.is_empty() { self.rest.fill_buf() } else { Ok(self.header) }
    }

    fn consume(&mut self, count: usize) {
        self.at += count as u64;
        match self.header.split_at_checked(count) {
            Some((_, left)) if !self.header.is_empty() => self.header = left,
            _ => self.rest.consume(count),
        }
    }
}

impl<R: BufRead> Read for Placed<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = if self.header.is_empty() { self.rest.read(out)? } else { self.header.read(out)? };
        self.at += count as u64;
        Ok(count)
    }
}

impl<R> Seek for Placed<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Current(0) => {}
            SeekFrom::Start(at) if at == self.begins_at && self.header.is_empty() => self.at = at,
            _ => return Err(ErrorKind::Unsupported.into()),
        }
        Ok(self.at)
    }
}
