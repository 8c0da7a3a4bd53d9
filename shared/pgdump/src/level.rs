//! How far a backup is proven.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How far a backup is proven, from least to most. A bare "verified" says nothing; these words do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It exists and begins like an archive.
    Present,
    /// Its table of contents can be read to the end.
    Listed,
    /// Every byte is the byte that was written: size and checksums equal the manifest's.
    Intact,
    /// Every entry decodes to its end, and every row has the right shape.
    Decodable,
    /// Rows and bytes of every table are what the manifest, or the backup before it, leads one to expect.
    Consistent,
    /// It was restored into a database, and queries answered. No reading of the archive proves this.
    Restorable,
}

impl Level {
    /// Every level, from least to most.
    pub const ALL: [Self; 6] =
        [Self::Present, Self::Listed, Self::Intact, Self::Decodable, Self::Consistent, Self::Restorable];

    /// The level's name in output and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Listed => "listed",
            Self::Intact => "intact",
            Self::Decodable => "decodable",
            Self::Consistent => "consistent",
            Self::Restorable => "restorable",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(String);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Level::ALL.map(Level::as_str).join(", ");
        write!(f, "{:?} is no proof level; the levels are {known}", self.0)
    }
}

impl std::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| UnknownLevel(text.to_owned()))
    }
}
