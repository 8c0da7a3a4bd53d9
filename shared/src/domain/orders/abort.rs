//! End a recovery before its time: undo what was applied, or stand still where a promotion may have happened.

use super::super::change::Change;
use super::super::step::{StepRecord, StepStatus};
use super::pause::lift;
use super::{Case, Obeyed, Objection, Refusal, Ruling, refuse};

pub(super) fn abort(case: Case<'_>) -> Result<Ruling, Refusal> {
    if let Some(abort) = &case.incident.abort {
        return Ok(Ruling::Again(format!("it was aborted before, by {abort}")));
    }
    if case.incident.status.is_end() {
        return case.ended();
    }
    // Letting writes through again has no undo: what is open stays open.
    let opens = |change: &Change| matches!(change, Change::ResumeWrites { .. });
    if case.incident.change.as_ref().is_some_and(|change| change.takes_back() || opens(change)) {
        let reason = format!("incident {} only takes back what another one did; let it end", case.incident.id);
        return refuse(Objection::UndoUnderWay, reason);
    }
    let settled = |record: &StepRecord| matches!(record.status, StepStatus::Done | StepStatus::Skipped);
    if !case.records.is_empty() && case.records.iter().all(settled) {
        let reason = format!("every step of incident {} has reached its goal; it ends within a moment", case.incident.id);
        return refuse(Objection::NothingToAbort, reason);
    }
    let mut incident = case.incident.clone();
    incident.abort = Some(case.stated.clone());
    // A paused incident would never come to its undo.
    lift(&mut incident, case.records, case.stated.at);
    let reason = if case.may_have_promoted() {
        "a promotion may have happened, so nothing is undone: it stops, the fence stays, and the commands that are left are reported"
    } else {
        "nothing further is applied, and what was applied is undone"
    };
    Ok(Ruling::Obeyed(Box::new(Obeyed { incident, records: case.taken_over(), step: None, reason: reason.to_owned() })))
}
