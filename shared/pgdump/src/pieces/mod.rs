//! An archive that is one file, read in pieces by several readers that know nothing of each other.
//!
//! What makes this sound is that nothing rests on the offsets of the table of contents being true. They only say where pieces *begin*.
//! A reader goes on from block to block until it stands exactly where another piece begins, or at the end of the file, and says where
//! that is. Put together, the pieces are a chain from the table of contents to the last byte: each one counts only if the one before
//! it ended where it begins. So the chain is the very sequence of blocks that a single reading meets, whatever the offsets say, and
//! a piece that began where no block does is never believed. Bytes that no piece of the chain has read are told, never passed over.
//!
//! Where there are no offsets, as in any tar archive, there is one piece, and one that is too large for a reader is continued by others: see
//! [`Course`].
//!
//! Checksums are apart from this: every piece also sums the bytes between its own beginning and the next one's, whatever is in them,
//! and CRC-64/NVME of the whole follows from those of its parts. SHA-256 does not, so it is not compared, and the verdict says so.
//!
//! An archive that is encrypted and opened is divided as what it holds is, and every byte of a piece is one of that. Its file is summed
//! apart. See [`crate::View`].

mod blocks;
mod combine;
mod course;
mod directory;
mod opened;
mod piece;
mod sealed;
mod summing;

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::contents::{Contents, Place};
use crate::digest::Sha256Value;
use crate::encryption::Scheme;
use crate::finding::Finding;
use crate::header::{Compression, Header};
use crate::level::Level;
use crate::limits::Limits;
use crate::options::Options;
use crate::report::Report;
use crate::source::{Input, Source};
use crate::verdict::Verdict;
use crate::verify::{begins_archive, head, verify};

use opened::{Noted, Opened};

pub(crate) use blocks::Sequence;
pub use combine::{Combined, combine};
pub use course::Course;
pub use directory::{
    CombinedDirectory, DirectoryCourse, DirectoryDivision, DirectoryPiece, FileSizes, ListedFile, ListedFiles,
    combine_directory,
};
pub use piece::Piece;

/// How large pieces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PieceSizes {
    /// Bytes of one. An entry is never divided, so a piece with a larger one is larger.
    pub bytes: u64,
    /// The most pieces there are; of a larger archive they are larger.
    pub most: u32,
}

/// How an archive is divided. The same archive, sizes, level, limits and keys give the same division anywhere.
pub struct Division {
    /// Of the file; where it is encrypted and its pieces are decoded, of what it holds.
    bytes: u64,
    /// Where pieces begin, ascending; the first where the data does. Before it lies what the first piece sums and does not decode.
    edges: Vec<u64>,
    how: How,
}

enum How {
    /// At blocks, to decode them.
    Entries(Box<Known>),
    /// Anywhere, only to sum them; why, where their content was to be decoded.
    Ranges { why: Option<&'static str> },
}

/// What readers of pieces have to know.
struct Known {
    header: Header,
    contents: Contents,
    limits: Limits,
    /// Bytes of the longest block, where offsets say where each begins.
    longest: Option<u64>,
    /// Of all that the beginning tells. Part of the key of what is handed on.
    digest: Sha256Value,
    /// What it is read through, where it is encrypted.
    opened: Option<Opened>,
}

/// What the beginning of an archive tells.
enum Beginning<'a> {
    /// All up to the data, which is decoded in pieces.
    Head(Box<Report<'a>>),
    /// What there is to say of an archive that is only summed.
    Listing(Box<Verdict>),
}

const NOT_DECODED: &str =
    "an encrypted archive that does not open, or one that is none of pg_dump's, is not decoded in pieces";
const NO_CONTENTS: &str = "its table of contents could not be read, so nothing says where its data begins";

impl Division {
    /// Divides an archive whose file has so many bytes, of which this reads the beginning, no further than the table of contents.
    pub fn of(reader: impl Read, bytes: u64, sizes: PieceSizes, options: &Options<'_>) -> Self {
        divide(reader, bytes, sizes, options).0
    }

    fn of_ranges(why: Option<&'static str>, bytes: u64, sizes: PieceSizes) -> Self {
        let length = sizes.bytes.max(1).max(bytes.div_ceil(u64::from(sizes.most.max(1))));
        let mut edges = vec![0];
        while let Some(next) = edges.last().and_then(|last: &u64| last.checked_add(length)).filter(|next| *next < bytes) {
            edges.push(next);
        }
        Self { bytes, edges, how: How::Ranges { why } }
    }

    /// How many pieces there are, at least one.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.edges.len()
    }

    /// Whether the pieces decode what they read.
    #[must_use]
    pub fn decodes(&self) -> bool {
        matches!(self.how, How::Entries(_))
    }

    /// Whether it is encrypted, and its pieces are of what it holds.
    #[must_use]
    pub fn is_opened(&self) -> bool {
        self.opened().is_some()
    }

    fn opened(&self) -> Option<&Opened> {
        match &self.how {
            How::Entries(known) => known.opened.as_ref(),
            How::Ranges { .. } => None,
        }
    }

    /// Why nothing is decoded although that was asked for.
    #[must_use]
    pub fn why_not_decoded(&self) -> Option<&'static str> {
        match self.how {
            How::Ranges { why } => why,
            How::Entries(_) => None,
        }
    }

    /// Entries with data, where they are decoded. What is said of a piece grows with them.
    #[must_use]
    pub fn entries(&self) -> usize {
        match &self.how {
            How::Entries(known) => known.contents.entries.len(),
            How::Ranges { .. } => 0,
        }
    }

    /// The bytes of a piece. Whoever reads it may have to read on behind its end where an offset is wrong.
    #[must_use]
    pub fn range(&self, piece: usize) -> Option<Range<u64>> {
        let begin = *self.edges.get(piece)?;
        Some(if piece == 0 { 0 } else { begin }..self.edges.get(piece + 1).copied().unwrap_or(self.bytes))
    }

    /// The bytes of the file that belong to a piece, where it is encrypted.
    fn encrypted_range(&self, piece: usize) -> Option<Range<u64>> {
        let (opened, range) = (self.opened()?, self.range(piece)?);
        let end = if range.end == self.bytes { opened.file } else { opened.begins_at(range.end) };
        Some(opened.begins_at(range.start)..end)
    }

    /// The byte of the file with which the next reader begins.
    #[must_use]
    pub fn begins_at(&self, course: &Course) -> u64 {
        let content = course.content_from();
        let file = || self.opened().map_or(content, |opened| opened.begins_at(content));
        course.file_from().unwrap_or_else(file)
    }

    /// The bytes of the largest piece.
    #[must_use]
    pub fn largest(&self) -> u64 {
        let ranges = (0..self.pieces()).filter_map(|piece| self.range(piece));
        ranges.map(|range| range.end.saturating_sub(range.start)).max().unwrap_or_default()
    }

    /// The most bytes that one reader has to read at once, as far as offsets say: those of a block that nobody can continue.
    #[must_use]
    pub fn undivided(&self) -> u64 {
        match &self.how {
            How::Entries(known) if known.header.compression == Compression::Zstd => known.longest.unwrap_or_default(),
            How::Entries(_) | How::Ranges { .. } => 0,
        }
    }

    /// Reads one piece. `reader` has the bytes of the file from [`Division::begins_at`] to its end.
    #[must_use]
    pub fn read(&self, piece: usize, reader: impl Read) -> Option<Piece> {
        self.read_on(piece, self.course(piece)?, reader, None)?.finish().ok()
    }
}

/// Divides, and says what the beginning told.
fn divide<'a>(mut reader: impl Read, bytes: u64, sizes: PieceSizes, options: &'a Options<'_>) -> (Division, Beginning<'a>) {
    let mut beginning = Vec::with_capacity(Scheme::BEGINNING);
    let failed = reader.by_ref().take(Scheme::BEGINNING as u64).read_to_end(&mut beginning).err();
    let (archive, scheme) = (begins_archive(&beginning), Scheme::of(&beginning));
    // What failed once is told by whoever reads on.
    let mut reader = Noted::new(beginning, failed.map_or_else(|| Rest::More(reader), Rest::Failed));
    if !options.decodes() {
        return (Division::of_ranges(None, bytes, sizes), listing(reader.again(), options));
    }
    let opened = scheme.and_then(|scheme| Opened::of(&mut reader, bytes, scheme, options));
    if archive || opened.is_some() {
        return divide_archive(reader.again(), opened, bytes, sizes, options);
    }
    (Division::of_ranges(Some(NOT_DECODED), bytes, sizes), listing(reader.again(), options))
}

fn divide_archive<'a>(
    reader: impl Read,
    opened: Option<Opened>,
    bytes: u64,
    sizes: PieceSizes,
    options: &'a Options<'_>,
) -> (Division, Beginning<'a>) {
    let mut report = Box::new(Report::new(options));
    let head = match &opened {
        None => {
            crate::verify::not_encrypted(&mut report);
            head_of(reader, &mut report)
        }
        Some(opened) => {
            report.encrypted(opened.scheme);
            report.opened();
            head_of(opened.read(reader, 0), &mut report)
        }
    };
    let (header, contents, begin) = match head {
        Ok(head) => head,
        Err(finding) => {
            report.found(finding);
            return (Division::of_ranges(Some(NO_CONTENTS), bytes, sizes), Beginning::Listing(Box::new(apart(report))));
        }
    };
    let bytes = opened.as_ref().map_or(bytes, |opened| opened.view.bytes());
    let offsets = offsets(&contents);
    let longest = (offsets.len() == contents.entries.len()).then(|| longest(offsets.clone(), bytes));
    let edges = edges_at(offsets, begin, bytes, sizes);
    let digest = Sha256Value(Sha256::digest(format!("{bytes} {header:?} {contents:?}")).into());
    let how = How::Entries(Box::new(Known { header, contents, limits: options.limits.clone(), longest, digest, opened }));
    (Division { bytes, edges, how }, Beginning::Head(report))
}

/// All up to the data, and where that begins.
fn head_of(reader: impl Read, report: &mut Report<'_>) -> Result<(Header, Contents, u64), Finding> {
    let mut source = Source::new(reader, false);
    let (header, contents) = head(&mut source, report)?;
    Ok((header, contents, source.position()))
}

/// The verdict without a comparison of bytes, which is made of their sum.
fn apart(mut report: Box<Report<'_>>) -> Verdict {
    report.compares_no_bytes();
    report.finish()
}

/// Tells what the archive is, and compares nothing.
fn listing<'a>(reader: impl Read, options: &Options<'_>) -> Beginning<'a> {
    let level = Level::Listed.min(options.level);
    Beginning::Listing(Box::new(verify(reader, &Options { level, previous: None, fingerprints: false, ..options.clone() })))
}

/// Where blocks begin, as far as the table of contents says. It says nothing in a tar archive, and where pg_dump wrote into a pipe.
fn offsets(contents: &Contents) -> Vec<u64> {
    let offset = |place: &Place| match place {
        Place::At(offset) => Some(*offset),
        Place::Somewhere | Place::File(_) => None,
    };
    contents.entries.iter().filter_map(|entry| offset(&entry.place)).collect()
}

/// The most bytes from one offset to the next, or to the end.
fn longest(mut offsets: Vec<u64>, bytes: u64) -> u64 {
    offsets.sort_unstable();
    let ends = offsets.iter().copied().skip(1).chain([bytes]);
    offsets.iter().zip(ends).map(|(begin, end)| end.saturating_sub(*begin)).max().unwrap_or_default()
}

/// Offsets at which pieces begin: as few as make pieces of that size.
fn edges_at(mut offsets: Vec<u64>, begin: u64, bytes: u64, sizes: PieceSizes) -> Vec<u64> {
    // Two neighbours have more than this together, so there are at most twice as many as it goes into the whole.
    let length = sizes.bytes.max(1).max((2 * (bytes / u64::from(sizes.most.max(1)))).saturating_add(1));
    offsets.retain(|offset| *offset > begin && *offset < bytes);
    offsets.sort_unstable();
    offsets.dedup();
    let mut edges = vec![begin];
    let mut open = begin;
    let ends = offsets.iter().copied().skip(1).chain([bytes]);
    for (offset, end) in offsets.iter().zip(ends) {
        if end.saturating_sub(open) > length {
            edges.push(*offset);
            open = *offset;
        }
    }
    edges
}

/// What follows the first bytes.
enum Rest<R> {
    More(R),
    Failed(io::Error),
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::More(reader) => reader.read(out),
            Self::Failed(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }
    }
}

impl fmt::Debug for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Division").field("bytes", &self.bytes).field("edges", &self.edges).finish_non_exhaustive()
    }
}
