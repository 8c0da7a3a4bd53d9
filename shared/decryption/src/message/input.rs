//! Exact reading of a message, with the digest that its signature is of.

use std::io::{self, ErrorKind, Read};

use aws_lc_rs::digest::{Context, Digest};

/// Why no more was read.
#[derive(Debug)]
pub(super) enum Stopped {
    /// There is no more.
    Ended,
    /// Reading failed, which says nothing about the message.
    Failed(io::Error),
}

/// A message that is read from where one of its fields begins.
pub(super) struct Input<R> {
    inner: R,
    digest: Option<Context>,
}

impl<R: Read> Input<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, digest: None }
    }

    /// From here on, what is read goes into this digest.
    pub(super) fn digest_into(&mut self, digest: Context) {
        self.digest = Some(digest);
    }

    /// The digest of everything up to here, where there is one; what is read from here on is not in it.
    pub(super) fn digested(&mut self) -> Option<Digest> {
        self.digest.take().map(Context::finish)
    }

    /// Fills `out`.
    pub(super) fn exact(&mut self, out: &mut [u8]) -> Result<(), Stopped> {
        let mut done = 0;
        while done < out.len() {
            match self.read(&mut out[done..])? {
                0 => return Err(Stopped::Ended),
                count => done += count,
            }
        }
        if let Some(digest) = &mut self.digest {
            digest.update(out);
        }
        Ok(())
    }

    pub(super) fn word(&mut self) -> Result<u32, Stopped> {
        let mut bytes = [0; 4];
        self.exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }

    pub(super) fn is_at_end(&mut self) -> Result<bool, Stopped> {
        Ok(self.read(&mut [0])? == 0)
    }

    fn read(&mut self, out: &mut [u8]) -> Result<usize, Stopped> {
        loop {
            match self.inner.read(out) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Stopped::Failed(error)),
            }
        }
    }
}
