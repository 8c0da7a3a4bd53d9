//! Decoding of one compressed stream to its end, in bounded memory.

pub(crate) mod continued;
mod lz4_blocks;

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use lz4_flex::frame::FrameDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;
use zstd::zstd_safe::{DCtx, DParameter, ResetDirective};

use crate::codec::continued::Until;
use crate::content::Content;
use crate::finding::{Code, Finding};
use crate::limits::Limits;
use crate::source::{AsRead, Input, InputExt, Seen};

/// Decoded bytes are looked at in pieces of this size, which fit the cache.
const OUTPUT: usize = 128 << 10;

/// The text of zstd's error `ZSTD_error_frameParameter_windowTooLarge`, which its crate hands on as text only.
const WINDOW_TOO_LARGE: &str = "Frame requires too much memory for decoding";

/// What a stream is encoded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    None,
    /// A zlib stream, as in custom archives.
    Zlib,
    /// A gzip file, as in directories.
    Gzip,
    Lz4,
    Zstd,
}

impl Codec {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Decoders and their memory, used for one stream after the other.
pub(crate) struct Decoders {
    limits: Limits,
    output: Box<[u8]>,
    zlib: Option<Decompress>,
    zstd: Option<DCtx<'static>>,
}

impl Decoders {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), output: vec![0; OUTPUT].into_boxed_slice(), zlib: None, zstd: None }
    }

    /// Decodes a stream to its end and shows it to `content`.
    ///
    /// `Ok(Some)`: this stream is damaged, but what holds it can be read further. `Err`: it cannot.
    pub(crate) fn run(
        &mut self,
        codec: Codec,
        input: &mut impl Input,
        content: &mut Content,
    ) -> Result<Option<Finding>, Finding> {
        // pg_dump opens a compressor with the first byte, so a large object without bytes has no frame. A gzip file always has one.
        if codec != Codec::Gzip && input.at_end()? {
            return Ok(None);
        }
        let begin = input.position();
        let seen = Seen::default();
        let mut sink = Sink::new(content, &seen, self.limits.expansion);
        let result = self.decode(codec, AsRead::new(input, &seen), &mut sink);
        let full = sink.full;
        self.settle(codec, result, seen, full, begin, input)
    }

    fn decode(&mut self, codec: Codec, mut reader: impl BufRead, sink: &mut Sink<'_>) -> io::Result<()> {
        match codec {
            Codec::None => plain(&mut reader, &mut self.output, sink),
            Codec::Zlib => {
                let zlib = self.zlib.get_or_insert_with(|| Decompress::new(true));
                inflate(zlib, &mut reader, &mut self.output, sink)
            }
            Codec::Gzip => pump(GzDecoder::new(reader), &mut self.output, sink),
            Codec::Lz4 => lz4(reader, sink),
            Codec::Zstd => {
                let context = self.zstd.get_or_insert_with(DCtx::create);
                prepare(context, self.limits.zstd_window_log)
                    .and_then(|()| pump(ZstdDecoder::with_context(reader, context).single_frame(), &mut self.output, sink))
            }
        }
    }

    /// What a decoder's result means.
    fn settle(
        &self,
        codec: Codec,
        result: io::Result<()>,
        seen: Seen,
        full: bool,
        begin: u64,
        input: &mut impl Input,
    ) -> Result<Option<Finding>, Finding> {
        if let Some(failure) = seen.failure.into_inner() {
            return Err(failure);
        }
        let position = input.position();
        let name = codec.as_str();
        if full {
            let sentence = format!("the data is more than {} times as long as the {name} stream", self.limits.expansion);
            return Err(Finding::limit(position, sentence));
        }
        match result {
            Ok(()) if codec == Codec::None => Ok(None),
            // The decoder of lz4 takes a missing end mark for a good end.
            Ok(()) if codec == Codec::Lz4 && seen.end.get() => Ok(Some(truncated(position, name))),
            Ok(()) => {
                let trailing = !input.at_end()?;
                Ok(trailing.then(|| {
                    Finding::at(Code::StreamTrailing, position, format!("bytes follow the end of the {name} stream"))
                }))
            }
            Err(error) if error.to_string() == WINDOW_TOO_LARGE => {
                let window = self.limits.zstd_window_log;
                Err(Finding::limit(position, format!("the data needs a zstd window of more than 2^{window} bytes")))
            }
            Err(error) if seen.end.get() || error.kind() == ErrorKind::UnexpectedEof => Ok(Some(truncated(position, name))),
            // How far a decoder reads before it gives up, and the words in which it does, depend on the pieces that it is fed; that the
            // stream is damaged, and where it begins, does not.
            Err(_) => {
                let sentence = format!("the {name} stream cannot be decoded: its bytes are damaged");
                Ok(Some(Finding::at(Code::StreamInvalid, begin, sentence)))
            }
        }
    }
}

fn truncated(position: u64, codec: &str) -> Finding {
    Finding::at(Code::StreamTruncated, position, format!("the {codec} stream stops before its end"))
}

/// Where decoded bytes go.
struct Sink<'a> {
    content: &'a mut Content,
    seen: &'a Seen,
    decoded: u64,
    expansion: u64,
    full: bool,
    /// When to break off.
    until: Until<'a>,
    /// Whether it was broken off.
    stopped: bool,
}

impl<'a> Sink<'a> {
    fn new(content: &'a mut Content, seen: &'a Seen, expansion: u64) -> Self {
        Self { content, seen, decoded: 0, expansion, full: false, until: Until::THE_END, stopped: false }
    }

    /// Fails when the stream expands beyond the limit, or is to be broken off; nothing is decoded after that.
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.decoded += bytes.len() as u64;
        self.content.push(bytes);
        self.full = self.decoded > Limits::EXPANSION_FLOOR && self.decoded / self.expansion > self.seen.taken.get();
        if self.full {
            return Err(ErrorKind::FileTooLarge.into());
        }
        self.stopped = self.until.over(self.seen);
        if self.stopped { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

/// Gathers small pieces: until PostgreSQL 15, an uncompressed archive has a chunk for each row.
fn plain(reader: &mut impl Read, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    let mut held = 0;
    loop {
        let count = reader.read(&mut output[held..])?;
        held += count;
        if count == 0 || held == output.len() {
            sink.push(&output[..held])?;
            held = 0;
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Not by flate2's reader, which allocates anew for each stream: there may be millions of large objects.
fn inflate(zlib: &mut Decompress, reader: &mut impl BufRead, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    zlib.reset(true);
    let mut waits = false;
    loop {
        let bytes: &[u8] = if waits { &[] } else { reader.fill_buf()? };
        let (count, end) = (bytes.len(), bytes.is_empty() && !waits);
        let (taken, given) = (zlib.total_in(), zlib.total_out());
        let flush = if end { FlushDecompress::Finish } else { FlushDecompress::None };
        let status = zlib.decompress(bytes, output, flush).map_err(io::Error::other)?;
        let taken = usize::try_from(zlib.total_in() - taken).map_err(io::Error::other)?;
        let given = usize::try_from(zlib.total_out() - given).map_err(io::Error::other)?;
        reader.consume(taken);
        sink.push(&output[..given])?;
        match status {
            Status::StreamEnd => return Ok(()),
            // Without this a stream that is cut in the middle of a block would be asked for more for ever.
            _ if given == 0 && !waits && (end || taken == 0) => return Err(ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
        // Where there was no more room, a few bits may wait for it. They come before what follows is asked for: where that is the end, or
        // does not come, damage in them would be told as that.
        waits = given == output.len() && taken == count;
    }
}

fn lz4(mut reader: impl BufRead, sink: &mut Sink<'_>) -> io::Result<()> {
    let header = lz4_blocks::header(&mut reader)?;
    lz4_after(&header, reader, sink)
}

/// Shows the decoder's own buffer: copying would take as long as decoding.
fn lz4_after(header: &[u8], reader: impl Read, sink: &mut Sink<'_>) -> io::Result<()> {
    // Of some blocks the decoder lets pass that they are larger than the header says.
    let largest = if header == lz4_blocks::HEADER { lz4_blocks::BLOCK } else { usize::MAX };
    let mut decoder = FrameDecoder::new(header.chain(reader));
    loop {
        let bytes = decoder.fill_buf()?;
        let count = bytes.len();
        if count == 0 {
            return Ok(());
        }
        if count > largest {
            return Err(ErrorKind::InvalidData.into());
        }
        sink.push(bytes)?;
        decoder.consume(count);
    }
}

/// A context may come from a stream that broke off.
fn prepare(context: &mut DCtx<'static>, window: u32) -> io::Result<()> {
    let prepared =
        context.reset(ResetDirective::SessionOnly).and_then(|_| context.set_parameter(DParameter::WindowLogMax(window)));
    prepared.map(|_| ()).map_err(|code| io::Error::other(zstd::zstd_safe::get_error_name(code)))
}

fn pump(mut reader: impl Read, output: &mut [u8], sink: &mut Sink<'_>) -> io::Result<()> {
    loop {
        let count = reader.read(output)?;
        if count == 0 {
            return Ok(());
        }
        sink.push(&output[..count])?;
    }
}

impl fmt::Debug for Decoders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoders").field("limits", &self.limits).finish_non_exhaustive()
    }
}
