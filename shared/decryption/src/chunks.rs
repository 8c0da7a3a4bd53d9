//! Where in an encrypted file each part of what it holds lies. Both formats seal chunks of one length, of which only the last may be
//! shorter, so it follows from the file's length.

use std::io::{self, Read};

/// The chunks of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunks {
    /// Where the first one begins.
    begin: u64,
    /// Bytes that each holds, and with what authenticates them.
    content: u64,
    sealed: u64,
    /// The number of the last one, and the bytes of all.
    last: u64,
    bytes: u64,
}

impl Chunks {
    /// Chunks of `content` bytes, each with `around` more, that begin at this byte. `left` is what they all have without what is around
    /// the last one.
    pub(crate) fn of(begin: u64, content: u64, around: u64, left: u64) -> Self {
        let sealed = content.saturating_add(around).max(1);
        let last = left / sealed;
        // In a file that was cut it may seem longer than a chunk is.
        let bytes = last * content + (left % sealed).min(content);
        Self { begin, content, sealed, last, bytes }
    }

    /// Bytes that the file holds, if it ends as it was written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The chunk with this byte. What is behind the end is of the last one, too.
    pub(crate) fn with(&self, byte: u64) -> Chunk {
        let number = byte.checked_div(self.content).unwrap_or_default().min(self.last);
        let begins_at = self.begin.saturating_add(number.saturating_mul(self.sealed));
        Chunk { number, begins_at, before: number.saturating_mul(self.content) }
    }
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The first one has 0.
    pub(crate) number: u64,
    /// Where it begins in the file.
    pub(crate) begins_at: u64,
    /// Bytes that those before it hold.
    pub(crate) before: u64,
}

impl Chunk {
    /// What it and those behind it hold, from this byte of the whole on.
    pub(crate) fn content_from<R: Read>(&self, byte: u64, mut content: R) -> io::Result<R> {
        io::copy(&mut content.by_ref().take(byte.saturating_sub(self.before)), &mut io::sink())?;
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_in_the_chunk_that_holds_it() {
        for (content, around) in [(1, 16), (4, 32), (65_536, 16)] {
            for bytes in [0_u64, 1, content - 1, content, content + 1, 3 * content - 1, 3 * content, 3 * content + 1] {
                // Written so that the last one is full, or so that it is empty.
                for full in [bytes.saturating_sub(1) / content, bytes / content] {
                    let chunks = Chunks::of(7, content, around, bytes + full * around);
                    assert_eq!((chunks.bytes(), chunks.last), (bytes, full), "{bytes} of {content}");
                    for byte in [0, bytes / 2, bytes.saturating_sub(1), bytes] {
                        let Chunk { number, begins_at, before } = chunks.with(byte);
                        assert_eq!((begins_at, before), (7 + number * (content + around), number * content));
                        assert!(number == full || (before..before + content).contains(&byte));
                    }
                }
            }
        }
    }

    #[test]
    fn no_length_is_too_long_or_too_short() {
        for (content, around, left) in [(0, 0, 9), (u64::MAX, 16, u64::MAX), (1, 0, u64::MAX), (65_536, 16, u64::MAX)] {
            let chunks = Chunks::of(u64::MAX, content, around, left);
            for byte in [0, 1, u64::MAX] {
                assert_eq!(chunks.with(byte).begins_at, u64::MAX);
                assert!(chunks.with(byte).before <= byte);
            }
        }
    }
}
