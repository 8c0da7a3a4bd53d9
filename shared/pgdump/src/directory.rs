//! A directory archive, file by file.

use std::io::{self, Read};

use crate::codec::{Codec, Decoders};
use crate::content::{Content, Outcome};
use crate::contents::{Contents, Entry, Kind};
use crate::encoding::Encoding;
use crate::files::Files;
use crate::finding::{Code, Finding};
use crate::header::{Header, Version};
use crate::limits::Limits;
use crate::named_files::{by_file, file_of, large_object_file, large_object_of, read_list};
use crate::report::Report;
use crate::source::{Input, InputExt, Source};

/// The table of contents.
pub(crate) const CONTENTS: &str = "toc.dat";

const SUFFIXES: [(&str, Codec); 4] = [("", Codec::None), (".gz", Codec::Gzip), (".lz4", Codec::Lz4), (".zst", Codec::Zstd)];

/// The files of a directory that were not read yet.
#[derive(Clone)]
pub(crate) struct Listing {
    names: Vec<String>,
    read: Vec<bool>,
}

impl Listing {
    pub(crate) fn new(mut names: Vec<String>) -> Self {
        names.sort_unstable();
        names.dedup();
        let read = vec![false; names.len()];
        Self { names, read }
    }

    /// Marks a file as read; `false` when there is no such file, or it was read before.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.at(name).is_some_and(|index| !std::mem::replace(&mut self.read[index], true))
    }

    /// Takes the files of that name with any suffix, and says how each is compressed. The first is the one that is read.
    pub(crate) fn take_each(&mut self, name: &str) -> Vec<(String, Codec)> {
        let files = SUFFIXES.iter().map(|(suffix, codec)| (format!("{name}{suffix}"), *codec));
        files.filter(|(file, _)| self.take(file)).collect()
    }

    /// The file of that name with any suffix that is read next.
    fn first(&self, name: &str) -> Option<String> {
        let mut files = SUFFIXES.iter().map(|(suffix, _)| format!("{name}{suffix}"));
        files.find(|file| self.at(file).is_some_and(|index| !self.read[index]))
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }

    pub(crate) fn left(&self) -> impl Iterator<Item = &str> {
        self.names.iter().zip(&self.read).filter(|(_, read)| !**read).map(|(name, _)| name.as_str())
    }
}

/// How one file is decoded.
pub(crate) struct Decoding<'a> {
    pub(crate) codec: Codec,
    pub(crate) kind: Kind,
    pub(crate) encoding: Encoding,
    /// What it is, for findings.
    pub(crate) title: &'a str,
}

/// The files behind the table of contents: they are read here and now, or they were, in pieces.
pub(crate) trait Data {
    /// Decodes a file; what came of it and its size, when it was sound.
    fn decode(&mut self, file: &str, how: &Decoding<'_>, report: &mut Report<'_>)
    -> Result<Option<(Outcome, u64)>, Finding>;
    /// Reads a file only to compute its checksums.
    fn sum(&mut self, file: &str, report: &mut Report<'_>) -> Result<(), Finding>;
    /// The ids in a list of large objects.
    fn list(&mut self, file: &str, report: &mut Report<'_>) -> Result<Vec<u32>, Finding>;
    /// Which files come next.
    fn announce(&self, files: Vec<String>);
    /// Tells what can be told once every file had its turn.
    fn finish(&mut self, report: &mut Report<'_>);
}

/// Reads files one after the other.
pub(crate) struct Here<'a> {
    files: &'a dyn Files,
    decoders: Decoders,
    /// Directories have many small files.
    buffer: Option<Box<[u8]>>,
}

impl<'a> Here<'a> {
    pub(crate) fn new(files: &'a dyn Files, limits: &Limits) -> Self {
        Self { files, decoders: Decoders::new(limits), buffer: None }
    }

    pub(crate) fn open(&mut self, name: &str, report: &Report<'_>) -> Result<Source<Box<dyn Read + 'a>>, Finding> {
        let reader = self.files.open(name).map_err(|error| cannot_open(name, &error))?;
        Ok(Source::with_buffer(reader, self.buffer(), report.options().prints()))
    }

    /// The files themselves, for whoever goes on in the middle of one.
    pub(crate) fn files(&self) -> &'a dyn Files {
        self.files
    }

    pub(crate) fn decoders(&mut self) -> &mut Decoders {
        &mut self.decoders
    }

    /// The buffer, where nobody has it; else a new one.
    pub(crate) fn buffer(&mut self) -> Box<[u8]> {
        self.buffer.take().unwrap_or_else(Source::<&[u8]>::new_buffer)
    }

    /// Ends the reading of a file: where its checksums are wanted, after the last byte. Returns its size.
    pub(crate) fn close(
        &mut self,
        mut source: Source<Box<dyn Read + '_>>,
        name: &str,
        report: &mut Report<'_>,
    ) -> Result<u64, Finding> {
        if report.options().prints() {
            source.drain().map_err(|finding| finding.in_file(name))?;
            report.files.extend(source.fingerprint(name));
        }
        let end = source.position();
        report.bytes_read += end;
        self.buffer = Some(source.into_buffer());
        Ok(end)
    }
}

impl Data for Here<'_> {
    fn decode(
        &mut self,
        file: &str,
        how: &Decoding<'_>,
        report: &mut Report<'_>,
    ) -> Result<Option<(Outcome, u64)>, Finding> {
        let mut content = Content::new(how.kind, how.encoding);
        let mut source = self.open(file, report)?;
        let result = self.decoders.run(how.codec, &mut source, &mut content);
        let sound = matches!(result, Ok(None));
        match result {
            Ok(None) => {}
            Ok(Some(mut finding)) | Err(mut finding) => {
                finding.sentence = format!("{}: {}", how.title, finding.sentence);
                broken(finding, file, report)?;
            }
        }
        let end = self.close(source, file, report)?;
        Ok(sound.then(|| (content.finish(), end)))
    }

    fn sum(&mut self, file: &str, report: &mut Report<'_>) -> Result<(), Finding> {
        let source = self.open(file, report)?;
        self.close(source, file, report).map(drop)
    }

    fn list(&mut self, file: &str, report: &mut Report<'_>) -> Result<Vec<u32>, Finding> {
        let mut source = self.open(file, report)?;
        let mut ids = Vec::new();
        if let Err(finding) = read_list(&mut source, report.options().limits.large_objects, |id| ids.push(id)) {
            broken(finding, file, report)?;
        }
        self.close(source, file, report)?;
        Ok(ids)
    }

    fn announce(&self, files: Vec<String>) {
        self.files.announce(files);
    }

    fn finish(&mut self, _: &mut Report<'_>) {}
}

/// A damaged file does not keep from reading the others; one that cannot be read may mean that none can.
pub(crate) fn broken(finding: Finding, file: &str, report: &mut Report<'_>) -> Result<(), Finding> {
    let finding = finding.in_file(file);
    if finding.code == Code::Unreadable {
        return Err(finding);
    }
    report.found(finding);
    Ok(())
}

/// Goes through what the table of contents names.
pub(crate) struct Reading<'a, 'r, D> {
    pub(crate) data: &'a mut D,
    pub(crate) listing: Listing,
    pub(crate) header: &'a Header,
    pub(crate) contents: &'a Contents,
    pub(crate) report: &'a mut Report<'r>,
}

impl<D: Data> Reading<'_, '_, D> {
    pub(crate) fn read(mut self) -> Result<(), Finding> {
        files_of(self.contents, self.header.version)?;
        let contents = self.contents;
        for entries in
            contents.entries.chunk_by(|one, next| one.kind != Kind::LargeObjects && next.kind != Kind::LargeObjects)
        {
            let names = entries.iter().map(|entry| file_of(entry, self.header.version));
            self.data.announce(names.filter_map(|name| self.listing.first(&name)).collect());
            for entry in entries {
                if entry.kind == Kind::LargeObjects { self.large_objects(entry)? } else { self.table(entry)? }
            }
        }
        self.data.finish(self.report);
        self.left_over();
        self.report.data_complete(contents);
        Ok(())
    }

    fn table(&mut self, entry: &Entry) -> Result<(), Finding> {
        let name = file_of(entry, self.header.version);
        if let Some((file, outcome, end)) = self.file(&name, &entry.title(), entry.kind)? {
            self.report.data(entry, outcome, end, Some(&file));
        }
        Ok(())
    }

    fn large_objects(&mut self, entry: &Entry) -> Result<(), Finding> {
        let name = file_of(entry, self.header.version);
        if !self.listing.take(&name) {
            self.missing(&name, &entry.title());
            return Ok(());
        }
        let ids = self.data.list(&name, self.report)?;
        self.data.announce(ids.iter().filter_map(|id| self.listing.first(&large_object_file(*id))).collect());
        for id in ids {
            let read = self.file(&large_object_file(id), &title_of(id), entry.kind)?;
            self.report.large_object(id, read.map(|(_, outcome, _)| outcome.bytes));
        }
        Ok(())
    }

    /// Decodes a data file, whatever its suffix; its name, what came of it and its size, when it was sound.
    fn file(&mut self, name: &str, title: &str, kind: Kind) -> Result<Option<(String, Outcome, u64)>, Finding> {
        let mut found = self.listing.take_each(name).into_iter();
        let Some((file, codec)) = found.next() else {
            self.missing(name, title);
            return Ok(None);
        };
        if let Some((second, _)) = found.next() {
            let sentence = format!("{title} has two files, {file} and {second}");
            self.report.found(Finding::new(Code::FileUnexpected, sentence).in_file(&file));
        }
        let how = Decoding { codec, kind, encoding: self.contents.encoding, title };
        let read = self.data.decode(&file, &how, self.report)?;
        Ok(read.map(|(outcome, end)| (file, outcome, end)))
    }

    fn missing(&mut self, name: &str, title: &str) {
        self.report.found(Finding::new(Code::FileMissing, format!("the file of {title} is missing: {name}")).in_file(name));
    }

    fn left_over(&mut self) {
        for name in self.listing.left() {
            if belongs(name) {
                self.report.found(Finding::new(Code::FileUnexpected, format!("no entry names {name}")).in_file(name));
            } else {
                self.report.not_checked(format!("{name}: it is no file of pg_dump"));
            }
        }
    }
}

/// What a large object is called in findings.
pub(crate) fn title_of(id: u32) -> String {
    format!("large object {id}")
}

/// Checks that no file would have to be two things: that of two entries, or of one and of a large object.
pub(crate) fn files_of(contents: &Contents, version: Version) -> Result<(), Finding> {
    let files = by_file(contents, version).map_err(|finding| finding.in_file(CONTENTS))?;
    match files.iter().find(|(name, _)| large_object_of(stem(name)).is_some()) {
        Some((name, _)) => {
            let sentence = format!("an entry has the file {name}, which is that of a large object");
            Err(Finding::new(Code::ContentsInvalid, sentence).in_file(CONTENTS))
        }
        None => Ok(()),
    }
}

/// A file's name without the suffix of its compression.
pub(crate) fn stem(name: &str) -> &str {
    SUFFIXES.iter().rev().find_map(|(suffix, _)| name.strip_suffix(suffix)).unwrap_or(name)
}

/// Whether pg_dump could have written a file of this name.
pub(crate) fn belongs(name: &str) -> bool {
    let stem = stem(name);
    stem.ends_with(".dat") || stem.ends_with(".toc")
}

pub(crate) fn cannot_open(name: &str, error: &io::Error) -> Finding {
    Finding::new(Code::Unreadable, format!("{name} cannot be opened: {error}")).in_file(name)
}
