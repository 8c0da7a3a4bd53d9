//! The checksum of some bytes of a reader, as they pass.

use std::io::{self, ErrorKind, Read};

use crc_fast::{CrcAlgorithm, Digest};

use crate::digest::Crc64Value;
use crate::pause::Pause;

/// Passes bytes on and sums those that are asked for.
pub(crate) struct Summing<R> {
    inner: R,
    /// Where the next byte is.
    position: u64,
    /// Bytes that somebody else has summed.
    known: u64,
    left: u64,
    summed: u64,
    crc64: Digest,
    ended: bool,
}

/// What was summed.
pub(crate) struct Summed {
    pub(crate) bytes: u64,
    pub(crate) crc64nvme: Crc64Value,
    /// Whether the file has no more.
    pub(crate) ended: bool,
}

impl<R: Read> Summing<R> {
    /// Of `length` bytes behind the first `known` ones. The reader begins at this byte of the file.
    pub(crate) fn new(inner: R, position: u64, known: u64, length: u64) -> Self {
        let crc64 = Digest::new(CrcAlgorithm::Crc64Nvme);
        Self { inner, position, known, left: length, summed: 0, crc64, ended: false }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Whether all of these bytes were read.
    pub(crate) fn is_done(&self) -> bool {
        self.known + self.left == 0
    }

    /// Reads what was not read yet of these bytes, or as far as is allowed.
    pub(crate) fn read_on(&mut self, pause: Pause<'_>) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        while !self.is_done() && !self.ended && !pause.at(self.position) {
            let most = buffer.len().min(usize::try_from(self.known + self.left).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..most]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Summed {
        Summed { bytes: self.summed, crc64nvme: Crc64Value(self.crc64.finalize()), ended: self.ended }
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        self.ended |= count == 0 && !out.is_empty();
        self.position += count as u64;
        let known = count.min(usize::try_from(self.known).unwrap_or(usize::MAX));
        self.known -= known as u64;
        let own = (count - known).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.crc64.update(&out[known..known + own]);
        self.left -= own as u64;
        self.summed += own as u64;
        Ok(count)
    }
}
