//! Take a step for done, or for not needed, on a person's word.
//!
//! Whether a database was promoted is never taken on anyone's word: it is looked at. What makes a promotion safe, or keeps clients
//! off a fenced primary after one, is skipped through the alias `approve` only; and a promotion after a skipped fence or gate always
//! asks.

use super::super::change::Change;
use super::super::step::{StepKind, StepRecord, StepStatus};
use super::{Case, Obeyed, Objection, Refusal, Ruling, refuse};

/// Who may skip a step of a kind.
enum Skippable {
    ByAnyone,
    ByApprover,
    Never,
}

fn skippable(kind: StepKind) -> Skippable {
    match kind {
        StepKind::HoldWrites | StepKind::Validate | StepKind::ResumeWrites => Skippable::ByAnyone,
        StepKind::Fence | StepKind::Gate | StepKind::Repoint => Skippable::ByApprover,
        StepKind::Promote | StepKind::ForceFailover => Skippable::Never,
    }
}

pub(super) fn skip(case: Case<'_>) -> Result<Ruling, Refusal> {
    let Some(record) = case.named()? else {
        return refuse(Objection::StepUnknown, "name the `step` to skip, as `status` shows it");
    };
    let step = &record.id;
    match skippable(record.step.kind) {
        Skippable::Never => {
            return refuse(
                Objection::NotSkippable,
                format!(
                    "whether {step} is done is looked at, and taken on nobody's word: do it by hand if you must, and then retry it"
                ),
            );
        }
        Skippable::ByApprover if !case.by_approver => {
            return refuse(
                Objection::NeedsApprover,
                format!(
                    "{step} keeps data safe, so it is skipped through the alias `approve` only: add --qualifier approve"
                ),
            );
        }
        Skippable::ByApprover | Skippable::ByAnyone => {}
    }
    if record.status == StepStatus::Skipped {
        return Ok(Ruling::Again(format!("{step} was skipped before: {}", record.reason)));
    }
    let stuck = case.incident.waits_for_a_person();
    if case.incident.status.is_end() && !stuck {
        return case.ended();
    }
    let takes_back = case.incident.change.as_ref().is_some_and(Change::takes_back);
    if takes_back || case.goes_back() || case.incident.abort.is_some() {
        return refuse(
            Objection::UndoUnderWay,
            format!("incident {} is being taken back; no step of it is skipped", case.incident.id),
        );
    }
    if record.status == StepStatus::Done {
        return refuse(Objection::NotSkippable, format!("{step} has reached its goal, so there is nothing to skip"));
    }
    // Once the incident has ended, no attempt can write any more, whatever it was in the middle of.
    if record.has_open_intent() && !stuck {
        return refuse(
            Objection::StepBusy,
            format!("an attempt at {step} is in the middle of a call; send this again in a moment"),
        );
    }
    let skipped = StepRecord {
        status: StepStatus::Skipped,
        claimed_until: None,
        ended_at: Some(case.stated.at),
        reason: format!("skipped by {}", case.stated),
        ..record.clone()
    };
    let incident = case.incident.clone();
    let (incident, records, reason) = if stuck {
        match case.reopened(incident.clone(), std::slice::from_ref(&skipped)) {
            Ok((incident, records)) => (incident, records, format!("{step} is taken for done, and the recovery goes on")),
            Err(why) => (incident, vec![skipped], format!("{step} is taken for done; it is still stuck, because {why}")),
        }
    } else {
        (incident, vec![skipped], format!("{step} is taken for done"))
    };
    Ok(Ruling::Obeyed(Box::new(Obeyed { incident, records, step: Some(step.clone()), reason })))
}
