//! Dry run: look at the real world, and let the domain predict. Makes no mutation and declares no incident.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::domain::assess::{Course, subject};
use crate::domain::identifier::{ComponentName, Digest, Generation, ScenarioName};
use crate::domain::incident::{Incident, Origin};
use crate::domain::mutation::ParameterType;
use crate::domain::observation::{Observation, PlaceView, Sight};
use crate::domain::plan::{Plan, SiteName};
use crate::domain::predict::{Snapshot, StepPrediction, will};
use crate::domain::step::{FunctionName, PlannedStep, StepKind};
use crate::error::{Code, RecoveryError};
use crate::ports::{Clock, Databases, Predictors, Probes, ReplicaLags, Services};

use super::assess::situation;
use super::declare::unknown_scenario;
use super::hands::{Hands, sight};

/// The answer of a dry run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DryRun {
    /// The scenario.
    pub scenario: ScenarioName,
    /// What assess would choose.
    pub course: Course,
    /// Why.
    pub reason: String,
    /// The digest of what was observed: predictions hold for this situation only.
    pub observed: Digest,
    /// Step by step.
    pub steps: Vec<StepPrediction>,
}

/// Predicts a scenario in the situation that is.
///
/// # Errors
/// `scenario_not_in_plan`; errors of the functions that are asked.
#[expect(clippy::too_many_arguments, reason = "its arguments are the ports that it may use, each by name")]
pub async fn dry_run(
    clock: &dyn Clock,
    databases: &dyn Databases,
    lags: &dyn ReplicaLags,
    probes: &dyn Probes,
    services: &dyn Services,
    predictors: &dyn Predictors,
    plan: &Plan,
    name: &ScenarioName,
    origin: Origin,
    generation: Generation,
) -> Result<DryRun, RecoveryError> {
    let scenario = plan.scenarios.get(name).ok_or_else(|| unknown_scenario(plan, name.as_str()))?;
    let (component, database) = subject(plan, scenario).ok_or_else(|| {
        RecoveryError::new(Code::ComponentNotInPlan, format!("scenario {name} is about no database of the plan"))
    })?;
    let seen = situation(plan, &component, database, databases, lags, probes, clock).await;
    let now = clock.now();
    let assessment = crate::domain::assess::assess(plan, scenario, &origin, &seen, now);
    let holds = match ask(predictors, FunctionName::ReadOnlyToggle, StepKind::HoldWrites, &component).await? {
        Observation::Holds { points } => points,
        _ => return Err(strange(FunctionName::ReadOnlyToggle)),
    };
    let places = match ask(predictors, FunctionName::UpdateDatabaseEndpoints, StepKind::Repoint, &component).await? {
        Observation::Places { places, .. } => places,
        _ => return Err(strange(FunctionName::UpdateDatabaseEndpoints)),
    };
    let mut views = BTreeMap::new();
    for component in plan.components.keys() {
        if let Some(service) = plan.ecs_service(component) {
            let region = plan.region(SiteName::Recovery);
            views.insert(component.to_string(), sight(services.describe(region, service.at(SiteName::Recovery)).await));
        }
    }
    let snapshot = Snapshot {
        component,
        primary: seen.primary.clone(),
        primary_connection: seen.primary_connection,
        replica: seen.replica.clone(),
        lag: seen.lag.clone(),
        holds,
        places,
        services: views,
    };
    let incident = Incident::imagined(plan, name, origin, assessment.clone(), generation, now);
    let steps = will(plan, scenario, &incident, &snapshot, now);
    Ok(DryRun {
        scenario: name.clone(),
        course: assessment.course,
        reason: assessment.reason,
        observed: Digest::of_json(&snapshot),
        steps,
    })
}

/// What a function sees for a kind of step of its own, with nothing secret in it: the answer to `{"task":"predict"}`.
///
/// # Errors
/// `step_not_for_this_function`, `component_not_in_plan`.
pub async fn predict_part(
    hands: Hands<'_>,
    clock: &dyn Clock,
    plan: &Plan,
    kind: StepKind,
    component: &ComponentName,
) -> Result<Observation, RecoveryError> {
    let step = PlannedStep { kind, component: component.clone() };
    let mut seen = hands.observe(plan, &step, &[], clock).await?;
    if let Observation::Places { places, .. } = &mut seen {
        for place in places {
            if let Sight::Found { found: PlaceView::Parameter { value, parameter_type: ParameterType::SecureString, .. } } =
                place
            {
                value.clear();
            }
        }
    }
    Ok(seen)
}

async fn ask(
    predictors: &dyn Predictors,
    function: FunctionName,
    kind: StepKind,
    component: &ComponentName,
) -> Result<Observation, RecoveryError> {
    let request = json!({"task": "predict", "kind": kind, "component": component});
    let answer = predictors.observe(function, &request).await?;
    serde_json::from_value(answer).map_err(|_| strange(function))
}

fn strange(function: FunctionName) -> RecoveryError {
    RecoveryError::new(
        Code::ServiceRefused,
        format!("{} answered a prediction with something else; are all five functions of one version?", function.as_str()),
    )
}
