//! Dry run: what a step will call in a given situation.
//!
//! `will` runs the very decisions that make the calls, against a model of the world that each predicted mutation changes as the
//! service would. There is no second list of calls that could drift from the first.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::{Assessment, Course, subject};
use super::call::{Call, Permitted};
use super::decide::{Decision, StepCase, decide};
use super::duration::Seconds;
use super::identifier::{ComponentName, Digest, Generation, Region, ResourceName, ScenarioName, StepId};
use super::incident::{Incident, Mode, Origin, Verdict};
use super::may::may;
use super::mutation::{Mutation, ParameterType, Performed};
use super::observation::{Connection, HoldView, InstanceView, LagSample, Observation, PlaceView, ServiceView, Sight};
use super::plan::{ApiProtocol, Component, Condition, EndpointPlace, HoldPoint, Plan, Scenario, SiteName};
use super::step::{Direction, Effect, EffectOutcome, PlannedStep, StepKind, StepRecord, StepStatus, Throttle};

/// No step needs more decisions than this in a prediction; a longer one is a decision that does not converge.
const MOST_DECISIONS: usize = 200;

/// A wait in which nothing of the model moves for so long does not end by itself. Shorter than what [`MOST_DECISIONS`] looks take.
const LONGEST_WAIT: Seconds = Seconds(10 * 60);

/// What a dry run knows of the world, by database component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The component.
    pub component: ComponentName,
    /// The primary.
    pub primary: Sight<InstanceView>,
    /// What a connection to it finds.
    pub primary_connection: Connection,
    /// The replica.
    pub replica: Sight<InstanceView>,
    /// Its lag.
    pub lag: Option<LagSample>,
    /// Hold points, by index in the plan.
    pub holds: Vec<Sight<HoldView>>,
    /// Endpoint places, by index in the plan.
    pub places: Vec<Sight<PlaceView>>,
    /// Services in the recovery site, by component.
    pub services: BTreeMap<String, Sight<ServiceView>>,
}

/// What a dry run says of one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPrediction {
    /// The step.
    pub step: StepId,
    /// The function that would run it.
    pub function: String,
    /// Everything that it may call, reads included.
    pub may: Vec<Permitted>,
    /// The mutations it will make, in order.
    pub will: Vec<Call>,
    /// How it would end, or on what condition it goes on.
    pub outcome: String,
}

/// Predicts every step of the course that assess chose.
#[must_use]
pub fn will(
    plan: &Plan,
    scenario: &Scenario,
    incident: &Incident,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Vec<StepPrediction> {
    let Some(assessment) = &incident.assessment else { return Vec::new() };
    let mut incident = incident.clone();
    let mut model = snapshot.clone();
    let mut now = now;
    let mut records: Vec<StepRecord> = records_of(assessment, scenario);
    let mut predictions = Vec::new();
    for index in 0..records.len() {
        let outcome = run_step(plan, scenario, &mut incident, &mut records, index, &mut model, &mut now);
        let Some(record) = records.get(index) else { break };
        let will = record.effects.iter().map(|effect| Call::of(&record.id, effect.ordinal, &effect.mutation)).collect();
        predictions.push(StepPrediction {
            step: record.id.clone(),
            function: record.step.kind.function().as_str().to_owned(),
            may: may(plan, &record.step),
            will,
            outcome,
        });
        if record.status != StepStatus::Done {
            break;
        }
    }
    predictions
}

/// The records with which a course begins.
#[must_use]
pub fn records_of(assessment: &Assessment, scenario: &Scenario) -> Vec<StepRecord> {
    let waves = assessment.course.waves(scenario);
    let numbered = waves.into_iter().enumerate();
    numbered.flat_map(|(index, wave)| wave.into_iter().map(move |step| StepRecord::pending(index + 1, step))).collect()
}

fn run_step(
    plan: &Plan,
    scenario: &Scenario,
    incident: &mut Incident,
    records: &mut [StepRecord],
    index: usize,
    model: &mut Snapshot,
    now: &mut Timestamp,
) -> String {
    let mut condition = String::new();
    let started = *now;
    let graceful = incident.assessment.as_ref().is_some_and(|assessment| assessment.mode == Mode::Graceful);
    for _ in 0..MOST_DECISIONS {
        let Some(record) = records.get(index).cloned() else { return String::new() };
        let seen = observe(model, &record.step);
        let case = StepCase { plan, scenario, incident, record: &record, records, now: *now, overdue: false };
        let decision = decide(case, Direction::Apply, &seen);
        let Some(slot) = records.get_mut(index) else { return String::new() };
        slot.memory = decision.memory().clone();
        match decision {
            Decision::Act { mutation, .. } => {
                slot.effects.push(Effect {
                    ordinal: slot.next_ordinal(),
                    direction: Direction::Apply,
                    mutation: mutation.clone(),
                    intended_at: *now,
                    outcome: Some(EffectOutcome::Applied { at: *now, performed: Performed::plainly() }),
                });
                apply(plan, model, &mutation);
            }
            Decision::Wait { wait, reason, .. } => {
                if !settle(model) && *now > LONGEST_WAIT.after(started) {
                    return format!("{condition}it would wait: {reason}");
                }
                *now = wait.after(*now);
                // The primary of a graceful switchover still runs, so its replica has caught up by the next figure.
                if let Some(lag) = model.lag.as_mut().filter(|_| graceful) {
                    (lag.lag, lag.observed_at) = (Seconds(0), *now);
                }
            }
            Decision::Ask { question, .. } => {
                condition = format!("if approved ({}): ", question.text);
                incident.verdicts.push(Verdict {
                    step: question.step.clone(),
                    digest: question.digest(),
                    approved: true,
                    loss_up_to: None,
                    unproven_fence: true,
                    actor: "a dry run".to_owned(),
                    reason: None,
                    at: *now,
                });
            }
            Decision::Done { reason, .. } => {
                slot.status = StepStatus::Done;
                slot.ended_at = Some(*now);
                return format!("{condition}{reason}");
            }
            Decision::Refuse { reason, .. } | Decision::Stuck { reason, .. } => {
                slot.status = StepStatus::Refused;
                return format!("{condition}it would end here: {reason}");
            }
        }
    }
    "the prediction does not converge; this is a fault of ours".to_owned()
}

/// What a step of this kind would see.
fn observe(model: &Snapshot, step: &PlannedStep) -> Observation {
    match step.kind {
        StepKind::ForceFailover | StepKind::Fence => {
            Observation::Instance { instance: model.primary.clone(), connection: model.primary_connection }
        }
        StepKind::HoldWrites | StepKind::ResumeWrites => Observation::Holds { points: model.holds.clone() },
        StepKind::Gate | StepKind::Promote => Observation::Replica {
            replica: model.replica.clone(),
            primary: model.primary.clone(),
            primary_connection: model.primary_connection,
            lag: model.lag.clone(),
            connection: if model.replica.found().is_some_and(InstanceView::is_standalone) {
                Connection::Answers
            } else {
                Connection::NotTried
            },
            written: None,
        },
        StepKind::Repoint => Observation::Places {
            target: model.replica.clone(),
            places: model.places.clone(),
            consumers: model.services.clone(),
        },
        StepKind::Validate if step.component == model.component => {
            // Clients are served by the promoted replica, or by the primary where it only moved to another zone.
            let served_by =
                if model.replica.found().is_some_and(InstanceView::is_standalone) { &model.replica } else { &model.primary };
            Observation::Instance { instance: served_by.clone(), connection: Connection::Answers }
        }
        StepKind::Validate => {
            let service = model.services.get(step.component.as_str()).cloned().unwrap_or(Sight::Absent);
            Observation::Service { service }
        }
    }
}

/// Time passes: what is under way comes to its end. Whether anything changed.
fn settle(model: &mut Snapshot) -> bool {
    let mut changed = false;
    for sight in [&mut model.primary, &mut model.replica] {
        if let Sight::Found { found } = sight
            && ["rebooting", "modifying", "backing-up"].contains(&found.status.as_str())
        {
            "available".clone_into(&mut found.status);
            changed = true;
        }
    }
    for sight in model.services.values_mut() {
        if let Sight::Found { found } = sight
            && found.rollout.as_deref() == Some("IN_PROGRESS")
        {
            found.rollout = Some("COMPLETED".to_owned());
            found.running = found.desired;
            changed = true;
        }
    }
    changed
}

/// What the service would do to the model.
fn apply(plan: &Plan, model: &mut Snapshot, mutation: &Mutation) {
    match mutation {
        Mutation::ForceFailover { .. } => {
            if let Sight::Found { found } = &mut model.primary {
                "rebooting".clone_into(&mut found.status);
                found.availability_zone = found.availability_zone.as_ref().map(|zone| format!("another zone than {zone}"));
            }
            model.primary_connection = Connection::Answers;
        }
        Mutation::SetSecurityGroups { groups, .. } => {
            if let Sight::Found { found } = &mut model.primary {
                found.security_groups = groups.iter().map(|group| (group.to_string(), "active".to_owned())).collect();
            }
            model.primary_connection = Connection::Refused;
        }
        Mutation::RebootInstance { .. } => {
            if let Sight::Found { found } = &mut model.primary {
                "rebooting".clone_into(&mut found.status);
            }
        }
        Mutation::PromoteReplica { backup_retention_days, .. } => {
            if let Sight::Found { found } = &mut model.replica {
                "modifying".clone_into(&mut found.status);
                found.source = None;
                found.backup_retention_days = *backup_retention_days;
            }
        }
        Mutation::PutParameter { name, value: new, .. } => each_place(plan, model, |place, view| {
            if let (EndpointPlace::SsmParameter { name: of, .. }, PlaceView::Parameter { value, .. }) = (place, view)
                && of == name
            {
                value.clone_from(new);
            }
        }),
        Mutation::StageSecretVersion { secret, stage, version, .. } => each_place(plan, model, |place, view| {
            if let (EndpointPlace::Secret { name, .. }, PlaceView::SecretField { staged, .. }) = (place, view)
                && name == secret
            {
                staged.insert(stage.clone(), version.clone());
            }
        }),
        Mutation::MoveSecretStage { secret, to_version, .. } => {
            let host = model.replica.found().and_then(|found| found.host.clone());
            each_place(plan, model, |place, view| {
                if let (EndpointPlace::Secret { name, .. }, PlaceView::SecretField { value, current_version, .. }) =
                    (place, view)
                    && name == secret
                {
                    current_version.clone_from(to_version);
                    value.clone_from(&host);
                }
            });
        }
        Mutation::SetFunctionVariable { function, variable, value: new, region, .. } => {
            each_place(plan, model, |place, view| {
                if let (
                    EndpointPlace::LambdaEnvironment { function: of, variable: name, region: at, .. },
                    PlaceView::Variable { value, .. },
                ) = (place, view)
                    && of == function
                    && name == variable
                    && at == region
                {
                    value.clone_from(new);
                }
            });
            each_hold(plan, model, |point, view| {
                if let (
                    HoldPoint::LambdaEnvironment { function: of, variable: name, region: at, .. },
                    HoldView::Variable { value, .. },
                ) = (point, view)
                    && of == function
                    && name == variable
                    && at == region
                {
                    value.clone_from(new);
                }
            });
        }
        Mutation::RestartService { cluster, service, .. } => {
            for (name, component) in &plan.components {
                let Component::EcsService(of) = component else { continue };
                let site = of.at(SiteName::Recovery);
                if &site.cluster == cluster
                    && &site.service == service
                    && let Some(Sight::Found { found }) = model.services.get_mut(name.as_str())
                {
                    found.deployment = format!("after {}", found.deployment);
                    found.rollout = Some("IN_PROGRESS".to_owned());
                }
            }
        }
        Mutation::PatchRestStage { region, api, stage, operations } => each_hold(plan, model, |point, view| {
            if let (true, HoldView::Throttles { by_method }) = (is_stage(point, region, api, stage), view) {
                for operation in operations {
                    patch(by_method, &operation.op, &operation.path, operation.value.as_deref());
                }
            }
        }),
        Mutation::PutHttpRouteSettings { region, api, stage, routes } => each_hold(plan, model, |point, view| {
            if let (true, HoldView::Routes { by_route }) = (is_stage(point, region, api, stage), view) {
                for (route, sent) in routes {
                    let now = by_route.entry(route.clone()).or_default();
                    now.rate = sent.rate.or(now.rate);
                    now.burst = sent.burst.or(now.burst);
                    now.detailed_metrics = sent.detailed_metrics.or(now.detailed_metrics);
                }
            }
        }),
        Mutation::DeleteRouteSettings { region, api, stage, route } => each_hold(plan, model, |point, view| {
            if let (true, HoldView::Routes { by_route }) = (is_stage(point, region, api, stage), view) {
                by_route.remove(route);
            }
        }),
        Mutation::RestoreParameter { .. } => {}
    }
}

fn each_place(plan: &Plan, model: &mut Snapshot, mut change: impl FnMut(&EndpointPlace, &mut PlaceView)) {
    let Some(database) = plan.rds_instance(&model.component) else { return };
    for (place, sight) in database.endpoints.iter().zip(&mut model.places) {
        if let Sight::Found { found } = sight {
            change(place, found);
        }
    }
}

fn each_hold(plan: &Plan, model: &mut Snapshot, mut change: impl FnMut(&HoldPoint, &mut HoldView)) {
    let Some(database) = plan.rds_instance(&model.component) else { return };
    for (point, sight) in database.holds.iter().zip(&mut model.holds) {
        if let Sight::Found { found } = sight {
            change(point, found);
        }
    }
}

/// Whether the point is this stage. An API's stages have settings of their own, and an API's id is unique in its Region only.
fn is_stage(point: &HoldPoint, region: &Region, api: &ResourceName, stage: &ResourceName) -> bool {
    matches!(point, HoldPoint::ApiGatewayStage { region: at, api: of, stage: name, .. } if (at, of, name) == (region, api, stage))
}

/// One operation of a REST stage's patch list, as API Gateway would apply it.
fn patch(by_method: &mut BTreeMap<String, Throttle>, op: &str, path: &str, value: Option<&str>) {
    let pieces: Vec<String> =
        path.trim_start_matches('/').split('/').map(|piece| piece.replace("~1", "/").replace("~0", "~")).collect();
    let [resource, verb, rest @ ..] = pieces.as_slice() else { return };
    let key = if resource == "*" { format!("{resource}/{verb}") } else { format!("{verb} {resource}") };
    if op == "remove" {
        by_method.remove(&key);
        return;
    }
    // A method that had no settings of its own gets all of them, with -1 for "no throttle of its own" (API_MethodSetting).
    let throttle = by_method.entry(key).or_insert(Throttle { rate: -1.0, burst: -1 });
    match (rest.last().map(String::as_str), value) {
        (Some("rateLimit"), Some(value)) => throttle.rate = value.parse().unwrap_or(throttle.rate),
        (Some("burstLimit"), Some(value)) => throttle.burst = value.parse().unwrap_or(throttle.burst),
        _ => {}
    }
}

/// What the steps of one branch will call in the topology that the plan declares, without a look at the world.
#[must_use]
pub fn will_declared(plan: &Plan, name: &ScenarioName, branch: usize, now: Timestamp) -> Vec<StepPrediction> {
    will_imagined(plan, name, branch, now, |_| {})
}

/// The same while nothing in a Region answers: neither AWS nor what runs there.
#[must_use]
pub fn will_while_dark(plan: &Plan, name: &ScenarioName, branch: usize, dark: &str, now: Timestamp) -> Vec<StepPrediction> {
    fn unseen<T>(sight: &mut Sight<T>) {
        *sight = Sight::Unreached { reason: "the Region is dark".to_owned() };
    }
    will_imagined(plan, name, branch, now, |snapshot| {
        let Some(database) = plan.rds_instance(&snapshot.component) else { return };
        if plan.sites.primary.region.as_str() == dark {
            unseen(&mut snapshot.primary);
            snapshot.primary_connection = Connection::TimedOut;
        }
        if plan.sites.recovery.region.as_str() == dark {
            unseen(&mut snapshot.replica);
            snapshot.lag = None;
            snapshot.services.values_mut().for_each(unseen);
        }
        let points = database.holds.iter().zip(&mut snapshot.holds);
        points.filter(|(point, _)| point.region().as_str() == dark).for_each(|(_, sight)| unseen(sight));
        let places = database.endpoints.iter().zip(&mut snapshot.places);
        places.filter(|(place, _)| place.region().as_str() == dark).for_each(|(_, sight)| unseen(sight));
    })
}

fn will_imagined(
    plan: &Plan,
    name: &ScenarioName,
    branch: usize,
    now: Timestamp,
    change: impl FnOnce(&mut Snapshot),
) -> Vec<StepPrediction> {
    let Some(scenario) = plan.scenarios.get(name) else { return Vec::new() };
    let found = subject(plan, scenario).and_then(|(component, _)| declared_snapshot(plan, &component, now));
    let (Some(mut snapshot), Some(taken)) = (found, scenario.branches.as_slice().get(branch)) else { return Vec::new() };
    if let (Condition::MultiAzAvailable, Sight::Found { found }) = (taken.when, &mut snapshot.primary) {
        found.multi_az = true;
        found.availability_zone = Some("${zone before}".to_owned());
    }
    change(&mut snapshot);
    let assessment = Assessment {
        on_an_alarms_word: false,
        at: now,
        mode: Mode::Ungraceful,
        course: Course::Branch { index: branch },
        reason: "the topology that the plan declares".to_owned(),
        basis: Digest::of_json(&snapshot),
    };
    let origin = Origin::Operator { request_id: "prediction".to_owned(), actor: None, reason: None, mode: None };
    let incident = Incident::imagined(plan, name, origin, assessment, Generation(1), now);
    will(plan, scenario, &incident, &snapshot, now)
}

/// The world as the plan declares it, for a prediction without looking: a primary that does not answer and cannot fail over, a
/// replica in step, every place and point in its normal state. Values that only the world knows are symbols.
fn declared_snapshot(plan: &Plan, component: &ComponentName, now: Timestamp) -> Option<Snapshot> {
    let database = plan.rds_instance(component)?;
    let instance = |id: &str, source: Option<String>, groups: &[&str]| InstanceView {
        status: "available".to_owned(),
        multi_az: false,
        availability_zone: None,
        source,
        replicating: Some(true),
        host: Some(format!("${{{id}.endpoint}}")),
        port: Some(5432),
        security_groups: groups.iter().map(|group| ((*group).to_owned(), "active".to_owned())).collect(),
        backup_retention_days: database.backup_retention_days,
        latest_restorable: None,
    };
    let variable = || Sight::Found {
        found: PlaceView::Variable { value: Some("host-before".to_owned()), others: Vec::new(), updating: false },
    };
    let places = database
        .endpoints
        .iter()
        .map(|place| match place {
            EndpointPlace::SsmParameter { .. } => Sight::Found {
                found: PlaceView::Parameter {
                    value: "host-before".to_owned(),
                    parameter_type: ParameterType::String,
                    version: "${version}".to_owned(),
                },
            },
            EndpointPlace::Secret { .. } => Sight::Found {
                found: PlaceView::SecretField {
                    value: Some("host-before".to_owned()),
                    current_version: "${version}".to_owned(),
                    staged: BTreeMap::new(),
                },
            },
            EndpointPlace::LambdaEnvironment { .. } => variable(),
        })
        .collect();
    let holds = database
        .holds
        .iter()
        .map(|hold| match hold {
            HoldPoint::ApiGatewayStage { protocol: ApiProtocol::Rest, .. } => {
                Sight::Found { found: HoldView::Throttles { by_method: BTreeMap::new() } }
            }
            HoldPoint::ApiGatewayStage { protocol: ApiProtocol::Http, .. } => {
                Sight::Found { found: HoldView::Routes { by_route: BTreeMap::new() } }
            }
            HoldPoint::LambdaEnvironment { .. } => {
                Sight::Found { found: HoldView::Variable { value: None, others: Vec::new(), updating: false } }
            }
        })
        .collect();
    let services = plan
        .components
        .keys()
        .filter(|name| plan.ecs_service(name).is_some())
        .map(|name| {
            let view = ServiceView {
                desired: 1,
                running: 1,
                deployment: "${deployment}".to_owned(),
                rollout: Some("COMPLETED".to_owned()),
            };
            (name.to_string(), Sight::Found { found: view })
        })
        .collect();
    Some(Snapshot {
        component: component.clone(),
        primary: Sight::Found { found: instance(database.primary.id.as_str(), None, &["${groups before}"]) },
        primary_connection: Connection::Silent,
        replica: Sight::Found { found: instance(database.recovery.id.as_str(), Some(database.primary.id.to_string()), &[]) },
        lag: Some(LagSample { lag: Seconds(0), observed_at: now, source: "assumed".to_owned() }),
        holds,
        places,
        services,
    })
}

#[cfg(test)]
mod tests;
