//! A tar archive of pg_dump, member by member.

use crate::codec::{Codec, Decoders};
use crate::content::Content;
use crate::contents::{Contents, Kind};
use crate::finding::{Code, Finding};
use crate::header::{Compression, Header};
use crate::named_files::{by_file, large_object_of, read_list};
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
pub(crate) fn padding(input: &mut impl Input, member: &Member) -> Result<(), Finding> {
    let used = usize::try_from(member.size % BLOCK as u64).unwrap_or(0);
    let mut block = [0; BLOCK];
    let padding = &mut block[..(BLOCK - used) % BLOCK];
    input.exact(padding, &format!("the padding behind {}", member.name))?;
    if padding.iter().any(|byte| *byte != 0) {
        let sentence = format!("the padding behind {} is not zero", member.name);
        return Err(Finding::at(Code::TarPadding, input.position(), sentence));
    }
    Ok(())
}

/// Reads the members behind the table of contents.
pub(crate) struct Members<'a, 'r, I> {
    pub(crate) input: &'a mut I,
    pub(crate) header: &'a Header,
    pub(crate) contents: &'a Contents,
    pub(crate) decoders: Decoders,
    pub(crate) report: &'a mut Report<'r>,
}

impl<I: Input> Members<'_, '_, I> {
    pub(crate) fn read(mut self) -> Result<(), Finding> {
        if self.header.compression != Compression::None {
            let sentence = "the header states compression, and tar archives have none";
            return Err(Finding::at(Code::HeaderInvalid, self.input.position(), sentence));
        }
        let files = by_file(self.contents, self.header.version)?;
        let mut found = vec![false; files.len()];
        let mut listed = Vec::new();
        let mut held = Vec::new();
        while let Some(member) = next_member(self.input)? {
            let index = files.binary_search_by(|(name, _)| name.as_ref().cmp(&member.name));
            match index {
                Ok(index) if std::mem::replace(&mut found[index], true) => return Err(self.twice(&member)),
                Ok(index) => self.entry_file(&member, files[index].1, &mut listed)?,
                Err(_) => self.other_file(&member, &mut held)?,
            }
            padding(self.input, &member).or_else(|finding| self.tolerate(finding, Code::TarPadding))?;
        }
        for ((name, index), _) in files.iter().zip(&found).filter(|(_, found)| !**found) {
            let sentence = format!("{name} is missing: the data of {}", self.contents.entries[*index].title());
            self.report.found(Finding::at(Code::FileMissing, self.input.position(), sentence));
        }
        listed.sort_unstable();
        held.sort_unstable();
        if listed != held {
            let sentence = "the large objects of the archive are not those of its own list";
            self.report.found(Finding::at(Code::LargeObjectList, self.input.position(), sentence));
        }
        self.report.data_complete(self.contents);
        Ok(())
    }

    /// Damage of this kind does not keep from reading on.
    fn tolerate(&mut self, finding: Finding, code: Code) -> Result<(), Finding> {
        if finding.code != code {
            return Err(finding);
        }
        self.report.found(finding);
        Ok(())
    }

    fn twice(&self, member: &Member) -> Finding {
        Finding::at(Code::TarMember, self.input.position(), format!("{} is there twice", member.name))
    }

    fn entry_file(&mut self, member: &Member, index: usize, listed: &mut Vec<u32>) -> Result<(), Finding> {
        let entry = &self.contents.entries[index];
        let mut part = Part::new(self.input, member.size);
        if entry.kind == Kind::LargeObjects {
            let limits = &self.report.options().limits;
            let read = read_list(&mut part, limits, |id| listed.push(id));
            part.drain()?;
            return read.or_else(|finding| self.tolerate(finding, Code::LargeObjectList));
        }
        let mut content = Content::new(entry.kind, self.contents.encoding);
        self.decoders.run(Codec::None, &mut part, &mut content).map_err(|mut finding| {
            finding.sentence += &format!(", in the data of {}", entry.title());
            finding
        })?;
        self.report.data(entry, content.finish(), self.input.position(), Some(&member.name));
        Ok(())
    }

    fn other_file(&mut self, member: &Member, held: &mut Vec<u32>) -> Result<(), Finding> {
        let mut part = Part::new(self.input, member.size);
        if let Some(id) = large_object_of(&member.name) {
            part.drain()?;
            if held.len() >= self.report.options().limits.large_objects {
                return Err(Finding::limit(self.input.position(), "there are too many large objects to remember"));
            }
            held.push(id);
            self.report.large_object(id, Some(member.size));
        } else if member.name == SCRIPT {
            part.drain()?;
            self.report.not_checked("restore.sql in the tar archive: pg_restore does not read it");
        } else {
            part.drain()?;
            let sentence = format!("{} belongs to no entry", member.name);
            self.report.found(Finding::at(Code::TarMember, self.input.position(), sentence));
        }
        Ok(())
    }
}
