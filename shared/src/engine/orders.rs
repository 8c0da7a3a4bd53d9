//! A person's orders while an incident runs: pause, resume, retry, skip, abort. The domain rules; here its ruling is written, all or
//! none, people are told, and what waits is woken.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::duration::Seconds;
use crate::domain::identifier::{IncidentId, StepId};
use crate::domain::incident::{Incident, IncidentStatus, MOST_ORDERS, Order, OrderKind, Stated};
use crate::domain::orders::{Case, Obeyed, Objection, Refusal, Ruling, rule};
use crate::domain::step::{StepRecord, StepStatus};
use crate::error::{Code, RecoveryError};
use crate::ports::{Commit, Executions, Write};

use super::book::{Versioned, note, write_incident, write_platform, write_step};
use super::command::resume;
use super::declare::start;
use super::notices::{later, notice};
use super::{Engine, scenario_of};

/// How often a lost race is run again.
const RACES: usize = 5;
/// When a recovery has stood paused for so long, people are paged again.
const PAUSED_TOO_LONG: Seconds = Seconds(900);

/// What a person orders.
#[derive(Debug, Clone)]
pub struct Ordering<'a> {
    /// Which.
    pub order: OrderKind,
    /// The step, where one is named.
    pub step: Option<StepId>,
    /// The request's id: the same id is never obeyed twice.
    pub request_id: &'a str,
    /// Who, as stated.
    pub actor: &'a str,
    /// Why, as stated.
    pub reason: Option<&'a str>,
    /// Whether it came through the alias `approve`.
    pub by_approver: bool,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ordered {
    /// The incident.
    pub incident_id: IncidentId,
    /// What was done: `paused`, `resumed`, `retried`, `skipped`, `aborted`.
    pub status: &'static str,
    /// Where the incident is now.
    pub incident_status: IncidentStatus,
    /// What it means.
    pub reason: String,
    /// When this was said.
    pub at: Timestamp,
}

/// Obeys an order, or says why not.
///
/// # Errors
/// The codes of the refusals, `incident_unknown`, journal errors. Nothing is written then.
pub async fn order(
    engine: Engine<'_>,
    executions: &dyn Executions,
    id: &IncidentId,
    ordering: &Ordering<'_>,
) -> Result<Ordered, RecoveryError> {
    let book = engine.book();
    for _ in 0..RACES {
        // Steps first: an attempt that is about to act on an older incident then loses its step to this commit, and never wins it.
        let steps = book.steps(id).await?;
        let incident = book.incident(id).await?;
        let now = engine.clock.now();
        let answer = |incident: &Incident, reason: String| Ordered {
            incident_id: id.clone(),
            status: done(ordering.order),
            incident_status: incident.status,
            reason,
            at: now,
        };
        if let Some(before) = obeyed_before(&incident.value, ordering) {
            return Ok(answer(&incident.value, before.answer.clone()));
        }
        let plan = book.plan(id).await?;
        let scenario = scenario_of(&plan, &incident.value)?;
        let stated = Stated { actor: ordering.actor.to_owned(), reason: ordering.reason.map(str::to_owned), at: now };
        let records: Vec<StepRecord> = steps.iter().map(|step| step.value.clone()).collect();
        let case = Case {
            order: ordering.order,
            step: ordering.step.as_ref(),
            stated: &stated,
            by_approver: ordering.by_approver,
            incident: &incident.value,
            records: &records,
            scenario: &scenario,
        };
        let obeyed = match rule(case).map_err(|refusal| error_of(&refusal))? {
            Ruling::Again(reason) => return Ok(answer(&incident.value, reason)),
            Ruling::Obeyed(obeyed) => *obeyed,
        };
        let reopens = incident.value.status.is_end() && !obeyed.incident.status.is_end();
        let reason = obeyed.reason.clone();
        let (written, mut writes) = writes_of(id, &incident, &steps, obeyed, ordering, stated);
        if reopens {
            let mut state = book.platform(&plan.platform).await?;
            if state.value.active.as_ref() != Some(id) {
                let message = format!("{} is not held by incident {id} any more, so it cannot go on", plan.platform);
                return Err(RecoveryError::new(Code::IncidentEnded, message));
            }
            state.value.noticed.insert(id.clone());
            writes.push(write_platform(&plan.platform, &state));
        }
        if book.commit(&writes).await? == Commit::Conflict {
            continue;
        }
        wake(executions, &written, &records, ordering).await;
        let started = if reopens { start(engine, executions, id).await.err() } else { None };
        let late = started.map_or_else(String::new, |error| {
            format!("; its execution could not be started yet ({error}), and the watchdog tries again")
        });
        return Ok(answer(&written, format!("{reason}{late}")));
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send the same command again"))
}

fn done(order: OrderKind) -> &'static str {
    match order {
        OrderKind::Pause => "paused",
        OrderKind::Resume => "resumed",
        OrderKind::Retry => "retried",
        OrderKind::Skip => "skipped",
        OrderKind::Abort => "aborted",
    }
}

fn obeyed_before<'a>(incident: &'a Incident, ordering: &Ordering<'_>) -> Option<&'a Order> {
    incident.orders.iter().find(|order| order.order == ordering.order && order.request_id == ordering.request_id)
}

/// The incident as it is written, and every write.
fn writes_of(
    id: &IncidentId,
    before: &Versioned<Incident>,
    steps: &[Versioned<StepRecord>],
    obeyed: Obeyed,
    ordering: &Ordering<'_>,
    stated: Stated,
) -> (Incident, Vec<Write>) {
    let (now, word) = (stated.at, ordering.order.as_str());
    let told = format!("{stated}; {}", obeyed.reason);
    let mut incident = Versioned { value: obeyed.incident, revision: before.revision };
    let mut writes = Vec::new();
    for record in obeyed.records {
        let revision = steps.iter().find(|step| step.value.id == record.id).map_or(0, |step| step.revision);
        let mut step = Versioned { value: record, revision };
        if obeyed.step.as_ref() == Some(&step.value.id) {
            writes.push(note(id, &mut step.value, now, done(ordering.order), &told));
        }
        writes.push(write_step(id, &step));
    }
    let about = obeyed.step.as_ref().map_or_else(String::new, |step| format!("{step}: "));
    writes.push(note(id, &mut incident.value, now, done(ordering.order), &format!("{about}{told}")));
    let number = incident.value.entries;
    let subject = format!("{}: {} {}", incident.value.platform, incident.value.scenario, done(ordering.order));
    let body = format!("Incident {id} was {}. {about}{told}.", done(ordering.order));
    writes.push(notice(id, &format!("{word}-{number}"), &subject, &body, now));
    if let (OrderKind::Pause, Some(pause)) = (ordering.order, &incident.value.pause) {
        let again = format!("{}: {} is still paused", incident.value.platform, incident.value.scenario);
        let name = format!("{word}-{number}-again");
        writes.push(later(id, &name, &again, &body, PAUSED_TOO_LONG.after(now), Some(pause.digest())));
    }
    let answer = obeyed.reason;
    let (order, step, request_id) = (ordering.order, ordering.step.clone(), ordering.request_id.to_owned());
    incident.value.orders.push(Order { order, step, request_id, stated, answer });
    let surplus = incident.value.orders.len().saturating_sub(MOST_ORDERS);
    incident.value.orders.drain(..surplus);
    writes.push(write_incident(&incident));
    (incident.value, writes)
}

/// A step that waits for a person's verdict is woken when it is not to wait any more. If that fails, the watchdog tries again.
async fn wake(executions: &dyn Executions, incident: &Incident, records: &[StepRecord], ordering: &Ordering<'_>) {
    let Some(question) = &incident.question else { return };
    let waits = records.iter().any(|record| record.id == question.step && record.status == StepStatus::Running);
    let ends = ordering.order == OrderKind::Abort || ordering.step.as_ref() == Some(&question.step);
    if waits && ends {
        resume(executions, question).await;
    }
}

fn error_of(refusal: &Refusal) -> RecoveryError {
    let code = match refusal.objection {
        Objection::Ended => Code::IncidentEnded,
        Objection::NotPaused => Code::NotPaused,
        Objection::NothingToRetry => Code::NothingToRetry,
        Objection::NothingToAbort => Code::NothingToAbort,
        Objection::UndoUnderWay => Code::UndoUnderWay,
        Objection::StepBusy => Code::StepBusy,
        Objection::StepUnknown => Code::StepUnknown,
        Objection::NotSkippable => Code::StepNotSkippable,
        Objection::NeedsApprover => Code::ApproverNotAllowed,
    };
    RecoveryError::new(code, refusal.reason.clone())
}
