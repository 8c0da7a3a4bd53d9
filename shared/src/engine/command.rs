//! What a person asks and answers: status, approve, reject, acknowledge; and the task that hands a token over.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::identifier::{Digest, IncidentId, PlatformName, StepId};
use crate::domain::incident::{IncidentStatus, Question, Stated, Verdict};
use crate::domain::plan::SiteName;
use crate::domain::report::{Report, StepReport};
use crate::error::{Code, RecoveryError};
use crate::guard::{self, Guard};
use crate::ports::{Commit, Executions};

use super::automatic::Automatic;
use super::book::{Entry, note, write_incident, write_platform};
use super::{Engine, TaskAnswer, TaskStatus};

/// How often a lost race is run again.
const RACES: usize = 5;

/// The answer to `status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The incident.
    pub incident_id: IncidentId,
    /// Where it is.
    pub status: IncidentStatus,
    /// The latest reason sentence.
    pub reason: String,
    /// When this was said.
    pub at: Timestamp,
    /// The question that waits, with the digest that an answer quotes.
    pub question: Option<Standing>,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// The evidence so far.
    pub timeline: Vec<Entry>,
    /// The report, once it has ended.
    pub report: Option<Report>,
    /// The execution.
    pub execution_arn: Option<String>,
    /// Who paused it, when it is paused.
    pub paused: Option<Stated>,
    /// Whether alarms start recoveries of the platform.
    pub automatic_recovery: Automatic,
}

/// A standing question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The question.
    pub text: String,
    /// Its digest.
    pub digest: Digest,
    /// Until when it stands.
    pub stands_until: Timestamp,
}

/// Tells where an incident is; without an id the active or latest one.
///
/// # Errors
/// `incident_unknown`, journal errors.
pub async fn status(
    engine: Engine<'_>,
    platform: &PlatformName,
    id: Option<&IncidentId>,
) -> Result<Option<Answer>, RecoveryError> {
    let book = engine.book();
    let state = book.platform(platform).await?.value;
    let automatic_recovery = Automatic::of(&state);
    let Some(id) = id.cloned().or(state.active).or(state.latest) else { return Ok(None) };
    let incident = book.incident(&id).await?.value;
    let records: Vec<_> = book.steps(&id).await?.into_iter().map(|step| step.value).collect();
    let plan = book.plan(&id).await?;
    let now = engine.clock.now();
    let steps = crate::domain::report::report(&plan, &incident, &records, now).steps;
    let timeline = book.entries(&id).await?;
    let reason =
        incident.end_reason.clone().or_else(|| timeline.last().map(|entry| entry.reason.clone())).unwrap_or_default();
    let question = incident.question.as_ref().map(|question| Standing {
        text: question.text.clone(),
        digest: question.digest(),
        stands_until: question.stands_until,
    });
    Ok(Some(Answer {
        incident_id: id.clone(),
        status: incident.status,
        reason,
        at: now,
        question,
        steps,
        timeline,
        // Written with the incident's end, and shown with it: an incident that ended while this was read is told as it was.
        report: if incident.status.is_end() { book.report(&id).await?.map(|report| report.value) } else { None },
        execution_arn: incident.execution_arn,
        paused: incident.pause,
        automatic_recovery,
    }))
}

/// Takes a person's verdict on the standing question, and ends the wait for it.
///
/// # Errors
/// `question_not_open`, `digest_differs`, journal errors. Nothing is written then.
pub async fn give_verdict(
    engine: Engine<'_>,
    executions: &dyn Executions,
    id: &IncidentId,
    approved: bool,
    digest: &str,
    actor: &str,
    reason: Option<&str>,
) -> Result<String, RecoveryError> {
    let book = engine.book();
    for _ in 0..RACES {
        let mut incident = book.incident(id).await?;
        let now = engine.clock.now();
        // While the incident is paused, its question stands still; and an aborted one asks nothing any more.
        let (paused, aborted) = (incident.value.pause.is_some(), incident.value.abort.is_some());
        let stands = |question: &Question| (paused || question.stands_until > now) && !aborted;
        let open = incident.value.question.clone().filter(stands);
        let Some(question) = open else {
            return Err(RecoveryError::new(Code::QuestionNotOpen, format!("no question of incident {id} stands open")));
        };
        if question.digest().as_str() != digest && !guard::removed(Guard::DigestOfTheQuestion) {
            return Err(RecoveryError::new(
                Code::DigestDiffers,
                format!(
                    "the standing question of incident {id} has another digest: read it again with `status` before you answer: {}",
                    question.text
                ),
            ));
        }
        if let Some(given) = incident.value.verdicts.iter().find(|verdict| verdict.digest == question.digest()) {
            if given.approved != approved {
                let answered = if given.approved { "approved" } else { "rejected" };
                let message =
                    format!("the question of incident {id} was {answered} by {} before, and a verdict stands", given.actor);
                return Err(RecoveryError::new(Code::QuestionNotOpen, message));
            }
            // Whoever sends it again may have seen the first time fail half-way.
            resume(executions, &question).await;
            return Ok(format!("the question was answered so before; {}", question.text));
        }
        incident.value.verdicts.push(Verdict {
            step: question.step.clone(),
            digest: question.digest(),
            approved,
            loss_up_to: question.loss_up_to,
            unproven_fence: question.unproven_fence,
            actor: actor.to_owned(),
            reason: reason.map(str::to_owned),
            at: now,
        });
        let event = if approved { "approved" } else { "rejected" };
        let text = format!("{actor} (as stated) {event}: {}", question.text);
        let entry = note(id, &mut incident.value, now, event, &text);
        if book.commit(&[write_incident(&incident), entry]).await? == Commit::Committed {
            resume(executions, &question).await;
            return Ok(text);
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send the same verdict again"))
}

/// Keeps the token with which Step Functions waits for the verdict. A verdict that came first ends the wait at once.
///
/// # Errors
/// Journal errors.
pub async fn await_approval(
    engine: Engine<'_>,
    executions: &dyn Executions,
    id: &IncidentId,
    step: &StepId,
    token: &str,
) -> Result<TaskAnswer, RecoveryError> {
    let book = engine.book();
    for _ in 0..RACES {
        let mut incident = book.incident(id).await?;
        let answer = |status, reason: &str| TaskAnswer::new(id, status, reason, engine.clock.now()).of_step(step);
        let Some(mut question) = incident.value.question.clone().filter(|question| &question.step == step) else {
            executions.resume(token).await?;
            return Ok(answer(TaskStatus::Done, "no question stands any more"));
        };
        let digest = question.digest();
        question.token = Some(token.to_owned());
        incident.value.question = Some(question.clone());
        if incident.value.verdicts.iter().any(|verdict| verdict.digest == digest) {
            resume(executions, &question).await;
            return Ok(answer(TaskStatus::Done, "the verdict was faster"));
        }
        if book.commit(&[write_incident(&incident)]).await? == Commit::Committed {
            return Ok(answer(TaskStatus::InProgress, &question.text));
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; the question is asked again"))
}

/// Ends the wait. If that fails, the watchdog tries again within a minute.
pub(super) async fn resume(executions: &dyn Executions, question: &Question) {
    if let Some(token) = &question.token
        && let Err(error) = executions.resume(token).await
    {
        tracing::warn!(%error, "the wait could not be ended; the watchdog tries again");
    }
}

/// The answer to `acknowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Acknowledgement {
    /// The incident.
    pub incident_id: IncidentId,
    /// Its status, unchanged.
    pub status: IncidentStatus,
    /// What that means now.
    pub reason: String,
    /// When this was said.
    pub at: Timestamp,
}

/// A person has dealt with a stuck incident: the platform is free again.
///
/// # Errors
/// `nothing_to_acknowledge`, journal errors.
pub async fn acknowledge(
    engine: Engine<'_>,
    platform: &PlatformName,
    id: &IncidentId,
    site: Option<SiteName>,
    actor: &str,
    reason: Option<&str>,
) -> Result<Acknowledgement, RecoveryError> {
    let book = engine.book();
    for _ in 0..RACES {
        let mut incident = book.incident(id).await?;
        if incident.value.status != IncidentStatus::Stuck {
            return Err(RecoveryError::new(
                Code::NothingToAcknowledge,
                format!("incident {id} is {}; only a stuck one waits for a person", incident.value.status.as_str()),
            ));
        }
        let done = Acknowledgement {
            incident_id: id.clone(),
            status: incident.value.status,
            reason: format!(
                "{platform} is free for another recovery; alarms start one only after the block period, if one runs"
            ),
            at: engine.clock.now(),
        };
        if incident.value.acknowledged.is_some() {
            return Ok(done);
        }
        let mut state = book.platform(platform).await?;
        let now = engine.clock.now();
        incident.value.acknowledged = Some((actor.to_owned(), now));
        let text = format!("{actor} (as stated): {}", reason.unwrap_or("no reason stated"));
        let entry = note(id, &mut incident.value, now, "acknowledged", &text);
        let mut writes = vec![write_incident(&incident), entry];
        if state.value.active.as_ref() == Some(id) {
            state.value.active = None;
            let records = book.steps(id).await?;
            let unsure = records.iter().any(|record| record.value.may_have_promoted());
            match site {
                Some(site) => state.value.active_site = site,
                // Nothing may be guessed here: a wrong word lets alarms fail over a fenced primary, or ignores them for good.
                None if unsure => {
                    return Err(RecoveryError::new(
                        Code::PayloadUnreadable,
                        format!(
                            "a promotion may have happened in incident {id}: say where {platform} runs now, with \"site\":\"primary\" or \"site\":\"recovery\""
                        ),
                    ));
                }
                None => {}
            }
            writes.push(write_platform(platform, &state));
        }
        if book.commit(&writes).await? == Commit::Committed {
            return Ok(done);
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send it again"))
}
