//! The healthcare platform as it stands on an ordinary morning.

use backup_verify_function::pieces::Sizes;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use rehearsal_world::{
    ClusterKey, EndpointCheck, EndpointProtocol, HealthCheckConfig, HealthCheckKind, InstanceKey, Metric, PairConfig,
    RecoveryPoint, World,
};
use serde_json::json;
use shared::domain::backup::{BackupSource, BackupVaults, ManagedBackups, SourceAt, declared_of, sources_of};
use shared::domain::described::{Postgresql, TrafficSwitch};
use shared::domain::duration::Seconds;
use shared::domain::health::health_checks;
use shared::domain::identifier::{ComponentName, ResourceName};
use shared::domain::mutation::ParameterType;
use shared::domain::observation::Sight;
use shared::domain::plan::{ApiProtocol, Component, EndpointPlace, HoldPoint, Objective, Plan, RdsInstance, SiteName};
use shared::domain::replication::{Heard, LagSeries, PairView, Position, PrimaryView, StandbyView, series_of};
use shared::domain::restore_test::RestoreTest;
use shared::domain::step::RouteSettings;

use super::cloud::{
    Client, Cloud, EcsService, Finds, Journal, LambdaFunction, MethodSetting, Regional, RestStage, Secret, SsmParameter,
    State,
};
use super::cloud::{rules_of, with_archives};
use super::faults::Faults;
use super::restores::RestoredData;
use super::simulation::Simulation;

const PLAN: &str = include_str!("../../../plans/healthcare-platform.yaml");
/// How long before a simulation begins the newest recovery points were made.
const MADE_BEFORE: Seconds = Seconds(20 * 60);

/// The parameter that holds the database's host.
pub const DATABASE_PARAMETER: &str = "/healthcare-platform/database/host";
/// The secret that holds it too.
pub const DATABASE_SECRET: &str = "healthcare-platform/database";
/// The function that keeps it in its environment, and in the other Region a read-only flag.
pub const REPORTS_FUNCTION: &str = "healthcare-platform-reports";

/// The plan of the repository.
///
/// # Panics
/// When it is not accepted.
#[must_use]
pub fn healthcare_plan() -> Plan {
    let reading = shared::planfile::read(PLAN);
    reading.plan.unwrap_or_else(|| panic!("the repository's plan is refused: {:#?}", reading.findings))
}

/// The primary of the repository's plan.
#[must_use]
pub fn primary_key() -> InstanceKey {
    keys(&healthcare_plan()).0
}

/// Its replica.
#[must_use]
pub fn replica_key() -> InstanceKey {
    keys(&healthcare_plan()).1
}

/// The primary of a plan's first database, and its replica.
///
/// # Panics
/// When the plan has no database.
#[must_use]
pub fn keys(plan: &Plan) -> (InstanceKey, InstanceKey) {
    let database = database(plan).expect("the plan has a database");
    let key = |site: SiteName, id: &str| InstanceKey::new(plan.region(site).as_str(), id);
    (key(SiteName::Primary, database.primary.id.as_str()), key(SiteName::Recovery, database.recovery.id.as_str()))
}

fn database(plan: &Plan) -> Option<&RdsInstance> {
    plan.components.values().find_map(|component| match component {
        Component::RdsInstance(database) => Some(database),
        _ => None,
    })
}

/// Has the world copy what the plan says is copied, and say that it is a second or two behind.
fn replicate(world: &mut World, plan: &Plan, start: Timestamp) {
    let (east, west) = (plan.region(SiteName::Primary).as_str(), plan.region(SiteName::Recovery).as_str());
    for component in plan.components.values() {
        match component {
            Component::DynamodbTable(table) => world.add_global_table(table.table.as_str(), &[east, west], start),
            Component::AuroraGlobalDatabase(database) => world.add_global_cluster(
                database.global_cluster.as_str(),
                ClusterKey::new(east, database.primary.cluster.as_str()),
                ClusterKey::new(west, database.recovery.cluster.as_str()),
            ),
            _ => {}
        }
        // An instance's lag is the world's own.
        for series in series_of(plan, component).iter().filter(|series| !matches!(series, LagSeries::Replica(_))) {
            let region = plan.region(series.site()).as_str();
            world.publish(metric_of(region, series), Some(1.5 / series.seconds_per_unit()), start);
        }
    }
}

/// Has AWS keep what the plan requires: a copy of an instance's automated backups in the other Region, a recovery point in each vault.
fn keep(world: &mut World, plan: &Plan, start: Timestamp) {
    let west = plan.region(SiteName::Recovery).as_str();
    for component in plan.components.values() {
        if let Component::RdsInstance(database) = component
            && database.backups.as_ref().is_some_and(|backups| backups.copy_within.is_some())
        {
            let primary = InstanceKey::new(plan.region(SiteName::Primary).as_str(), database.primary.id.as_str());
            world.replicate_backups(&primary, west, Duration::from_secs(60));
        }
        for SourceAt { site, source } in sources_of(plan, component) {
            let BackupSource::Vault { vault, resource } = source else { continue };
            let region = plan.region(site).as_str();
            let point = RecoveryPoint {
                arn: format!("arn:aws:backup:{region}:{}:recovery-point:{vault}-1", plan.account),
                resource,
                status: "COMPLETED".to_owned(),
                created: MADE_BEFORE.before(start),
                encrypted: true,
            };
            world.add_recovery_point(region, vault.as_str(), point);
        }
    }
}

/// Has Route 53's checkers ask what the plan's records follow. A switch's object is not there on an ordinary day, and its check is inverted.
fn watch(world: &mut World, plan: &Plan, start: Timestamp) {
    for (component, check) in health_checks(plan, None) {
        let Some(Component::Route53Records(records)) = plan.components.get(&component) else { continue };
        let of_switch =
            matches!(&records.switch, Some(TrafficSwitch::S3Object { health_check, .. }) if *health_check == check);
        let endpoint = EndpointCheck {
            protocol: EndpointProtocol::Https,
            address: None,
            host: Some(format!("{component}.example.com")),
            port: 443,
            path: None,
            interval: 30,
            failure_threshold: 3,
            region: None,
        };
        let config =
            HealthCheckConfig { inverted: of_switch, ..HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint)) };
        world.add_health_check(check.as_str(), config, start);
        world.endpoint_answers(check.as_str(), !of_switch, start);
    }
}

/// Every PostgreSQL pair of the plan, its standby up to date.
fn standbys(plan: &Plan, start: Timestamp) -> BTreeMap<String, PairView> {
    const WRITTEN: Position = Position(0x2_4000_0000);
    let pair = |database: &Postgresql| PairView {
        primary: Sight::Found {
            found: PrimaryView { system: "7".to_owned(), written: Some((1, WRITTEN)), clock: start, streams: 1 },
        },
        standby: Sight::Found {
            found: StandbyView {
                system: "7".to_owned(),
                in_recovery: true,
                timeline: 1,
                received: Some(WRITTEN),
                replayed: Some(WRITTEN),
                last_commit: Some(start),
                paused: false,
                heard: Some(Heard { from: database.primary.to_string(), announced: WRITTEN, ago: Duration::from_secs(3) }),
            },
        },
        waited: Duration::from_millis(30),
    };
    let pairs = plan.components.values().filter_map(|component| match component {
        Component::Postgresql(database) => Some((database.recovery.to_string(), pair(database))),
        _ => None,
    });
    pairs.collect()
}

/// A series as the world knows it.
pub(crate) fn metric_of(region: &str, series: &LagSeries) -> Metric {
    let region = region.to_owned();
    match series {
        LagSeries::Replica(replica) => Metric::ReplicaLag(InstanceKey::new(&region, replica.as_str())),
        LagSeries::Copy(copy) => {
            let (source, destination) = (copy.source.to_string(), copy.destination.to_string());
            Metric::BucketLatency { region, source, destination, rule: copy.rule.to_string() }
        }
        LagSeries::Table { table, receiving } => {
            Metric::TableLatency { region, table: table.to_string(), receiving: receiving.to_string() }
        }
        LagSeries::ClusterReplication(id) => Metric::ClusterReplicationLag(ClusterKey::new(&region, id.as_str())),
        LagSeries::ClusterLoss(id) => Metric::ClusterRpoLag(ClusterKey::new(&region, id.as_str())),
    }
}

/// What a test may choose of the platform before it stands.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The plan that the functions are deployed with.
    pub plan: Plan,
    /// The databases.
    pub databases: PairConfig,
    /// The seed of everything that varies.
    pub seed: u64,
    /// When it begins.
    pub start: Timestamp,
    /// Whether there is a batch job that writes past every hold, to the host that it was once given.
    pub has_batch_job: bool,
}

impl Default for Platform {
    fn default() -> Self {
        Self::of(healthcare_plan())
    }
}

impl Platform {
    /// The platform of this plan: its first database, and everything that the plan says holds its endpoint or its writes.
    ///
    /// # Panics
    /// When the plan has no database.
    #[must_use]
    pub fn of(plan: Plan) -> Self {
        let (primary, replica) = keys(&plan);
        let isolation_group = database(&plan).and_then(|database| database.primary.isolation_security_group.clone());
        let databases = PairConfig {
            primary_region: primary.region,
            recovery_region: replica.region,
            primary_id: primary.identifier,
            recovery_id: replica.identifier,
            isolation_group: isolation_group.map_or_else(|| "sg-0".to_owned(), |group| group.to_string()),
            ..PairConfig::default()
        };
        let start = "2026-11-20T09:55:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH);
        Self { plan, databases, seed: 1, start, has_batch_job: true }
    }

    /// Has the replica behind by so much.
    #[must_use]
    pub fn with_lag(mut self, lag: Duration) -> Self {
        self.databases.lag = lag;
        self
    }

    /// Gives the primary a standby in another zone.
    #[must_use]
    pub fn multi_az(mut self) -> Self {
        self.databases.multi_az = true;
        self
    }

    /// Has the phases of a promotion pass quickly. What waits for them is polled less often then, and every call of a run can be
    /// struck in turn; a reboot and a change of groups keep their time, because an attempt that died is only followed after 17 s.
    #[must_use]
    pub fn brisk(mut self) -> Self {
        let timings = &mut self.databases.timings;
        timings.promotion_unseen = Duration::from_secs(12);
        timings.promotion_modifying = Duration::from_secs(12);
        timings.promotion_rebooting = Duration::from_secs(10);
        timings.promotion_source_gone = Duration::from_secs(7);
        timings.first_backup = Duration::from_secs(10);
        self
    }

    /// Gives the platform a DynamoDB global table, `carts`, and an Aurora global database, `ledger`.
    #[must_use]
    pub fn with_global_data(self) -> Self {
        self.with_plan(|plan| {
            let table = json!({"kind": "dynamodb_table", "table": "healthcare-platform-carts"});
            let database = json!({
                "kind": "aurora_global_database",
                "global_cluster": "healthcare-platform-ledger",
                "primary": {"cluster": "healthcare-platform-ledger-east"},
                "recovery": {"cluster": "healthcare-platform-ledger-west"},
            });
            for (name, component) in [("carts", table), ("ledger", database)] {
                let name = ComponentName::new(name).expect("a name");
                plan.components.insert(name.clone(), serde_json::from_value(component).expect("a component"));
                plan.objectives.insert(name, Objective { rto: Seconds(3_600), rpo: Some(Seconds(900)) });
            }
        })
    }

    /// Requires backups beyond the objectives of the database and of [`Platform::with_global_data`]: copies in the recovery Region, all
    /// encrypted, and recovery points in vaults.
    #[must_use]
    pub fn with_required_backups(self) -> Self {
        self.with_global_data().with_plan(|plan| {
            let vaults = BackupVaults {
                primary: ResourceName::new("healthcare-platform").expect("a name"),
                recovery: Some(ResourceName::new("healthcare-platform-dr").expect("a name")),
                every: Seconds(86_400),
            };
            let required = || {
                let (copy_within, vaults) = (Some(Seconds(3_600)), Some(vaults.clone()));
                Some(ManagedBackups { copy_within, encrypted: true, vaults, restore_test: None })
            };
            for component in plan.components.values_mut() {
                match component {
                    Component::RdsInstance(database) => database.backups = required(),
                    Component::DynamodbTable(table) => table.backups = required(),
                    Component::AuroraGlobalDatabase(database) => database.backups = required(),
                    _ => {}
                }
            }
        })
    }

    /// Has AWS Backup restore copies of the database for a test, besides [`Platform::with_required_backups`].
    #[must_use]
    pub fn with_restore_tests(self) -> Self {
        self.with_required_backups().with_plan(|plan| {
            let test = json!({
                "database": "healthcare",
                "secret": "healthcare-platform/restore-test",
                "queries": [
                    {"name": "patients", "sql": "SELECT count(*) FROM patients", "expect": {"at_least": 1000}},
                    {"name": "visits_of_nobody", "sql": "SELECT count(*) FROM visits WHERE patient IS NULL", "expect": {"equals": 0}},
                    {"name": "recent", "sql": "SELECT max(at) > now() - interval '2 days' FROM visits", "expect": "true"},
                ],
            });
            for component in plan.components.values_mut() {
                if let Component::RdsInstance(RdsInstance { backups: Some(backups), .. }) = component {
                    backups.restore_test = Some(serde_json::from_value(test.clone()).expect("a restore test"));
                }
            }
        })
    }

    /// Gives the platform a PostgreSQL primary that it runs itself, with a standby: `orders`.
    #[must_use]
    pub fn with_postgresql(self) -> Self {
        self.with_plan(|plan| {
            let database = json!({
                "kind": "postgresql",
                "primary": {"host": "pg-0.healthcare.internal", "port": 5432},
                "recovery": {"host": "pg-1.healthcare.internal", "port": 5432},
                "secret": "healthcare-platform/replication-check",
                "database": "postgres",
                "tls": "verified",
            });
            let name = ComponentName::new("orders").expect("a name");
            plan.components.insert(name.clone(), serde_json::from_value(database).expect("a component"));
            plan.objectives.insert(name, Objective { rto: Seconds(3_600), rpo: Some(Seconds(900)) });
        })
    }

    /// Has writes held at an HTTP API instead of a REST API.
    #[must_use]
    pub fn with_http_api(self) -> Self {
        self.with_plan(|plan| {
            for component in plan.components.values_mut() {
                let Component::RdsInstance(database) = component else { continue };
                for hold in &mut database.holds {
                    if let HoldPoint::ApiGatewayStage { protocol, .. } = hold {
                        *protocol = ApiProtocol::Http;
                    }
                }
            }
        })
    }

    /// Changes the plan.
    #[must_use]
    pub fn with_plan(mut self, change: impl FnOnce(&mut Plan)) -> Self {
        change(&mut self.plan);
        self
    }

    /// Sets everything up.
    ///
    /// # Panics
    /// When the world has no primary.
    #[must_use]
    pub fn stand_up(self) -> Simulation {
        let Self { plan, databases, seed, start, has_batch_job } = self;
        let (primary, _) = keys(&plan);
        let usual_groups = databases.primary_groups.clone();
        let mut world = World::pair(databases, seed, start);
        replicate(&mut world, &plan, start);
        keep(&mut world, &plan, start);
        let endpoints = world.endpoints().into_iter();
        let mut hosts = endpoints.filter(|(key, _)| *key == primary).map(|(_, endpoint)| endpoint.host);
        let host = hosts.next().expect("the world has the plan's primary");
        let resources = Resources::of(&plan, &host, start);
        let client = |name, finds, obeys_holds, milliseconds| Client {
            name,
            finds,
            obeys_holds,
            every: Duration::from_millis(milliseconds),
            next: start,
            session: None,
            acknowledged: Vec::new(),
        };
        let mut clients = vec![client("api", Finds::AsTheApi, true, 1_000)];
        if has_batch_job {
            clients.push(client("batch", Finds::Fixed(host), false, 1_700));
        }
        let buckets = with_archives(&plan, start);
        let rules = rules_of(&plan);
        let standbys = standbys(&plan, start);
        watch(&mut world, &plan, start);
        let restored = RestoredData::sound(restore_tests(&plan));
        let Resources { parameters, secrets, functions, rest_stages, http_stages, services } = resources;
        let state = State {
            now: start,
            plan,
            world,
            journal: Journal::default(),
            parameters,
            secrets,
            wrapping_keys: BTreeMap::new(),
            functions,
            rest_stages,
            http_stages,
            services,
            standbys,
            restored,
            buckets,
            rules,
            sizes: Sizes::default(),
            executions: BTreeMap::new(),
            returned_tokens: Vec::new(),
            notices: Vec::new(),
            clients,
            calls: Vec::new(),
            effects: Vec::new(),
            violations: Vec::new(),
            faults: Faults::default(),
            interruption: None,
            replica_of: None,
            late: Vec::new(),
            invocations: 0,
            skews: BTreeMap::new(),
            partitioned: false,
            befallen: true,
            answered: BTreeSet::new(),
            interfered: false,
            alarm_raised: None,
            usual_groups,
        };
        Simulation::new(Cloud::new(state))
    }
}

/// What the plan asks databases that were restored for a test.
fn restore_tests(plan: &Plan) -> impl Iterator<Item = &RestoreTest> {
    plan.components.values().filter_map(|component| declared_of(component)?.restore_test.as_ref())
}

/// Everything beside the databases that the plan names.
#[derive(Default)]
struct Resources {
    parameters: Regional<SsmParameter>,
    secrets: Regional<Secret>,
    functions: Regional<LambdaFunction>,
    rest_stages: Regional<RestStage>,
    http_stages: Regional<BTreeMap<String, RouteSettings>>,
    services: Regional<EcsService>,
}

impl Resources {
    fn of(plan: &Plan, host: &str, start: Timestamp) -> Self {
        let mut all = Self::default();
        let Some(database) = database(plan) else { return all };
        for place in &database.endpoints {
            all.put_endpoint(place, host);
            for consumer in place.consumers() {
                let Some(service) = plan.ecs_service(consumer) else { continue };
                let site = service.at(SiteName::Recovery);
                let key = (plan.region(SiteName::Recovery).to_string(), format!("{}/{}", site.cluster, site.service));
                let running =
                    EcsService { desired: 2, running: 2, deployments: 1, rolled_out: start, host: host.to_owned() };
                all.services.insert(key, running);
            }
        }
        for hold in &database.holds {
            all.put_hold(hold, host);
        }
        for test in restore_tests(plan) {
            let key = (plan.region(SiteName::Recovery).to_string(), test.secret.to_string());
            let login = json!({"username": "restore_test", "password": "battery staple"});
            all.secrets.insert(key, Secret::new("0c5d0f7e-0a1b-4c2d-8e3f-405162738495", login));
        }
        all
    }

    fn put_endpoint(&mut self, place: &EndpointPlace, host: &str) {
        let key = |name: &str| (place.region().to_string(), name.to_owned());
        match place {
            EndpointPlace::SsmParameter { name, .. } => {
                let versions = ["db-0.internal.example", "db-1.internal.example", host];
                self.parameters.insert(key(name.as_str()), SsmParameter::new(ParameterType::String, &versions));
            }
            EndpointPlace::Secret { name, field, .. } => {
                let content = json!({
                    "username": "healthcare", "password": "correct horse", field.as_str(): host, "port": 5432, "dbname": "healthcare",
                });
                self.secrets.insert(key(name.as_str()), Secret::new("4f0e8a52-1b52-4a0e-9d0b-6a1e7a1d5c10", content));
            }
            EndpointPlace::LambdaEnvironment { function, variable, .. } => {
                let variables = [(variable.as_str(), host), ("LOG_LEVEL", "info"), ("MAIL_TOKEN", "hunter2")];
                self.functions.insert(key(function.as_str()), LambdaFunction::new(&variables));
            }
        }
    }

    fn put_hold(&mut self, hold: &HoldPoint, host: &str) {
        match hold {
            HoldPoint::LambdaEnvironment { function, region, .. } => {
                let key = (region.to_string(), function.to_string());
                let variables = [("DATABASE_HOST", host), ("LOG_LEVEL", "info")];
                self.functions.entry(key).or_insert_with(|| LambdaFunction::new(&variables));
            }
            HoldPoint::ApiGatewayStage { api, stage, methods, region, .. } => {
                let key = (region.to_string(), format!("{api}/{stage}"));
                let mut limited = MethodSetting::throttle(50.0, 20);
                limited.others.insert("logging/loglevel".to_owned(), "INFO".to_owned());
                // The first method has no entry of its own and the last has one: the hold makes the one and changes the other.
                let last = methods.iter().last();
                let path = last.map(|method| format!("~1{}/{}", method.path().trim_start_matches('/'), method.verb()));
                let all_methods = ("*/*".to_owned(), MethodSetting::throttle(10_000.0, 5_000));
                let entries = std::iter::once(all_methods).chain(path.map(|path| (path, limited)));
                self.rest_stages.insert(key.clone(), RestStage { methods: entries.collect() });
                let route = last.map(|method| format!("{} {}", method.verb(), method.path()));
                let settings = RouteSettings { rate: Some(50.0), burst: Some(20), detailed_metrics: Some(true) };
                self.http_stages.insert(key, route.map(|route| (route, settings)).into_iter().collect());
            }
        }
    }
}

impl State {
    /// What a task of the API reads when it starts.
    pub(crate) fn host_that_new_tasks_read(&self) -> String {
        let parameter = self.parameters.values().next();
        parameter.map(|parameter| parameter.value().to_owned()).unwrap_or_default()
    }
}
