//! Decoding of a stream that one reader begins and others go on with: what each hands to the next.
//!
//! Uncompressed data goes on anywhere, zlib and gzip behind any of their blocks with the last 32 KiB of output, LZ4 as pg_dump writes it
//! behind any of its blocks with the last 64 KiB. zstd does not: its window has up to 128 MiB, and its decoder hands out no state.

use std::fmt;
use std::io::{self, BufRead, ErrorKind, Read};

use crc_fast::{CrcAlgorithm, Digest as Crc};
use data_encoding::BASE64;
use flate2::bufread::GzDecoder;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
    TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{BlockBoundaryState, DecompressorOxide, decompress};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Codec, Decoders, OUTPUT, Sink, lz4_after, lz4_blocks, pump};
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
    Zlib(Deflate),
    Gzip(Deflate, Trailer),
    Lz4(Window),
}

/// Between two blocks of zlib or gzip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deflate {
    /// Bits of the last byte that belong to the next block, and how many.
    bits: u8,
    count: u8,
    /// Of zlib, as is the checksum.
    header: [u8; 2],
    adler32: u32,
    window: Window,
}

/// What gzip's trailer has to say of the bytes that were decoded by now (RFC 1952, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    /// The state of CRC-32.
    crc32: u64,
    /// The length, modulo 2^32.
    length: u32,
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

/// Bytes of the window of zlib and gzip.
const DEFLATE_WINDOW: usize = 32 << 10;
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
            (State::Zlib(deflate), Codec::Zlib) | (State::Gzip(deflate, _), Codec::Gzip) => {
                deflate.count < 8 && u32::from(deflate.bits) < 1 << deflate.count && deflate.window.0.len() <= DEFLATE_WINDOW
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
            if codec != Codec::Gzip && input.at_end()? {
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
            (Codec::Zlib, State::Zlib(deflate)) => {
                inflate(Inflater::going_on(&deflate, None), &mut reader, &mut sink, until)
            }
            (Codec::Zlib, _) if pause.continues => inflate(Inflater::new(None), &mut reader, &mut sink, until),
            (Codec::Gzip, State::Gzip(deflate, trailer)) => {
                inflate(Inflater::going_on(&deflate, Some(trailer)), &mut reader, &mut sink, until)
            }
            (Codec::Gzip, _) if pause.continues => gzip(reader, &mut self.output, &mut sink, until),
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

/// gzip from its beginning: block by block where its header is as pg_dump writes it, and whole where it is not.
fn gzip<'a>(
    mut reader: impl BufRead,
    output: &mut [u8],
    sink: &mut Sink<'a>,
    until: Until<'a>,
) -> io::Result<Option<State>> {
    let mut header = Vec::with_capacity(GZIP_HEADER);
    reader.by_ref().take(GZIP_HEADER as u64).read_to_end(&mut header)?;
    if header.len() == GZIP_HEADER && header.starts_with(&GZIP_PLAIN) {
        return inflate(Inflater::new(Some(Trailer::NOTHING)), &mut reader, sink, until);
    }
    sink.until = until;
    pump(GzDecoder::new(header.chain(reader)), output, sink).map(|()| None)
}

/// Bytes of gzip's header without any of its options.
const GZIP_HEADER: usize = 10;
/// Magic number, deflate, and no option.
const GZIP_PLAIN: [u8; 4] = [0x1f, 0x8b, 8, 0];

impl Trailer {
    const NOTHING: Self = Self { crc32: u32::MAX as u64, length: 0 };

    fn add(&mut self, bytes: &[u8]) {
        let mut crc32 = Crc::new_with_init_state(CrcAlgorithm::Crc32IsoHdlc, self.crc32);
        crc32.update(bytes);
        self.crc32 = crc32.get_state();
        self.length = self.length.wrapping_add(bytes.len() as u32);
    }

    /// Reads what the file has to say, which must be the same.
    fn compare(self, reader: &mut impl BufRead) -> io::Result<()> {
        let crc32 = Crc::new_with_init_state(CrcAlgorithm::Crc32IsoHdlc, self.crc32).finalize() as u32;
        let mut stated = [0; 8];
        reader.read_exact(&mut stated)?;
        let own = [crc32.to_le_bytes(), self.length.to_le_bytes()].concat();
        if stated.as_slice() == own { Ok(()) } else { Err(ErrorKind::InvalidData.into()) }
    }
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

/// A decoder of zlib and gzip whose state between two blocks can be told, which the quicker one's cannot.
struct Inflater {
    decoder: Box<DecompressorOxide>,
    /// Of gzip.
    trailer: Option<Trailer>,
    /// Output, round and round: its last bytes are the window.
    output: Box<[u8]>,
    at: usize,
    /// Whether there is nothing yet before the beginning of `output`.
    first_round: bool,
}

impl Inflater {
    fn new(trailer: Option<Trailer>) -> Self {
        let output = vec![0; OUTPUT].into_boxed_slice();
        Self { decoder: Box::default(), trailer, output, at: 0, first_round: true }
    }

    fn going_on(deflate: &Deflate, trailer: Option<Trailer>) -> Self {
        let state = BlockBoundaryState {
            num_bits: deflate.count,
            bit_buf: deflate.bits,
            z_header0: deflate.header[0].into(),
            z_header1: deflate.header[1].into(),
            check_adler32: deflate.adler32,
        };
        let decoder = Box::new(DecompressorOxide::from_block_boundary_state(&state));
        let mut inflater = Self { decoder, ..Self::new(trailer) };
        let window = &deflate.window.0;
        inflater.output[..window.len()].copy_from_slice(window);
        inflater.at = window.len();
        inflater
    }

    /// Between two blocks; `None` elsewhere.
    fn state(&self) -> Option<State> {
        let state = self.decoder.block_boundary_state()?;
        let header = [u8::try_from(state.z_header0).ok()?, u8::try_from(state.z_header1).ok()?];
        let (bits, count, adler32) = (state.bit_buf, state.num_bits, state.check_adler32);
        let deflate = Deflate { bits, count, header, adler32, window: self.window() };
        Some(match self.trailer {
            None => State::Zlib(deflate),
            Some(trailer) => State::Gzip(deflate, trailer),
        })
    }

    fn window(&self) -> Window {
        let begin = self.at.saturating_sub(DEFLATE_WINDOW);
        let before = if self.first_round { 0 } else { DEFLATE_WINDOW - (self.at - begin) };
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
    // Of a byte that was taken, bits may wait: for room, or because their block begins behind a boundary. They come before more is asked
    // for: where that is the end, or does not come, damage in them would be told as that.
    let mut waits = true;
    loop {
        let stop = until.reached(sink.seen);
        let bytes: &[u8] = if waits { &[] } else { reader.fill_buf()? };
        let (count, end) = (bytes.len(), bytes.is_empty() && !waits);
        // At the end, too: where it knows of the end, it goes on with zeros, and may call damaged what is cut.
        let mut flags = TINFL_FLAG_HAS_MORE_INPUT;
        for (set, flag) in [
            (inflater.trailer.is_none(), TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32),
            (stop, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY),
            // So that nothing is copied from before the beginning.
            (inflater.first_round, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF),
        ] {
            flags |= if set { flag } else { 0 };
        }
        let (status, taken, given) = decompress(&mut inflater.decoder, bytes, &mut inflater.output, inflater.at, flags);
        reader.consume(taken);
        waits = taken == count && matches!(status, TINFLStatus::HasMoreOutput | TINFLStatus::BlockBoundary);
        let begin = inflater.at;
        inflater.at += given;
        let decoded = &inflater.output[begin..inflater.at];
        if let Some(trailer) = &mut inflater.trailer {
            trailer.add(decoded);
        }
        sink.push(decoded)?;
        match status {
            TINFLStatus::Done => return inflater.trailer.map_or(Ok(()), |trailer| trailer.compare(reader)).map(|()| None),
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
