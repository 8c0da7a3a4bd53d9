//! Tell the state machine what comes next. Reads only: the journal's records decide.

use serde_json::json;

use crate::domain::advance::{Next, next};
use crate::domain::duration::Seconds;
use crate::domain::identifier::IncidentId;
use crate::error::RecoveryError;

use super::{Engine, TaskAnswer, TaskStatus};

/// How often a paused incident is looked at. Each look adds nine events to the execution's history, and a pause may last for as long
/// as the execution: some 6,500 events in four hours, beside the 15,000 that a plan may need and below the 25,000 that end it.
pub(super) const PAUSE_POLL: Seconds = Seconds(20);

/// What comes next.
///
/// # Errors
/// Journal errors.
pub async fn advance(engine: Engine<'_>, id: &IncidentId) -> Result<TaskAnswer, RecoveryError> {
    let book = engine.book();
    let incident = book.incident(id).await?.value;
    let answer = |status, reason: &str| TaskAnswer::new(id, status, reason, engine.clock.now());
    if incident.status.is_end() {
        return Ok(answer(TaskStatus::Report, "the incident has ended"));
    }
    let records: Vec<_> = book.steps(id).await?.into_iter().map(|step| step.value).collect();
    match next(&incident, &records) {
        Next::End { reason, .. } => Ok(answer(TaskStatus::Report, &reason)),
        Next::Run { reason, .. } if incident.pause.is_some() => {
            let pause = incident.pause.as_ref().map_or_else(String::new, ToString::to_string);
            Ok(answer(TaskStatus::InProgress, &format!("paused by {pause}; afterwards: {reason}")).waiting(PAUSE_POLL.0))
        }
        Next::Run { steps, direction, reason } => {
            let list = steps
                .iter()
                .filter_map(|index| records.get(*index))
                .map(|record| {
                    json!({
                        "incident_id": id,
                        "step": record.id,
                        "function": record.step.kind.function().as_str(),
                        "direction": direction,
                    })
                })
                .collect();
            let mut reply = answer(TaskStatus::Run, &reason);
            reply.steps = Some(list);
            Ok(reply)
        }
    }
}
