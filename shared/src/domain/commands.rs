//! The exact commands that are left to a person when a recovery ends `stuck`, in the order in which to run them.

use super::assess::Course;
use super::incident::Incident;
use super::plan::{EndpointPlace, HoldPoint, Plan, SiteName};
use super::step::{SavedHold, StepKind, StepRecord, StepStatus};

/// What is left to do: what the assessment proposed, and one command per unfinished piece of each step.
#[must_use]
pub fn commands_left(plan: &Plan, incident: &Incident, records: &[StepRecord]) -> Vec<String> {
    let mut commands = Vec::new();
    if let Some(Course::HoldOnly { proposed, .. }) = incident.assessment.as_ref().map(|assessment| &assessment.course) {
        commands.extend(proposed.iter().cloned());
    }
    let promoted = records.iter().any(StepRecord::may_have_promoted);
    for record in records.iter().filter(|record| record.status != StepStatus::Done) {
        let Some(database) = plan.rds_instance(&record.step.component) else { continue };
        let region = plan.region(SiteName::Recovery);
        let replica = &database.recovery.id;
        match record.step.kind {
            StepKind::Promote if promoted => {
                commands.push(format!("aws rds describe-db-instances --region {region} --db-instance-identifier {replica} --query 'DBInstances[0].[DBInstanceStatus,ReadReplicaSourceDBInstanceIdentifier,Endpoint.Address]'"));
            }
            StepKind::Repoint if promoted => {
                let host = record.memory.promoted_host.clone().unwrap_or_else(|| format!("<endpoint of {replica}>"));
                commands.extend(database.endpoints.iter().map(|place| write_place(place, &host)));
            }
            StepKind::ResumeWrites => {
                let held = records
                    .iter()
                    .find(|other| other.step.kind == StepKind::HoldWrites && other.step.component == record.step.component);
                for (index, before) in held.iter().flat_map(|held| held.memory.held.iter()) {
                    if let Some(point) = database.holds.get(*index) {
                        commands.extend(open_hold(point, before));
                    }
                }
            }
            _ => {}
        }
    }
    commands
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
            "aws lambda get-function-configuration --region {region} --function-name {function}  # then update-function-configuration with the whole environment, {variable}={host} and its --revision-id"
        ),
    }
}

fn open_hold(point: &HoldPoint, before: &SavedHold) -> Vec<String> {
    match (point, before) {
        (HoldPoint::ApiGatewayStage { api, stage, region, .. }, SavedHold::Throttles { by_method }) => by_method
            .iter()
            .map(|(method, throttle)| {
                let to = throttle.map_or("no setting of its own".to_owned(), |throttle| {
                    format!("rateLimit {} and burstLimit {}", throttle.rate, throttle.burst)
                });
                format!("aws apigateway get-stage --region {region} --rest-api-id {api} --stage-name {stage}  # then set {method} back to {to}")
            })
            .collect(),
        (HoldPoint::LambdaEnvironment { function, variable, region, .. }, SavedHold::Variable { value }) => {
            let to = value.as_ref().map_or(format!("without {variable}"), |value| format!("{variable}={value}"));
            vec![format!("aws lambda get-function-configuration --region {region} --function-name {function}  # then update-function-configuration with the whole environment, {to}, and its --revision-id")]
        }
        _ => Vec::new(),
    }
}
