//! A directory archive, file by file.

use std::io::{self, Read};

use crate::codec::{Codec, Decoders};
use crate::content::Content;
use crate::contents::{Contents, Entry, Kind};
use crate::files::Files;
use crate::finding::{Code, Finding};
use crate::header::Header;
use crate::named_files::{by_file, file_of, large_object_file, read_list};
use crate::report::Report;
use crate::source::{Input, InputExt, Source};

/// The table of contents.
pub(crate) const CONTENTS: &str = "toc.dat";

const SUFFIXES: [(&str, Codec); 4] = [("", Codec::None), (".gz", Codec::Gzip), (".lz4", Codec::Lz4), (".zst", Codec::Zstd)];

/// The files of a directory that were not read yet.
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
        match self.names.binary_search_by(|known| known.as_str().cmp(name)) {
            Ok(index) => !std::mem::replace(&mut self.read[index], true),
            Err(_) => false,
        }
    }

    fn left(&self) -> impl Iterator<Item = &str> {
        self.names.iter().zip(&self.read).filter(|(_, read)| !**read).map(|(name, _)| name.as_str())
    }
}

/// Reads the files behind the table of contents.
pub(crate) struct Reading<'a, 'r> {
    pub(crate) files: &'a dyn Files,
    pub(crate) listing: Listing,
    pub(crate) header: &'a Header,
    pub(crate) contents: &'a Contents,
    pub(crate) decoders: Decoders,
    pub(crate) report: &'a mut Report<'r>,
    pub(crate) buffer: Option<Box<[u8]>>,
}

impl<'a> Reading<'a, '_> {
    pub(crate) fn read(mut self) -> Result<(), Finding> {
        by_file(self.contents, self.header.version).map_err(|finding| finding.in_file(CONTENTS))?;
        let contents = self.contents;
        for entry in &contents.entries {
            if entry.kind == Kind::LargeObjects { self.large_objects(entry)? } else { self.table(entry)? }
        }
        self.left_over();
        self.report.data_complete(contents);
        Ok(())
    }

    fn table(&mut self, entry: &Entry) -> Result<(), Finding> {
        let name = file_of(entry, self.header.version);
        let mut content = Content::new(entry.kind, self.contents.encoding);
        if let Some((file, end)) = self.file(&name, &entry.title(), &mut content)? {
            self.report.data(entry, content.finish(), end, Some(&file));
        }
        Ok(())
    }

    fn large_objects(&mut self, entry: &Entry) -> Result<(), Finding> {
        let name = file_of(entry, self.header.version);
        if !self.listing.take(&name) {
            self.missing(&name, &entry.title());
            return Ok(());
        }
        let mut source = self.open(&name)?;
        let mut ids = Vec::new();
        let limits = &self.report.options().limits;
        if let Err(finding) = read_list(&mut source, limits, |id| ids.push(id)) {
            self.broken(finding, &name)?;
        }
        self.close(source, &name)?;
        for id in ids {
            let mut content = Content::new(entry.kind, self.contents.encoding);
            let read = self.file(&large_object_file(id), &format!("large object {id}"), &mut content)?;
            self.report.large_object(id, read.map(|_| content.finish().bytes));
        }
        Ok(())
    }

    /// Decodes a data file, whatever its suffix; its name and size, when it was sound.
    fn file(&mut self, name: &str, title: &str, content: &mut Content) -> Result<Option<(String, u64)>, Finding> {
        let mut found = SUFFIXES
            .iter()
            .filter(|(suffix, _)| self.listing.take(&format!("{name}{suffix}")))
            .collect::<Vec<_>>()
            .into_iter();
        let Some((suffix, codec)) = found.next() else {
            self.missing(name, title);
            return Ok(None);
        };
        let file = format!("{name}{suffix}");
        if let Some((second, _)) = found.next() {
            let sentence = format!("{title} has two files, {file} and {name}{second}");
            self.report.found(Finding::new(Code::FileUnexpected, sentence).in_file(&file));
        }
        let mut source = self.open(&file)?;
        let result = self.decoders.run(*codec, &mut source, content);
        let sound = matches!(result, Ok(None));
        match result {
            Ok(None) => {}
            Ok(Some(mut finding)) | Err(mut finding) => {
                finding.sentence = format!("{title}: {}", finding.sentence);
                self.broken(finding, &file)?;
            }
        }
        let end = self.close(source, &file)?;
        Ok(sound.then_some((file, end)))
    }

    fn missing(&mut self, name: &str, title: &str) {
        self.report.found(Finding::new(Code::FileMissing, format!("the file of {title} is missing: {name}")).in_file(name));
    }

    /// A damaged file does not keep from reading the others; one that cannot be read may mean that none can.
    fn broken(&mut self, finding: Finding, file: &str) -> Result<(), Finding> {
        let finding = finding.in_file(file);
        if finding.code == Code::Unreadable {
            return Err(finding);
        }
        self.report.found(finding);
        Ok(())
    }

    fn open(&mut self, name: &str) -> Result<Source<Box<dyn Read + 'a>>, Finding> {
        open(self.files, name, self.buffer.take(), self.report.options().prints())
    }

    fn close(&mut self, source: Source<Box<dyn Read + '_>>, name: &str) -> Result<u64, Finding> {
        let (end, buffer) = close(source, name, self.report)?;
        self.buffer = Some(buffer);
        Ok(end)
    }

    fn left_over(&mut self) {
        let left: Vec<String> = self.listing.left().map(str::to_owned).collect();
        for name in left {
            if belongs(&name) {
                self.report.found(Finding::new(Code::FileUnexpected, format!("no entry names {name}")).in_file(&name));
            } else {
                self.report.not_checked(format!("{name}: it is no file of pg_dump"));
            }
        }
    }
}

/// Whether pg_dump could have written a file of this name.
fn belongs(name: &str) -> bool {
    let stem = SUFFIXES.iter().rev().find_map(|(suffix, _)| name.strip_suffix(suffix)).unwrap_or(name);
    stem.ends_with(".dat") || stem.ends_with(".toc")
}

/// Reads the files that are left only to compute their checksums.
pub(crate) fn print_files(files: &dyn Files, listing: &Listing, report: &mut Report<'_>) -> Result<(), Finding> {
    let mut buffer = None;
    for name in listing.left().filter(|name| belongs(name)) {
        let source = open(files, name, buffer.take(), true)?;
        buffer = Some(close(source, name, report)?.1);
    }
    Ok(())
}

pub(crate) fn open<'f>(
    files: &'f dyn Files,
    name: &str,
    buffer: Option<Box<[u8]>>,
    print: bool,
) -> Result<Source<Box<dyn Read + 'f>>, Finding> {
    let reader = files.open(name).map_err(|error| cannot_open(name, &error))?;
    Ok(match buffer {
        Some(buffer) => Source::with_buffer(reader, buffer, print),
        None => Source::new(reader, print),
    })
}

pub(crate) fn cannot_open(name: &str, error: &io::Error) -> Finding {
    Finding::new(Code::Unreadable, format!("{name} cannot be opened: {error}")).in_file(name)
}

/// Ends the reading of a file: where its checksums are wanted, after the last byte. Returns its size and the buffer.
pub(crate) fn close(
    mut source: Source<Box<dyn Read + '_>>,
    name: &str,
    report: &mut Report<'_>,
) -> Result<(u64, Box<[u8]>), Finding> {
    if report.options().prints() {
        source.drain().map_err(|finding| finding.in_file(name))?;
        report.files.extend(source.fingerprint(name));
    }
    let end = source.position();
    report.bytes_read += end;
    Ok((end, source.into_buffer()))
}
