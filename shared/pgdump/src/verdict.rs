//! What is proven of an archive, by what evidence, and what was not looked at.

use serde::{Deserialize, Serialize};

use crate::digest::{Crc64Value, Sha256Value};
use crate::encryption::Encryption;
use crate::finding::{Finding, Meaning};
use crate::header::{Compression, Header};
use crate::level::Level;

/// Whether one level is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "why")]
pub enum Proof {
    /// Proven, by this evidence.
    Proven(String),
    /// Looked at, and it does not hold.
    Failed(String),
    /// Not looked at, or not to the end, for this reason.
    NotChecked(String),
}

impl Proof {
    /// Whether it is proven.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        matches!(self, Self::Proven(_))
    }
}

/// The proof of each level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proofs {
    /// See [`Level::Present`].
    pub present: Proof,
    /// See [`Level::Listed`].
    pub listed: Proof,
    /// See [`Level::Intact`].
    pub intact: Proof,
    /// See [`Level::Decodable`].
    pub decodable: Proof,
    /// See [`Level::Consistent`].
    pub consistent: Proof,
    /// See [`Level::Restorable`].
    pub restorable: Proof,
}

impl Proofs {
    /// The proof of a level.
    #[must_use]
    pub fn of(&self, level: Level) -> &Proof {
        match level {
            Level::Present => &self.present,
            Level::Listed => &self.listed,
            Level::Intact => &self.intact,
            Level::Decodable => &self.decodable,
            Level::Consistent => &self.consistent,
            Level::Restorable => &self.restorable,
        }
    }

    /// The highest level that is proven with none below it failed.
    ///
    /// Only [`Level::Intact`] may be left out on the way up: most backups have no manifest, and the proof of a higher level
    /// without it is worth having. The verdict says so in its list of what was not checked.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        let mut reached = None;
        for level in Level::ALL {
            match self.of(level) {
                Proof::Proven(_) => reached = Some(level),
                Proof::NotChecked(_) if level == Level::Intact => {}
                Proof::NotChecked(_) | Proof::Failed(_) => break,
            }
        }
        reached
    }
}

/// How an archive is laid out in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `pg_dump -Fc`: one file.
    Custom,
    /// `pg_dump -Fd`: a directory.
    Directory,
    /// `pg_dump -Ft`: one file, of tar.
    Tar,
}

impl Format {
    /// Its name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Directory => "directory",
            Self::Tar => "tar",
        }
    }
}

/// What an archive says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// How it is laid out.
    pub format: Format,
    /// The archive's version, such as `1.16`.
    pub version: String,
    /// How data is compressed.
    pub compression: Compression,
    /// The database that was dumped.
    pub database: String,
    /// The version of the server.
    pub server_version: String,
    /// The version of pg_dump.
    pub dump_version: String,
    /// When the dump began, in the local time of the machine that ran pg_dump; the archive does not tell which zone that is.
    pub dumped_at_local: String,
}

impl Archive {
    pub(crate) fn of(header: &Header, format: Format) -> Self {
        Self {
            format,
            version: header.version.to_string(),
            compression: header.compression,
            database: header.database.clone(),
            server_version: header.server_version.clone(),
            dump_version: header.dump_version.clone(),
            dumped_at_local: header.dumped_at.clone(),
        }
    }
}

/// The data of one table, as it was decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The table's schema.
    pub schema: Option<String>,
    /// The table's name.
    pub name: String,
    /// Rows; `None` when the dump has INSERT statements.
    pub rows: Option<u64>,
    /// Bytes of the data before compression, the end mark included.
    pub bytes: u64,
}

impl Table {
    /// `schema.name`.
    #[must_use]
    pub fn title(&self) -> String {
        self.schema.as_ref().map_or_else(|| self.name.clone(), |schema| format!("{schema}.{}", self.name))
    }
}

/// The large objects, as they were decoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LargeObjects {
    /// How many.
    pub count: u64,
    /// Their bytes before compression.
    pub bytes: u64,
}

/// A file of the archive, with its size and checksums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePrint {
    /// The file's name in a directory; [`FilePrint::SINGLE`] where the archive is one file.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256: finds any change, made by whomever.
    pub sha256: Sha256Value,
    /// CRC-64/NVME, the checksum that S3 keeps of whole objects, in S3's notation (`ChecksumCRC64NVME`).
    pub crc64nvme: Crc64Value,
}

impl FilePrint {
    /// Stands for the one file of a custom or tar archive, whose name is nobody's business.
    pub const SINGLE: &str = "archive";
    /// Stands for the file of an archive that is encrypted, as it is stored.
    pub const ENCRYPTED: &str = "encrypted";
}

/// Whether an archive holds at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It does.
    Holds,
    /// It does not.
    DoesNotHold,
    /// That could not be found out.
    CouldNotBeChecked,
}

/// What came of verifying an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The level reached; `None`: not even present.
    pub level: Option<Level>,
    /// Each level's proof.
    pub proofs: Proofs,
    /// That it is encrypted, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// What the archive says of itself, where it could be read.
    pub archive: Option<Archive>,
    /// Entries in the table of contents.
    pub entries: Option<u32>,
    /// Every table whose data was decoded to its end, in the order of the data.
    pub tables: Vec<Table>,
    /// The large objects that were decoded to their end.
    pub large_objects: LargeObjects,
    /// Bytes of the archive that were read.
    pub bytes_read: u64,
    /// Fingerprints of the files, where they were asked for and the files could be read to their end.
    pub files: Vec<FilePrint>,
    /// What was not checked, said openly.
    pub not_checked: Vec<String>,
    /// What was found, in the order in which it was.
    pub findings: Vec<Finding>,
    /// Findings beyond [`crate::Limits::findings`], which are only counted.
    pub further_findings: u64,
}

impl Verdict {
    /// Whether the archive holds at the level that is required.
    ///
    /// Damage anywhere is an answer, whatever the level: a backup with a damaged part is none to rely on.
    #[must_use]
    pub fn answer(&self, required: Level) -> Answer {
        if self.findings.iter().any(|finding| finding.meaning == Meaning::Damage) {
            return Answer::DoesNotHold;
        }
        let unchecked = !self.findings.is_empty() || self.further_findings > 0;
        if unchecked || !self.proofs.of(required).is_proven() || self.level.is_none_or(|level| level < required) {
            return Answer::CouldNotBeChecked;
        }
        Answer::Holds
    }

    /// Whether a checksum of the whole archive in S3's notation (`ChecksumCRC64NVME`) is that of the bytes that were read; `None`
    /// when not every byte was read with [`crate::Options::fingerprints`], or they are of several files.
    #[must_use]
    pub fn has_crc64nvme(&self, stored: &str) -> Option<bool> {
        let file = match (&self.encryption, self.files.as_slice()) {
            (Some(encryption), _) => encryption.file.as_ref(),
            (None, [file]) => Some(file),
            (None, _) => None,
        };
        file.map(|file| file.crc64nvme.to_string() == stored)
    }
}
