//! How deep to verify, and against what.

use crate::consistency::Drift;
use crate::encryption::Keys;
use crate::level::Level;
use crate::limits::Limits;
use crate::manifest::Manifest;

/// How deep to verify, and against what.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// How far to go: nothing is read beyond what this level needs.
    pub level: Level,
    /// Bounds on memory and work.
    pub limits: Limits,
    /// The manifest that was written when this backup was taken.
    pub manifest: Option<&'a Manifest>,
    /// The manifest of the backup before, to compare row counts with.
    pub previous: Option<&'a Manifest>,
    /// By how much rows may differ from the backup before.
    pub drift: Drift,
    /// Whether an archive without any data is what was wanted (`pg_dump --schema-only`).
    pub schema_only: bool,
    /// Whether to compute checksums although there is no manifest to compare them with.
    pub fingerprints: bool,
    /// What opens the archive, where it is encrypted; one that is not is a finding then.
    pub keys: Option<&'a dyn Keys>,
}

impl Options<'_> {
    /// To a level, against nothing.
    #[must_use]
    pub fn to(level: Level) -> Self {
        Self {
            level,
            limits: Limits::default(),
            manifest: None,
            previous: None,
            drift: Drift::default(),
            schema_only: false,
            fingerprints: false,
            keys: None,
        }
    }

    /// Whether checksums are computed, and so everything read.
    pub(crate) fn prints(&self) -> bool {
        self.fingerprints || (self.manifest.is_some() && self.level >= Level::Intact)
    }

    /// Whether what was asked for cannot be answered of an encrypted archive without opening it.
    pub(crate) fn needs_key(&self) -> bool {
        !(self.level == Level::Present || (self.level == Level::Intact && self.knows_encrypted()))
    }

    /// Whether there is something to compare the encrypted bytes with.
    pub(crate) fn knows_encrypted(&self) -> bool {
        self.manifest.is_some_and(|manifest| manifest.encrypted.is_some())
    }

    pub(crate) fn decodes(&self) -> bool {
        self.level >= Level::Decodable
    }
}
