//! The exact commands that are left to a person when a recovery ends `stuck`, in the order in which to run them.

mod route_settings;

use std::collections::BTreeSet;

use serde_json::json;

use super::assess::Course;
use super::change::Holders;
use super::identifier::{ComponentName, IncidentId, InstanceId};
use super::incident::Incident;
use super::plan::{EndpointPlace, HoldPoint, Plan, RdsInstance, SiteName};
use super::step::{FunctionName, SavedHold, StepKind, StepRecord, StepStatus};

/// What is left to do: what the assessment proposed, then one command per unfinished piece of each step, then the holds.
#[must_use]
pub fn commands_left(plan: &Plan, incident: &Incident, records: &[StepRecord]) -> Vec<String> {
    let mut commands = Vec::new();
    if let Some(Course::HoldOnly { proposed, .. }) = incident.assessment.as_ref().map(|assessment| &assessment.course) {
        commands.extend(proposed.iter().cloned());
    }
    let promoted = records.iter().any(StepRecord::may_have_promoted);
    let host = records.iter().find_map(|record| record.memory.promoted_host.as_deref());
    for record in records.iter().filter(|record| record.status != StepStatus::Done) {
        if let Some(database) = plan.rds_instance(&record.step.component) {
            commands.extend(commands_of_step(plan, database, record, promoted, host));
        }
    }
    // A fence that nobody was promoted behind keeps out the only writers there are.
    let fences = records.iter().filter(|record| record.step.kind == StepKind::Fence && record.status != StepStatus::Undone);
    for fence in fences.filter(|_| !promoted) {
        if let (Some(database), Some(groups)) =
            (plan.rds_instance(&fence.step.component), &fence.memory.fence.previous_groups)
        {
            commands.push(lift_fence(plan, &database.primary.id, groups));
        }
    }
    commands.extend(holds_left(plan, records));
    commands
}

/// How to let writes through where other incidents that have ended are recorded as holding them, a command for each component. A
/// recovery gives back only what it held itself: what another one left held may be held for a reason.
pub fn held_by_others<'a>(
    plan: &'a Plan,
    holders: &'a Holders,
    incident: &'a IncidentId,
) -> impl Iterator<Item = String> + 'a {
    let (region, function) = (plan.region(SiteName::Recovery), FunctionName::ReadOnlyToggle.as_str());
    holders.iter().filter_map(move |(component, of)| {
        let others: Vec<&str> = of.iter().filter(|holder| *holder != incident).map(IncidentId::as_str).collect();
        let payload = json!({"mode": "read_write", "component": component});
        (!others.is_empty()).then(|| {
            format!(
                "aws lambda invoke --region {region} --function-name {function} --cli-binary-format raw-in-base64-out --payload \
                 '{payload}' response.json  # only if writes of {component} are not meant to be held: {} is recorded as holding them",
                others.join(", ")
            )
        })
    })
}

fn commands_of_step(
    plan: &Plan,
    database: &RdsInstance,
    record: &StepRecord,
    promoted: bool,
    host: Option<&str>,
) -> Vec<String> {
    let (region, replica) = (plan.region(SiteName::Recovery), &database.recovery.id);
    match record.step.kind {
        StepKind::Promote if promoted => vec![format!(
            "aws rds describe-db-instances --region {region} --db-instance-identifier {replica} \
             --query 'DBInstances[0].[DBInstanceStatus,ReadReplicaSourceDBInstanceIdentifier,Endpoint.Address]'"
        )],
        StepKind::Repoint if promoted => {
            let host = host.map_or_else(|| format!("<endpoint of {replica}>"), str::to_owned);
            let consumers: BTreeSet<&ComponentName> = database.endpoints.iter().flat_map(EndpointPlace::consumers).collect();
            let places = database.endpoints.iter().map(|place| write_place(place, &host));
            places.chain(consumers.into_iter().filter_map(|consumer| restart(plan, consumer))).collect()
        }
        _ => Vec::new(),
    }
}

/// Gives the old primary its security groups back.
pub(super) fn lift_fence(plan: &Plan, primary: &InstanceId, groups: &[String]) -> String {
    format!(
        "aws rds modify-db-instance --region {} --db-instance-identifier {primary} --vpc-security-group-ids {} --apply-immediately",
        plan.region(SiteName::Primary),
        groups.join(" ")
    )
}

fn write_place(place: &EndpointPlace, host: &str) -> String {
    match place {
        EndpointPlace::SsmParameter { name, region, .. } => {
            format!("aws ssm put-parameter --region {region} --name {name} --overwrite --value {host}")
        }
        EndpointPlace::Secret { name, field, region, .. } => format!(
            "aws secretsmanager get-secret-value --region {region} --secret-id {name}  # then put it back with only {field} changed to {host}"
        ),
        EndpointPlace::LambdaEnvironment { function, variable, region, .. } => format!(
            "{}  # then update-function-configuration with the whole environment, {variable}={host}, and its --revision-id",
            look_at_function(function.as_str(), region.as_str())
        ),
    }
}

fn restart(plan: &Plan, consumer: &ComponentName) -> Option<String> {
    let (region, site) = (plan.region(SiteName::Recovery), plan.ecs_service(consumer)?.at(SiteName::Recovery));
    let (cluster, service) = (&site.cluster, &site.service);
    Some(format!("aws ecs update-service --region {region} --cluster {cluster} --service {service} --force-new-deployment"))
}

/// What lets writes through again, for every hold that is still in place: last, once the rest is done.
fn holds_left(plan: &Plan, records: &[StepRecord]) -> Vec<String> {
    let mut commands = Vec::new();
    // A change that resumes writes carries with it what earlier incidents saved.
    let saves = |record: &&StepRecord| match record.step.kind {
        StepKind::HoldWrites => record.status != StepStatus::Undone,
        StepKind::ResumeWrites => record.status != StepStatus::Done,
        _ => false,
    };
    for held in records.iter().filter(saves) {
        let resumed = records.iter().any(|record| {
            record.step.kind == StepKind::ResumeWrites
                && record.step.component == held.step.component
                && record.status == StepStatus::Done
        });
        let Some(database) = plan.rds_instance(&held.step.component).filter(|_| !resumed) else { continue };
        for (index, before) in &held.memory.held {
            if let Some(point) = database.holds.get(*index) {
                commands.extend(open_hold(point, before));
            }
        }
    }
    commands
}

fn open_hold(point: &HoldPoint, before: &SavedHold) -> Vec<String> {
    match (point, before) {
        (HoldPoint::ApiGatewayStage { api, stage, region, .. }, SavedHold::Throttles { by_method }) => {
            let look = format!("aws apigateway get-stage --region {region} --rest-api-id {api} --stage-name {stage}");
            by_method
                .iter()
                .map(|(method, throttle)| {
                    let to = throttle.map_or("no setting of its own".to_owned(), |throttle| {
                        format!("rateLimit {} and burstLimit {}", throttle.rate, throttle.burst)
                    });
                    format!("{look}  # then set {method} back to {to}")
                })
                .collect()
        }
        (HoldPoint::ApiGatewayStage { api, stage, region, .. }, SavedHold::Routes { by_route }) => {
            route_settings::bring_back(region, api, stage, by_route)
        }
        (HoldPoint::LambdaEnvironment { function, variable, region, .. }, SavedHold::Variable { value }) => {
            let to = value.as_ref().map_or(format!("without {variable}"), |value| format!("{variable}={value}"));
            vec![format!(
                "{}  # then update-function-configuration with the whole environment, {to}, and its --revision-id",
                look_at_function(function.as_str(), region.as_str())
            )]
        }
        _ => Vec::new(),
    }
}

fn look_at_function(function: &str, region: &str) -> String {
    format!("aws lambda get-function-configuration --region {region} --function-name {function}")
}
