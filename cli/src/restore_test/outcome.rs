//! What came of a restore, and what that means.

use std::time::Duration;

use pgdump::{Answer, Level, Proof, Verdict};
use serde::{Serialize, Serializer};

/// What came of a restore.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// The version of the server and of pg_restore; nothing where none was started.
    pub(super) postgresql: Option<String>,
    /// How the restore itself ended.
    pub(super) restore: Restore,
    /// Rows of each table, where the archive says how many it has.
    pub(super) tables: Vec<Rows>,
    /// The large objects.
    pub(super) large_objects: Option<LargeObjects>,
    /// What the restored database answered.
    pub(super) queries: Vec<Query>,
    /// Why something could not be found out.
    pub(super) not_found_out: Vec<String>,
}

/// How the restore itself ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub(super) enum Restore {
    /// It was not begun, for this reason.
    NotTried { why: String },
    /// pg_restore ended without an error.
    Whole {
        #[serde(rename = "took_s", serialize_with = "seconds")]
        took: Duration,
    },
    /// pg_restore refused; what it said, and whether that is the archive's fault or ours.
    Refused { said: String, missing_here: bool },
    /// pg_restore had not ended when its time was over.
    OutOfTime {
        #[serde(rename = "limit_s", serialize_with = "seconds")]
        limit: Duration,
    },
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Rows {
    /// The table.
    pub(super) table: String,
    /// Rows in the archive; where a manifest was given, it has as many.
    pub(super) archive: u64,
    /// Rows in the restored database.
    pub(super) restored: u64,
}

/// How many large objects there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct LargeObjects {
    /// With data in the archive.
    pub(super) archive: u64,
    /// In the restored database.
    pub(super) restored: u64,
}

/// One query of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Query {
    /// The statement.
    pub(super) query: String,
    /// What the database answered, cut off where it is long; nothing where it did not, or there was no database to ask.
    pub(super) answer: Option<String>,
    /// Whether that is true.
    pub(super) holds: bool,
}

impl Outcome {
    pub(super) fn of(restore: Restore, postgresql: Option<String>) -> Self {
        let (tables, queries, not_found_out) = (Vec::new(), Vec::new(), Vec::new());
        Self { postgresql, restore, tables, large_objects: None, queries, not_found_out }
    }

    pub(super) fn not_tried(why: impl Into<String>) -> Self {
        Self::of(Restore::NotTried { why: why.into() }, None)
    }

    /// Takes note of the queries that were never put, because nothing was restored: they were asked for, and have no answer.
    pub(super) fn leave_open(&mut self, queries: &[String]) {
        let never_put = queries.iter().skip(self.queries.len());
        self.queries.extend(never_put.map(|query| Query { query: query.clone(), answer: None, holds: false }));
    }

    /// Whether something was begun or asked that had no end: a restore out of time, or a query without an answer.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.restore, Restore::OutOfTime { .. }) || self.queries.iter().any(|query| query.answer.is_none())
    }

    /// The proof of the level `restorable`.
    pub(super) fn proof(&self) -> Proof {
        let took = match &self.restore {
            Restore::NotTried { why } => return Proof::NotChecked(why.clone()),
            Restore::OutOfTime { limit } => {
                return Proof::NotChecked(format!("pg_restore had not ended after {} s", limit.as_secs_f64()));
            }
            Restore::Refused { said, missing_here: true } => return Proof::NotChecked(first_error(said)),
            Restore::Refused { said, missing_here: false } => return Proof::Failed(first_error(said)),
            Restore::Whole { took } => took,
        };
        if let Some(rows) = self.tables.iter().find(|rows| rows.archive != rows.restored) {
            return Proof::Failed(format!(
                "{} has {} rows in the archive and {} in the restored database",
                rows.table, rows.archive, rows.restored
            ));
        }
        if let Some(objects) = self.large_objects.filter(|objects| objects.archive != objects.restored) {
            let LargeObjects { archive, restored } = objects;
            return Proof::Failed(format!("{archive} large objects in the archive, {restored} in the restored database"));
        }
        if let Some(query) = self.queries.iter().find(|query| query.answer.is_some() && !query.holds) {
            let answer = query.answer.as_deref().unwrap_or_default();
            return Proof::Failed(format!("{:?} was answered with {answer:?}, and not with true", query.query));
        }
        match self.not_found_out.as_slice() {
            [] => {}
            [why] => return Proof::NotChecked(why.clone()),
            [why, more @ ..] => return Proof::NotChecked(format!("{why}; and {} more", more.len())),
        }
        let rows: u64 = self.tables.iter().map(|rows| rows.restored).sum();
        Proof::Proven(format!(
            "restored into PostgreSQL {} in {:.1} s: {} tables with {rows} rows, as in the archive; {} queries answered with true",
            self.postgresql.as_deref().unwrap_or_default(),
            took.as_secs_f64(),
            self.tables.len(),
            self.queries.len()
        ))
    }

    /// The level that is reached. Neither a manifest nor the backup before is needed to prove a restore; without them the verdict says
    /// that nothing was compared with them.
    pub(super) fn level(&self, verdict: &Verdict) -> Option<Level> {
        let reads_well = verdict.answer(Level::Decodable) == Answer::Holds;
        if reads_well && self.proof().is_proven() { Some(Level::Restorable) } else { verdict.level }
    }

    /// Whether the required level holds. Whatever the level, a restore that failed is damage, and a question without an answer is not
    /// passed over.
    pub(super) fn answer(&self, verdict: &Verdict, required: Level) -> Answer {
        let proof = self.proof();
        let read = match required {
            Level::Restorable => verdict.answer(Level::Decodable),
            lower => verdict.answer(lower),
        };
        match (read, proof) {
            (Answer::DoesNotHold, _) | (_, Proof::Failed(_)) => Answer::DoesNotHold,
            (Answer::Holds, _) if self.is_open() => Answer::CouldNotBeChecked,
            (Answer::Holds, Proof::NotChecked(_)) if required == Level::Restorable => Answer::CouldNotBeChecked,
            (read, _) => read,
        }
    }
}

/// The line of pg_restore's in which the error stands.
fn first_error(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("error:")).or_else(|| said.lines().next());
    line.unwrap_or("pg_restore said nothing").to_owned()
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}
