//! What comes next in an incident: the journal's records decide, never the caller.

use super::assess::Course;
use super::change::Change;
use super::incident::{Incident, IncidentStatus};
use super::step::{Direction, StepRecord, StepStatus};
use crate::guard::{self, Guard};

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Run these steps side by side.
    Run {
        /// The steps' indexes in the records.
        steps: Vec<usize>,
        /// Forward or backward.
        direction: Direction,
        /// Why.
        reason: String,
    },
    /// Declare the end.
    End {
        /// How.
        status: IncidentStatus,
        /// Why.
        reason: String,
    },
}

/// Decides on the records of an assessed incident, ordered by wave.
///
/// Nothing is undone once a promotion may have happened: pointing clients back at a fenced primary, or lifting its fence, would
/// lose more than standing still (design §1, §2.5).
#[must_use]
pub fn next(incident: &Incident, records: &[StepRecord]) -> Next {
    let aborted = incident.abort.as_ref().map(|abort| format!("it was aborted by {abort}"));
    let Some(assessment) = &incident.assessment else {
        let why = aborted.unwrap_or_else(|| "the incident was never assessed".to_owned());
        return Next::End { status: IncidentStatus::RolledBack, reason: format!("nothing was done: {why}") };
    };
    if incident.change.as_ref().is_some_and(Change::takes_back) {
        return taking_back(records);
    }
    if let Some(why) = aborted {
        return back(records, &why);
    }
    let failed = records.iter().find(|record| {
        matches!(record.status, StepStatus::Refused | StepStatus::Stuck | StepStatus::Undoing | StepStatus::Undone)
    });
    if let Some(failed) = failed {
        let cause = records.iter().find(|record| record.status == StepStatus::Refused).unwrap_or(failed);
        return back(records, &format!("{}: {}", cause.id, cause.reason));
    }
    let is_open = |record: &StepRecord| !matches!(record.status, StepStatus::Done | StepStatus::Skipped);
    if let Some(first) = records.iter().find(|record| is_open(record)) {
        let in_turn = |record: &StepRecord| record.wave == first.wave || guard::removed(Guard::WavesInOrder);
        let steps = indexes(records, |record| in_turn(record) && is_open(record));
        return Next::Run { steps, direction: Direction::Apply, reason: format!("wave {} is next", first.wave) };
    }
    match &assessment.course {
        Course::Branch { .. } => Next::End { status: IncidentStatus::Completed, reason: completed(records) },
        Course::HoldOnly { .. } => Next::End { status: IncidentStatus::Stuck, reason: assessment.reason.clone() },
        Course::StandDown => Next::End { status: IncidentStatus::RolledBack, reason: assessment.reason.clone() },
    }
}

/// A change that only takes back what another incident did.
fn taking_back(records: &[StepRecord]) -> Next {
    if let Some(stuck) = records.iter().find(|record| record.status == StepStatus::Stuck) {
        return Next::End { status: IncidentStatus::Stuck, reason: format!("{}: {}", stuck.id, stuck.reason) };
    }
    let open = indexes(records, |record| record.status != StepStatus::Undone);
    if open.is_empty() {
        return Next::End { status: IncidentStatus::Completed, reason: "what was written is taken back".to_owned() };
    }
    Next::Run { steps: open, direction: Direction::Undo, reason: "take back what was written".to_owned() }
}

fn completed(records: &[StepRecord]) -> String {
    let skipped: Vec<String> = records
        .iter()
        .filter(|record| record.status == StepStatus::Skipped)
        .map(|record| format!("{} ({})", record.id, record.reason))
        .collect();
    if skipped.is_empty() {
        return "every step reached its postcondition".to_owned();
    }
    format!("every step reached its postcondition, but for what a person took for done: {}", skipped.join("; "))
}

fn back(records: &[StepRecord], why: &str) -> Next {
    // Steps that ran beside the refused one end first: undo starts only when all are quiet.
    let running = indexes(records, |record| record.status == StepStatus::Running);
    if !running.is_empty() {
        return Next::Run { steps: running, direction: Direction::Apply, reason: format!("let the others end; {why}") };
    }
    if records.iter().any(StepRecord::may_have_promoted) && !guard::removed(Guard::NoUndoAfterPromotion) {
        return Next::End {
            status: IncidentStatus::Stuck,
            reason: format!("a promotion may have happened, so nothing is undone and the fence stays; {why}"),
        };
    }
    if let Some(stuck) = records.iter().find(|record| record.status == StepStatus::Stuck) {
        return Next::End { status: IncidentStatus::Stuck, reason: format!("{}: {}", stuck.id, stuck.reason) };
    }
    let last_wave = records
        .iter()
        .filter(|record| record.status != StepStatus::Undone && record.may_have_changed_something())
        .map(|record| record.wave)
        .max();
    match last_wave {
        Some(wave) => Next::Run {
            steps: indexes(records, |record| {
                record.wave == wave && record.status != StepStatus::Undone && record.may_have_changed_something()
            }),
            direction: Direction::Undo,
            reason: format!("undo wave {wave}; {why}"),
        },
        None => Next::End { status: IncidentStatus::RolledBack, reason: format!("what was applied is undone; {why}") },
    }
}

fn indexes(records: &[StepRecord], wanted: impl Fn(&StepRecord) -> bool) -> Vec<usize> {
    records.iter().enumerate().filter(|(_, record)| wanted(record)).map(|(index, _)| index).collect()
}
