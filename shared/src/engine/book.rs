//! The journal as a book of incidents: typed documents, entries chained by digest, every write conditional on what was read.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::duration::Seconds;
use crate::domain::identifier::{Digest, IncidentId, PlatformName, StepId};
use crate::domain::incident::{Incident, PlatformState};
use crate::domain::loss_bound::CLOCK_TOLERANCE;
use crate::domain::plan::Plan;
use crate::domain::report::Report;
use crate::domain::step::StepRecord;
use crate::error::{Code, RecoveryError};
use crate::guard::{self, Guard};
use crate::ports::{Commit, Document, Journal, Write};

use super::notices::Notice;

/// A document with the revision it was read at.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// Content.
    pub value: T,
    /// Revision; 0 for one that does not exist yet.
    pub revision: u64,
}

/// One line of an incident's evidence. Each holds the digest of the one before it, so that none can be changed or dropped
/// without every later one showing it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// `incident`, or the step's id.
    pub about: String,
    /// 1-based within `about`.
    pub sequence: u32,
    /// Such as `declared`, `intent`, `outcome`, `done`.
    pub event: String,
    /// Why, as a sentence.
    pub reason: String,
    /// The attempt that wrote it, for steps.
    pub attempt: u32,
    /// Digest of the entry before.
    pub previous: Option<Digest>,
}

/// Something that keeps a chain of entries.
pub(super) trait Chained {
    fn about(&self) -> String;
    fn attempt(&self) -> u32;
    fn chain(&mut self) -> (&mut u32, &mut Option<Digest>);
}

impl Chained for Incident {
    fn about(&self) -> String {
        "incident".to_owned()
    }
    fn attempt(&self) -> u32 {
        0
    }
    fn chain(&mut self) -> (&mut u32, &mut Option<Digest>) {
        (&mut self.entries, &mut self.head)
    }
}

impl Chained for StepRecord {
    fn about(&self) -> String {
        self.id.to_string()
    }
    fn attempt(&self) -> u32 {
        self.attempt
    }
    fn chain(&mut self) -> (&mut u32, &mut Option<Digest>) {
        (&mut self.entries, &mut self.head)
    }
}

const INCIDENT: &str = "incident";
const PLAN: &str = "plan#";
/// Bytes of a plan in one document.
const PLAN_PIECE: usize = 300_000;
const REPORT: &str = "report";
const STATE: &str = "state";

/// Typed access to the journal.
#[derive(Clone, Copy)]
pub struct Book<'a> {
    journal: &'a dyn Journal,
}

impl<'a> Book<'a> {
    pub(super) fn new(journal: &'a dyn Journal) -> Self {
        Self { journal }
    }

    /// The incident, if it was declared.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn find(&self, id: &IncidentId) -> Result<Option<Versioned<Incident>>, RecoveryError> {
        self.read(&partition(id), INCIDENT).await?.map(|document| parse(&document)).transpose()
    }

    /// The incident.
    ///
    /// # Errors
    /// `incident_unknown` when it was never declared; journal errors.
    pub async fn incident(&self, id: &IncidentId) -> Result<Versioned<Incident>, RecoveryError> {
        self.find(id).await?.ok_or_else(|| {
            RecoveryError::new(
                Code::IncidentUnknown,
                format!("there is no incident {id} in the journal; `status` without an id shows the active or latest one"),
            )
        })
    }

    /// The incident's own copy of the plan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn plan(&self, id: &IncidentId) -> Result<Plan, RecoveryError> {
        let pieces = self.documents(&partition(id), PLAN).await?;
        let text: String = pieces.iter().map(|piece| piece.content.as_str()).collect();
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("incident {id}'s copy of its plan cannot be read ({error}); nothing is done on a guess");
            RecoveryError::new(Code::JournalUnreadable, message)
        })
    }

    /// The incident's steps by wave.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn steps(&self, id: &IncidentId) -> Result<Vec<Versioned<StepRecord>>, RecoveryError> {
        self.list(&partition(id), "step#").await
    }

    /// The incident's entries, by time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn entries(&self, id: &IncidentId) -> Result<Vec<Entry>, RecoveryError> {
        let mut entries: Vec<Entry> =
            self.list(&partition(id), "entry#").await?.into_iter().map(|entry| entry.value).collect();
        entries.sort_by(|a: &Entry, b: &Entry| (a.at, &a.about, a.sequence).cmp(&(b.at, &b.about, b.sequence)));
        Ok(entries)
    }

    /// The incident's notices.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn notices(&self, id: &IncidentId) -> Result<Vec<Versioned<Notice>>, RecoveryError> {
        self.list(&partition(id), "notice#").await
    }

    /// The incident's report, once it has ended.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn report(&self, id: &IncidentId) -> Result<Option<Versioned<Report>>, RecoveryError> {
        let document = self.read(&partition(id), REPORT).await?;
        document.map(|document| parse(&document)).transpose()
    }

    /// What is kept of the platform; a platform that never recovered has the default state at revision 0.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn platform(&self, name: &PlatformName) -> Result<Versioned<PlatformState>, RecoveryError> {
        match self.read(&platform_partition(name), STATE).await? {
            Some(document) => parse(&document),
            None => Ok(Versioned { value: PlatformState::default(), revision: 0 }),
        }
    }

    async fn list<T: DeserializeOwned>(&self, partition: &str, prefix: &str) -> Result<Vec<Versioned<T>>, RecoveryError> {
        self.documents(partition, prefix).await?.iter().map(parse).collect()
    }

    async fn read(&self, partition: &str, name: &str) -> Result<Option<Document>, RecoveryError> {
        let document = self.journal.read(partition, name).await.map_err(|error| RecoveryError::journal(&error))?;
        self.compare_clocks()?;
        Ok(document)
    }

    async fn documents(&self, partition: &str, prefix: &str) -> Result<Vec<Document>, RecoveryError> {
        let documents = self.journal.list(partition, prefix).await.map_err(|error| RecoveryError::journal(&error))?;
        self.compare_clocks()?;
        Ok(documents)
    }

    /// Claims, deadlines and loss bounds compare times that different processes wrote. Every task begins by reading the journal,
    /// so a process whose clock is wrong stops here, before it has done anything.
    fn compare_clocks(&self) -> Result<(), RecoveryError> {
        let lead = self.journal.clock_lead().unwrap_or_default();
        if lead.unsigned_abs() <= CLOCK_TOLERANCE.0 || guard::removed(Guard::ClocksCompared) {
            return Ok(());
        }
        let way = if lead > 0 { "ahead of" } else { "behind" };
        let message = format!(
            "this process's clock is {} {way} the journal's, so none of its times could be trusted and nothing was done; the next \
             attempt may run elsewhere",
            Seconds(lead.unsigned_abs())
        );
        Err(RecoveryError::new(Code::ClockDiffers, message))
    }

    pub(super) async fn commit(&self, writes: &[Write]) -> Result<Commit, RecoveryError> {
        self.journal.commit(writes).await.map_err(|error| RecoveryError::journal(&error))
    }
}

pub(super) fn partition(id: &IncidentId) -> String {
    format!("incident#{id}")
}

fn platform_partition(name: &PlatformName) -> String {
    format!("platform#{name}")
}

pub(super) fn write_incident(incident: &Versioned<Incident>) -> Write {
    write(partition(&incident.value.id), INCIDENT.to_owned(), incident.revision, &incident.value)
}

/// A DynamoDB item holds 400 kB, and a plan may be larger; pieces are cut at characters and read back in the order of their names.
pub(super) fn write_plan(id: &IncidentId, plan: &Plan) -> Vec<Write> {
    let text = serde_json::to_string(plan).unwrap_or_default();
    let mut pieces = Vec::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (piece, left) = rest.split_at(rest.floor_char_boundary(PLAN_PIECE));
        let name = format!("{PLAN}{:03}", pieces.len());
        pieces.push(Write { partition: partition(id), name, expected: 0, content: piece.to_owned() });
        rest = left;
    }
    pieces
}

pub(super) fn write_report(id: &IncidentId, report: &Versioned<Report>) -> Write {
    write(partition(id), REPORT.to_owned(), report.revision, &report.value)
}

pub(super) fn write_step(id: &IncidentId, step: &Versioned<StepRecord>) -> Write {
    write(partition(id), step_name(&step.value.id), step.revision, &step.value)
}

pub(super) fn write_platform(name: &PlatformName, state: &Versioned<PlatformState>) -> Write {
    write(platform_partition(name), STATE.to_owned(), state.revision, &state.value)
}

pub(super) fn write_notice(id: &IncidentId, notice: &Versioned<Notice>) -> Write {
    write(partition(id), format!("notice#{}", notice.value.name), notice.revision, &notice.value)
}

/// Appends an entry to the chain of `owner`, and returns its write. The owner's own document must be in the same commit.
pub(super) fn note<T: Chained>(id: &IncidentId, owner: &mut T, at: Timestamp, event: &str, reason: &str) -> Write {
    let (about, attempt) = (owner.about(), owner.attempt());
    let (count, head) = owner.chain();
    *count += 1;
    let entry = Entry {
        at,
        about: about.clone(),
        sequence: *count,
        event: event.to_owned(),
        reason: reason.to_owned(),
        attempt,
        previous: head.clone(),
    };
    *head = Some(Digest::of_json(&entry));
    write(partition(id), format!("entry#{about}#{:05}", entry.sequence), 0, &entry)
}

fn step_name(id: &StepId) -> String {
    format!("step#{id}")
}

fn write<T: Serialize>(partition: String, name: String, expected: u64, value: &T) -> Write {
    // Our own types have string keys only, so serialisation cannot fail.
    Write { partition, name, expected, content: serde_json::to_string(value).unwrap_or_default() }
}

fn parse<T: DeserializeOwned>(document: &Document) -> Result<Versioned<T>, RecoveryError> {
    match serde_json::from_str(&document.content) {
        Ok(value) => Ok(Versioned { value, revision: document.revision }),
        Err(error) => Err(RecoveryError::new(
            Code::JournalUnreadable,
            format!(
                "{} of {} was written by another version and cannot be read ({error}); nothing is done on a guess",
                document.name, document.partition
            ),
        )),
    }
}
