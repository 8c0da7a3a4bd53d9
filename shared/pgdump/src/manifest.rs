//! The manifest of a backup: what it was when it was taken.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::level::Level;
use crate::verdict::{Answer, Archive, FilePrint, LargeObjects, Table, Verdict};

/// The largest manifest that is read, in bytes. One line of a table is about 100 bytes.
pub const LARGEST_MANIFEST: u64 = 16 << 20;

/// Marks a file as a manifest, and says which fields it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    #[serde(rename = "recovery-functions/backup-manifest/1")]
    First,
}

/// What a backup was when it was taken. Kept apart from the backup, it proves later that not a byte has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    kind: Kind,
    /// When the manifest was made.
    pub recorded_at: Timestamp,
    /// What made it, with its version.
    pub recorded_by: String,
    /// What the archive says of itself.
    pub archive: Archive,
    /// Entries in the table of contents.
    pub entries: u32,
    /// The archive's files; of one that is encrypted, what it holds.
    pub files: Vec<FilePrint>,
    /// The file as it was stored, where it was encrypted: who has no key compares with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<FilePrint>,
    /// The tables with their data.
    pub tables: Vec<Table>,
    /// The large objects.
    pub large_objects: LargeObjects,
}

/// Why there is no manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestError {
    /// The archive is damaged or could not be decoded to its end. A manifest would make a bad backup look sound for ever.
    NotSound,
    /// The text is no manifest.
    NotAManifest(String),
}

impl ManifestError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSound => "manifest_not_sound",
            Self::NotAManifest(_) => "manifest_unreadable",
        }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSound => f.write_str("no manifest is made of an archive that is not decodable: take the backup again"),
            Self::NotAManifest(why) => write!(f, "this is no manifest of a backup: {why}"),
        }
    }
}

impl std::error::Error for ManifestError {}

impl Manifest {
    /// The manifest of an archive that was just verified, with checksums, to [`Level::Decodable`].
    ///
    /// # Errors
    /// [`ManifestError::NotSound`] when the archive did not hold at that level.
    pub fn of(verdict: &Verdict, recorded_at: Timestamp, recorded_by: impl Into<String>) -> Result<Self, ManifestError> {
        let (Answer::Holds, Some(archive), Some(entries)) =
            (verdict.answer(Level::Decodable), verdict.archive.clone(), verdict.entries)
        else {
            return Err(ManifestError::NotSound);
        };
        if verdict.files.is_empty() {
            return Err(ManifestError::NotSound);
        }
        Ok(Self {
            kind: Kind::First,
            recorded_at,
            recorded_by: recorded_by.into(),
            archive,
            entries,
            files: verdict.files.clone(),
            encrypted: verdict.encryption.as_ref().and_then(|encryption| encryption.file.clone()),
            tables: verdict.tables.clone(),
            large_objects: verdict.large_objects,
        })
    }

    /// Reads a manifest. Unknown fields are refused: whoever wrote them expects something of them.
    ///
    /// # Errors
    /// [`ManifestError::NotAManifest`] with the place.
    pub fn read(json: &[u8]) -> Result<Self, ManifestError> {
        if json.len() as u64 > LARGEST_MANIFEST {
            return Err(ManifestError::NotAManifest(format!("it has more than {LARGEST_MANIFEST} bytes")));
        }
        let manifest: Self = serde_json::from_slice(json).map_err(|error| ManifestError::NotAManifest(error.to_string()))?;
        let names: BTreeSet<&str> = manifest.files.iter().map(|file| file.name.as_str()).collect();
        if names.len() != manifest.files.len() || names.is_empty() {
            return Err(ManifestError::NotAManifest("it names a file twice, or none".to_owned()));
        }
        Ok(manifest)
    }

    /// The manifest as it is kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Serialising plain structures of strings and numbers cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
