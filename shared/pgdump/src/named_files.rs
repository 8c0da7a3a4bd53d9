//! What tar archives and directories share: entries name files, and a list names the files of large objects.

use std::borrow::Cow;

use crate::contents::{Contents, Entry, Kind, Place, safe_name};
use crate::fields::number;
use crate::finding::{Code, Finding};
use crate::header::Version;
use crate::source::{Input, InputExt};

/// Longer lines are none of pg_dump's.
const LONGEST_LINE: usize = 1024;

/// The file that an entry's data is in, without the suffix of its compression.
pub(crate) fn file_of(entry: &Entry, version: Version) -> Cow<'_, str> {
    match &entry.place {
        // What the table of contents says of lists of large objects is not always so: PostgreSQL 18 writes 7.dat for blobs_7.toc
        // into a tar archive, and older versions wrote other names for the one list that there was.
        Place::File(_) if entry.kind == Kind::LargeObjects && version.minor < 16 => "blobs.toc".into(),
        Place::File(_) if entry.kind == Kind::LargeObjects => format!("blobs_{}.toc", entry.id).into(),
        Place::File(name) => name.into(),
        Place::Somewhere | Place::At(_) => "".into(),
    }
}

/// Entries by the names of their files, sorted.
pub(crate) fn by_file(contents: &Contents, version: Version) -> Result<Vec<(Cow<'_, str>, usize)>, Finding> {
    let mut files: Vec<_> =
        contents.entries.iter().enumerate().map(|(index, entry)| (file_of(entry, version), index)).collect();
    files.sort_unstable();
    match files.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Finding::new(Code::ContentsInvalid, format!("two entries have the file {}", pair[0].0))),
        None => Ok(files),
    }
}

/// Reads a list of large objects: lines of an id and a file name. Hands on the ids, of which there are no more than that.
pub(crate) fn read_list(input: &mut impl Input, most: usize, mut id: impl FnMut(u32)) -> Result<(), Finding> {
    let mut line = Vec::new();
    let mut count = 0;
    while !input.at_end()? {
        let byte = input.byte("the list of large objects")?;
        if byte != b'\n' {
            line.push(byte);
            if line.len() > LONGEST_LINE {
                return Err(wrong(input, "a line has no end"));
            }
            continue;
        }
        let listed = listed(&line)
            .ok_or_else(|| wrong(input, &format!("{:?} is no id with its file", String::from_utf8_lossy(&line))))?;
        count += 1;
        if count > most {
            return Err(Finding::limit(input.position(), "more large objects are listed than are remembered"));
        }
        id(listed);
        line.clear();
    }
    if line.is_empty() { Ok(()) } else { Err(wrong(input, "the last line has no end")) }
}

fn wrong(input: &impl Input, sentence: &str) -> Finding {
    Finding::at(Code::LargeObjectList, input.position(), format!("the list of large objects cannot be read: {sentence}"))
}

fn listed(line: &[u8]) -> Option<u32> {
    let (id, file) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let id = number(id).filter(|id| *id != 0)?;
    (safe_name(file) && file == large_object_file(id)).then_some(id)
}

/// The name of the file that holds a large object.
pub(crate) fn large_object_file(id: u32) -> String {
    format!("blob_{id}.dat")
}

/// The large object that a file of this name holds.
pub(crate) fn large_object_of(file: &str) -> Option<u32> {
    file.strip_prefix("blob_")?.strip_suffix(".dat").and_then(number)
}
