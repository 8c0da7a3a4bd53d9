//! The first bytes of an archive.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::finding::{Code, Finding};
use crate::source::{Input, InputExt};

pub(crate) const MAGIC: &[u8; 5] = b"PGDMP";

/// How entries' data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// By zlib: streams of zlib in custom archives, files of gzip in directories.
    Gzip,
    /// Frames of LZ4.
    Lz4,
    /// Frames of Zstandard.
    Zstd,
}

impl Compression {
    /// Its name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// An archive's version. PostgreSQL 9.0 to 18 write 1.12 to 1.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    /// Always 1.
    pub(crate) major: u8,
    /// 12 to 16.
    pub(crate) minor: u8,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Which of the two layouts follows the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Data follows the table of contents; entries have offsets.
    Custom,
    /// Data is in files, which entries name. The table of contents of a tar archive and of a directory say the same.
    Files,
}

/// The header of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) version: Version,
    pub(crate) offset_bytes: u8,
    pub(crate) layout: Layout,
    pub(crate) compression: Compression,
    /// When the dump began, in the time zone of the machine that ran pg_dump, which the archive does not tell.
    pub(crate) dumped_at: String,
    pub(crate) database: String,
    pub(crate) server_version: String,
    pub(crate) dump_version: String,
}

impl Header {
    pub(crate) fn read<I: Input>(fields: &mut Fields<'_, I>) -> Result<Self, Finding> {
        let mut magic = [0; MAGIC.len()];
        let read = fields.input.exact(&mut magic, "the header");
        match read {
            Err(finding) if finding.code == Code::Truncated => return Err(not_an_archive()),
            Err(finding) => return Err(finding),
            Ok(()) if &magic != MAGIC => return Err(not_an_archive()),
            Ok(()) => {}
        }
        let mut bytes = [0; 6];
        fields.input.exact(&mut bytes, "the header")?;
        let [major, minor, revision, integer_bytes, offset_bytes, format] = bytes;
        let version = Version { major, minor };
        if major != 1 || !(12..=16).contains(&minor) || revision != 0 {
            let sentence = format!(
                "the archive has version {version}.{revision}; this verifier knows 1.12 to 1.16, of PostgreSQL 9.0 to 18"
            );
            return Err(Finding::at(Code::VersionUnsupported, fields.input.position(), sentence));
        }
        let wrong = |position, sentence: String| Err(Finding::at(Code::HeaderInvalid, position, sentence));
        let position = fields.input.position();
        if integer_bytes != 4 || !matches!(offset_bytes, 4 | 8) {
            return wrong(
                position,
                format!("integers of {integer_bytes} bytes and offsets of {offset_bytes} are of no known machine"),
            );
        }
        let layout = match format {
            1 => Layout::Custom,
            3 => Layout::Files,
            _ => return wrong(position, format!("the format {format} is none of pg_dump's")),
        };
        let compression = compression(fields, version)?;
        let dumped_at = time(fields)?;
        let database = fields.text("the database's name")?;
        let server_version = fields.text("the server's version")?;
        let dump_version = fields.text("pg_dump's version")?;
        let (Some(database), Some(server_version), Some(dump_version)) = (database, server_version, dump_version) else {
            return wrong(fields.input.position(), "the database's name or a version is missing".to_owned());
        };
        Ok(Self { version, offset_bytes, layout, compression, dumped_at, database, server_version, dump_version })
    }
}

fn not_an_archive() -> Finding {
    let sentence = "this is no archive of pg_dump: it does not begin with PGDMP (a plain SQL script cannot be verified; dump with -Fc or -Fd)";
    Finding::at(Code::NotAnArchive, 0, sentence)
}

fn compression<I: Input>(fields: &mut Fields<'_, I>, version: Version) -> Result<Compression, Finding> {
    let position = fields.input.position();
    let wrong = |value: i32| {
        Err(Finding::at(Code::HeaderInvalid, position, format!("the compression {value} is none of pg_dump's")))
    };
    if version.minor >= 15 {
        return match fields.input.byte("the header")? {
            0 => Ok(Compression::None),
            1 => Ok(Compression::Gzip),
            2 => Ok(Compression::Lz4),
            3 => Ok(Compression::Zstd),
            other => wrong(other.into()),
        };
    }
    // Before PostgreSQL 16 there was only zlib, and this its level.
    match fields.integer("the compression level")? {
        0 => Ok(Compression::None),
        -1 | 1..=9 => Ok(Compression::Gzip),
        other => wrong(other),
    }
}

/// The fields of a C `struct tm`.
fn time<I: Input>(fields: &mut Fields<'_, I>) -> Result<String, Finding> {
    let mut values = [0; 7];
    for value in &mut values {
        *value = fields.integer("the time of the dump")?;
    }
    let [second, minute, hour, day, month, year, summer] = values;
    let plausible = (0..=60).contains(&second)
        && (0..60).contains(&minute)
        && (0..24).contains(&hour)
        && (1..=31).contains(&day)
        && (0..12).contains(&month)
        && (70..=1100).contains(&year)
        && (-1..=1).contains(&summer);
    if !plausible {
        let sentence = format!("the time of the dump is none: {values:?}");
        return Err(Finding::at(Code::HeaderInvalid, fields.input.position(), sentence));
    }
    Ok(format!("{:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", year + 1900, month + 1))
}
