//! The data of a custom archive: blocks, one after the other, to the end of the file.

mod chunks;

use serde::{Deserialize, Serialize};

use crate::codec::continued::{Decoding, Ran};
use crate::codec::{Codec, Decoders};
use crate::content::Content;
use crate::contents::{Contents, Entry, Kind, Place};
pub(crate) use crate::custom::chunks::Gathered;
use crate::custom::chunks::{Chunks, Stand};
use crate::encoding::Encoding;
use crate::fields::integer;
use crate::finding::{Code, Finding};
use crate::header::Compression;
use crate::pause::{Pause, Paused};
use crate::pieces::Sequence;
use crate::report::Report;
use crate::source::{Input, InputExt};

const ROWS: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

/// Reads every block.
pub(crate) struct Blocks<'a, 'r, I> {
    pub(crate) input: &'a mut I,
    pub(crate) contents: &'a Contents,
    pub(crate) codec: Codec,
    pub(crate) decoders: Decoders,
    pub(crate) gathered: Gathered,
    pub(crate) report: &'a mut Report<'r>,
    /// The entry whose data is being read, by its place in the contents.
    pub(crate) current: Option<usize>,
    /// When to stop, to be continued by somebody else.
    pub(crate) pause: Pause<'a>,
}

/// How a block stands that was not read to its end. It can be kept, to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenBlock {
    large_objects: bool,
    /// Whether it is nobody's: it belongs to no entry, or to one that had its block.
    skipped: bool,
    /// The large object that the stream is of.
    object: u32,
    /// `None`: between two large objects, or before the only stream.
    stream: Option<OpenStream>,
}

/// How a stream stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OpenStream {
    /// Bytes of its chunk that were not taken yet.
    left: u32,
    /// Whether that was its last chunk.
    ended: bool,
    progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Progress {
    Decoded(Box<Decoding>),
    /// Only its end is looked for, because it is damaged, which was told, or nobody's.
    PassedOver,
}

/// What came of a stream.
enum Stream {
    /// It was read to its end; what it held, where all of that could be decoded.
    Ended(Option<Content>),
    Paused {
        at: u64,
        stream: Option<OpenStream>,
    },
}

impl Stream {
    fn paused(stand: Stand, progress: Progress) -> Self {
        let Stand { position: at, left, ended } = stand;
        // A chunk's length is a positive 32-bit integer.
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        Self::Paused { at, stream: Some(OpenStream { left, ended, progress }) }
    }
}

impl OpenBlock {
    fn of(kind: u8) -> Self {
        Self { large_objects: kind == LARGE_OBJECTS, skipped: false, object: 0, stream: None }
    }

    fn skipped(kind: u8) -> Self {
        Self { skipped: true, ..Self::of(kind) }
    }

    /// Whether it tells what the data is: not while nothing was decoded, nor where it is passed over.
    pub(crate) fn holds_data(&self) -> bool {
        let progress = self.stream.as_ref().map(|stream| &stream.progress);
        matches!(progress, Some(Progress::Decoded(decoding)) if !decoding.is_beginning())
    }

    /// Whether it can be of this entry, of which damage was told or not, or of none: what was kept elsewhere may be anything.
    pub(crate) fn is_sane(&self, entry: Option<&Entry>, told: bool, codec: Codec, encoding: Encoding) -> bool {
        let entry = match (self.skipped, entry) {
            (true, None) => None,
            (false, Some(entry)) if (entry.kind == Kind::LargeObjects) == self.large_objects => Some(entry),
            _ => return false,
        };
        self.stream.as_ref().is_none_or(|stream| {
            let progress = match (&stream.progress, entry) {
                (Progress::Decoded(decoding), Some(entry)) => {
                    decoding.is_sane(codec) && decoding.content.is_sane(entry.kind, encoding)
                }
                (Progress::Decoded(_), None) => false,
                // What belongs to an entry is only passed over because of damage.
                (Progress::PassedOver, entry) => told || entry.is_none(),
            };
            progress && i32::try_from(stream.left).is_ok() && !(stream.ended && stream.left > 0)
        })
    }
}

impl OpenStream {
    fn new(entry: Option<&Entry>, encoding: Encoding) -> Self {
        let progress = match entry {
            Some(entry) => Progress::Decoded(Box::new(Decoding::of(Content::new(entry.kind, encoding)))),
            None => Progress::PassedOver,
        };
        Self { left: 0, ended: false, progress }
    }
}

/// The codec of a custom archive's streams.
pub(crate) fn codec(compression: Compression) -> Codec {
    match compression {
        Compression::None => Codec::None,
        Compression::Gzip => Codec::Zlib,
        Compression::Lz4 => Codec::Lz4,
        Compression::Zstd => Codec::Zstd,
    }
}

/// Tells of entries that have no block, at the end of the file.
pub(crate) fn missing(contents: &Contents, found: &[bool], end: u64, report: &mut Report<'_>) {
    for (entry, _) in contents.entries.iter().zip(found).filter(|(_, found)| !**found) {
        let sentence = format!("{} has no data block (entry {})", entry.title(), entry.id);
        report.found(Finding::at(Code::BlockMissing, end, sentence));
    }
}

/// An entry has one more block, which begins here.
pub(crate) fn duplicate(entry: &Entry, begin: u64) -> Finding {
    let sentence = format!("{} has a second data block (entry {})", entry.title(), entry.id);
    Finding::at(Code::BlockDuplicate, begin, sentence)
}

impl<I: Input> Blocks<'_, '_, I> {
    pub(crate) fn read(mut self) -> Result<(), Finding> {
        let mut found = vec![false; self.contents.entries.len()];
        while !self.input.at_end()? {
            self.next(&mut found)?;
        }
        missing(self.contents, &found, self.input.position(), self.report);
        self.report.data_complete(self.contents);
        Ok(())
    }

    fn rows(&mut self, entry: Option<&Entry>, open: OpenBlock) -> Result<Option<Paused<OpenBlock>>, Finding> {
        let title = || entry.map(Entry::title).unwrap_or_default();
        match self.stream(open.stream, entry, title)? {
            Stream::Ended(content) => {
                if let (Some(entry), Some(content)) = (entry, content) {
                    self.report.data(entry, content.finish(), self.input.position(), None);
                }
                Ok(None)
            }
            Stream::Paused { at, stream } => Ok(Some(Paused { at, open: OpenBlock { stream, ..open } })),
        }
    }

    fn large_objects(&mut self, entry: Option<&Entry>, mut open: OpenBlock) -> Result<Option<Paused<OpenBlock>>, Finding> {
        loop {
            if open.stream.is_none() {
                let at = self.input.position();
                if self.pause.at(at) {
                    return Ok(Some(Paused { at, open }));
                }
                // pg_dump writes the unsigned id as if it were signed.
                open.object = integer(self.input, "a large object's id")?.cast_unsigned();
                if open.object == 0 {
                    return Ok(None);
                }
            }
            let id = open.object;
            match self.stream(open.stream.take(), entry, || format!("large object {id}"))? {
                Stream::Ended(content) if entry.is_some() => {
                    self.report.large_object(id, content.map(|content| content.finish().bytes));
                }
                Stream::Ended(_) => {}
                Stream::Paused { at, stream } => return Ok(Some(Paused { at, open: OpenBlock { stream, ..open } })),
            }
        }
    }

    /// Reads a stream to its end; its content, where it could be decoded. Where not, or where it belongs to no entry, it is passed over.
    fn stream(
        &mut self,
        open: Option<OpenStream>,
        entry: Option<&Entry>,
        title: impl FnOnce() -> String,
    ) -> Result<Stream, Finding> {
        let (begin, encoding) = (self.input.position(), self.contents.encoding);
        let new = || OpenStream::new(entry, encoding);
        let OpenStream { left, ended, progress } = open.unwrap_or_else(new);
        let mut chunks = Chunks::new(self.input, left as usize, ended, &mut self.gathered);
        let content = match progress {
            Progress::PassedOver => None,
            Progress::Decoded(decoding) => match self.decoders.run_on(self.codec, &mut chunks, *decoding, self.pause)? {
                Ran::Ended(None, content) => Some(content),
                Ran::Ended(Some(mut damage), _) => {
                    // At once: whoever looks for the end may not come to it.
                    damage.sentence = format!("{}: {}", title(), damage.sentence);
                    self.report.found(damage);
                    None
                }
                Ran::Paused(decoding) => return Ok(Stream::paused(chunks.stand(), Progress::Decoded(decoding))),
                Ran::Stopped => return Ok(Stream::Paused { at: begin, stream: Some(new()) }),
            },
        };
        loop {
            let count = chunks.fill()?.len();
            if count == 0 {
                break;
            }
            if content.is_none() && self.pause.at(chunks.position()) {
                return Ok(Stream::paused(chunks.stand(), Progress::PassedOver));
            }
            chunks.consume(count);
        }
        Ok(Stream::Ended(content))
    }
}

impl<'r, I: Input> Sequence<'r> for Blocks<'_, 'r, I> {
    type Open = OpenBlock;

    fn at_end(&mut self) -> Result<bool, Finding> {
        self.input.at_end()
    }

    fn position(&self) -> u64 {
        self.input.position()
    }

    fn pauses_at(&self, position: u64) -> bool {
        self.pause.at(position)
    }

    fn report(&mut self) -> &mut Report<'r> {
        self.report
    }

    fn current(&self) -> Option<usize> {
        self.current
    }

    fn listed(&mut self) -> Vec<u32> {
        Vec::new()
    }

    fn next(&mut self, found: &mut [bool]) -> Result<Option<Paused<OpenBlock>>, Finding> {
        self.current = None;
        let begin = self.input.position();
        let kind = self.input.byte("a data block")?;
        let id = integer(self.input, "a data block's entry id")?;
        if !matches!(kind, ROWS | LARGE_OBJECTS) {
            // Nothing says where the next block begins.
            let sentence = format!("a data block has the unknown type {kind}; what follows cannot be read");
            return Err(Finding::at(Code::BlockTypeUnknown, begin, sentence));
        }
        let contents = self.contents;
        let index = contents.entries.binary_search_by_key(&id, |entry| entry.id);
        let Ok(index) = index else {
            let sentence =
                format!("a data block belongs to entry {id}, which is not in the table of contents or has no data");
            self.report.found(Finding::at(Code::BlockUnexpected, begin, sentence));
            return self.read_on(OpenBlock::skipped(kind));
        };
        let entry = &contents.entries[index];
        if (kind == LARGE_OBJECTS) != (entry.kind == Kind::LargeObjects) {
            let sentence = format!("the data block of {} is of another kind", entry.title());
            self.report.found(Finding::at(Code::BlockUnexpected, begin, sentence));
            return self.read_on(OpenBlock::skipped(kind));
        }
        if std::mem::replace(&mut found[index], true) {
            self.report.found(duplicate(entry, begin));
            return self.read_on(OpenBlock::skipped(kind));
        }
        self.current = Some(index);
        if let Place::At(offset) = entry.place
            && offset != begin
        {
            let sentence =
                format!("the data of {} is at byte {begin}, and the table of contents says {offset}", entry.title());
            self.report.found(Finding::at(Code::OffsetMismatch, begin, sentence));
        }
        self.read_on(OpenBlock::of(kind))
    }

    fn read_on(&mut self, open: OpenBlock) -> Result<Option<Paused<OpenBlock>>, Finding> {
        let contents = self.contents;
        let entry = self.current.filter(|_| !open.skipped).and_then(|index| contents.entries.get(index));
        let read = if open.large_objects { self.large_objects(entry, open) } else { self.rows(entry, open) };
        read.map_err(|mut finding| {
            if let Some(entry) = entry {
                finding.sentence += &format!(", in the data of {}", entry.title());
            }
            finding
        })
    }
}
