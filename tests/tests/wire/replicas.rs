//! The check's own adapters before the world on the wire: what they ask is what the face answers as AWS does.

use std::time::Instant;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::{SignedDuration, Timestamp};
use rehearsal::emulator::PythonEnvironment;
use rehearsal::stage::BareStage;
use rehearsal::wire::time::ScaledTime;
use rehearsal_world::{ClusterKey, Metric, PairConfig, ReplicaStatus, World};
use serde_json::json;
use shared::adapters::aws::{Clients, CloudWatchLags, DynamodbTables, RdsDatabases, RdsGlobalClusters, Route53HealthChecks};
use shared::adapters::postgresql::NetworkPostgresql;
use shared::domain::duration::Seconds;
use shared::domain::identifier::ComponentName;
use shared::domain::plan::{Objective, Plan, SiteName};
use shared::domain::replication::Verdict;
use shared::engine::{CheckedReplica, ReplicaPorts, check_replication};
use shared::ports::Clock;
use simulation::{Platform, keys};

use crate::stage::repository;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
/// Tables besides the one that is looked at: enough that calls one after another would take too long.
const TABLES: usize = 1_000;

struct RealTime;

impl Clock for RealTime {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn at_real(&self, _: u64) -> Timestamp {
        Timestamp::now()
    }
}

fn latency(table: &str) -> Metric {
    Metric::TableLatency { region: EAST.to_owned(), table: table.to_owned(), receiving: WEST.to_owned() }
}

/// The repository's plan with a global table and a global database, and as many tables again.
fn plan() -> Plan {
    let mut plan = Platform::default().with_global_data().plan;
    for number in 0..TABLES {
        let name = ComponentName::new(format!("table-{number:04}")).unwrap();
        let table = json!({"kind": "dynamodb_table", "table": format!("table-{number:04}")});
        plan.components.insert(name.clone(), serde_json::from_value(table).unwrap());
        plan.objectives.insert(name, Objective { rto: Seconds(3_600), rpo: Some(Seconds(900)) });
    }
    plan
}

/// A world that has all that the plan says, for twenty minutes.
fn world(plan: &Plan, now: Timestamp) -> World {
    let begins = now - SignedDuration::from_mins(20);
    let (primary, replica) = keys(plan);
    let config = PairConfig { primary_id: primary.identifier, recovery_id: replica.identifier, ..PairConfig::default() };
    let mut world = World::pair(config, 1, begins);
    for component in plan.components.values() {
        if let shared::domain::plan::Component::DynamodbTable(table) = component {
            world.add_global_table(table.table.as_str(), &[EAST, WEST], begins);
            world.publish(latency(table.table.as_str()), Some(1_200.0), begins);
        }
    }
    let secondary = ClusterKey::new(WEST, "healthcare-platform-ledger-west");
    let writer = ClusterKey::new(EAST, "healthcare-platform-ledger-east");
    world.add_global_cluster("healthcare-platform-ledger", writer, secondary.clone());
    world.publish(Metric::ClusterRpoLag(secondary.clone()), Some(400.0), begins);
    world.publish(Metric::ClusterReplicationLag(secondary), Some(300.0), begins);
    let lake = Metric::BucketLatency {
        region: WEST.to_owned(),
        source: "healthcare-platform-data-lake".to_owned(),
        destination: "healthcare-platform-data-lake-dr".to_owned(),
        rule: "everything".to_owned(),
    };
    world.publish(lake, Some(17.0), begins);
    world.advance(now);
    world
}

async fn check(endpoint: &str, plan: &Plan, component: Option<&str>) -> Vec<CheckedReplica> {
    let credentials = Credentials::new("123456789012", "test", None, None, "a test");
    let config = SdkConfig::builder()
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    let clients = Clients::with(config);
    let (databases, tables) = (RdsDatabases::new(clients.clone()), DynamodbTables::new(clients.clone()));
    let (clusters, lags) = (RdsGlobalClusters::new(clients.clone()), CloudWatchLags::new(clients.clone()));
    let health = Route53HealthChecks::new(clients.clone());
    let servers = NetworkPostgresql::new(clients, None);
    let ports = ReplicaPorts {
        clock: &RealTime,
        databases: &databases,
        tables: &tables,
        clusters: &clusters,
        servers: &servers,
        health: &health,
        lags: &lags,
    };
    check_replication(ports, plan, component).await.unwrap()
}

fn of<'a>(checked: &'a [CheckedReplica], component: &str) -> &'a CheckedReplica {
    checked.iter().find(|row| row.component.as_str() == component).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_copied_is_checked_by_the_calls_that_aws_has_for_it() {
    let target = repository().join("target");
    let python = PythonEnvironment::prepare(&target, |line| println!("{line}")).unwrap();
    let directory = target.join(format!("rehearsal/tests/replicas-{}", std::process::id()));
    let (plan, time) = (plan(), ScaledTime::starting(Timestamp::now(), 1.0));
    assert_eq!(plan.region(SiteName::Recovery).as_str(), WEST);
    let stage = BareStage::set_up(&python, &directory, world(&plan, Timestamp::now()), time, |shared| shared).await.unwrap();

    let began = Instant::now();
    let checked = check(&stage.endpoint(), &plan, None).await;
    println!("{} replicas in {:?}", checked.len(), began.elapsed());
    for row in &checked {
        assert_eq!(row.judgement.rpo, Verdict::Within, "{row:?}");
        assert!(row.judgement.observed_at.is_some() && row.judgement.source.is_some(), "{row:?}");
    }
    assert_eq!(checked.len(), TABLES + 4);
    assert_eq!(of(&checked, "carts").judgement.lag_s, Some(2));
    assert_eq!(of(&checked, "ledger").judgement.lag_s, Some(1));
    assert_eq!(of(&checked, "data_lake").judgement.lag_s, Some(17));

    let now = Timestamp::now();
    stage.shared.world().set_table_replica("healthcare-platform-carts", EAST, ReplicaStatus::CreationFailed, now);
    stage.shared.world().set_cluster_connected(&ClusterKey::new(WEST, "healthcare-platform-ledger-west"), false);
    for (component, reason) in [("carts", "CREATION_FAILED in us-east-1"), ("ledger", "is pending-resync")] {
        let checked = check(&stage.endpoint(), &plan, Some(component)).await;
        assert_eq!((checked.len(), checked[0].judgement.rpo), (1, Verdict::Unknown));
        assert!(checked[0].judgement.reason.contains(reason), "{}", checked[0].judgement.reason);
    }
    stage.tear_down().await;
}
