//! A directory, read in pieces: each is some of its files, read whole.
//!
//! What a file holds depends on nothing but the table of contents, which every reader reads again, so nothing has to be chained as in an
//! archive that is one file. Whoever puts the pieces together goes through the directory exactly as one reading does - the names, the lists
//! of large objects, what is missing, left over or there twice - and only where that would open a file of data, a piece is asked what
//! came of it. So both ways cannot come to different verdicts, but for what no piece tells, which is told as not checked.
//!
//! A file belongs to one piece, so its SHA-256 is compared with the manifest there, and only a difference travels.
//!
//! Every division has a stamp: a digest of the files as they were listed, of how they are divided, and of the manifest. What a piece says
//! counts only under the stamp of whoever puts it together, so a directory that changed meanwhile is never put together from two.

mod combine;
mod piece;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::codec::Codec;
use crate::consistency::difference;
use crate::contents::{Contents, Kind};
use crate::digest::Sha256Value;
use crate::directory::{Data, Decoding, Here, belongs, files_of, stem, title_of};
use crate::files::Files;
use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::named_files::{file_of, large_object_file, large_object_of};
use crate::options::Options;
use crate::pieces::PieceSizes;
use crate::report::{Report, Stage};
use crate::verdict::FilePrint;
use crate::verify::{DirectoryHead, directory_head};

pub use combine::{CombinedDirectory, combine_directory};
pub use piece::DirectoryPiece;

use records::{Came, Record};

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

    fn expect(&self, names: Vec<String>) {
        self.files.expect(names);
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
    /// Bytes of one and the most of them. A file is never divided, so a piece with a larger one is larger.
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

    fn range(&self, piece: usize) -> Option<Range<usize>> {
        Some(*self.edges.get(piece)?..*self.edges.get(piece + 1)?)
    }

    /// Reads one piece; what came of it, and the checksums of its files, as far as they could be read.
    #[must_use]
    pub fn read(&self, piece: usize) -> Option<(DirectoryPiece, Vec<FilePrint>)> {
        let parts = self.parts.get(self.range(piece)?)?;
        let options = Options { fingerprints: true, ..self.options.clone() };
        let stated = options.manifest.iter().flat_map(|manifest| &manifest.files);
        let stated: BTreeMap<&str, &FilePrint> = stated.map(|file| (file.name.as_str(), file)).collect();
        let mut here = Here::new(self.source.files, &options.limits);
        let mut read = DirectoryPiece::new(self.stamp, piece);
        let mut prints = Vec::with_capacity(parts.len());
        here.expect(parts.iter().map(|part| part.name.clone()).collect());
        for part in parts {
            let mut report = Report::new(&options);
            report.enter(Stage::Data);
            let came = self.part(part, &mut here, &mut report);
            let print = report.files.pop();
            let differs = print.as_ref().and_then(|print| difference(print, stated.get(part.name.as_str())?));
            let bytes = print.as_ref().map_or(part.bytes, |print| print.bytes);
            let other_bytes = (bytes != part.bytes).then_some(bytes);
            prints.extend(print);
            let (mut findings, further, _) = report.told();
            let (came, stopped) = came.map_or_else(|finding| (Came::Nothing, Some(finding)), |came| (came, None));
            let last = stopped.is_some();
            findings.extend(stopped);
            read.push(Record { came, other_bytes, ..Record::default() }, findings, further, differs);
            if last {
                break;
            }
        }
        Some((read, prints))
    }

    fn part(&self, part: &Part, here: &mut Here<'_>, report: &mut Report<'_>) -> Result<Came, Finding> {
        let contents = self.contents.as_ref();
        match (part.what, contents) {
            (What::Entry(at, codec, kind), Some(contents)) => {
                let Some(entry) = contents.entries.get(at) else { return Ok(Came::Nothing) };
                let how = Decoding { codec, kind, encoding: contents.encoding, title: &entry.title() };
                let Some((outcome, end)) = here.decode(&part.name, &how, report)? else { return Ok(Came::Nothing) };
                let came = Came::Data { rows: outcome.rows, bytes: outcome.bytes };
                report.data(entry, outcome, end, Some(&part.name));
                Ok(came)
            }
            (What::Object(id, codec), Some(contents)) => {
                let how = Decoding { codec, kind: Kind::LargeObjects, encoding: contents.encoding, title: &title_of(id) };
                let read = here.decode(&part.name, &how, report)?;
                Ok(read.map_or(Came::Nothing, |(outcome, _)| Came::Object { bytes: outcome.bytes }))
            }
            _ => here.sum(&part.name, report).map(|()| Came::Nothing),
        }
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
