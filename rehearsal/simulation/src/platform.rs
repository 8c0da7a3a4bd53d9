//! The healthcare platform as it stands on an ordinary morning.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rehearsal_world::{InstanceKey, PairConfig, World};
use serde_json::json;
use shared::domain::mutation::ParameterType;
use shared::domain::plan::{ApiProtocol, Component, HoldPoint, Plan};
use shared::domain::step::RouteSettings;

use super::cloud::{
    Client, Cloud, EcsService, Finds, Journal, LambdaFunction, MethodSetting, RestStage, Secret, SsmParameter, State,
};
use super::faults::Faults;
use super::simulation::Simulation;

const PLAN: &str = include_str!("../../../plans/healthcare-platform.yaml");

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

/// The primary.
#[must_use]
pub fn primary_key() -> InstanceKey {
    InstanceKey::new("us-east-1", "healthcare-platform-prod")
}

/// Its replica.
#[must_use]
pub fn replica_key() -> InstanceKey {
    InstanceKey::new("us-west-2", "healthcare-platform-dr")
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
        let databases = PairConfig {
            primary_id: primary_key().identifier,
            recovery_id: replica_key().identifier,
            isolation_group: "sg-0f00d".to_owned(),
            ..PairConfig::default()
        };
        Self {
            plan: healthcare_plan(),
            databases,
            seed: 1,
            start: "2026-11-20T09:55:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH),
            has_batch_job: true,
        }
    }
}

impl Platform {
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
        let world = World::pair(databases, seed, start);
        let endpoints = world.endpoints().into_iter();
        let mut hosts = endpoints.filter(|(key, _)| *key == primary_key()).map(|(_, endpoint)| endpoint.host);
        let host = hosts.next().expect("the world has the plan's primary");
        let (east, west) = ("us-east-1".to_owned(), "us-west-2".to_owned());
        let parameter = SsmParameter::new(ParameterType::String, &["db-0.internal.example", "db-1.internal.example", &host]);
        let secret = Secret::new(
            "4f0e8a52-1b52-4a0e-9d0b-6a1e7a1d5c10",
            json!({"username": "healthcare", "password": "correct horse", "host": host, "port": 5432, "dbname": "healthcare"}),
        );
        let in_the_west = LambdaFunction::new(&[("DATABASE_HOST", &host), ("LOG_LEVEL", "info"), ("MAIL_TOKEN", "hunter2")]);
        let in_the_east = LambdaFunction::new(&[("DATABASE_HOST", &host), ("LOG_LEVEL", "info")]);
        let mut put = MethodSetting::throttle(50.0, 20);
        put.others.insert("logging/loglevel".to_owned(), "INFO".to_owned());
        // POST has no entry of its own and PUT has one: the hold makes the one and changes the other.
        let stage = RestStage {
            methods: BTreeMap::from([
                ("*/*".to_owned(), MethodSetting::throttle(10_000.0, 5_000)),
                ("~1patients/PUT".to_owned(), put),
            ]),
        };
        let put = RouteSettings { rate: Some(50.0), burst: Some(20), detailed_metrics: Some(true) };
        let routes = BTreeMap::from([("PUT /patients".to_owned(), put)]);
        let service = EcsService { desired: 2, running: 2, deployments: 1, rolled_out: start, host: host.clone() };
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
        let state = State {
            now: start,
            plan,
            world,
            journal: Journal::default(),
            parameters: BTreeMap::from([((west.clone(), DATABASE_PARAMETER.to_owned()), parameter)]),
            secrets: BTreeMap::from([((west.clone(), DATABASE_SECRET.to_owned()), secret)]),
            functions: BTreeMap::from([
                ((west.clone(), REPORTS_FUNCTION.to_owned()), in_the_west),
                ((east.clone(), REPORTS_FUNCTION.to_owned()), in_the_east),
            ]),
            rest_stages: BTreeMap::from([((east.clone(), "a1b2c3/prod".to_owned()), stage)]),
            http_stages: BTreeMap::from([((east, "a1b2c3/prod".to_owned()), routes)]),
            services: BTreeMap::from([((west, "healthcare-platform-production/api-service".to_owned()), service)]),
            executions: BTreeMap::new(),
            returned_tokens: Vec::new(),
            notices: Vec::new(),
            clients,
            calls: Vec::new(),
            effects: Vec::new(),
            writable_at_promotion: Vec::new(),
            violations: Vec::new(),
            faults: Faults::default(),
            interruption: None,
        };
        Simulation::new(Cloud::new(state))
    }
}

impl State {
    /// What a task of the API reads when it starts.
    pub(crate) fn host_that_new_tasks_read(&self) -> String {
        let parameter = self.parameters.values().next();
        parameter.map(|parameter| parameter.value().to_owned()).unwrap_or_default()
    }
}
