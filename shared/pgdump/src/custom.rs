//! The data of a custom archive: blocks, one after the other, to the end of the file.

use crate::codec::{Codec, Decoders};
use crate::content::Content;
use crate::contents::{Contents, Entry, Kind, Place};
use crate::fields::integer;
use crate::finding::{Code, Finding};
use crate::header::Compression;
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
    pub(crate) report: &'a mut Report<'r>,
    /// The entry whose data is being read, by its place in the contents.
    pub(crate) current: Option<usize>,
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
            self.block(&mut found)?;
        }
        missing(self.contents, &found, self.input.position(), self.report);
        self.report.data_complete(self.contents);
        Ok(())
    }

    /// Reads one block, and notes that its entry has one.
    pub(crate) fn block(&mut self, found: &mut [bool]) -> Result<(), Finding> {
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
            return self.skip(kind);
        };
        let entry = &contents.entries[index];
        if (kind == LARGE_OBJECTS) != (entry.kind == Kind::LargeObjects) {
            let sentence = format!("the data block of {} is of another kind", entry.title());
            self.report.found(Finding::at(Code::BlockUnexpected, begin, sentence));
            return self.skip(kind);
        }
        if std::mem::replace(&mut found[index], true) {
            self.report.found(duplicate(entry, begin));
            return self.skip(kind);
        }
        self.current = Some(index);
        if let Place::At(offset) = entry.place
            && offset != begin
        {
            let sentence =
                format!("the data of {} is at byte {begin}, and the table of contents says {offset}", entry.title());
            self.report.found(Finding::at(Code::OffsetMismatch, begin, sentence));
        }
        let read = if kind == LARGE_OBJECTS { self.large_objects(entry) } else { self.rows(entry) };
        read.map_err(|mut finding| {
            finding.sentence += &format!(", in the data of {}", entry.title());
            finding
        })
    }

    fn rows(&mut self, entry: &Entry) -> Result<(), Finding> {
        let mut content = Content::new(entry.kind, self.contents.encoding);
        if self.stream(&mut content, &entry.title())? {
            self.report.data(entry, content.finish(), self.input.position(), None);
        }
        Ok(())
    }

    fn large_objects(&mut self, entry: &Entry) -> Result<(), Finding> {
        loop {
            // pg_dump writes the unsigned id as if it were signed.
            let id = integer(self.input, "a large object's id")?.cast_unsigned();
            if id == 0 {
                return Ok(());
            }
            let mut content = Content::new(entry.kind, self.contents.encoding);
            let sound = self.stream(&mut content, &format!("large object {id}"))?;
            self.report.large_object(id, sound.then(|| content.finish().bytes));
        }
    }

    /// Whether the stream could be decoded to its end. Where not, the blocks behind it are still read.
    fn stream(&mut self, content: &mut Content, title: &str) -> Result<bool, Finding> {
        let mut chunks = Chunks::new(self.input);
        let damage = self.decoders.run(self.codec, &mut chunks, content)?;
        chunks.drain()?;
        let sound = damage.is_none();
        if let Some(mut damage) = damage {
            damage.sentence = format!("{title}: {}", damage.sentence);
            self.report.found(damage);
        }
        Ok(sound)
    }

    fn skip(&mut self, kind: u8) -> Result<(), Finding> {
        if kind == ROWS {
            return Chunks::new(self.input).drain();
        }
        while integer(self.input, "a large object's id")? != 0 {
            Chunks::new(self.input).drain()?;
        }
        Ok(())
    }
}

/// One stream: pieces with their lengths before them, up to the length 0.
struct Chunks<'a, I> {
    input: &'a mut I,
    left: usize,
    ended: bool,
}

impl<'a, I: Input> Chunks<'a, I> {
    fn new(input: &'a mut I) -> Self {
        Self { input, left: 0, ended: false }
    }
}

impl<I: Input> Input for Chunks<'_, I> {
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

    fn position(&self) -> u64 {
        self.input.position()
    }
}
