//! The checksum of the first bytes of a reader, as they pass.

use std::io::{self, ErrorKind, Read};

use crc_fast::{CrcAlgorithm, Digest};

use crate::digest::Crc64Value;

/// Passes bytes on and sums those that are the piece's own.
pub(crate) struct Summing<R> {
    inner: R,
    left: u64,
    crc64: Digest,
}

impl<R: Read> Summing<R> {
    /// Of the first `length` bytes.
    pub(crate) fn new(inner: R, length: u64) -> Self {
        Self { inner, left: length, crc64: Digest::new(CrcAlgorithm::Crc64Nvme) }
    }

    /// Reads what was not read yet of these bytes. `None` when the file ends before them.
    pub(crate) fn finish(mut self) -> io::Result<Option<Crc64Value>> {
        let mut buffer = vec![0; 256 << 10];
        while self.left > 0 {
            let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            match self.read(&mut buffer[..most]) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Crc64Value(self.crc64.finalize())))
    }
}

impl<R: Read> Read for Summing<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out)?;
        let own = count.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.crc64.update(&out[..own]);
        self.left -= own as u64;
        Ok(count)
    }
}
