//! A database that AWS Backup restored for a test: whether it may be asked, and what its answers prove.
//!
//! A validation result cannot be changed once it is set, and what was restored is deleted as soon as it is (AWS Backup developer guide,
//! "Restore testing validation", and API reference, `RestoreTestingSelectionForCreate`). So only an answer decides: where there is
//! none, nothing is sent, and the database stays for whoever looks next.

mod answers;
mod job;

use serde::{Deserialize, Serialize};

use super::identifier::{ResourceName, SqlText};
use super::non_empty::NonEmpty;

pub use answers::{Asked, Proof, Told, judge, no_database};
pub use job::{NotAsked, RESTORE_JOBS, RESTORED, RestoreJobView, Standing, server_of, standing};

/// What a restored database is asked, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreTest {
    /// The database on the restored server.
    pub database: ResourceName,
    /// The secret, in the recovery site, with the fields `username` and `password` of a role that may read it, and
    /// `certificate_authority`, the authority of RDS in that Region.
    pub secret: ResourceName,
    /// What has to be answered.
    pub queries: NonEmpty<IntegrityQuery>,
}

/// A question whose answer says whether the data is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrityQuery {
    /// What it is called in verdicts.
    pub name: ResourceName,
    /// One statement that answers with one row of one column.
    pub sql: SqlText,
    /// What its answer has to be.
    pub expect: Expectation,
}

/// What an answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// True.
    True,
    /// A whole number, this or more.
    AtLeast(u32),
    /// A whole number, this or less.
    AtMost(u32),
    /// Exactly this whole number.
    Equals(u32),
}

impl Expectation {
    /// As a part of a sentence.
    #[must_use]
    pub fn shown(self) -> String {
        match self {
            Self::True => "true".to_owned(),
            Self::AtLeast(number) => format!("at least {number}"),
            Self::AtMost(number) => format!("at most {number}"),
            Self::Equals(number) => format!("exactly {number}"),
        }
    }
}

#[cfg(test)]
mod tests;
