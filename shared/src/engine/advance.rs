//! Tell the state machine what comes next. Reads only: the journal's records decide.

use serde_json::json;

use crate::domain::advance::{Next, next};
use crate::domain::identifier::IncidentId;
use crate::error::RecoveryError;

use super::{Engine, TaskAnswer, TaskStatus};

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
