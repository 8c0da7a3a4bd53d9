//! What a plan says of the template's parameters.

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::backup::declared_of;
use shared::domain::operation::Operation;
use shared::domain::permission::{Need, needs};
use shared::domain::plan::{ApiProtocol, Component, EndpointPlace, HoldPoint, Plan, SiteName};
use shared::domain::step::FunctionName;

/// Parameters that are lists, and the operation that each is for.
const LISTS: [(&str, Operation); 6] = [
    ("GlobalTableArns", Operation::DescribeTable),
    ("GlobalClusterArns", Operation::DescribeGlobalClusters),
    ("BackupClusterArns", Operation::DescribeClusters),
    ("BackupClusterSnapshotArns", Operation::DescribeClusterSnapshots),
    ("BackupTableArns", Operation::DescribeContinuousBackups),
    ("BackupVaultArns", Operation::ListRecoveryPoints),
];

/// The values that a plan gives to the template's parameters, of those that the template has. A plan with two of something gives
/// the first: the template has room for one, and the comparison then names what the other lacks.
#[must_use]
pub fn parameters_of(plan: &Plan, known: &[&str]) -> BTreeMap<String, String> {
    parameters(plan, &needs(plan), known)
}

/// The same where what the plan needs is known: there are several needs for each of its components.
pub(super) fn parameters(plan: &Plan, needed: &[Need], known: &[&str]) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut give = |name: &str, value: String| {
        if known.contains(&name) {
            values.entry(name.to_owned()).or_insert(value);
        }
    };
    give("Platform", plan.platform.to_string());
    give("PrimaryRegion", plan.sites.primary.region.to_string());
    give("RecoveryRegion", plan.sites.recovery.region.to_string());
    give("ArmedFor", plan.sites.recovery.region.to_string());
    for (list, operation) in LISTS {
        let resources = resources_of(needed, operation);
        if !resources.is_empty() {
            give(list, resources.join(","));
        }
    }
    // None is none, whatever the template's own default is.
    give("HealthCheckArns", resources_for(needed, FunctionName::ReplicationCheck, Operation::GetHealthCheck).join(","));
    let copied = resources_for(needed, FunctionName::ReplicationCheck, Operation::GetBucketReplication);
    give("ReplicatedBucketArns", copied.join(","));
    let of_primary = |need: &Need| {
        let check = need.function == FunctionName::ReplicationCheck.as_str();
        check && need.in_region.as_ref() == Some(&plan.sites.primary.region)
    };
    give("PrimaryMetrics", needed.iter().any(of_primary).to_string());
    let secrets = resources_for(needed, FunctionName::ReplicationCheck, Operation::GetSecretValue);
    if !secrets.is_empty() {
        give("PostgresqlSecretArns", secrets.join(","));
    }
    let tests = restore_test_secrets(plan, needed);
    if !tests.is_empty() {
        give("RestoreTestSecretArns", tests.join(","));
    }
    for component in plan.components.keys() {
        if let Some(service) = plan.ecs_service(component) {
            let site = service.at(SiteName::Recovery);
            give("Cluster", site.cluster.to_string());
            give("Service", site.service.to_string());
        }
        let Some(database) = plan.rds_instance(component) else { continue };
        give("PrimaryDatabase", database.primary.id.to_string());
        give("RecoveryDatabase", database.recovery.id.to_string());
        let probe = database.write_probe.as_ref().map(|probe| probe.lambda.to_string());
        give("WriteProbeFunction", probe.unwrap_or_default());
        for place in &database.endpoints {
            match place {
                EndpointPlace::SsmParameter { name, .. } => give("HostParameter", name.to_string()),
                EndpointPlace::Secret { name, .. } => give("DatabaseSecret", name.to_string()),
                EndpointPlace::LambdaEnvironment { function, .. } => give("ReportsFunction", function.to_string()),
            }
        }
        for hold in &database.holds {
            match hold {
                HoldPoint::ApiGatewayStage { protocol, api, stage, .. } => {
                    let protocol = match protocol {
                        ApiProtocol::Rest => "rest",
                        ApiProtocol::Http => "http",
                    };
                    give("ApiId", api.to_string());
                    give("ApiStage", stage.to_string());
                    give("ApiProtocol", protocol.to_owned());
                }
                HoldPoint::LambdaEnvironment { function, .. } => give("ReportsFunction", function.to_string()),
            }
        }
    }
    // A bucket that the plan does not name is none, whatever the template's own default is.
    let archives = plan.components.iter().find_map(|(name, component)| match component {
        Component::BackupArchives(archives) => Some((name, archives)),
        _ => None,
    });
    if let Some((name, _)) = archives {
        give("ArchivesComponent", name.to_string());
    }
    let identity = archives.and_then(|(_, archives)| archives.age_identity());
    give("ArchivesIdentitySecret", identity.map(ToString::to_string).unwrap_or_default());
    let envelope = archives.and_then(|(_, archives)| archives.envelope());
    give("ArchivesEnvelopeKeyArn", envelope.map(|envelope| envelope.kms_key.to_string()).unwrap_or_default());
    let at = |site| archives.and_then(|(_, archives)| archives.places().find(|place| place.0 == site)).map(|place| place.1);
    for (site, bucket, prefix) in [
        (SiteName::Primary, "ArchivesBucket", "ArchivesPrefix"),
        (SiteName::Recovery, "ArchivesCopyBucket", "ArchivesCopyPrefix"),
    ] {
        give(bucket, at(site).map(|place| place.bucket.to_string()).unwrap_or_default());
        give(prefix, at(site).map(|place| place.prefix().to_owned()).unwrap_or_default());
    }
    values
}

/// The secrets with which databases are asked that were restored for a test; the identity of archives has a parameter of its own.
fn restore_test_secrets(plan: &Plan, needed: &[Need]) -> Vec<String> {
    let names: BTreeSet<String> = plan
        .components
        .values()
        .filter_map(|component| Some(declared_of(component)?.restore_test.as_ref()?.secret.to_string()))
        .collect();
    let of_tests = |arn: &String| names.iter().any(|name| arn.ends_with(&format!(":secret:{name}-??????")));
    resources_for(needed, FunctionName::BackupVerify, Operation::GetSecretValue).into_iter().filter(of_tests).collect()
}

/// What an operation's action is needed on: a list has room for all of them.
fn resources_of(needed: &[Need], operation: Operation) -> Vec<String> {
    resources(needed, operation, |_| true)
}

/// What an operation's action is needed on by this function: a list has room for all of them.
fn resources_for(needed: &[Need], function: FunctionName, operation: Operation) -> Vec<String> {
    resources(needed, operation, |need| need.function == function.as_str())
}

fn resources(needed: &[Need], operation: Operation, by: impl Fn(&Need) -> bool) -> Vec<String> {
    let action = operation.row().grants.first().map(|grant| grant.action);
    needed.iter().filter(|need| Some(need.action) == action && by(need)).map(|need| need.resource.clone()).collect()
}
