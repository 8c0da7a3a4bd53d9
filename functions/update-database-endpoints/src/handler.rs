//! Event to request to engine to answer.

use serde_json::Value;
use shared::domain::change::Change;
use shared::domain::endpoint::confirm;
use shared::domain::identifier::ComponentName;
use shared::domain::observation::Sight;
use shared::domain::plan::{Plan, SiteName, databases_named};
use shared::engine::{Engine, Hands, Invocation, StepRequest, check_change, predict_part, run_step, undoing};
use shared::error::{Code, RecoveryError};
use shared::events::request::{Asker, EndpointRequest, StepTask};
use shared::ports::{Changes, Clock, Databases, EndpointStores, FailureKind, Journal, Mutations, Services};

/// The ports of this function.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The journal.
    pub journal: &'a dyn Journal,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases.
    pub databases: &'a dyn Databases,
    /// Reads endpoint places.
    pub places: &'a dyn EndpointStores,
    /// Describes consumers.
    pub services: &'a dyn Services,
    /// Writes endpoints and restarts consumers; nothing else.
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
    let hands = Hands::of_update_database_endpoints(ports.databases, ports.places, ports.services, ports.mutations);
    match shared::events::request::update_database_endpoints(payload)? {
        EndpointRequest::Task(StepTask::Step { incident_id, step, direction }) => {
            let engine = Engine { journal: ports.journal, clock: ports.clock };
            let request = StepRequest { incident_id, step, direction };
            to_json(&run_step(engine, hands, &request, invocation).await?)
        }
        EndpointRequest::Task(StepTask::Predict { kind, component }) => {
            to_json(&predict_part(hands, ports.clock, plan, kind, &component).await?)
        }
        EndpointRequest::NewEndpoint { host, asker } => {
            let component = confirm_any(ports, plan, &host).await?;
            ask_for(ports, plan, Change::Repoint { component }, asker, request_id).await
        }
        EndpointRequest::Site { component, site, asker } => {
            let component = databases_named(plan, Some(&component))
                .map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?
                .swap_remove(0);
            if site == SiteName::Primary {
                return Err(RecoveryError::new(
                    Code::NotInThisVersion,
                    format!(
                        "pointing clients of {component} at the primary site is a failback, which comes with a later version; \
                         {{\"undo\":\"<incident>\"}} takes back what one incident wrote; nothing was changed"
                    ),
                ));
            }
            ask_for(ports, plan, Change::Repoint { component }, asker, request_id).await
        }
        EndpointRequest::Undo { incident, asker } => {
            let engine = Engine { journal: ports.journal, clock: ports.clock };
            let change = undoing(engine, &incident).await?;
            ask_for(ports, plan, change, asker, request_id).await
        }
    }
}

/// Checks the change here, where a refusal costs nothing, and has `recovery` declare it: under the one lock, for the one state machine.
async fn ask_for(
    ports: Ports<'_>,
    plan: &Plan,
    change: Change,
    asker: Asker,
    request_id: &str,
) -> Result<Value, RecoveryError> {
    let engine = Engine { journal: ports.journal, clock: ports.clock };
    check_change(engine, ports.databases, plan, &change).await?;
    let request = to_json(&asker.asks_for(change, request_id))?;
    ports.changes.ask_for(&request).await.map_err(RecoveryError::relayed)
}

/// Holds the host against every database of the plan: plan and describe must both say that it is the one.
async fn confirm_any(ports: Ports<'_>, plan: &Plan, host: &str) -> Result<ComponentName, RecoveryError> {
    let mut why_not = format!("the plan for {} has no database", plan.platform);
    for component in plan.components.keys() {
        let Some(database) = plan.rds_instance(component) else { continue };
        let id = &database.recovery.id;
        let described = match ports.databases.describe(plan.region(SiteName::Recovery), id).await {
            Ok(found) => Sight::Found { found },
            Err(error) if error.kind == FailureKind::NotFound => Sight::Absent,
            Err(error) => Sight::Unreached { reason: error.to_string() },
        };
        match confirm(host, id.as_str(), &described) {
            Ok(_) => return Ok(component.clone()),
            Err(reason) => why_not = reason.0,
        }
    }
    Err(RecoveryError::new(Code::EndpointNotConfirmed, format!("{why_not}; nothing was changed")))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, RecoveryError> {
    serde_json::to_value(value)
        .map_err(|error| RecoveryError::new(Code::JournalUnreadable, format!("the answer could not be written: {error}")))
}
