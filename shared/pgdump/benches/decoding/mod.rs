//! The same archive, decoded by the codec's crate alone, chunk by chunk: every byte has to be decoded to be looked at.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::ZlibDecoder;
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

/// As much as the verifier reads, and as it decodes, at a time.
const INPUT: usize = 256 << 10;
const OUTPUT: usize = 128 << 10;

/// Decodes the data of every table from there on, in the order of the file, and drops what comes. Returns how many bytes came.
pub(crate) fn decode(path: &Path, codec: &str, from: u64) -> io::Result<u64> {
    let (mut file, mut output) = (BufReader::with_capacity(INPUT, File::open(path)?), vec![0; OUTPUT]);
    file.seek(SeekFrom::Start(from))?;
    let mut decoded = 0;
    while !file.fill_buf()?.is_empty() {
        // The kind of block, and the table's number.
        file.read_exact(&mut [0])?;
        integer(&mut file)?;
        let mut chunks = Chunks { file: &mut file, left: 0, ended: false };
        decoded += match codec {
            "gzip" => drain(ZlibDecoder::new(&mut chunks), &mut output),
            "lz4" => drain(FrameDecoder::new(&mut chunks), &mut output),
            "zstd" => drain(ZstdDecoder::with_buffer(&mut chunks)?.single_frame(), &mut output),
            _ => drain(&mut chunks, &mut output),
        }?;
        // A decoder that knows its end leaves that of the chunks.
        assert_eq!(drain(&mut chunks, &mut output)?, 0, "something follows the stream");
    }
    Ok(decoded)
}

fn drain(mut from: impl Read, output: &mut [u8]) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        match from.read(output)? {
            0 => return Ok(bytes),
            read => bytes += read as u64,
        }
    }
}

/// A sign, which is never one here, and four bytes.
fn integer(file: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 5];
    file.read_exact(&mut bytes)?;
    let [_, value @ ..] = bytes;
    usize::try_from(u32::from_le_bytes(value)).map_err(io::Error::other)
}

/// The bytes of a table's chunks, one after the other, up to the empty one.
struct Chunks<'a, R> {
    file: &'a mut R,
    left: usize,
    ended: bool,
}

impl<R: BufRead> BufRead for Chunks<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 && !self.ended {
            self.left = integer(self.file)?;
            self.ended = self.left == 0;
        }
        if self.ended {
            return Ok(&[]);
        }
        let present = self.file.fill_buf()?;
        Ok(present.get(..self.left).unwrap_or(present))
    }

    fn consume(&mut self, bytes: usize) {
        self.left -= bytes;
        self.file.consume(bytes);
    }
}

impl<R: BufRead> Read for Chunks<'_, R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(output)?;
        self.consume(read);
        Ok(read)
    }
}
