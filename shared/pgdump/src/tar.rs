//! A tar archive of pg_dump, member by member.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::codec::continued::{Decoding, Ran};
use crate::codec::{Codec, Decoders};
use crate::content::Content;
use crate::contents::{Contents, Entry, Kind, safe_name};
use crate::encoding::Encoding;
use crate::finding::{Code, Finding};
use crate::header::{Compression, Header};
use crate::named_files::{by_file, large_object_of, read_list};
use crate::pause::{Pause, Paused};
use crate::pieces::Sequence;
use crate::report::Report;
use crate::source::{Input, InputExt, Part};

const BLOCK: usize = 512;

/// The script that pg_dump adds for people who unpack the archive by hand.
const SCRIPT: &str = "restore.sql";

/// A member's header, as far as it matters.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// Reads the next header; `None` at the end mark.
pub(crate) fn next_member(input: &mut impl Input) -> Result<Option<Member>, Finding> {
    let begin = input.position();
    let mut block = [0; BLOCK];
    input.exact(&mut block, "a tar header")?;
    if block.iter().all(|byte| *byte == 0) {
        end_mark(input)?;
        return Ok(None);
    }
    let wrong = |what: &str| {
        Finding::at(Code::TarHeader, begin, format!("a tar header is damaged: {what}; what follows cannot be read"))
    };
    let stated = octal(&block[148..156]).ok_or_else(|| wrong("its checksum is no number"))?;
    // The checksum is taken with eight spaces in its own place.
    let sum: u64 =
        block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
    if stated != sum {
        return Err(wrong(&format!("its checksum is {sum}, and it states {stated}")));
    }
    let name = block[..100].split(|byte| *byte == 0).next().and_then(|name| std::str::from_utf8(name).ok());
    let name = name.filter(|name| crate::contents::safe_name(name)).ok_or_else(|| wrong("its name is none of pg_dump's"))?;
    let size = size(&block[124..136]).ok_or_else(|| wrong("its size is no number"))?;
    if !matches!(block[156], 0 | b'0') {
        return Err(wrong("it is no plain file"));
    }
    Ok(Some(Member { name: name.to_owned(), size }))
}

fn end_mark(input: &mut impl Input) -> Result<(), Finding> {
    let mut block = [0; BLOCK];
    input.exact(&mut block, "the end mark of tar")?;
    loop {
        let position = input.position();
        if block.iter().any(|byte| *byte != 0) {
            return Err(Finding::at(
                Code::TrailingBytes,
                position,
                "the end mark of tar is followed by bytes that are not zero",
            ));
        }
        // Some tools fill the last record with zero blocks.
        if input.at_end()? {
            return Ok(());
        }
        input.exact(&mut block, "the zero blocks behind the end mark of tar")?;
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(|c| c == ' ' || c == '\0');
    if text.is_empty() || text.bytes().any(|byte| !matches!(byte, b'0'..=b'7')) {
        return None;
    }
    u64::from_str_radix(text, 8).ok()
}

/// Octal, or from 8 GB on binary with the highest bit set.
fn size(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, 0, 0, 0, rest @ ..] => rest.try_into().ok().map(u64::from_be_bytes),
        _ => octal(field),
    }
}

/// Reads the padding behind a member.
pub(crate) fn padding(input: &mut impl Input, name: &str, size: u64) -> Result<(), Finding> {
    let used = usize::try_from(size % BLOCK as u64).unwrap_or(0);
    let mut block = [0; BLOCK];
    let padding = &mut block[..(BLOCK - used) % BLOCK];
    input.exact(padding, &format!("the padding behind {name}"))?;
    if padding.iter().any(|byte| *byte != 0) {
        let sentence = format!("the padding behind {name} is not zero");
        return Err(Finding::at(Code::TarPadding, input.position(), sentence));
    }
    Ok(())
}

/// Entries by the names of their files, sorted, where members can be read as the table of contents says that ends at this byte.
pub(crate) fn files<'c>(header: &Header, contents: &'c Contents, end: u64) -> Result<Vec<(Cow<'c, str>, usize)>, Finding> {
    if header.compression != Compression::None {
        let sentence = "the header states compression, and tar archives have none";
        return Err(Finding::at(Code::HeaderInvalid, end, sentence));
    }
    by_file(contents, header.version)
}

/// Tells what can be told once every member was read: of the entries that have none, and of the large objects.
pub(crate) fn complete(
    header: &Header,
    contents: &Contents,
    found: &[bool],
    listed: Vec<u32>,
    end: u64,
    report: &mut Report<'_>,
) -> Result<(), Finding> {
    for (name, index) in files(header, contents, end)? {
        if let (Some(false), Some(entry)) = (found.get(index), contents.entries.get(index)) {
            let sentence = format!("{name} is missing: the data of {}", entry.title());
            report.found(Finding::at(Code::FileMissing, end, sentence));
        }
    }
    if report.has_large_objects(listed) == Some(false) {
        let sentence = "the large objects of the archive are not those of its own list";
        report.found(Finding::at(Code::LargeObjectList, end, sentence));
    }
    report.data_complete(contents);
    Ok(())
}

/// The members behind the table of contents.
pub(crate) struct Members<'a, 'r, I> {
    input: &'a mut I,
    header: &'a Header,
    contents: &'a Contents,
    files: Vec<(Cow<'a, str>, usize)>,
    decoders: Decoders,
    report: &'a mut Report<'r>,
    /// The entry whose data is being read, by its place in the contents.
    current: Option<usize>,
    /// When to stop, to be continued by somebody else.
    pause: Pause<'a>,
    /// Large objects that lists name.
    listed: Vec<u32>,
    /// As many more are remembered.
    room: usize,
    /// Whether the end mark was read.
    ended: bool,
}

/// How a member stands that was not read to its end. It can be kept, to go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenMember {
    name: String,
    size: u64,
    /// Bytes of it that were not taken yet.
    left: u64,
    /// `None`: it is passed over, because it is no entry's.
    decoding: Option<Box<Decoding>>,
}

impl OpenMember {
    /// Whether it tells what the data is: not while nothing was decoded, nor where it is passed over.
    pub(crate) fn holds_data(&self) -> bool {
        self.decoding.as_ref().is_some_and(|decoding| !decoding.is_beginning())
    }

    /// Whether it can be of this entry, or of none: what was kept elsewhere may be anything.
    pub(crate) fn is_sane(&self, entry: Option<&Entry>, encoding: Encoding) -> bool {
        let data = match (&self.decoding, entry) {
            (Some(decoding), Some(entry)) => decoding.is_sane(Codec::None) && decoding.content.is_sane(entry.kind, encoding),
            (None, None) => true,
            // Lists of large objects are never interrupted.
            _ => false,
        };
        data && self.left <= self.size && self.size < 1 << 62 && safe_name(&self.name)
    }
}

impl<'a, 'r, I: Input> Members<'a, 'r, I> {
    pub(crate) fn of(
        header: &'a Header,
        contents: &'a Contents,
        input: &'a mut I,
        decoders: Decoders,
        report: &'a mut Report<'r>,
        pause: Pause<'a>,
    ) -> Result<Self, Finding> {
        let files = files(header, contents, input.position())?;
        let (current, listed, room, ended) = (None, Vec::new(), report.options().limits.large_objects, false);
        Ok(Self { input, header, contents, files, decoders, report, current, pause, listed, room, ended })
    }

    /// Goes on in the member of this entry.
    pub(crate) fn in_entry(self, current: Option<usize>) -> Self {
        Self { current, ..self }
    }

    pub(crate) fn read(mut self) -> Result<(), Finding> {
        let mut found = vec![false; self.contents.entries.len()];
        while !self.ended {
            self.next(&mut found)?;
        }
        complete(self.header, self.contents, &found, self.listed, self.input.position(), self.report)
    }

    /// Damage of this kind does not keep from reading on.
    fn tolerate(&mut self, finding: Finding, code: Code) -> Result<(), Finding> {
        if finding.code != code {
            return Err(finding);
        }
        self.report.found(finding);
        Ok(())
    }

    /// Reads the file of an entry.
    fn entry_file(&mut self, entry: &Entry, member: OpenMember) -> Result<Option<Paused<OpenMember>>, Finding> {
        let OpenMember { name, size, left, decoding } = member;
        let mut part = Part::new(self.input, left);
        let Some(decoding) = decoding else {
            let (room, listed) = (&mut self.room, &mut self.listed);
            let read = read_list(&mut part, *room, |id| {
                *room = room.saturating_sub(1);
                listed.push(id);
            });
            part.drain()?;
            return read.or_else(|finding| self.tolerate(finding, Code::LargeObjectList)).map(|()| None);
        };
        let ran = self.decoders.run_on(Codec::None, &mut part, *decoding, self.pause).map_err(|mut finding| {
            finding.sentence += &format!(", in the data of {}", entry.title());
            finding
        })?;
        let left = part.left();
        let at = self.input.position();
        match ran {
            Ran::Ended(_, content) => self.report.data(entry, content.finish(), at, Some(&name)),
            Ran::Paused(decoding) => {
                return Ok(Some(Paused { at, open: OpenMember { name, size, left, decoding: Some(decoding) } }));
            }
            // Nothing breaks off what can go on anywhere.
            Ran::Stopped => return Err(Finding::at(Code::StreamTooLong, at, "uncompressed data was not continued")),
        }
        Ok(None)
    }

    /// Passes over a member that is no entry's file.
    fn other_file(&mut self, member: OpenMember) -> Result<Option<Paused<OpenMember>>, Finding> {
        let mut part = Part::new(self.input, member.left);
        loop {
            let count = part.fill()?.len();
            if count == 0 {
                break;
            }
            if self.pause.at(part.position()) {
                let (at, left) = (part.position(), part.left());
                return Ok(Some(Paused { at, open: OpenMember { left, ..member } }));
            }
            part.consume(count);
        }
        if let Some(id) = large_object_of(&member.name) {
            self.report.large_object(id, Some(member.size));
        } else if member.name == SCRIPT {
            self.report.not_checked("restore.sql in the tar archive: pg_restore does not read it");
        } else {
            let sentence = format!("{} belongs to no entry", member.name);
            self.report.found(Finding::at(Code::TarMember, self.input.position(), sentence));
        }
        Ok(None)
    }
}

impl<'r, I: Input> Sequence<'r> for Members<'_, 'r, I> {
    type Open = OpenMember;

    fn at_end(&mut self) -> Result<bool, Finding> {
        Ok(self.ended)
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
        std::mem::take(&mut self.listed)
    }

    fn next(&mut self, found: &mut [bool]) -> Result<Option<Paused<OpenMember>>, Finding> {
        self.current = None;
        let Some(Member { name, size }) = next_member(self.input)? else {
            self.ended = true;
            return Ok(None);
        };
        let contents = self.contents;
        let index = self.files.binary_search_by(|(known, _)| known.as_ref().cmp(&name)).ok();
        let index = index.and_then(|at| self.files.get(at)).map(|(_, index)| *index);
        let mut decoding = None;
        if let Some(index) = index {
            if std::mem::replace(&mut found[index], true) {
                let sentence = format!("{name} is there twice");
                return Err(Finding::at(Code::TarMember, self.input.position(), sentence));
            }
            self.current = Some(index);
            let kind = contents.entries[index].kind;
            if kind != Kind::LargeObjects {
                decoding = Some(Box::new(Decoding::of(Content::new(kind, contents.encoding))));
            }
        }
        self.read_on(OpenMember { name, size, left: size, decoding })
    }

    fn read_on(&mut self, open: OpenMember) -> Result<Option<Paused<OpenMember>>, Finding> {
        let (contents, name, size) = (self.contents, open.name.clone(), open.size);
        let entry = self.current.and_then(|index| contents.entries.get(index));
        let paused = match entry {
            Some(entry) => self.entry_file(entry, open)?,
            None => self.other_file(open)?,
        };
        if paused.is_none() {
            padding(self.input, &name, size).or_else(|finding| self.tolerate(finding, Code::TarPadding))?;
        }
        Ok(paused)
    }
}
