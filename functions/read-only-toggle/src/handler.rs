//! Event to request to engine to answer.

use serde_json::{Value, json};
use shared::domain::change::Change;
use shared::domain::identifier::ComponentName;
use shared::domain::non_empty::NonEmpty;
use shared::domain::observation::Sight;
use shared::domain::plan::Plan;
use shared::engine::{Engine, Hands, Invocation, StepRequest, predict_part, run_step};
use shared::error::{Code, RecoveryError};
use shared::events::request::{StepTask, ToggleMode, ToggleRequest};
use shared::ports::{Changes, Clock, Databases, FailureKind, Journal, Mutations, Probes, WriteHolds};

/// The ports of this function.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The journal.
    pub journal: &'a dyn Journal,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases.
    pub databases: &'a dyn Databases,
    /// Opens connections.
    pub probes: &'a dyn Probes,
    /// Reads hold points.
    pub holds: &'a dyn WriteHolds,
    /// Holds, resumes and fences; nothing else.
    pub mutations: &'a dyn Mutations,
    /// Has `recovery` declare a change.
    pub changes: &'a dyn Changes,
}

/// Handles one payload. `request_id` is Lambda's.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. A payload that is refused has touched nothing.
pub async fn handle(
    ports: Ports<'_>,
    plan: &Plan,
    invocation: Invocation,
    request_id: &str,
    payload: &Value,
) -> Result<Value, RecoveryError> {
    let hands = Hands::of_read_only_toggle(ports.databases, ports.probes, ports.holds, ports.mutations);
    match shared::events::request::read_only_toggle(payload)? {
        ToggleRequest::Task(StepTask::Step { incident_id, step, direction }) => {
            let engine = Engine { journal: ports.journal, clock: ports.clock };
            let request = StepRequest { incident_id, step, direction };
            to_json(&run_step(engine, hands, &request, invocation).await?)
        }
        ToggleRequest::Task(StepTask::Predict { kind, component }) => {
            to_json(&predict_part(hands, ports.clock, plan, kind, &component).await?)
        }
        ToggleRequest::Mode { mode: ToggleMode::Status, component, .. } => status(ports, plan, component.as_deref()).await,
        ToggleRequest::Mode { mode, component, asker } => {
            let components = NonEmpty::new(databases(plan, component.as_deref())?)
                .map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why.to_string()))?;
            let change = match mode {
                ToggleMode::ReadWrite => Change::ResumeWrites { components },
                ToggleMode::ReadOnly | ToggleMode::Status => Change::HoldWrites { components },
            };
            let request = to_json(&asker.asks_for(change, request_id))?;
            ports.changes.ask_for(&request).await.map_err(RecoveryError::relayed)
        }
    }
}

/// How every enforcement point stands.
async fn status(ports: Ports<'_>, plan: &Plan, component: Option<&str>) -> Result<Value, RecoveryError> {
    let names = databases(plan, component)?;
    let mut points = Vec::new();
    // What stands in the journal is no reason to hide the points: who looks at them may do so because the journal is out of reach.
    let engine = Engine { journal: ports.journal, clock: ports.clock };
    let held = engine.book().platform(&plan.platform).await.ok().map(|state| state.value.held);
    for name in names {
        let Some(database) = plan.rds_instance(&name) else { continue };
        for hold in &database.holds {
            let seen = match ports.holds.read(hold).await {
                Ok(found) => Sight::Found { found },
                Err(error) if error.kind == FailureKind::NotFound => Sight::Absent,
                Err(error) => Sight::Unreached { reason: error.to_string() },
            };
            points.push(json!({
                "component": name,
                "point": hold.label(),
                "strength": "advisory",
                "now": seen,
            }));
        }
    }
    let reason = format!("{} enforcement points; each is advisory: a client that bypasses it still writes", points.len());
    Ok(
        json!({"incident_id": null, "status": "read", "reason": reason, "points": points, "held_by": held, "at": ports.clock.now()}),
    )
}

fn databases(plan: &Plan, component: Option<&str>) -> Result<Vec<ComponentName>, RecoveryError> {
    shared::domain::plan::databases_named(plan, component).map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, RecoveryError> {
    serde_json::to_value(value)
        .map_err(|error| RecoveryError::new(Code::JournalUnreadable, format!("the answer could not be written: {error}")))
}
