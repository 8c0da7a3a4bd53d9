//! zlib and gzip, decoded to their end.
//!
//! `fdeflate` does it half again as fast as the decoders that say how many bytes they took. It takes some that lie behind the end, so the
//! last bytes of a stream are given to it one at a time.

use std::io::{self, BufRead, ErrorKind, Read};
use std::slice;

use fdeflate::Decompressor;
use flate2::bufread::GzDecoder;

use super::continued::Trailer;
use super::{Sink, pump};

/// What a byte can refer to before itself.
pub(super) const WINDOW: usize = 32 << 10;

/// Compressed bytes that are taken at a time.
const INPUT: usize = 16 << 10;

/// Bytes that are held back for as long as more follow: the decoder takes up to eight at once, and behind the end of deflate's own data
/// there are four of zlib's and eight of gzip's.
const HELD: usize = 24;

/// Bytes of gzip's header without any of its options.
const GZIP_HEADER: usize = 10;

/// Magic number, deflate, and no option (RFC 1952, 2.3).
const GZIP_PLAIN: [u8; 4] = [0x1f, 0x8b, 8, 0];

/// A header of zlib (RFC 1950, 2.2), for a decoder that expects one.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// The first bytes of a gzip file, as many as the header that pg_dump writes has.
pub(super) enum GzipHeader {
    /// It is that header: deflate's data is next.
    Plain,
    /// It is another one, or none.
    Other(Vec<u8>),
}

impl GzipHeader {
    pub(super) fn read(reader: &mut impl BufRead) -> io::Result<Self> {
        let mut header = Vec::with_capacity(GZIP_HEADER);
        reader.take(GZIP_HEADER as u64).read_to_end(&mut header)?;
        let plain = header.len() == GZIP_HEADER && header.starts_with(&GZIP_PLAIN);
        Ok(if plain { Self::Plain } else { Self::Other(header) })
    }
}

/// Decodes a zlib stream.
pub(super) fn zlib(reader: &mut impl Read, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    Inflating { decoder: Decompressor::new(), output, at: 0, trailer: None }.run(reader, sink)
}

/// Decodes a gzip file.
pub(super) fn gzip(reader: &mut impl BufRead, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    match GzipHeader::read(reader)? {
        GzipHeader::Plain => gzip_after(reader, output, sink),
        GzipHeader::Other(header) => gzip_with(&header, reader, output, sink),
    }
}

/// Decodes a gzip file that has no header like pg_dump's, from behind these bytes.
pub(super) fn gzip_with(header: &[u8], reader: impl BufRead, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    pump(GzDecoder::new(header.chain(reader)), output, sink)
}

fn gzip_after(reader: &mut impl Read, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    let mut decoder = Decompressor::new();
    // The four bytes that it would compare with its own sum are the other one.
    decoder.ignore_adler32();
    let mut inflating = Inflating { decoder, output, at: 0, trailer: Some(Trailer::NOTHING) };
    inflating.feed(&ZLIB_HEADER, sink)?;
    inflating.run(reader, sink)
}

/// A stream on its way.
struct Inflating<'o> {
    decoder: Decompressor,
    /// The bytes before `at` are the window.
    output: &'o mut [u8],
    at: usize,
    /// Of gzip.
    trailer: Option<Trailer>,
}

impl Inflating<'_> {
    fn run(mut self, reader: &mut impl Read, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut input = [0; INPUT];
        let mut held = 0;
        loop {
            let count = match reader.read(&mut input[held..]) {
                Ok(0) => return self.end(&input[..held], sink),
                Ok(count) => count,
                Err(failure) => return self.end_before(failure, &input[..held], sink),
            };
            let known = held + count;
            let sure = known.saturating_sub(HELD);
            self.feed(&input[..sure], sink)?;
            if self.decoder.is_done() {
                // More is held back than any trailer has.
                sink.seen.trailing.set(true);
                return Ok(());
            }
            input.copy_within(sure..known, 0);
            held = known - sure;
        }
    }

    /// Gives all of these bytes to the decoder, up to the end of the stream.
    fn feed(&mut self, mut bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        loop {
            if self.at == self.output.len() {
                self.output.copy_within(self.at - WINDOW.., 0);
                self.at = WINDOW;
            }
            let result = self.decoder.read(bytes, self.output, self.at, false);
            let (taken, given) = result.map_err(|_| ErrorKind::InvalidData)?;
            let decoded = &self.output[self.at..self.at + given];
            self.at += given;
            bytes = &bytes[taken..];
            if let Some(trailer) = &mut self.trailer {
                trailer.add(decoded);
            }
            sink.push(decoded)?;
            if self.decoder.is_done() || (bytes.is_empty() && self.at < self.output.len()) {
                return Ok(());
            }
            if taken == 0 && given == 0 {
                // It says that this cannot be.
                return Err(ErrorKind::InvalidData.into());
            }
        }
    }

    /// No more can be read. Where what was read by now says that the stream is at its end or damaged, nothing more was needed.
    fn end_before(&mut self, failure: io::Error, bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        match self.end(bytes, sink) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(failure),
            result => {
                sink.seen.failure.take();
                result
            }
        }
    }

    /// Gives the last bytes that there are to the decoder: all of them should be the stream's.
    fn end(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        for (index, byte) in bytes.iter().enumerate() {
            self.feed(slice::from_ref(byte), sink)?;
            if self.decoder.is_done() {
                let mut rest = &bytes[index + 1..];
                if let Some(trailer) = self.trailer {
                    // The decoder took the first four bytes of it. What begins before those that are held back has more behind it than
                    // a trailer.
                    let Some(begin) = (index + 1).checked_sub(4) else {
                        sink.seen.trailing.set(true);
                        return Ok(());
                    };
                    rest = &bytes[begin..];
                    trailer.compare(&mut rest)?;
                }
                sink.seen.trailing.set(!rest.is_empty());
                return Ok(());
            }
        }
        Err(ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    use super::*;
    use crate::content::Content;
    use crate::contents::Kind;
    use crate::encoding::Encoding;
    use crate::source::Seen;

    /// Gives so many bytes at a time.
    struct Slowly<'a>(&'a [u8], usize);

    impl Read for Slowly<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let bytes = self.fill_buf()?;
            let count = bytes.len().min(out.len());
            out[..count].copy_from_slice(&bytes[..count]);
            self.consume(count);
            Ok(count)
        }
    }

    impl BufRead for Slowly<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Ok(&self.0[..self.1.min(self.0.len())])
        }

        fn consume(&mut self, count: usize) {
            self.0 = &self.0[count..];
        }
    }

    /// Whether bytes follow the stream, or what is wrong with it; and how many bytes came.
    fn decoded(is_gzip: bool, bytes: &[u8], at_a_time: usize) -> (Result<bool, ErrorKind>, u64) {
        let (mut content, seen, mut output) =
            (Content::new(Kind::LargeObjects, Encoding::Utf8), Seen::default(), vec![0; 64 << 10]);
        let mut sink = Sink::new(&mut content, &seen, u64::MAX);
        let mut reader = Slowly(bytes, at_a_time);
        let result = match is_gzip {
            true => gzip(&mut reader, &mut output, &mut sink),
            false => zlib(&mut reader, &mut output, &mut sink),
        };
        let decoded = sink.decoded;
        (result.map(|()| seen.trailing.get()).map_err(|error| error.kind()), decoded)
    }

    fn streams() -> Vec<(bool, u64, Vec<u8>)> {
        let text: Vec<u8> =
            (0..25_000_u32).flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 12).to_le_bytes()).collect();
        let mut all = Vec::new();
        for length in [0, 1, 30, 100_000] {
            for level in [0, 6] {
                let mut zlib = ZlibEncoder::new(Vec::new(), Compression::new(level));
                zlib.write_all(&text[..length]).unwrap();
                all.push((false, length as u64, zlib.finish().unwrap()));
                let mut gzip = GzEncoder::new(Vec::new(), Compression::new(level));
                gzip.write_all(&text[..length]).unwrap();
                all.push((true, length as u64, gzip.finish().unwrap()));
            }
        }
        all
    }

    const PACES: [usize; 4] = [1, 7, 4096, usize::MAX];

    #[test]
    fn a_stream_ends_where_it_must() {
        for (is_gzip, length, stream) in streams() {
            for more in 0..40 {
                // What follows looks like the end: a decoder that reads too far would take it for that.
                let tail = &stream[stream.len() - 4..];
                let bytes: Vec<u8> = stream.iter().copied().chain(tail.iter().copied().cycle().take(more)).collect();
                for pace in PACES {
                    assert_eq!(decoded(is_gzip, &bytes, pace), (Ok(more > 0), length), "{more} at {pace}");
                }
            }
        }
    }

    #[test]
    fn a_stream_that_is_cut_is_not_at_its_end() {
        for (is_gzip, _, stream) in streams() {
            for cut in 1..40.min(stream.len()) {
                for pace in PACES {
                    let (result, _) = decoded(is_gzip, &stream[..stream.len() - cut], pace);
                    assert_eq!(result, Err(ErrorKind::UnexpectedEof), "{cut} at {pace}");
                }
            }
        }
    }

    #[test]
    fn what_a_trailer_says_is_compared() {
        for (is_gzip, _, stream) in streams() {
            for place in 1..=if is_gzip { 8 } else { 4 } {
                let mut changed = stream.clone();
                changed[stream.len() - place] ^= 1;
                for pace in PACES {
                    assert_eq!(decoded(is_gzip, &changed, pace).0, Err(ErrorKind::InvalidData), "{place} at {pace}");
                }
            }
        }
    }
}
