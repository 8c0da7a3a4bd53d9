//! The watchdog: what a crash left half done, within a minute. It starts declared incidents that never started, wakes steps whose
//! question was answered, sends notices that are due, and turns incidents whose execution died or is overdue into `stuck`, with a page.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::duration::Seconds;
use crate::domain::identifier::{IncidentId, PlatformName};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::step::StepStatus;
use crate::error::RecoveryError;
use crate::guard::{self, Guard};
use crate::ports::{ExecutionState, Executions, Notices};

use super::Engine;
use super::command::resume;
use super::declare::start;
use super::finish::finish;
use super::notices::send_all_due;

/// How long the declaring invocation has to start the execution before the watchdog does.
const GRACE: Seconds = Seconds(30);

/// What the watchdog did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// The active incident, if there is one.
    pub incident_id: Option<IncidentId>,
    /// `watched`.
    pub status: &'static str,
    /// What it found and did, as a sentence.
    pub reason: String,
    /// Notices sent.
    pub notices_sent: usize,
    /// When this was said.
    pub at: Timestamp,
}

/// Looks after one platform.
///
/// # Errors
/// Journal errors. Trouble with Step Functions is a sentence, and the next minute tries again.
pub async fn watchdog(
    engine: Engine<'_>,
    executions: &dyn Executions,
    notices: &dyn Notices,
    platform: &PlatformName,
) -> Result<Watched, RecoveryError> {
    let book = engine.book();
    let state = book.platform(platform).await?.value;
    let mut done = None;
    if let Some(id) = &state.active {
        let incident = book.incident(id).await?.value;
        if !incident.status.is_end() {
            done = look_after(engine, executions, &incident).await?;
        }
    }
    let notices_sent = send_all_due(engine, notices, platform).await?;
    let reason = done.unwrap_or_else(|| match &state.active {
        Some(id) => format!("{id} is looked after by its execution, or has ended and waits to be acknowledged"),
        None => format!("no recovery of {platform} is active"),
    });
    Ok(Watched { incident_id: state.active, status: "watched", reason, notices_sent, at: engine.clock.now() })
}

async fn look_after(
    engine: Engine<'_>,
    executions: &dyn Executions,
    incident: &Incident,
) -> Result<Option<String>, RecoveryError> {
    let now = engine.clock.now();
    let id = &incident.id;
    if now > incident.deadline && !guard::removed(Guard::WatchdogEnds) {
        let pause = incident.pause.as_ref().map(|pause| format!(", and it was paused at {} by {pause}", pause.at));
        let reason = format!("it was overdue: its deadline was {}{}", incident.deadline, pause.unwrap_or_default());
        return end_stuck(engine, id, &reason).await;
    }
    match executions.state(id, incident.run()).await {
        Ok(ExecutionState::Running) => wake(engine, executions, incident).await,
        Ok(ExecutionState::Ended(_)) if guard::removed(Guard::WatchdogBuries) => Ok(None),
        Ok(ExecutionState::Ended(how)) => {
            end_stuck(engine, id, &format!("its execution ended as {how} before the incident did")).await
        }
        Ok(ExecutionState::Absent) if Seconds::between(incident.run_since(), now) < GRACE => Ok(None),
        Ok(ExecutionState::Absent) if guard::removed(Guard::WatchdogStarts) => Ok(None),
        // The name is that of the incident and its run, so a start that did happen is found and not doubled.
        Ok(ExecutionState::Absent) => match start(engine, executions, id).await {
            Ok(arn) => Ok(Some(format!("{id} was declared but not started; started {arn}"))),
            Err(error) => Ok(Some(format!("{id} could not be started: {error}; tried again in a minute"))),
        },
        Err(error) => Ok(Some(format!("the execution of {id} could not be described: {error}; tried again in a minute"))),
    }
}

/// Ends the wait of a step whose question was answered and which still waits: the call that should have woken it was lost.
async fn wake(
    engine: Engine<'_>,
    executions: &dyn Executions,
    incident: &Incident,
) -> Result<Option<String>, RecoveryError> {
    let Some(question) = incident.question.as_ref().filter(|question| question.token.is_some()) else { return Ok(None) };
    let answered = incident.verdicts.iter().any(|verdict| verdict.digest == question.digest()) || incident.abort.is_some();
    let steps = engine.book().steps(&incident.id).await?;
    let asks = steps.iter().find(|step| step.value.id == question.step).map(|step| step.value.status);
    let waits_in_vain = match asks {
        Some(StepStatus::Running) => answered,
        // Its line in the state machine may wait for the verdict all the same.
        Some(StepStatus::Skipped) => true,
        _ => false,
    };
    if !waits_in_vain {
        return Ok(None);
    }
    resume(executions, question).await;
    Ok(Some(format!("{} waits for no answer any more; {} was woken", incident.id, question.step)))
}

async fn end_stuck(engine: Engine<'_>, id: &IncidentId, reason: &str) -> Result<Option<String>, RecoveryError> {
    let ended = finish(engine, id, IncidentStatus::Stuck, reason).await?;
    Ok(ended.map(|incident| format!("{id} is {}: {reason}", incident.status.as_str())))
}
