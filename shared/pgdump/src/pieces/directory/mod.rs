//! A directory, read in pieces: each is some of its files, read whole.
//!
//! What a file holds depends on nothing but the table of contents, which every reader reads again, so nothing has to be chained as in an
//! archive that is one file. Whoever puts the pieces together goes through the directory exactly as one reading does - the names, the lists
//! of large objects, what is missing, left over or there twice - and only where that would open a file of data, a piece is asked what
//! came of it. So both ways cannot come to different verdicts, but for what no piece tells, which is told as not checked.
//!
//! A file belongs to one piece, so its SHA-256 is compared with the manifest there, and only a difference travels.
//!
//! A file that is more than one reader can read is continued by others, and so is a piece: see [`DirectoryCourse`].
//!
//! Every division has a stamp: a digest of the files as they were listed, of how they are divided, and of the manifest. What a piece says
//! counts only under the stamp of whoever puts it together, so a directory that changed meanwhile is never put together from two.

mod combine;
mod course;
mod file;
mod piece;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::codec::Codec;
use crate::contents::{Contents, Kind};
use crate::digest::Sha256Value;
use crate::directory::{belongs, files_of, stem};
use crate::files::Files;
use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::named_files::{file_of, large_object_file, large_object_of};
use crate::options::Options;
use crate::pieces::PieceSizes;
use crate::report::Report;
use crate::verify::{DirectoryHead, directory_head};

pub use combine::{CombinedDirectory, combine_directory};
pub use course::DirectoryCourse;
pub use piece::DirectoryPiece;

/// A file as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its name, without the directory or prefix.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What changes with its content, such as the ETag of an object.
    pub tag: String,
}

/// The files of a directory as they were listed, and where they are opened.
#[derive(Clone, Copy)]
pub struct ListedFiles<'a> {
    /// Opens them. Its own list of names is not asked for: it may be another by then.
    pub files: &'a dyn Files,
    /// All of them, in any order.
    pub listed: &'a [ListedFile],
}

impl Files for ListedFiles<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.listed.iter().map(|file| file.name.clone()).collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        self.files.open(name)
    }

    fn open_at(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>> {
        self.files.open_at(name, from)
    }

    fn announce(&self, names: Vec<String>) {
        self.files.announce(names);
    }
}

impl fmt::Debug for ListedFiles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedFiles").field("listed", &self.listed.len()).finish_non_exhaustive()
    }
}

/// How large pieces of a directory are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileSizes {
    /// Bytes of one and the most of them. A file is in one piece, so a piece with a larger one is larger.
    pub pieces: PieceSizes,
    /// What opening a file costs, in bytes that are read in the same time: of many small files, there are fewer in a piece.
    pub opening: u64,
}

/// How a directory is divided. The same listing, table of contents, manifest, sizes, level and limits give the same division anywhere.
pub struct DirectoryDivision<'a> {
    source: ListedFiles<'a>,
    options: Options<'a>,
    /// What the files of the parts belong to, where they are decoded.
    contents: Option<Contents>,
    parts: Vec<Part>,
    /// Where pieces begin among the parts, and where the last one ends.
    edges: Vec<usize>,
    largest: u64,
    stamp: Sha256Value,
}

/// A file that a piece reads.
struct Part {
    name: String,
    bytes: u64,
    what: What,
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// The data of the entry at this place.
    Entry(usize, Codec, Kind),
    /// A large object.
    Object(u32, Codec),
    /// Whatever it holds, only its checksums are compared.
    Bytes,
}

impl<'a> DirectoryDivision<'a> {
    /// Divides a directory, of which this reads the table of contents.
    #[must_use]
    pub fn of(source: ListedFiles<'a>, sizes: FileSizes, options: &Options<'a>) -> Self {
        let mut report = Report::new(options);
        let (mut division, head) = divide(&source, sizes, options, &mut report);
        division.contents = head.ok().and_then(|head| head.contents.ok()).map(|(_, contents)| contents);
        division
    }

    /// How many pieces there are. None where there is nothing to read but the table of contents, or that cannot be read: whoever reads the
    /// directory at once sees that, too.
    #[must_use]
    pub fn pieces(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }

    /// Tables that are decoded. What is said of pieces grows with them.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.parts.iter().filter(|part| matches!(part.what, What::Entry(..))).count()
    }

    /// What the largest piece costs, in bytes, the opening of its files included.
    #[must_use]
    pub fn largest(&self) -> u64 {
        self.largest
    }

    /// Another one whenever anything changed that a piece is read from.
    #[must_use]
    pub fn stamp(&self) -> Sha256Value {
        self.stamp
    }

    /// The bytes of the longest file that nobody can continue.
    #[must_use]
    pub fn undivided(&self) -> u64 {
        let zstd = |part: &&Part| matches!(part.what, What::Entry(_, Codec::Zstd, _) | What::Object(_, Codec::Zstd));
        self.parts.iter().filter(zstd).map(|part| part.bytes).max().unwrap_or_default()
    }

    fn range(&self, piece: usize) -> Option<Range<usize>> {
        Some(*self.edges.get(piece)?..*self.edges.get(piece + 1)?)
    }
}

type Head<'s> = Result<DirectoryHead<'s>, Finding>;

/// Divides, and says what is known by then.
fn divide<'a, 's>(
    source: &'s ListedFiles<'a>,
    sizes: FileSizes,
    options: &Options<'a>,
    report: &mut Report<'_>,
) -> (DirectoryDivision<'a>, Head<'s>) {
    let head = directory_head(source, report);
    let parts = head.as_ref().map(|head| parts(head, source.listed, options)).unwrap_or_default();
    let costs: Vec<u64> = parts.iter().map(|part| part.bytes.saturating_add(sizes.opening)).collect();
    let edges = edges_at(&costs, sizes.pieces);
    let sum = |costs: &[u64]| costs.iter().fold(0, |sum: u64, cost| sum.saturating_add(*cost));
    let largest = edges.windows(2).filter_map(|pair| Some(sum(costs.get(pair[0]..pair[1])?))).max().unwrap_or_default();
    let stamp = stamp(source.listed, &parts, &edges, options);
    let (source, options) = (*source, options.clone());
    (DirectoryDivision { source, options, contents: None, parts, edges, largest, stamp }, head)
}

/// The files that pieces read: all that one reading may read behind the table of contents, but for the lists of large objects.
fn parts(head: &DirectoryHead<'_>, listed: &[ListedFile], options: &Options<'_>) -> Vec<Part> {
    let sizes: BTreeMap<&str, u64> = listed.iter().map(|file| (file.name.as_str(), file.bytes)).collect();
    let part = |name: String, what: What| {
        let bytes = sizes.get(name.as_str()).copied().unwrap_or_default();
        Part { name, bytes, what }
    };
    let mut parts = Vec::new();
    match &head.contents {
        Ok((header, contents)) if options.decodes() => {
            if files_of(contents, header.version).is_err() {
                return parts;
            }
            let mut listing = head.listing.clone();
            let (objects, tables): (Vec<_>, Vec<_>) =
                contents.entries.iter().enumerate().partition(|(_, entry)| entry.kind == Kind::LargeObjects);
            for (at, entry) in tables {
                let mut found = listing.take_each(&file_of(entry, header.version)).into_iter();
                parts.extend(found.next().map(|(name, codec)| part(name, What::Entry(at, codec, entry.kind))));
            }
            if objects.is_empty() {
                return parts;
            }
            // Which of them are listed is seen by whoever puts the pieces together.
            let ids: BTreeSet<u32> = listing.left().filter_map(|name| large_object_of(stem(name))).collect();
            for id in ids {
                let mut found = listing.take_each(&large_object_file(id)).into_iter();
                parts.extend(found.next().map(|(name, codec)| part(name, What::Object(id, codec))));
            }
        }
        _ if options.prints() => {
            let left = head.listing.left().filter(|name| belongs(name));
            parts.extend(left.map(|name| part(name.to_owned(), What::Bytes)));
        }
        _ => {}
    }
    parts
}

/// Where pieces begin, and where the last one ends.
fn edges_at(costs: &[u64], sizes: PieceSizes) -> Vec<usize> {
    let total = costs.iter().fold(0, |sum: u64, cost| sum.saturating_add(*cost));
    // Two neighbours cost more than this together, so there are at most twice as many as it goes into the whole.
    let length = sizes.bytes.max(1).max((total / u64::from(sizes.most.max(1))).saturating_mul(2).saturating_add(1));
    let mut edges = Vec::new();
    let mut open: u64 = 0;
    for (at, cost) in costs.iter().enumerate() {
        open = open.saturating_add(*cost);
        if at == 0 || open > length {
            edges.push(at);
            open = *cost;
        }
    }
    if !costs.is_empty() {
        edges.push(costs.len());
    }
    edges
}

/// Of everything that what a piece says depends on.
fn stamp(listed: &[ListedFile], parts: &[Part], edges: &[usize], options: &Options<'_>) -> Sha256Value {
    let mut digest = Sha256::new();
    let mut put = |bytes: &[u8]| {
        // With its length, so that nothing can pass for the end of one and the beginning of the next.
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(bytes);
    };
    let mut listed: Vec<&ListedFile> = listed.iter().collect();
    listed.sort_unstable_by_key(|file| (&file.name, file.bytes, &file.tag));
    for file in listed {
        put(file.name.as_bytes());
        put(&file.bytes.to_le_bytes());
        put(file.tag.as_bytes());
    }
    for pair in edges.windows(2) {
        put(b"piece");
        for part in parts.get(pair[0]..pair[1]).unwrap_or_default() {
            put(part.name.as_bytes());
            put(format!("{:?}", part.what).as_bytes());
        }
    }
    put(options.manifest.map(Manifest::to_json).unwrap_or_default().as_bytes());
    Sha256Value(digest.finalize().into())
}

impl fmt::Debug for DirectoryDivision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryDivision")
            .field("files", &self.parts.len())
            .field("edges", &self.edges)
            .finish_non_exhaustive()
    }
}
