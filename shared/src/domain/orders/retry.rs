//! Try again what was refused or is stuck, and have a stuck incident go on.
//!
//! A retry sends nothing by itself: each step looks at the world first, as ever, and a promotion that may have been sent is looked for
//! and not sent again. A promotion that has not begun asks a person in an incident that was re-opened.

use super::super::incident::{Incident, OrderKind};
use super::super::step::{Direction, StepKind, StepRecord, StepStatus};
use super::{Case, Obeyed, Objection, Refusal, Ruling, refuse};

pub(super) fn retry(case: Case<'_>) -> Result<Ruling, Refusal> {
    let named = case.named()?;
    let stuck = case.incident.waits_for_a_person();
    if case.incident.status.is_end() && !stuck {
        return case.ended();
    }
    let back = case.goes_back();
    if !stuck && (back || case.incident.abort.is_some()) {
        return refuse(
            Objection::UndoUnderWay,
            format!("incident {} is being taken back; let it end, and start another", case.incident.id),
        );
    }
    let failed = |record: &&StepRecord| is_retryable(record, back) && named.is_none_or(|named| named.id == record.id);
    let tried: Vec<StepRecord> = case.records.iter().filter(failed).map(|record| again(case, record, back)).collect();
    if tried.is_empty() && (named.is_some() || !stuck) {
        return nothing(case, named);
    }
    let mut incident = case.incident.clone();
    forget_the_question(&mut incident, &tried);
    if !back {
        // It was aborted after a promotion, and nothing was taken back: the person has thought again.
        incident.abort = None;
    }
    let list: Vec<&str> = tried.iter().map(|record| record.id.as_str()).collect();
    let what =
        if list.is_empty() { "it goes on where it stood".to_owned() } else { format!("tried again: {}", list.join(", ")) };
    let (incident, records) = if stuck {
        match case.reopened(incident, &tried) {
            Ok(reopened) => reopened,
            Err(why) => {
                let reason = format!("trying incident {} again would end as it did: {why}", case.incident.id);
                return refuse(Objection::NothingToRetry, reason);
            }
        }
    } else {
        (incident, tried)
    };
    let step = named.map(|record| record.id.clone());
    Ok(Ruling::Obeyed(Box::new(Obeyed { incident, records, step, reason: what })))
}

/// Whether a person's retry concerns this step, on the way that the incident is going.
fn is_retryable(record: &StepRecord, back: bool) -> bool {
    match record.status {
        StepStatus::Stuck => !back || record.direction == Direction::Undo,
        // An undo that comes after a refusal is about what was applied, and not about trying to apply more.
        StepStatus::Refused => !back,
        _ => false,
    }
}

fn again(case: Case<'_>, record: &StepRecord, back: bool) -> StepRecord {
    let mut record = record.clone();
    record.status = if back { StepStatus::Undoing } else { StepStatus::Pending };
    record.claimed_until = None;
    record.ended_at = None;
    record.memory.unreached.clear();
    record.reason = format!("to be tried again, by {}", case.stated);
    record
}

/// A question that nobody answered in time would refuse the step again at once. A person's No stands.
fn forget_the_question(incident: &mut Incident, tried: &[StepRecord]) {
    let of_these = |step| tried.iter().any(|record| &record.id == step && asks(record.step.kind));
    if incident.question.as_ref().is_some_and(|question| of_these(&question.step)) {
        incident.question = None;
    }
}

fn asks(kind: StepKind) -> bool {
    matches!(kind, StepKind::Gate | StepKind::Promote)
}

fn nothing(case: Case<'_>, named: Option<&StepRecord>) -> Result<Ruling, Refusal> {
    let last = case.incident.orders.iter().rev().find(|order| order.order == OrderKind::Retry);
    let same = last.filter(|order| order.step.as_ref() == case.step);
    if let Some(order) = same {
        return Ok(Ruling::Again(order.answer.clone()));
    }
    let what = match named {
        Some(record) => format!("{} is neither refused nor stuck", record.id),
        None => format!("no step of incident {} is refused or stuck", case.incident.id),
    };
    refuse(Objection::NothingToRetry, format!("{what}; every step that is under way is tried again by itself"))
}
