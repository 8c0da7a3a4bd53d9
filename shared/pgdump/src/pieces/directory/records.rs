//! What came of each file of a piece, in a few bytes.

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serializer, de};

use crate::pieces::piece::compact::{Numbers, put};

/// What a file held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Came {
    /// It was not sound, or only its checksums were wanted.
    #[default]
    Nothing,
    /// Rows, where they were counted, and bytes of a table.
    Data { rows: Option<u64>, bytes: u64 },
    /// Bytes of a large object.
    Object { bytes: u64 },
    /// A large object whose bytes are in a sum.
    Summed,
}

/// What came of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) came: Came,
    /// How many of the piece's findings are in it.
    pub(super) findings: usize,
    /// How many bytes it has, where those are not as many as were listed.
    pub(super) other_bytes: Option<u64>,
    /// Whether it is not the file of the manifest.
    pub(super) differs: bool,
    /// Whether it was not read to its end, so that nothing is known of its checksums.
    pub(super) unread: bool,
}

/// As many records as are read: what an archive may have, and no more than fits into memory.
const MOST_RECORDS: u64 = 1_000_000;

/// Numbers of seven bits a byte: of a table not more than about ten characters, of summed large objects hardly any.
pub(super) fn serialize<S: Serializer>(records: &[Record], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::new();
    for run in records.chunk_by(|one, next| one == next && one.came == Came::Summed) {
        let Some(record) = run.first() else { continue };
        let kind: u64 = match record.came {
            Came::Nothing => 0,
            Came::Data { rows: None, .. } => 1,
            Came::Data { rows: Some(_), .. } => 2,
            Came::Object { .. } => 3,
            Came::Summed => 4,
        };
        let flags = [record.other_bytes.is_some(), record.differs, record.unread];
        let flags = flags.into_iter().rev().fold(0, |flags, flag| flags << 1 | u64::from(flag));
        put(&mut bytes, (record.findings as u64) << 6 | flags << 3 | kind);
        match record.came {
            Came::Nothing => {}
            Came::Data { rows, bytes: size } => {
                put(&mut bytes, size);
                rows.iter().for_each(|rows| put(&mut bytes, *rows));
            }
            Came::Object { bytes: size } => put(&mut bytes, size),
            Came::Summed => put(&mut bytes, run.len() as u64),
        }
        record.other_bytes.iter().for_each(|other| put(&mut bytes, *other));
    }
    serializer.serialize_str(&BASE64.encode(&bytes))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Record>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(de::Error::custom)?;
    let mut numbers = Numbers(&bytes);
    let mut records = Vec::new();
    while !numbers.0.is_empty() {
        let (record, count) = run(&mut numbers).ok_or_else(|| de::Error::custom("the files of a piece cannot be read"))?;
        if count > MOST_RECORDS.saturating_sub(records.len() as u64) {
            return Err(de::Error::custom("a piece has too many files"));
        }
        records.extend((0..count).map(|_| record.clone()));
    }
    Ok(records)
}

/// A record, and how often it follows.
fn run(numbers: &mut Numbers<'_>) -> Option<(Record, u64)> {
    let head = numbers.take()?;
    let mut count = 1;
    let came = match head & 7 {
        0 => Came::Nothing,
        1 => Came::Data { rows: None, bytes: numbers.take()? },
        2 => {
            let bytes = numbers.take()?;
            Came::Data { rows: Some(numbers.take()?), bytes }
        }
        3 => Came::Object { bytes: numbers.take()? },
        4 => {
            count = numbers.take()?;
            Came::Summed
        }
        _ => return None,
    };
    let other_bytes = if head & 8 == 0 { None } else { Some(numbers.take()?) };
    let findings = usize::try_from(head >> 6).ok()?;
    Some((Record { came, findings, other_bytes, differs: head & 16 != 0, unread: head & 32 != 0 }, count))
}
