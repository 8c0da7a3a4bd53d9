//! Hold an incident before its next step, and let it go on.
//!
//! The clocks of the steps and of a standing question stand still meanwhile: a person who looks for ten minutes must not find the
//! recovery refused for being late. The incident's own deadline does not move, so that a pause that nobody ends ends by itself, as
//! stuck and with a page.

use jiff::{SignedDuration, Timestamp};

use super::super::incident::{Incident, OrderKind};
use super::super::step::{StepRecord, StepStatus};
use super::{Case, Obeyed, Objection, Refusal, Ruling, refuse};

pub(super) fn pause(case: Case<'_>) -> Result<Ruling, Refusal> {
    if case.incident.status.is_end() {
        return case.ended();
    }
    if let Some(pause) = &case.incident.pause {
        return Ok(Ruling::Again(format!("it is paused since {}: {pause}", pause.at)));
    }
    let mut incident = case.incident.clone();
    incident.pause = Some(case.stated.clone());
    let reason = format!(
        "no further step is begun until it is resumed; a call that is under way is left to end; if nobody resumes or aborts it, it \
         ends stuck at {}",
        incident.deadline
    );
    Ok(Ruling::Obeyed(Box::new(Obeyed { incident, records: case.taken_over(), step: None, reason })))
}

pub(super) fn resume(case: Case<'_>) -> Result<Ruling, Refusal> {
    if case.incident.status.is_end() {
        return case.ended();
    }
    if case.incident.pause.is_none() {
        let last =
            case.incident.orders.iter().rev().find(|order| matches!(order.order, OrderKind::Pause | OrderKind::Resume));
        return match last {
            Some(order) if order.order == OrderKind::Resume => Ok(Ruling::Again(order.answer.clone())),
            _ => refuse(Objection::NotPaused, format!("incident {} is not paused", case.incident.id)),
        };
    }
    let mut incident = case.incident.clone();
    let records = lift(&mut incident, case.records, case.stated.at);
    let reason = "it goes on; its steps have as much time left as when it was paused".to_owned();
    Ok(Ruling::Obeyed(Box::new(Obeyed { incident, records, step: None, reason })))
}

/// Takes the pause away: what stood still has as much time left as before. The steps whose time moved.
pub(super) fn lift(incident: &mut Incident, records: &[StepRecord], now: Timestamp) -> Vec<StepRecord> {
    let Some(pause) = incident.pause.take() else { return Vec::new() };
    incident.looked_since = None;
    let span = now.duration_since(pause.at).max(SignedDuration::ZERO);
    if let Some(question) = incident.question.as_mut().filter(|question| question.stands_until > pause.at) {
        question.stands_until = question.stands_until.saturating_add(span).unwrap_or(question.stands_until);
    }
    let moved = |at: Option<Timestamp>| at.map(|at| at.saturating_add(span).unwrap_or(at));
    records
        .iter()
        .filter(|record| matches!(record.status, StepStatus::Running | StepStatus::Undoing))
        .map(|record| StepRecord {
            working_since: moved(record.working_since),
            deadline: moved(record.deadline),
            ..record.clone()
        })
        .collect()
}
