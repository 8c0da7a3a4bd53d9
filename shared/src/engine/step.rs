//! Run one attempt of one step: claim, look, decide, and at most one mutation, with its intent journalled before the call and
//! its outcome after it.

use jiff::Timestamp;

use crate::domain::advance::{Next, next};
use crate::domain::decide::{Decision, POLL, RETRY_PAUSE, StepCase, decide};
use crate::domain::duration::Seconds;
use crate::domain::identifier::{IncidentId, StepId};
use crate::domain::incident::{Incident, Question};
use crate::domain::may::may;
use crate::domain::mutation::Mutation;
use crate::domain::observation::Observation;
use crate::domain::plan::Plan;
use crate::domain::room::exhausted;
use crate::domain::step::{Direction, Effect, EffectOutcome, LONGEST_UNSEEN, Memory, SETTLING_TIME, StepRecord, StepStatus};
use crate::error::{Code, RecoveryError};
use crate::guard::{self, Guard};
use crate::ports::{CallScope, Commit, FailureKind, Write};

use super::book::{Versioned, note, write_incident, write_step};
use super::hands::Hands;
use super::notices::{later, notice};
use super::{Engine, Invocation, TaskAnswer, TaskStatus, scenario_of};

/// A step whose decisions do not converge is ended after so many effects.
const MOST_EFFECTS: usize = 200;
/// After a question's end its step is still asked once, for what that end means.
const LAST_LOOK: Seconds = Seconds(60);
/// When a question has stood so long, people are paged again.
const ESCALATE_AFTER: Seconds = Seconds(900);

/// Which step to run which way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRequest {
    /// The incident.
    pub incident_id: IncidentId,
    /// The step.
    pub step: StepId,
    /// Forward or backward.
    pub direction: Direction,
}

/// Runs one attempt.
///
/// # Errors
/// When the step is unknown or another function's, or the journal cannot be used. The state machine tries again after any.
pub async fn run_step(
    engine: Engine<'_>,
    hands: Hands<'_>,
    request: &StepRequest,
    invocation: Invocation,
) -> Result<TaskAnswer, RecoveryError> {
    let book = engine.book();
    let id = &request.incident_id;
    // Steps first. Whoever ends, pauses or aborts the incident after it was read here has written this step too, so the claim below
    // loses; and whoever did so before shows in the incident.
    let steps = book.steps(id).await?;
    let incident = book.incident(id).await?;
    let answer = |status, reason: &str| TaskAnswer::new(id, status, reason, engine.clock.now()).of_step(&request.step);
    if incident.value.status.is_end() {
        return Ok(answer(TaskStatus::Ended, "the incident has ended"));
    }
    let Some(mut mine) = steps.iter().find(|step| step.value.id == request.step).cloned() else {
        return Err(RecoveryError::new(Code::StepUnknown, format!("incident {id} has no step {}", request.step)));
    };
    if mine.value.status.is_settled(request.direction) {
        return Ok(settled(&mine.value, answer));
    }
    if let Some(pause) = &incident.value.pause {
        return Ok(answer(TaskStatus::Paused, &format!("paused by {pause}")));
    }
    if !is_next(&incident.value, &steps, request) {
        return Ok(answer(TaskStatus::NotNext, "it is not this step's turn any more"));
    }
    let plan = book.plan(id).await?;
    let now = engine.clock.now();
    let held = mine.value.claimed_until.filter(|until| *until > now && !guard::removed(Guard::ClaimChecked));
    if let Some(until) = held {
        let wait = Seconds::between(now, until).min(POLL);
        return Ok(answer(TaskStatus::InProgress, "another attempt holds this step").waiting(wait.0));
    }
    let scenario = scenario_of(&plan, &incident.value)?;
    let budget = scenario.budget(mine.value.step.kind);
    let claimed = claim(engine, id, &mut mine, request.direction, budget, invocation).await?;
    if claimed == Commit::Conflict && !guard::removed(Guard::ConflictNoticed) {
        return Ok(answer(TaskStatus::InProgress, "another attempt took this step"));
    }
    if let Some(abort) = incident.value.abort.as_ref().filter(|_| request.direction == Direction::Apply) {
        let status = if mine.value.may_have_promoted() { StepStatus::Stuck } else { StepStatus::Refused };
        let memory = mine.value.memory.clone();
        settle(engine, id, &mut mine, memory, status, &format!("aborted by {abort}")).await?;
        return Ok(settled(&mine.value, answer));
    }
    let records: Vec<StepRecord> = steps
        .iter()
        .map(|step| if step.value.id == request.step { mine.value.clone() } else { step.value.clone() })
        .collect();
    let permitted: std::sync::Arc<[_]> = may(&plan, &mine.value.step).into();
    let scope = |ordinal: u32| CallScope { label: format!("{}#{ordinal}", request.step), may: permitted.clone() };
    let seen = scope(0).run(hands.observe(&plan, &mine.value.step, &records, engine.clock)).await?;
    let now = engine.clock.now();
    let decision = judge(&plan, &scenario, &incident.value, &mine.value, &records, &seen, request.direction, now);
    tracing::info!(step = %request.step, decision = ?std::mem::discriminant(&decision), reason = decision.reason(), "decided");
    match decision {
        Decision::Act { mutation, memory, reason } => {
            if now >= invocation.act_before {
                release(engine, id, &mut mine, Some(memory), &reason).await?;
                return Ok(answer(TaskStatus::Again, "too little time is left in this invocation to act safely"));
            }
            let ordinal = mine.value.next_ordinal();
            let intent = begin(engine, id, &mut mine, request.direction, mutation.clone(), memory, &reason);
            let late = guard::removed(Guard::IntentFirst);
            if !late && book.commit(&intent).await? == Commit::Conflict && !guard::removed(Guard::ConflictNoticed) {
                return Ok(answer(TaskStatus::InProgress, "a later attempt took this step over"));
            }
            let performed = scope(ordinal).run(hands.mutations().perform(&mutation)).await;
            if late {
                book.commit(&intent).await?;
            }
            mine.revision += 1;
            let (outcome, pause) = outcome_of(performed, engine);
            conclude(engine, id, &mut mine, outcome).await?;
            match pause {
                None => Ok(answer(TaskStatus::Again, &reason)),
                Some(pause) => Ok(answer(TaskStatus::InProgress, &mine.value.reason).waiting(pause.0)),
            }
        }
        Decision::Wait { memory, wait, reason } => {
            release(engine, id, &mut mine, Some(memory), &reason).await?;
            Ok(answer(TaskStatus::InProgress, &reason).waiting(wait.0))
        }
        Decision::Ask { memory, question } => ask(engine, &mut mine, incident, memory, question, answer).await,
        Decision::Done { memory, reason } => {
            let status = if request.direction == Direction::Undo { StepStatus::Undone } else { StepStatus::Done };
            settle(engine, id, &mut mine, memory, status, &reason).await?;
            Ok(settled(&mine.value, answer))
        }
        Decision::Refuse { memory, reason } => {
            let status = if request.direction == Direction::Undo { StepStatus::Stuck } else { StepStatus::Refused };
            settle(engine, id, &mut mine, memory, status, &reason).await?;
            Ok(settled(&mine.value, answer))
        }
        Decision::Stuck { memory, reason } => {
            settle(engine, id, &mut mine, memory, StepStatus::Stuck, &reason).await?;
            Ok(settled(&mine.value, answer))
        }
    }
}

/// Whether the journal has this step run this way now. An invocation may be late, or nobody's: what an older `advance` said does not
/// count, and an undo begins only where the incident goes back.
fn is_next(incident: &Incident, steps: &[Versioned<StepRecord>], request: &StepRequest) -> bool {
    let records: Vec<StepRecord> = steps.iter().map(|step| step.value.clone()).collect();
    match next(incident, &records) {
        Next::Run { steps, direction, .. } => {
            let mut named = steps.iter().filter_map(|index| records.get(*index));
            direction == request.direction && named.any(|record| record.id == request.step)
        }
        Next::End { .. } => false,
    }
}

#[expect(clippy::too_many_arguments, reason = "one decision has this many inputs; a struct would only rename them")]
fn judge(
    plan: &Plan,
    scenario: &crate::domain::plan::Scenario,
    incident: &Incident,
    record: &StepRecord,
    records: &[StepRecord],
    seen: &Observation,
    direction: Direction,
    now: jiff::Timestamp,
) -> Decision {
    if record.effects.len() >= MOST_EFFECTS {
        let reason = format!("{} effects were tried and the step still does not converge", record.effects.len());
        return Decision::Stuck { memory: record.memory.clone(), reason };
    }
    if let Some(why) = exhausted(record, records) {
        return Decision::Stuck { memory: record.memory.clone(), reason: why };
    }
    // A step that waits for a person is as patient as its question: the budget counts working time.
    let asking = incident.question.as_ref().filter(|question| question.step == record.id);
    let deadline = match (record.deadline, asking) {
        (Some(deadline), Some(question)) => Some(deadline.max(LAST_LOOK.after(question.stands_until))),
        (deadline, _) => deadline,
    };
    let overdue = deadline.is_some_and(|deadline| now > deadline);
    decide(StepCase { plan, scenario, incident, record, records, now, overdue }, direction, seen)
}

/// Takes the step for this invocation, and names every effect whose outcome an earlier attempt did not live to write.
async fn claim(
    engine: Engine<'_>,
    id: &IncidentId,
    mine: &mut Versioned<StepRecord>,
    direction: Direction,
    budget: Seconds,
    invocation: Invocation,
) -> Result<Commit, RecoveryError> {
    let now = engine.clock.now();
    let record = &mut mine.value;
    record.attempt += 1;
    record.claimed_until = Some(invocation.claim_until);
    let mut notes: Vec<Write> = Vec::new();
    let begun = match direction {
        Direction::Apply => std::mem::replace(&mut record.status, StepStatus::Running) != StepStatus::Running,
        Direction::Undo => std::mem::replace(&mut record.status, StepStatus::Undoing) != StepStatus::Undoing,
    };
    if begun {
        record.started_at.get_or_insert(now);
        record.direction = direction;
        record.working_since = Some(now);
        record.ended_at = None;
        record.deadline = Some(budget.after(now).max(undo_deadline(record, direction)));
        let event = if direction == Direction::Undo { "undo_started" } else { "started" };
        notes.push(note(id, record, now, event, &format!("budget {budget}")));
    }
    let unanswered: Vec<u32> =
        record.effects.iter().filter(|effect| effect.outcome.is_none()).map(|effect| effect.ordinal).collect();
    for ordinal in unanswered {
        let message = "the attempt that made this call did not live to write its outcome".to_owned();
        if let Some(effect) = record.effects.iter_mut().find(|effect| effect.ordinal == ordinal) {
            effect.outcome = Some(EffectOutcome::Unknown { at: now, message: message.clone() });
        }
        notes.push(note(id, record, now, "outcome_unknown", &format!("#{ordinal}: {message}; the world is asked instead")));
    }
    notes.push(write_step(id, mine));
    let commit = engine.book().commit(&notes).await?;
    mine.revision += 1;
    Ok(commit)
}

/// Until when an undo goes on whatever its budget: what it undoes may come late, and has to be undone then.
fn undo_deadline(record: &StepRecord, direction: Direction) -> Timestamp {
    let applied = record.effects.iter().filter(|effect| effect.direction == Direction::Apply);
    let last = applied.map(|effect| effect.intended_at).max().filter(|_| direction == Direction::Undo);
    // It may show at the last moment, and one answer to that may be lost.
    let enough = LONGEST_UNSEEN.plus(SETTLING_TIME).plus(POLL).plus(POLL);
    last.map_or(Timestamp::MIN, |last| enough.after(last))
}

/// The writes of an intent.
fn begin(
    engine: Engine<'_>,
    id: &IncidentId,
    mine: &mut Versioned<StepRecord>,
    direction: Direction,
    mutation: Mutation,
    memory: Memory,
    reason: &str,
) -> Vec<Write> {
    let now = engine.clock.now();
    let ordinal = mine.value.next_ordinal();
    let call = crate::domain::call::Call::of(&mine.value.id, ordinal, &mutation);
    mine.value.effects.push(Effect { ordinal, direction, mutation, intended_at: now, outcome: None });
    mine.value.memory = memory;
    reason.clone_into(&mut mine.value.reason);
    let text = format!("#{ordinal} {} on {} in {}: {reason}", call.operation, call.resource, call.region);
    let entry = note(id, &mut mine.value, now, "intent", &text);
    vec![write_step(id, mine), entry]
}

/// What came of a call, and how long to rest before the next attempt when it was not carried out.
fn outcome_of(
    performed: crate::ports::PortResult<crate::domain::mutation::Performed>,
    engine: Engine<'_>,
) -> (EffectOutcome, Option<Seconds>) {
    let at = engine.clock.now();
    match performed {
        Ok(performed) => (EffectOutcome::Applied { at, performed }, None),
        Err(error) if error.kind == FailureKind::NoAnswer => {
            (EffectOutcome::Unknown { at, message: error.to_string() }, Some(POLL))
        }
        Err(error) => {
            let retryable = matches!(error.kind, FailureKind::NotNow | FailureKind::Conflict | FailureKind::NotFound);
            let message = error.message.clone();
            (EffectOutcome::Refused { at, code: error.code, message, retryable }, Some(RETRY_PAUSE))
        }
    }
}

/// Writes the outcome and lets the step go.
async fn conclude(
    engine: Engine<'_>,
    id: &IncidentId,
    mine: &mut Versioned<StepRecord>,
    outcome: EffectOutcome,
) -> Result<(), RecoveryError> {
    let now = engine.clock.now();
    let text = match &outcome {
        EffectOutcome::Applied { .. } => "applied".to_owned(),
        EffectOutcome::Refused { code, message, .. } => format!("refused: {code}: {message}"),
        EffectOutcome::Unknown { message, .. } => format!("unknown: {message}"),
    };
    let ordinal = mine.value.effects.len();
    if !matches!(outcome, EffectOutcome::Applied { .. }) {
        mine.value.reason.clone_from(&text);
    }
    if let Some(effect) = mine.value.effects.last_mut() {
        effect.outcome = Some(outcome);
    }
    mine.value.claimed_until = None;
    let entry = note(id, &mut mine.value, now, "outcome", &format!("#{ordinal} {text}"));
    // A conflict here means that the claim ran out and a later attempt has already taken the outcome for unknown; it looks at
    // the world, so nothing is lost.
    engine.book().commit(&[write_step(id, mine), entry]).await?;
    Ok(())
}

/// Lets the step go without an effect.
async fn release(
    engine: Engine<'_>,
    id: &IncidentId,
    mine: &mut Versioned<StepRecord>,
    memory: Option<Memory>,
    reason: &str,
) -> Result<(), RecoveryError> {
    let now = engine.clock.now();
    mine.value.claimed_until = None;
    if let Some(memory) = memory {
        mine.value.memory = memory;
    }
    let mut writes = Vec::new();
    if mine.value.reason != reason {
        reason.clone_into(&mut mine.value.reason);
        writes.push(note(id, &mut mine.value, now, "waiting", reason));
    }
    writes.push(write_step(id, mine));
    engine.book().commit(&writes).await?;
    Ok(())
}

/// Ends the step in this direction.
async fn settle(
    engine: Engine<'_>,
    id: &IncidentId,
    mine: &mut Versioned<StepRecord>,
    memory: Memory,
    status: StepStatus,
    reason: &str,
) -> Result<(), RecoveryError> {
    let now = engine.clock.now();
    let record = &mut mine.value;
    record.claimed_until = None;
    record.memory = memory;
    record.status = status;
    record.ended_at = Some(now);
    reason.clone_into(&mut record.reason);
    let event = match status {
        StepStatus::Done => "done",
        StepStatus::Refused => "refused",
        StepStatus::Undone => "undone",
        _ => "stuck",
    };
    let entry = note(id, record, now, event, reason);
    match engine.book().commit(&[write_step(id, mine), entry]).await? {
        Commit::Committed => Ok(()),
        Commit::Conflict => {
            Err(RecoveryError::new(Code::JournalUnavailable, "a later attempt took this step over; it will settle it"))
        }
    }
}

/// Puts the question into the incident, once, and pages.
async fn ask(
    engine: Engine<'_>,
    mine: &mut Versioned<StepRecord>,
    mut incident: Versioned<Incident>,
    memory: Memory,
    question: Question,
    answer: impl Fn(TaskStatus, &str) -> TaskAnswer,
) -> Result<TaskAnswer, RecoveryError> {
    let now = engine.clock.now();
    let id = incident.value.id.clone();
    let digest = question.digest();
    let fresh = incident.value.question.as_ref().map(Question::digest).as_ref() != Some(&digest);
    mine.value.claimed_until = None;
    mine.value.memory = memory;
    question.text.clone_into(&mut mine.value.reason);
    let mut writes = Vec::new();
    if fresh {
        incident.value.question = Some(question.clone());
        writes.push(note(&id, &mut incident.value, now, "asked", &question.text));
        writes.push(write_incident(&incident));
        let subject = format!("{}: a decision is needed", incident.value.platform);
        let body = format!(
            "{}\nIncident {id}, until {}. Answer with {{\"command\":\"approve\"|\"reject\",\"incident_id\":\"{id}\",\"digest\":\"{digest}\",\"actor\":\"…\"}} \
             through the alias `approve`.",
            question.text, question.stands_until
        );
        let short: String = digest.as_str().chars().take(12).collect();
        if !guard::removed(Guard::QuestionIsPaged) {
            writes.push(notice(&id, &format!("asked-{short}"), &subject, &body, now));
            let again = format!("{subject}, still");
            writes.push(later(&id, &format!("asked-{short}-again"), &again, &body, ESCALATE_AFTER.after(now), Some(digest)));
        }
    }
    writes.push(write_step(&id, mine));
    if engine.book().commit(&writes).await? == Commit::Conflict {
        return Ok(answer(TaskStatus::Again, "the incident changed while the question was written"));
    }
    let left = Seconds::between(now, question.stands_until);
    let mut reply = answer(TaskStatus::NeedsApproval, &question.text);
    reply.timeout_s = Some(left.0.max(1));
    Ok(reply)
}

fn settled(record: &StepRecord, answer: impl Fn(TaskStatus, &str) -> TaskAnswer) -> TaskAnswer {
    let status = match record.status {
        StepStatus::Refused => TaskStatus::Refused,
        StepStatus::Stuck => TaskStatus::Stuck,
        _ => TaskStatus::Done,
    };
    answer(status, &record.reason)
}
