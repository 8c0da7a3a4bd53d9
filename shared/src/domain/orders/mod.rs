//! What a person's order does to an incident: pause, resume, retry, skip, abort. Pure: each takes the journal's records and returns
//! them as they are to be written, or says why not.

mod abort;
mod pause;
mod retry;
mod skip;

use jiff::Timestamp;

use super::advance::{Next, next};
use super::assess::longest_incident;
use super::identifier::StepId;
use super::incident::{Incident, IncidentStatus, OrderKind, Stated};
use super::plan::Scenario;
use super::step::{Direction, StepRecord, StepStatus};

/// What is ordered, and of what.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The order.
    pub order: OrderKind,
    /// The step, where one is named.
    pub step: Option<&'a StepId>,
    /// Who, why and when.
    pub stated: &'a Stated,
    /// Whether it came through the alias `approve`.
    pub by_approver: bool,
    /// The incident.
    pub incident: &'a Incident,
    /// Its steps, by wave.
    pub records: &'a [StepRecord],
    /// Its scenario.
    pub scenario: &'a Scenario,
}

/// What comes of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    /// It is obeyed: this is to be written, all or none.
    Obeyed(Box<Obeyed>),
    /// It stands so already; the same answer as before.
    Again(String),
}

/// What obeying writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Obeyed {
    /// The incident afterwards.
    pub incident: Incident,
    /// The steps to write. One that is written unchanged takes its attempt's next write away: what that attempt has seen does not
    /// hold any more.
    pub records: Vec<StepRecord>,
    /// The step to which it happened, when it happened to one.
    pub step: Option<StepId>,
    /// What it means, as a sentence.
    pub reason: String,
}

/// Why an order is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Objection {
    /// The incident has ended, and no order changes that.
    Ended,
    /// It is not paused.
    NotPaused,
    /// Nothing of it was refused or is stuck, or trying again would end as it did.
    NothingToRetry,
    /// Every step has reached its goal.
    NothingToAbort,
    /// What was applied is being undone.
    UndoUnderWay,
    /// An attempt at the step is in the middle of a call.
    StepBusy,
    /// There is no such step.
    StepUnknown,
    /// A step of this kind, or in this state, is never taken for done.
    NotSkippable,
    /// Only through the alias `approve`.
    NeedsApprover,
}

/// An order that is not obeyed, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason.
    pub objection: Objection,
    /// The reason, as a sentence.
    pub reason: String,
}

fn refuse<T>(objection: Objection, reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { objection, reason: reason.into() })
}

/// Rules on an order.
///
/// # Errors
/// [`Refusal`]; nothing is written then.
pub fn rule(case: Case<'_>) -> Result<Ruling, Refusal> {
    match case.order {
        OrderKind::Pause => pause::pause(case),
        OrderKind::Resume => pause::resume(case),
        OrderKind::Retry => retry::retry(case),
        OrderKind::Skip => skip::skip(case),
        OrderKind::Abort => abort::abort(case),
    }
}

impl Case<'_> {
    fn ended<T>(&self) -> Result<T, Refusal> {
        let (id, status) = (&self.incident.id, self.incident.status.as_str());
        let what = match (self.incident.status, &self.incident.acknowledged) {
            (IncidentStatus::Stuck, None) => "a stuck one takes retry, skip and acknowledge",
            (IncidentStatus::Stuck, Some(_)) => "it was acknowledged, so another recovery may be started",
            _ => "another recovery may be started",
        };
        refuse(Objection::Ended, format!("incident {id} has ended as {status}; {what}"))
    }

    fn named(&self) -> Result<Option<&StepRecord>, Refusal> {
        let Some(step) = self.step else { return Ok(None) };
        match self.records.iter().find(|record| &record.id == step) {
            Some(record) => Ok(Some(record)),
            None => {
                let known: Vec<&str> = self.records.iter().map(|record| record.id.as_str()).collect();
                let known = if known.is_empty() { "none yet".to_owned() } else { known.join(", ") };
                refuse(Objection::StepUnknown, format!("incident {} has no step {step}; it has: {known}", self.incident.id))
            }
        }
    }

    /// Whether what was applied is being undone, or was.
    fn goes_back(&self) -> bool {
        let undoing = |record: &StepRecord| {
            matches!(record.status, StepStatus::Undoing | StepStatus::Undone) || record.direction == Direction::Undo
        };
        self.records.iter().any(undoing)
    }

    fn may_have_promoted(&self) -> bool {
        self.records.iter().any(StepRecord::may_have_promoted)
    }

    /// The steps that an attempt may be about to act for, on what it saw before this order. Writing them takes its next write away,
    /// and so its next intent. One that has written its intent is in the middle of its call, and is left to write the outcome.
    fn taken_over(&self) -> Vec<StepRecord> {
        let way = if self.goes_back()
            || self.incident.abort.is_some()
            || self.records.iter().any(|record| record.status == StepStatus::Refused)
        {
            Direction::Undo
        } else {
            Direction::Apply
        };
        let open = |record: &&StepRecord| !record.status.is_settled(Direction::Apply) || !record.status.is_settled(way);
        let quiet = self.records.iter().filter(open).filter(|record| !record.has_open_intent());
        quiet.map(|record| StepRecord { claimed_until: None, ..record.clone() }).collect()
    }

    /// Has a stuck incident go on with these steps changed, when it can; otherwise the reason why it would end again as it did.
    fn reopened(&self, mut incident: Incident, changed: &[StepRecord]) -> Result<(Incident, Vec<StepRecord>), String> {
        let now = self.stated.at;
        incident.status = if incident.assessment.is_some() { IncidentStatus::Running } else { IncidentStatus::Declared };
        incident.ended_at = None;
        incident.end_reason = None;
        incident.commands_left.clear();
        incident.execution_arn = None;
        incident.looked_since = None;
        incident.reopened.push(now);
        incident.deadline = longest_incident(self.scenario).after(now);
        let all: Vec<StepRecord> = self
            .records
            .iter()
            .map(|record| changed.iter().find(|other| other.id == record.id).unwrap_or(record))
            .map(|record| self.with_time(record, now))
            .collect();
        match next(&incident, &all) {
            Next::End { status: IncidentStatus::Stuck, reason } => Err(reason),
            _ => {
                let written = all.into_iter().zip(self.records).filter(|(new, old)| new != *old).map(|(new, _)| new);
                Ok((incident, written.collect()))
            }
        }
    }

    /// A step that was under way begins its time anew.
    fn with_time(&self, record: &StepRecord, now: Timestamp) -> StepRecord {
        let mut record = record.clone();
        if matches!(record.status, StepStatus::Running | StepStatus::Undoing) {
            record.claimed_until = None;
            record.working_since = Some(now);
            record.deadline = Some(self.scenario.budget(record.step.kind).after(now));
        }
        record
    }
}

#[cfg(test)]
mod tests;
