//! Event to request to engine to answer.

use serde_json::Value;
use shared::domain::endpoint::confirm;
use shared::domain::observation::Sight;
use shared::domain::plan::{Plan, SiteName};
use shared::engine::{Engine, Hands, Invocation, StepRequest, predict_part, run_step};
use shared::error::{Code, RecoveryError};
use shared::events::request::{EndpointRequest, StepTask};
use shared::ports::{Clock, Databases, EndpointStores, FailureKind, Journal, Mutations, Services};

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
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. A payload that is refused has touched nothing.
pub async fn handle(ports: Ports<'_>, plan: &Plan, invocation: Invocation, payload: &Value) -> Result<Value, RecoveryError> {
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
        EndpointRequest::NewEndpoint(host) => {
            let confirmed = confirm_any(ports, plan, &host).await?;
            Err(later(&format!("{confirmed} is confirmed, but writing it apart from a recovery comes with a later version")))
        }
        EndpointRequest::Site { component, site } => {
            let names = shared::domain::plan::databases_named(plan, Some(&component))
                .map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?;
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            Err(later(&format!(
                "pointing clients of {} at the {} site apart from a recovery comes with a later version",
                names.join(", "),
                site.as_str()
            )))
        }
        EndpointRequest::Undo(incident) => {
            Err(later(&format!("taking back what {incident} wrote apart from its own undo comes with a later version")))
        }
    }
}

/// Holds the host against every database of the plan: plan and describe must both say that it is the one.
async fn confirm_any(ports: Ports<'_>, plan: &Plan, host: &str) -> Result<String, RecoveryError> {
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
            Ok(host) => return Ok(host),
            Err(reason) => why_not = reason.0,
        }
    }
    Err(RecoveryError::new(Code::EndpointNotConfirmed, format!("{why_not}; nothing was changed")))
}

fn later(what: &str) -> RecoveryError {
    RecoveryError::new(Code::NotInThisVersion, format!("{what}; nothing was changed"))
}

fn to_json<T: serde::Serialize>(value: &T) -> Result<Value, RecoveryError> {
    serde_json::to_value(value)
        .map_err(|error| RecoveryError::new(Code::JournalUnreadable, format!("the answer could not be written: {error}")))
}
