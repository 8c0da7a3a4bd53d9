//! Bytes that are read here are written there, unchanged and to the last one.

use std::io::{self, ErrorKind, Read, Write};

/// Reads from one stream and writes what was read to another before it hands it on.
pub(crate) struct PassThrough<R, W> {
    from: R,
    to: W,
    failed: Option<io::Error>,
}

impl<R: Read, W: Write> PassThrough<R, W> {
    pub(crate) fn new(from: R, to: W) -> Self {
        Self { from, to, failed: None }
    }

    /// Passes on what was not read, so that the next in the pipeline gets everything whatever was thought of it.
    ///
    /// # Errors
    /// When anything could not be read or written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        io::copy(&mut self.from, &mut self.to)?;
        self.to.flush()
    }
}

impl<R: Read, W: Write> Read for PassThrough<R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer).and_then(|count| self.to.write_all(&buffer[..count]).map(|()| count));
        read.map_err(|error| {
            if error.kind() == ErrorKind::Interrupted {
                return error;
            }
            let same = io::Error::new(error.kind(), error.to_string());
            self.failed.get_or_insert(error);
            same
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_what_is_not_comes_out_in_order() {
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for read in [0, 1, 4096, 100_000, 200_000] {
            let mut out = Vec::new();
            let mut filter = PassThrough::new(bytes.as_slice(), &mut out);
            let mut seen = vec![0; read];
            let count = filter.read(&mut seen).unwrap();
            assert_eq!(seen[..count], bytes[..count]);
            filter.finish().unwrap();
            assert_eq!(out, bytes);
        }
    }

    /// Takes a few bytes, then its reader is gone.
    struct Closing(usize);

    impl Write for Closing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.0 -= count;
            if count == 0 { Err(ErrorKind::BrokenPipe.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_goes_away_is_an_error_to_the_end() {
        let mut filter = PassThrough::new([7; 100].as_slice(), Closing(10));
        assert_eq!(filter.read(&mut [0; 50]).unwrap_err().kind(), ErrorKind::BrokenPipe);
        assert_eq!(filter.finish().unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
}
