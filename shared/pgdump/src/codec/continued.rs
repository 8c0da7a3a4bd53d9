//! Decoding of a stream that one reader begins and others go on with: what each hands to the next.
//!
//! Uncompressed data goes on anywhere, zlib behind any of its blocks with the last 32 KiB of output, LZ4 as pg_dump writes it behind
//! any of its blocks with the last 64 KiB. zstd does not: its window has up to 128 MiB, and its decoder hands out no state.

use std::fmt;
use std::io::{self, BufRead, ErrorKind};

use data_encoding::BASE64;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Codec, Decoders, OUTPUT, Sink, lz4_after, lz4_blocks};
use crate::content::Content;
use crate::finding::Finding;
use crate::pause::Pause;
use crate::source::{AsRead, Input, InputExt, Seen};

/// A stream that is being decoded. As it stands it can be kept, to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decoding {
    /// Where its first byte is.
    begin: u64,
    /// Bytes taken of it.
    taken: u64,
    /// Bytes that came of them.
    decoded: u64,
    pub(crate) content: Content,
    state: State,
}

/// What its decoder has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum State {
    /// Nothing was read of it.
    Beginning,
    /// Of uncompressed data: nothing.
    Plain,
    Zlib(Zlib),
    Lz4(Window),
}

/// Between two blocks of zlib.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Zlib {
    /// Bits of the last byte that belong to the next block, and how many.
    bits: u8,
    count: u8,
    header: [u8; 2],
    adler32: u32,
    window: Window,
}

/// The last bytes that were decoded.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Window(pub(crate) Vec<u8>);

/// What came of a stream.
pub(crate) enum Ran {
    /// It was read to its end; or it is damaged, and what holds it can be read further.
    Ended(Option<Finding>, Content),
    /// It goes on from here.
    Paused(Box<Decoding>),
    /// It was broken off, and can only be begun anew.
    Stopped,
}

/// When a stream is broken off.
#[derive(Clone, Copy)]
pub(crate) struct Until<'a> {
    pause: Pause<'a>,
}

impl<'a> Until<'a> {
    pub(super) const THE_END: Self = Self { pause: Pause::NEVER };

    /// Whether to stop where going on is possible.
    pub(super) fn reached(&self, seen: &Seen) -> bool {
        self.pause.inside(seen.position.get())
    }

    /// Whether to break off.
    pub(super) fn over(&self, seen: &Seen) -> bool {
        self.pause.at(seen.position.get())
    }
}

/// Bytes of zlib's window.
const ZLIB_WINDOW: usize = 32 << 10;
/// Counters below this have room to go on.
const LARGEST_COUNT: u64 = 1 << 62;

impl Decoding {
    pub(crate) fn of(content: Content) -> Self {
        Self { begin: 0, taken: 0, decoded: 0, content, state: State::Beginning }
    }

    /// Whether nothing was read of it.
    pub(crate) fn is_beginning(&self) -> bool {
        self.state == State::Beginning
    }

    /// Whether it can be of such a stream: what was kept elsewhere may be anything.
    pub(crate) fn is_sane(&self, codec: Codec) -> bool {
        let state = match (&self.state, codec) {
            (State::Beginning, _) | (State::Plain, Codec::None) => true,
            (State::Zlib(zlib), Codec::Zlib) => {
                zlib.count < 8 && u32::from(zlib.bits) < 1 << zlib.count && zlib.window.0.len() <= ZLIB_WINDOW
            }
            (State::Lz4(window), Codec::Lz4) => window.0.len() <= lz4_blocks::WINDOW,
            _ => false,
        };
        state && self.taken < LARGEST_COUNT && self.decoded < LARGEST_COUNT
    }
}

impl Decoders {
    /// Decodes a stream from where it stands to its end, or as far as is allowed.
    pub(crate) fn run_on(
        &mut self,
        codec: Codec,
        input: &mut impl Input,
        decoding: Decoding,
        pause: Pause<'_>,
    ) -> Result<Ran, Finding> {
        let Decoding { mut begin, taken, decoded, mut content, state } = decoding;
        if state == State::Beginning {
            // As in `run`.
            if input.at_end()? {
                return Ok(Ran::Ended(None, content));
            }
            begin = input.position();
        }
        let seen = Seen::default();
        seen.taken.set(taken);
        let until = Until { pause };
        let mut sink = Sink { decoded, ..Sink::new(&mut content, &seen, self.limits.expansion) };
        let mut reader = AsRead::new(input, &seen);
        let result = match (codec, state) {
            (Codec::None, _) => plain(&mut reader, &mut self.output, &mut sink, until),
            (Codec::Zlib, State::Zlib(zlib)) => inflate(Inflater::going_on(&zlib), &mut reader, &mut sink, until),
            (Codec::Zlib, _) if pause.continues => inflate(Inflater::new(), &mut reader, &mut sink, until),
            (Codec::Lz4, State::Lz4(window)) => lz4_blocks::decode(window, &mut reader, &mut sink, until).map(paused_lz4),
            (Codec::Lz4, _) if pause.continues => lz4(reader, &mut sink, until),
            _ => {
                sink.until = until;
                self.decode(codec, reader, &mut sink).map(|()| None)
            }
        };
        let (full, stopped, decoded) = (sink.full, sink.stopped, sink.decoded);
        match result {
            Ok(Some(state)) => {
                let taken = seen.taken.get();
                Ok(Ran::Paused(Box::new(Decoding { begin, taken, decoded, content, state })))
            }
            Err(_) if stopped => Ok(Ran::Stopped),
            result => {
                let damage = self.settle(codec, result.map(|_| ()), seen, full, begin, input)?;
                Ok(Ran::Ended(damage, content))
            }
        }
    }
}

/// LZ4 from its beginning: in blocks where it is as pg_dump writes it, and whole where it is not.
fn lz4<'a>(mut reader: impl BufRead, sink: &mut Sink<'a>, until: Until<'a>) -> io::Result<Option<State>> {
    let header = lz4_blocks::header(&mut reader)?;
    if header == lz4_blocks::HEADER {
        return lz4_blocks::decode(Window::default(), &mut reader, sink, until).map(paused_lz4);
    }
    sink.until = until;
    lz4_after(&header, reader, sink).map(|()| None)
}

fn paused_lz4(window: Option<Window>) -> Option<State> {
    window.map(State::Lz4)
}

fn plain(reader: &mut impl BufRead, output: &mut [u8], sink: &mut Sink<'_>, until: Until<'_>) -> io::Result<Option<State>> {
    let mut held = 0;
    loop {
        let count = reader.read(&mut output[held..])?;
        held += count;
        let stop = count > 0 && until.reached(sink.seen);
        if count == 0 || held == output.len() || stop {
            sink.push(&output[..held])?;
            held = 0;
        }
        if count == 0 || stop {
            return Ok(stop.then_some(State::Plain));
        }
    }
}

/// A decoder of zlib whose state between two blocks can be told, which the quicker one's cannot.
struct Inflater {
    decoder: Box<DecompressorOxide>,
    /// Output, round and round: its last bytes are the window.
    output: Box<[u8]>,
    at: usize,
    /// Whether there is nothing yet before the beginning of `output`.
    first_round: bool,
}

impl Inflater {
    fn new() -> Self {
        Self { decoder: Box::default(), output: vec![0; OUTPUT].into_boxed_slice(), at: 0, first_round: true }
    }

    fn going_on(zlib: &Zlib) -> Self {
        let state = BlockBoundaryState {
            num_bits: zlib.count,
            bit_buf: zlib.bits,
            z_header0: zlib.header[0].into(),
            z_header1: zlib.header[1].into(),
            check_adler32: zlib.adler32,
        };
        let mut inflater = Self { decoder: Box::new(DecompressorOxide::from_block_boundary_state(&state)), ..Self::new() };
        let window = &zlib.window.0;
        inflater.output[..window.len()].copy_from_slice(window);
        inflater.at = window.len();
        inflater
    }

    /// Between two blocks; `None` elsewhere.
    fn state(&self) -> Option<State> {
        let state = self.decoder.block_boundary_state()?;
        let header = [u8::try_from(state.z_header0).ok()?, u8::try_from(state.z_header1).ok()?];
        let (bits, count, adler32) = (state.bit_buf, state.num_bits, state.check_adler32);
        Some(State::Zlib(Zlib { bits, count, header, adler32, window: self.window() }))
    }

    fn window(&self) -> Window {
        let begin = self.at.saturating_sub(ZLIB_WINDOW);
        let before = if self.first_round { 0 } else { ZLIB_WINDOW - (self.at - begin) };
        let wrapped = &self.output[self.output.len() - before..];
        Window([wrapped, &self.output[begin..self.at]].concat())
    }
}

fn inflate(
    mut inflater: Inflater,
    reader: &mut impl BufRead,
    sink: &mut Sink<'_>,
    until: Until<'_>,
) -> io::Result<Option<State>> {
    loop {
        let stop = until.reached(sink.seen);
        let bytes = reader.fill_buf()?;
        let end = bytes.is_empty();
        let mut flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32;
        for (set, flag) in [
            (!end, TINFL_FLAG_HAS_MORE_INPUT),
            (stop, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY),
            // So that nothing is copied from before the beginning.
            (inflater.first_round, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF),
        ] {
            flags |= if set { flag } else { 0 };
        }
        let (status, taken, given) = decompress(&mut inflater.decoder, bytes, &mut inflater.output, inflater.at, flags);
        reader.consume(taken);
        let begin = inflater.at;
        inflater.at += given;
        sink.push(&inflater.output[begin..inflater.at])?;
        match status {
            TINFLStatus::Done => return Ok(None),
            // The block may have been a long one, and its end lie where nobody stops any more.
            TINFLStatus::BlockBoundary if !until.reached(sink.seen) => {}
            TINFLStatus::BlockBoundary => return inflater.state().map(Some).ok_or_else(|| ErrorKind::Other.into()),
            TINFLStatus::HasMoreOutput if inflater.at == inflater.output.len() => {
                inflater.at = 0;
                inflater.first_round = false;
            }
            TINFLStatus::NeedsMoreInput if !end => {}
            TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            _ => return Err(ErrorKind::InvalidData.into()),
        }
    }
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Window").field(&self.0.len()).finish()
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(de::Error::custom)
    }
}
