//! The last task: declare the end that the records call for, and send what is due.

use crate::domain::advance::{Next, next};
use crate::domain::identifier::IncidentId;
use crate::domain::incident::Incident;
use crate::error::RecoveryError;
use crate::ports::Notices;

use super::finish::finish;
use super::notices::send_due;
use super::{Engine, TaskAnswer, TaskStatus};

/// Ends the incident and sends its notices.
///
/// # Errors
/// Journal errors.
pub async fn report(engine: Engine<'_>, notices: &dyn Notices, id: &IncidentId) -> Result<TaskAnswer, RecoveryError> {
    let book = engine.book();
    let incident = book.incident(id).await?.value;
    let answer = |status, reason: &str| TaskAnswer::new(id, status, reason, engine.clock.now());
    let ended: Incident = if incident.status.is_end() {
        incident
    } else {
        let records: Vec<_> = book.steps(id).await?.into_iter().map(|step| step.value).collect();
        match next(&incident, &records) {
            Next::Run { reason, .. } => return Ok(answer(TaskStatus::InProgress, &format!("not at its end yet: {reason}"))),
            Next::End { status, reason } => match finish(engine, id, status, &reason).await? {
                Some(incident) => incident,
                None => return Ok(answer(TaskStatus::Again, "the incident changed while its end was written")),
            },
        }
    };
    send_due(engine, notices, &ended).await?;
    let mut reply = answer(TaskStatus::Done, ended.end_reason.as_deref().unwrap_or_default());
    reply.end = Some(ended.status.as_str());
    Ok(reply)
}
