//! The recovery plan as the functions read it: compiled, canonical, without positions. The YAML that people write is read by
//! `crate::planfile`, which lowers it into these types and reports what does not fit.

mod scenario;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use scenario::{ApprovalRule, Branch, Condition, Preauthorisation, Scenario, Severity};

use super::alerts::Alerts;
use super::backup::ManagedBackups;
use super::described::{
    AuroraGlobalDatabase, BackupArchives, CloudfrontDistribution, DynamodbTable, LoadBalancer, Postgresql, Route53Records,
    S3Data,
};
use super::duration::Seconds;
use super::identifier::{
    AccountId, ComponentName, Digest, HttpsUrl, InstanceId, PlatformName, Region, ResourceName, ScenarioName,
    SecurityGroupId, VariableName,
};
use super::non_empty::NonEmpty;

/// The plan format that this version writes and reads. A newer one is refused rather than half understood.
pub const PLAN_VERSION: u32 = 1;

/// One platform in two sites, and how it is recovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Format version, [`PLAN_VERSION`].
    pub version: u32,
    /// The platform's name: the first part of every incident id.
    pub platform: PlatformName,
    /// The account that both sites are in, and the only one whose alarms are accepted.
    pub account: AccountId,
    /// The two sites.
    pub sites: Sites,
    /// What a recovery must reach, per component.
    pub objectives: BTreeMap<ComponentName, Objective>,
    /// What there is to recover.
    pub components: BTreeMap<ComponentName, Component>,
    /// Who is told, and who next. Absent in plans that leave it to the notices topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<Alerts>,
    /// Which alarm starts which scenario.
    pub triggers: Vec<Trigger>,
    /// What to do when.
    pub scenarios: BTreeMap<ScenarioName, Scenario>,
}

/// The largest compiled plan that the functions load, in bytes.
///
/// An incident copies its plan into the journal in the one transaction that declares it. DynamoDB takes 4 MB in a transaction, and
/// 1,000 write units a second in one partition, of which a transaction takes two for each kB: a plan of 1 MiB already lives off the
/// partition's unused capacity of the last minutes. Every attempt at a step then reads the copy back.
pub const LARGEST_COMPILED_PLAN: usize = 1024 * 1024;

impl Plan {
    /// The bytes that `plan build` writes and that the digest is of.
    #[must_use]
    pub fn compiled(&self) -> Vec<u8> {
        // Our own types have string keys only, so serialisation cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The digest that an incident records, so that its steps can prove which plan they follow.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The Region of a site.
    #[must_use]
    pub fn region(&self, site: SiteName) -> &Region {
        match site {
            SiteName::Primary => &self.sites.primary.region,
            SiteName::Recovery => &self.sites.recovery.region,
        }
    }

    /// The site in a Region, when the plan has one there.
    #[must_use]
    pub fn site_in(&self, region: &str) -> Option<SiteName> {
        [SiteName::Primary, SiteName::Recovery].into_iter().find(|site| self.region(*site).as_str() == region)
    }

    /// The database of that name, when it is one.
    #[must_use]
    pub fn rds_instance(&self, name: &ComponentName) -> Option<&RdsInstance> {
        match self.components.get(name) {
            Some(Component::RdsInstance(database)) => Some(database),
            _ => None,
        }
    }

    /// The ECS service of that name, when it is one.
    #[must_use]
    pub fn ecs_service(&self, name: &ComponentName) -> Option<&EcsService> {
        match self.components.get(name) {
            Some(Component::EcsService(service)) => Some(service),
            _ => None,
        }
    }

    /// The ARN of a trigger's alarm.
    #[must_use]
    pub fn alarm_arn(&self, trigger: &Trigger) -> String {
        let region = self.region(trigger.site);
        let partition = region.partition();
        format!("arn:{partition}:cloudwatch:{region}:{}:alarm:{}", self.account, trigger.alarm)
    }

    /// The variables whose values the plan itself names or writes; every other value in a Lambda environment may be a secret
    /// and is never shown.
    #[must_use]
    pub fn disclosed_variables(&self) -> BTreeSet<VariableName> {
        let mut names = BTreeSet::new();
        for component in self.components.values() {
            if let Component::RdsInstance(database) = component {
                for place in &database.endpoints {
                    if let EndpointPlace::LambdaEnvironment { variable, .. } = place {
                        names.insert(variable.clone());
                    }
                }
                for hold in &database.holds {
                    if let HoldPoint::LambdaEnvironment { variable, .. } = hold {
                        names.insert(variable.clone());
                    }
                }
            }
        }
        names
    }
}

/// The two sites. A third is not an option that a plan can express: it would make "the other site" ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sites {
    /// Where the platform runs.
    pub primary: Site,
    /// Where it is recovered to.
    pub recovery: Site,
}

/// One site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its AWS Region.
    pub region: Region,
}

/// Which of the two sites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteName {
    /// Where the platform runs.
    Primary,
    /// Where it is recovered to.
    Recovery,
}

impl SiteName {
    /// As written in plans and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Recovery => "recovery",
        }
    }
}

/// What a recovery of a component must reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// Recovery time objective.
    pub rto: Seconds,
    /// Recovery point objective; absent for a component without data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpo: Option<Seconds>,
}

/// One thing to recover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Component {
    /// An RDS database instance with a read replica in the recovery site.
    RdsInstance(RdsInstance),
    /// An ECS service in both sites.
    EcsService(EcsService),
    /// A load balancer in both sites.
    LoadBalancer(LoadBalancer),
    /// Record sets that send clients to one site or the other.
    Route53Records(Route53Records),
    /// A web site in S3 behind CloudFront.
    CloudfrontDistribution(CloudfrontDistribution),
    /// Data in S3 with a copy in the other Region.
    S3Data(S3Data),
    /// A DynamoDB global table.
    DynamodbTable(DynamodbTable),
    /// An Aurora global database.
    AuroraGlobalDatabase(AuroraGlobalDatabase),
    /// A PostgreSQL primary and its standby, run by the team itself.
    Postgresql(Postgresql),
    /// Archives of a database in S3.
    BackupArchives(BackupArchives),
}

impl Component {
    /// The kind as written in a plan.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RdsInstance(_) => "rds_instance",
            Self::EcsService(_) => "ecs_service",
            Self::LoadBalancer(_) => "load_balancer",
            Self::Route53Records(_) => "route53_records",
            Self::CloudfrontDistribution(_) => "cloudfront_distribution",
            Self::S3Data(_) => "s3_data",
            Self::DynamodbTable(_) => "dynamodb_table",
            Self::AuroraGlobalDatabase(_) => "aurora_global_database",
            Self::Postgresql(_) => "postgresql",
            Self::BackupArchives(_) => "backup_archives",
        }
    }
}

/// An RDS database instance and its replica in the other Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdsInstance {
    /// The instance in the primary site.
    pub primary: RdsPrimary,
    /// The replica in the recovery site.
    pub recovery: RdsReplica,
    /// Backup retention that a promoted replica gets. PromoteReadReplica would give it one day.
    pub backup_retention_days: u32,
    /// How far the replica may be behind before a graceful switchover goes on.
    pub max_lag: Seconds,
    /// What is required of its backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backups: Option<ManagedBackups>,
    /// A function of the user's that writes one row through the promoted instance and answers `{"written": true}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_probe: Option<WriteProbe>,
    /// Every place where clients read the endpoint.
    pub endpoints: Vec<EndpointPlace>,
    /// Every place where writes can be held.
    pub holds: Vec<HoldPoint>,
}

/// The instance in the primary site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdsPrimary {
    /// Its identifier.
    pub id: InstanceId,
    /// The security group that lets nobody in, made in advance; without it this instance cannot be fenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation_security_group: Option<SecurityGroupId>,
}

/// The replica in the recovery site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RdsReplica {
    /// Its identifier.
    pub id: InstanceId,
}

/// A Lambda function that proves that a database takes writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteProbe {
    /// The function's name in the recovery site.
    pub lambda: ResourceName,
}

/// A place where clients read the database's host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case", deny_unknown_fields)]
pub enum EndpointPlace {
    /// A Systems Manager parameter whose whole value is the host.
    SsmParameter {
        /// The parameter's name.
        name: ResourceName,
        /// Its Region.
        region: Region,
        /// Components that must reread it.
        consumers: Vec<ComponentName>,
    },
    /// One field of a JSON secret.
    Secret {
        /// The secret's name.
        name: ResourceName,
        /// The field that holds the host.
        field: ResourceName,
        /// Its Region.
        region: Region,
        /// Components that must reread it.
        consumers: Vec<ComponentName>,
    },
    /// One variable of a Lambda function's environment.
    LambdaEnvironment {
        /// The function's name.
        function: ResourceName,
        /// The variable.
        variable: VariableName,
        /// Its Region.
        region: Region,
        /// Components that must reread it.
        consumers: Vec<ComponentName>,
    },
}

impl EndpointPlace {
    /// The place's Region.
    #[must_use]
    pub fn region(&self) -> &Region {
        match self {
            Self::SsmParameter { region, .. } | Self::Secret { region, .. } | Self::LambdaEnvironment { region, .. } => {
                region
            }
        }
    }

    /// Components that must reread the place.
    #[must_use]
    pub fn consumers(&self) -> &[ComponentName] {
        match self {
            Self::SsmParameter { consumers, .. }
            | Self::Secret { consumers, .. }
            | Self::LambdaEnvironment { consumers, .. } => consumers,
        }
    }

    /// How answers and reports name it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::SsmParameter { name, region, .. } => format!("parameter {name} in {region}"),
            Self::Secret { name, field, region, .. } => format!("field {field} of secret {name} in {region}"),
            Self::LambdaEnvironment { function, variable, region, .. } => {
                format!("variable {variable} of function {function} in {region}")
            }
        }
    }
}

/// A place where writes can be held back. All are advisory: a client that bypasses them still writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "point", rename_all = "snake_case", deny_unknown_fields)]
pub enum HoldPoint {
    /// Throttling of an API Gateway stage to nothing.
    ApiGatewayStage {
        /// REST or HTTP API: their settings are different calls.
        protocol: ApiProtocol,
        /// The API's id.
        api: ResourceName,
        /// The stage.
        stage: ResourceName,
        /// The write methods, such as `POST /patients`. All methods of the stage are throttled only with `reads: stopped`.
        methods: NonEmpty<ApiMethod>,
        /// Whether reads stay served.
        reads: Reads,
        /// Its Region.
        region: Region,
    },
    /// A flag in a Lambda function's environment that its code obeys.
    LambdaEnvironment {
        /// The function's name.
        function: ResourceName,
        /// The flag.
        variable: VariableName,
        /// The value that means "read only".
        held: String,
        /// Its Region.
        region: Region,
    },
}

impl HoldPoint {
    /// The point's Region.
    #[must_use]
    pub fn region(&self) -> &Region {
        match self {
            Self::ApiGatewayStage { region, .. } | Self::LambdaEnvironment { region, .. } => region,
        }
    }

    /// How answers and reports name it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::ApiGatewayStage { api, stage, region, .. } => format!("stage {stage} of API {api} in {region}"),
            Self::LambdaEnvironment { function, variable, region, .. } => {
                format!("variable {variable} of function {function} in {region}")
            }
        }
    }
}

/// API Gateway's two kinds of API that can be throttled per route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiProtocol {
    /// A REST API: UpdateStage with patch operations.
    Rest,
    /// An HTTP API: UpdateStage with route settings, and DeleteRouteSettings to take them away.
    Http,
}

/// What happens to reads while writes are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reads {
    /// Only the listed write methods are throttled.
    Served,
    /// Every method of the stage is throttled.
    Stopped,
}

/// A method of an API: `POST /patients`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiMethod {
    verb: String,
    path: String,
}

impl ApiMethod {
    /// Reads `POST /patients`; `None` when verb or path is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (verb, path) = text.split_once(' ')?;
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "ANY"].contains(&verb);
        let printable = path.starts_with('/') && path.len() <= 300 && path.chars().all(|c| c.is_ascii_graphic());
        (known && printable).then(|| Self { verb: verb.to_owned(), path: path.to_owned() })
    }

    /// The HTTP verb.
    #[must_use]
    pub fn verb(&self) -> &str {
        &self.verb
    }

    /// The resource path, beginning with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl TryFrom<String> for ApiMethod {
    type Error = String;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a method such as \"POST /patients\""))
    }
}

impl From<ApiMethod> for String {
    fn from(method: ApiMethod) -> Self {
        format!("{} {}", method.verb, method.path)
    }
}

/// An ECS service in both sites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcsService {
    /// In the primary site.
    pub primary: EcsSite,
    /// In the recovery site.
    pub recovery: EcsSite,
    /// A page that says whether the service serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HttpsUrl>,
    /// The parameter, of each site, that holds the number of the task definition's last good revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_revision: Option<ResourceName>,
}

impl EcsService {
    /// The service in a site.
    #[must_use]
    pub fn at(&self, site: SiteName) -> &EcsSite {
        match site {
            SiteName::Primary => &self.primary,
            SiteName::Recovery => &self.recovery,
        }
    }
}

/// An ECS service in one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EcsSite {
    /// The cluster's name.
    pub cluster: ResourceName,
    /// The service's name.
    pub service: ResourceName,
}

/// An alarm and the scenario it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// The alarm's name.
    pub alarm: ResourceName,
    /// The site whose Region the alarm is in. A dark Region raises no alarm, so `recovery` unless the plan says otherwise.
    pub site: SiteName,
    /// The scenario that it starts.
    pub scenario: ScenarioName,
}

/// The databases that a request means: the named one, or every one of the plan.
///
/// # Errors
/// A sentence when the name is not a database of the plan, or the plan has none: a selection of nothing is an error.
pub fn databases_named(plan: &Plan, name: Option<&str>) -> Result<Vec<ComponentName>, String> {
    let all: Vec<&ComponentName> = plan.components.keys().filter(|name| plan.rds_instance(name).is_some()).collect();
    let chosen: Vec<ComponentName> =
        all.iter().filter(|known| name.is_none_or(|name| known.as_str() == name)).map(|known| (*known).clone()).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = all.iter().map(|known| known.as_str()).collect();
        let asked: String = name.unwrap_or("every database").chars().take(60).flat_map(char::escape_default).collect();
        return Err(format!("{asked} selects no database of the plan for {}; it has: {}", plan.platform, known.join(", ")));
    }
    Ok(chosen)
}
