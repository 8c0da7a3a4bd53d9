//! What each function needs of IAM to carry a plan out: the calls that it may make, by the table of operations.
//!
//! The template's roles, the permissions page of the documents and `recoveryctl plan permissions` all come from here. What Lambda
//! itself does with a function's role (logs, traces, network interfaces) depends on the template alone and is not said here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::backup::{declared_of, sources_of};
use super::call::Permitted;
use super::described::BackupArchives;
use super::health::health_checks;
use super::identifier::Region;
use super::may::{may, may_read_hold};
use super::operation::{Grant, On, Operation};
use super::plan::{Component, EndpointPlace, Plan, RdsInstance, SiteName};
use super::replication::{FAILED_OPERATIONS, copy_of, series_of};
use super::restore_test::{RESTORE_JOBS, RESTORED};
use super::step::{FunctionName, PlannedStep, StepKind};

/// One call that a function may make, and what for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    /// The function.
    pub function: FunctionName,
    /// The operation.
    pub operation: Operation,
    /// Region.
    pub region: Region,
    /// The resource, as a step's closed set names it.
    pub resource: String,
    /// What for: a step's kind, or the function's own work outside of steps.
    pub purpose: String,
}

/// One line of a role: an action, and the narrowest resource on which it can be allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The function whose role it is.
    pub function: &'static str,
    /// The IAM action.
    pub action: &'static str,
    /// An ARN, with `*` or `?` only where `reason` says why.
    pub resource: String,
    /// The Region that a condition has to allow, where no resource can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_region: Option<Region>,
    /// Why the resource is no exact ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What it is needed for.
    pub used_by: BTreeSet<String>,
}

/// The alias under which functions are invoked.
const ALIAS: &str = "live";

/// A function's name as the template gives it.
#[must_use]
pub fn deployed_name(plan: &Plan, function: FunctionName) -> String {
    match function {
        FunctionName::Recovery => format!("{}-recovery", plan.platform),
        other => other.as_str().to_owned(),
    }
}

/// Every call that a function may make with this plan, in a stack that has the template's names.
#[must_use]
pub fn uses(plan: &Plan) -> Vec<Use> {
    let mut collected = Collected { plan, uses: BTreeSet::new() };
    for scenario in plan.scenarios.values() {
        for step in scenario.branches.iter().flat_map(|branch| branch.waves.iter()).flat_map(|wave| wave.iter()) {
            collected.step(step);
        }
    }
    for component in plan.components.values() {
        collected.replica(component);
        collected.kept(component);
        collected.restored(component);
    }
    for (_, check) in health_checks(plan, None) {
        for operation in [Operation::GetHealthCheck, Operation::GetHealthCheckStatus] {
            let (of, resource) = (FunctionName::ReplicationCheck, format!("healthcheck/{check}"));
            collected.add(of, operation, SiteName::Recovery, resource, "check");
        }
    }
    for component in plan.components.keys() {
        if let Some(database) = plan.rds_instance(component) {
            collected.database(database);
            // A prediction looks at what these steps would look at, whichever scenario it is of.
            for kind in [StepKind::HoldWrites, StepKind::Repoint] {
                collected.prediction(&PlannedStep { kind, component: component.clone() });
            }
        }
        if let Some(Component::BackupArchives(archives)) = plan.components.get(component) {
            collected.archives(archives);
        }
        if let Some(service) = plan.ecs_service(component) {
            let site = service.at(SiteName::Recovery);
            let resource = format!("service/{}/{}", site.cluster, site.service);
            collected.add(FunctionName::Recovery, Operation::DescribeServices, SiteName::Recovery, resource, "dry run");
        }
    }
    // Of several, the check asks for a page at a time, which RDS allows only who may describe all.
    if plan.components.keys().filter(|name| plan.rds_instance(name).is_some()).count() > 1 {
        let check = FunctionName::ReplicationCheck;
        collected.add(check, Operation::DescribeInstances, SiteName::Recovery, "db:*".to_owned(), "check");
    }
    collected.machinery();
    collected.uses.into_iter().collect()
}

struct Collected<'a> {
    plan: &'a Plan,
    uses: BTreeSet<Use>,
}

impl Collected<'_> {
    fn add(&mut self, function: FunctionName, operation: Operation, site: SiteName, resource: String, purpose: &str) {
        let region = self.plan.region(site).clone();
        self.uses.insert(Use { function, operation, region, resource, purpose: purpose.to_owned() });
    }

    fn step(&mut self, step: &PlannedStep) {
        let purpose = format!("step {}", step.kind.as_str());
        for permitted in may(self.plan, step) {
            self.permitted(step.kind.function(), permitted, purpose.clone());
        }
    }

    /// The reads of a step, for a dry run.
    fn prediction(&mut self, step: &PlannedStep) {
        for permitted in may(self.plan, step) {
            if ["Get", "Describe"].iter().any(|verb| permitted.operation.starts_with(verb)) {
                self.permitted(step.kind.function(), permitted, "dry run".to_owned());
            }
        }
    }

    fn permitted(&mut self, function: FunctionName, permitted: Permitted, purpose: String) {
        if let Some(operation) = operation_of(&permitted) {
            let Permitted { region, resource, .. } = permitted;
            self.uses.insert(Use { function, operation, region, resource, purpose });
        }
    }

    /// What the functions look at outside of steps.
    fn database(&mut self, database: &RdsInstance) {
        use FunctionName::{BackupVerify, ReadOnlyToggle, Recovery, ReplicationCheck, UpdateDatabaseEndpoints};
        use SiteName::{Primary, Recovery as Other};
        let (primary, replica) = (format!("db:{}", database.primary.id), format!("db:{}", database.recovery.id));
        let lag = || "metric:AWS/RDS/ReplicaLag".to_owned();
        for purpose in ["assess", "dry run"] {
            self.add(Recovery, Operation::DescribeInstances, Primary, primary.clone(), purpose);
            self.add(Recovery, Operation::DescribeInstances, Other, replica.clone(), purpose);
            self.add(Recovery, Operation::DescribeSnapshots, Primary, primary.clone(), purpose);
            self.add(Recovery, Operation::GetMetricData, Other, lag(), purpose);
        }
        self.add(ReplicationCheck, Operation::DescribeInstances, Other, replica.clone(), "check");
        self.add(BackupVerify, Operation::DescribeInstances, Primary, primary.clone(), "check");
        self.add(BackupVerify, Operation::DescribeSnapshots, Primary, primary, "check");
        self.add(UpdateDatabaseEndpoints, Operation::DescribeInstances, Other, replica, "new_endpoint");
        for hold in &database.holds {
            for permitted in may_read_hold(hold) {
                self.permitted(ReadOnlyToggle, permitted, "status".to_owned());
            }
        }
    }

    /// What is read of archives.
    fn archives(&mut self, archives: &BackupArchives) {
        let check = FunctionName::BackupVerify;
        for (site, place) in archives.places() {
            self.add(check, Operation::ListObjects, site, place.bucket.to_string(), "check");
            for operation in [Operation::HeadObject, Operation::GetObject] {
                self.add(check, operation, site, place.below(), "check");
            }
        }
        // Where they would be restored, and nowhere else.
        if let Some(envelope) = archives.envelope() {
            for operation in [Operation::DescribeKey, Operation::Decrypt] {
                self.add(check, operation, SiteName::Recovery, envelope.kms_key.to_string(), "check");
            }
        }
        if let Some(secret) = archives.age_identity() {
            for operation in [Operation::DescribeSecret, Operation::GetSecretValue] {
                self.add(check, operation, SiteName::Recovery, format!("secret:{secret}"), "check");
            }
        }
    }

    /// What is looked at of the backups that AWS keeps of a component.
    fn kept(&mut self, component: &Component) {
        for found in sources_of(self.plan, component) {
            let (operation, resource) = (found.source.operation(), found.source.resource());
            self.add(FunctionName::BackupVerify, operation, found.site, resource, "check");
        }
    }

    /// What is looked at, read and told of what AWS Backup restores for a test.
    fn restored(&mut self, component: &Component) {
        let Some(test) = declared_of(component).and_then(|declared| declared.restore_test.as_ref()) else { return };
        let mut add = |operation, resource: String, purpose| {
            self.add(FunctionName::BackupVerify, operation, SiteName::Recovery, resource, purpose);
        };
        add(Operation::DescribeRestoreJob, RESTORE_JOBS.to_owned(), "restore test");
        add(Operation::PutRestoreValidationResult, RESTORE_JOBS.to_owned(), "restore test");
        add(Operation::DescribeRestored, format!("db:{RESTORED}"), "restore test");
        add(Operation::GetSecretValue, format!("secret:{}", test.secret), "restore test");
    }

    /// What is looked at of a component's replica besides a database instance.
    fn replica(&mut self, component: &Component) {
        use FunctionName::ReplicationCheck;
        for series in series_of(self.plan, component) {
            self.add(ReplicationCheck, Operation::GetMetricData, series.site(), series.resource(), "check");
        }
        if let Some(copy) = copy_of(component) {
            let (failed, source) = (FAILED_OPERATIONS.to_owned(), copy.source.to_string());
            self.add(ReplicationCheck, Operation::GetMetricData, SiteName::Primary, failed, "check");
            self.add(ReplicationCheck, Operation::GetBucketReplication, SiteName::Primary, source, "check");
        }
        let (operation, resource) = match component {
            Component::DynamodbTable(table) => (Operation::DescribeTable, format!("table/{}", table.table)),
            Component::AuroraGlobalDatabase(database) => {
                (Operation::DescribeGlobalClusters, format!("global-cluster:{}", database.global_cluster))
            }
            Component::Postgresql(database) => (Operation::GetSecretValue, format!("secret:{}", database.secret)),
            _ => return,
        };
        self.add(ReplicationCheck, operation, SiteName::Recovery, resource, "check");
    }

    /// What keeps a recovery going: the journal, the state machine, the notices, the other functions.
    fn machinery(&mut self) {
        use FunctionName::{ReadOnlyToggle, Recovery, UpdateDatabaseEndpoints};
        let name = format!("{}-recovery", self.plan.platform);
        let here = SiteName::Recovery;
        for function in [Recovery, ReadOnlyToggle, UpdateDatabaseEndpoints] {
            for operation in [Operation::GetItem, Operation::Query, Operation::TransactWriteItems] {
                self.add(function, operation, here, format!("table/{name}-journal"), "journal");
            }
        }
        self.add(Recovery, Operation::StartExecution, here, format!("stateMachine:{name}"), "start");
        self.add(Recovery, Operation::DescribeExecution, here, format!("execution:{name}"), "watchdog");
        self.add(Recovery, Operation::SendTaskSuccess, here, format!("stateMachine:{name}"), "approve and reject");
        self.add(Recovery, Operation::Publish, here, format!("{name}-notices"), "notices");
        for function in [ReadOnlyToggle, UpdateDatabaseEndpoints] {
            let resource = format!("function:{}:{ALIAS}", deployed_name(self.plan, function));
            self.add(Recovery, Operation::Invoke, here, resource, "dry run");
            self.add(function, Operation::Invoke, here, format!("function:{name}:{ALIAS}"), "declare a change");
        }
    }
}

/// The row of a member of a closed set. Two services of API Gateway share their names; their paths differ.
fn operation_of(permitted: &Permitted) -> Option<Operation> {
    let mut named = Operation::ALL
        .iter()
        .copied()
        .filter(|operation| operation.service() == permitted.service && operation.name() == permitted.operation);
    if permitted.service == "apigateway" {
        let sdk = if permitted.resource.starts_with("/restapis/") { "API Gateway" } else { "ApiGatewayV2" };
        return named.find(|operation| operation.row().sdk == sdk);
    }
    named.next()
}

/// Every line that the functions' roles need for this plan, by function, action and resource.
#[must_use]
pub fn needs(plan: &Plan) -> Vec<Need> {
    let mut by_line: BTreeMap<(FunctionName, &'static str, String, Option<Region>), Need> = BTreeMap::new();
    for each in uses(plan) {
        for grant in each.operation.row().grants {
            let (resource, in_region, reason) = narrowest(plan, &each, grant);
            let key = (each.function, grant.action, resource.clone(), in_region.clone());
            let need = by_line.entry(key).or_insert_with(|| Need {
                function: each.function.as_str(),
                action: grant.action,
                resource,
                in_region,
                reason,
                used_by: BTreeSet::new(),
            });
            need.used_by.insert(each.purpose.clone());
        }
    }
    by_line.into_values().collect()
}

fn narrowest(plan: &Plan, made: &Use, grant: &Grant) -> (String, Option<Region>, Option<&'static str>) {
    let region = &made.region;
    let arn = |resource: &str| {
        // A bucket's name is its own in all of a partition, and so is a health check's id.
        let service = made.operation.service();
        // A key may be another account's, so a plan names its ARN.
        if service == "kms" {
            return resource.to_owned();
        }
        if ["s3", "route53"].contains(&service) {
            return format!("arn:{}:{service}:::{resource}", region.partition());
        }
        // API Gateway's ARNs have no account: an API's id says whose it is.
        let account = if made.operation.service() == "apigateway" { "" } else { plan.account.as_str() };
        // Those of global clusters have no Region (Aurora user guide, "Constructing ARNs").
        let region = if resource.starts_with("global-cluster:") { "" } else { region.as_str() };
        format!("arn:{}:{}:{region}:{account}:{resource}", made.region.partition(), made.operation.service())
    };
    match grant.on {
        On::Resource => (arn(&made.resource), None, None),
        On::Below { suffix, reason } => (arn(&format!("{}{suffix}", made.resource)), None, Some(reason)),
        On::Beside { resource, reason } => (arn(resource), None, Some(reason)),
        On::Anything { reason, in_region } => ("*".to_owned(), in_region.then(|| region.clone()), Some(reason)),
    }
}

/// The secrets whose values a function reads and writes; a customer managed key of theirs is needed by it too.
#[must_use]
pub fn secrets(plan: &Plan) -> BTreeSet<String> {
    let databases = plan.components.keys().filter_map(|name| plan.rds_instance(name));
    let places = databases.flat_map(|database| &database.endpoints);
    places
        .filter_map(|place| match place {
            EndpointPlace::Secret { name, .. } => Some(name.to_string()),
            EndpointPlace::SsmParameter { .. } | EndpointPlace::LambdaEnvironment { .. } => None,
        })
        .collect()
}
