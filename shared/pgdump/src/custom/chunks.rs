//! One stream of a custom archive: chunks with their lengths before them, up to the length 0.

use crate::codec::Codec;
use crate::fields::integer;
use crate::finding::{Code, Finding};
use crate::pause::Pause;
use crate::source::Input;

/// As much is gathered for zlib before it is called: each call ends with a copy into its window, of up to 32 KiB, and a chunk of pg_dump's
/// has 4 KiB.
const GATHERED: usize = 64 << 10;
/// Of smaller chunks so many at once, so that what is known of each takes no room to speak of.
const MOST_CHUNKS: usize = 256;

/// A stream, the chunks of which are looked at one by one, or several gathered together.
///
/// Either way the same is found at the same bytes: where it stands is told by what was consumed, and what ends the gathering counts only
/// when all of that was.
pub(super) struct Chunks<'a, I> {
    chunks: Single<'a, I>,
    gathered: &'a mut Gathered,
}

/// Bytes that were taken and are not consumed yet: memory that is used for one stream after the other.
#[derive(Default)]
pub(crate) struct Gathered {
    /// Empty where nothing is gathered.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The places that were passed in taking them: what lies between two is of one chunk.
    passed: Vec<Passed>,
    /// What kept from taking more.
    failure: Option<Finding>,
}

/// Where the input stood when so much had been taken.
struct Passed {
    end: usize,
    stand: Stand,
}

/// Where a stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stand {
    /// Bytes of the file up to there.
    pub(super) position: u64,
    /// Bytes of the chunk that were not consumed yet.
    pub(super) left: usize,
    /// Whether that was the last chunk.
    pub(super) ended: bool,
}

impl Gathered {
    /// The memory for such streams.
    ///
    /// None where a decoder may stop to be continued: its state is sealed with the bytes that the input stands at.
    pub(crate) fn of(codec: Codec, pause: Pause<'_>) -> Self {
        let bytes = if codec == Codec::Zlib && !pause.continues { GATHERED } else { 0 };
        Self { buffer: vec![0; bytes].into_boxed_slice(), ..Self::default() }
    }

    fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
        self.passed.clear();
    }

    /// Takes chunks until there are enough, or something keeps from it.
    fn take(&mut self, chunks: &mut Single<'_, impl Input>) {
        while self.end < self.buffer.len() && self.passed.len() < MOST_CHUNKS {
            let bytes = match chunks.fill() {
                Ok([]) => break,
                Ok(bytes) => bytes,
                Err(failure) => {
                    self.failure = Some(failure);
                    break;
                }
            };
            let count = bytes.len().min(self.buffer.len() - self.end);
            self.buffer[self.end..self.end + count].copy_from_slice(&bytes[..count]);
            chunks.consume(count);
            self.end += count;
            self.passed.push(Passed { end: self.end, stand: chunks.stand() });
        }
    }

    /// Where the stream stands by what was consumed of them; `None`: where the input stands.
    fn stand(&self) -> Option<Stand> {
        let at = self.passed.partition_point(|passed| passed.end < self.start);
        let Passed { end, stand } = self.passed.get(at)?;
        let back = end - self.start;
        Some(Stand { position: stand.position - back as u64, left: stand.left + back, ..*stand })
    }
}

impl<'a, I: Input> Chunks<'a, I> {
    /// A stream that stands like that, from where the input is.
    pub(super) fn new(input: &'a mut I, left: usize, ended: bool, gathered: &'a mut Gathered) -> Self {
        gathered.clear();
        gathered.failure = None;
        Self { chunks: Single { input, left, ended }, gathered }
    }

    pub(super) fn stand(&self) -> Stand {
        self.gathered.stand().unwrap_or_else(|| self.chunks.stand())
    }
}

impl<I: Input> Input for Chunks<'_, I> {
    fn fill(&mut self) -> Result<&[u8], Finding> {
        let Self { chunks, gathered } = self;
        if gathered.buffer.is_empty() {
            return chunks.fill();
        }
        if gathered.start == gathered.end {
            gathered.clear();
            if gathered.failure.is_none() {
                gathered.take(chunks);
            }
        }
        let bytes = &gathered.buffer[gathered.start..gathered.end];
        match gathered.failure.take_if(|_| bytes.is_empty()) {
            Some(failure) => Err(failure),
            None => Ok(bytes),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.gathered.buffer.is_empty() {
            return self.chunks.consume(count);
        }
        self.gathered.start = self.gathered.end.min(self.gathered.start + count);
    }

    fn position(&self) -> u64 {
        self.stand().position
    }
}

/// Chunks, one after the other.
struct Single<'a, I> {
    input: &'a mut I,
    left: usize,
    ended: bool,
}

impl<I: Input> Single<'_, I> {
    fn stand(&self) -> Stand {
        Stand { position: self.input.position(), left: self.left, ended: self.ended }
    }

    fn fill(&mut self) -> Result<&[u8], Finding> {
        if self.left == 0 && !self.ended {
            let length = integer(self.input, "a chunk's length")?;
            self.left = usize::try_from(length).map_err(|_| {
                let position = self.input.position();
                Finding::at(Code::ChunkInvalid, position, format!("a chunk has the length {length}"))
            })?;
            self.ended = length == 0;
        }
        if self.ended {
            return Ok(&[]);
        }
        let (position, left) = (self.input.position(), self.left);
        let bytes = self.input.fill()?;
        if bytes.is_empty() {
            return Err(Finding::at(
                Code::Truncated,
                position,
                format!("the file ends {left} bytes before the end of a chunk"),
            ));
        }
        Ok(&bytes[..bytes.len().min(left)])
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::source::Source;

    fn gathered(bytes: usize) -> Gathered {
        Gathered { buffer: vec![0; bytes].into_boxed_slice(), ..Gathered::default() }
    }

    /// A stream as it stands in a file, and what follows it.
    fn written(chunks: &[Vec<u8>]) -> Vec<u8> {
        let chunk = |bytes: &Vec<u8>| [&[0], (bytes.len() as u32).to_le_bytes().as_slice(), bytes].concat();
        chunks.iter().chain([&Vec::new()]).flat_map(chunk).chain(*b"next").collect()
    }

    /// Gives a few bytes at a time, and fails behind the last.
    struct Failing<'a> {
        bytes: &'a [u8],
        most: usize,
    }

    impl Read for Failing<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.bytes.is_empty() {
                return Err(io::Error::other("the connection was reset"));
            }
            let most = out.len().min(self.most);
            self.bytes.read(&mut out[..most])
        }
    }

    /// What comes of both: as much as the gathered chunks show at once is consumed of the others one by one.
    fn compare(one_by_one: impl Read, together: impl Read, left: usize, room: usize, consumed: &[usize]) {
        let (mut one_by_one, mut together) = (Source::new(one_by_one, false), Source::new(together, false));
        let (mut none, mut some) = (Gathered::default(), gathered(room));
        let mut one_by_one = Chunks::new(&mut one_by_one, left, false, &mut none);
        let mut together = Chunks::new(&mut together, left, false, &mut some);
        for most in consumed.iter().cycle() {
            let bytes = match together.fill() {
                Ok(bytes) if !bytes.is_empty() => bytes[..bytes.len().min(*most)].to_vec(),
                end => {
                    assert_eq!(end.map(<[u8]>::len), one_by_one.fill().map(<[u8]>::len));
                    return assert_eq!(together.stand(), one_by_one.stand());
                }
            };
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let next = one_by_one.fill().unwrap();
                let count = next.len().min(rest.len());
                assert!(count > 0, "one has come to the end");
                assert_eq!(next[..count], rest[..count]);
                one_by_one.consume(count);
                rest = &rest[count..];
            }
            together.consume(bytes.len());
            assert_eq!(together.stand(), one_by_one.stand());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn chunks_that_are_gathered_are_the_same_as_one_by_one(
            chunks in vec(vec(any::<u8>(), 1..20), 0..12),
            before in vec(any::<u8>(), 0..20),
            damage in prop::option::of((any::<Index>(), any::<u8>())),
            kept in prop::option::of(any::<Index>()),
            room in 1..50_usize,
            most in (1..30_usize, 1..30_usize),
            consumed in vec(1..40_usize, 1..10),
        ) {
            // The rest of a chunk that somebody else began.
            let left = before.len();
            let mut file = [before, written(&chunks)].concat();
            if let Some((at, byte)) = damage {
                *at.get_mut(&mut file) = byte;
            }
            if let Some(kept) = kept {
                file.truncate(kept.index(file.len() + 1));
            }
            compare(file.as_slice(), file.as_slice(), left, room, &consumed);
            let failing = |most| Failing { bytes: &file, most };
            compare(failing(most.0), failing(most.1), left, room, &consumed);
        }
    }

    #[test]
    fn what_keeps_from_gathering_counts_behind_what_was_gathered() {
        let file = [&written(&[b"sound".to_vec()])[..10], &[1, 7, 0, 0, 0]].concat();
        let mut source = Source::new(file.as_slice(), false);
        let mut memory = gathered(100);
        let mut chunks = Chunks::new(&mut source, 0, false, &mut memory);
        assert_eq!(chunks.fill(), Ok(b"sound".as_slice()));
        chunks.consume(5);
        assert_eq!(chunks.position(), 10);
        assert_eq!(chunks.fill().map_err(|finding| finding.code), Err(Code::ChunkInvalid));
    }

    #[test]
    fn nothing_of_a_stream_is_left_for_the_next_one() {
        let file = [written(&[b"first".to_vec()]), written(&[b"second".to_vec()])].concat();
        let mut memory = gathered(100);
        for stream in [&file[..10], &file[..7], &file[19..]] {
            let mut source = Source::new(stream, false);
            let mut chunks = Chunks::new(&mut source, 0, false, &mut memory);
            assert_eq!(chunks.fill().map(<[u8]>::len), Ok(stream.len().min(11) - 5));
        }
    }
}
