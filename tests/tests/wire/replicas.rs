//! The check's own adapters before the world on the wire: what they ask is what the face answers as AWS does.

use std::path::Path;
use std::process::Command;
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
use shared::adapters::aws::{
    Clients, CloudWatchLags, DynamodbTables, RdsDatabases, RdsGlobalClusters, Route53HealthChecks, S3ReplicationRules,
};
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
const LAKE: &str = "healthcare-platform-data-lake";
const LAKE_COPY: &str = "healthcare-platform-data-lake-dr";
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
        source: LAKE.to_owned(),
        destination: LAKE_COPY.to_owned(),
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
    let rules = S3ReplicationRules::new(clients.clone());
    let servers = NetworkPostgresql::new(clients, None);
    let ports = ReplicaPorts {
        clock: &RealTime,
        databases: &databases,
        tables: &tables,
        clusters: &clusters,
        servers: &servers,
        rules: &rules,
        health: &health,
        lags: &lags,
    };
    check_replication(ports, plan, component).await.unwrap()
}

/// A call of the AWS CLI, which knows S3 better than we do.
fn s3api(stage: &BareStage, target: &Path, arguments: &[&str]) {
    let python = PythonEnvironment::prepare_aws_cli(target, |line| println!("{line}")).unwrap();
    let mut command = Command::new(python.interpreter());
    command.env_clear().env("AWS_ACCESS_KEY_ID", "123456789012").env("AWS_SECRET_ACCESS_KEY", "test");
    command.env("AWS_REGION", EAST).env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.args(["-m", "awscli", "--endpoint-url", &stage.endpoint(), "s3api"]).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The buckets of the data lake, as replication needs them.
fn replicate_lake(stage: &BareStage, target: &Path) {
    for bucket in [LAKE, LAKE_COPY] {
        s3api(stage, target, &["create-bucket", "--bucket", bucket]);
        s3api(stage, target, &["put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled"]);
    }
}

fn put_rule(stage: &BareStage, target: &Path, status: &str, prefix: &str) {
    let rules = json!({
        "Role": "arn:aws:iam::123456789012:role/copies",
        "Rules": [{
            "ID": "everything",
            "Priority": 1,
            "Status": status,
            "Filter": {"Prefix": prefix},
            "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": format!("arn:aws:s3:::{LAKE_COPY}")},
        }],
    });
    let rules = rules.to_string();
    s3api(stage, target, &["put-bucket-replication", "--bucket", LAKE, "--replication-configuration", &rules]);
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
        // Nobody has said yet what is copied of its bucket.
        let expected = if row.component.as_str() == "data_lake" { Verdict::Unknown } else { Verdict::Within };
        assert_eq!(row.judgement.rpo, expected, "{row:?}");
        assert!(row.judgement.observed_at.is_some() && row.judgement.source.is_some(), "{row:?}");
    }
    assert_eq!(checked.len(), TABLES + 4);
    assert_eq!(of(&checked, "carts").judgement.lag_s, Some(2));
    assert_eq!(of(&checked, "ledger").judgement.lag_s, Some(1));
    assert_eq!(of(&checked, "data_lake").judgement.lag_s, Some(17));

    replicate_lake(&stage, &target);
    for (status, prefix, verdict, reason) in [
        ("Enabled", "", Verdict::Within, "rule everything copies every new object but those under KMS keys"),
        ("Enabled", "scans/", Verdict::Unknown, "copies only what is below scans/"),
        ("Disabled", "", Verdict::Unknown, "is disabled"),
    ] {
        put_rule(&stage, &target, status, prefix);
        let checked = check(&stage.endpoint(), &plan, Some("data_lake")).await;
        assert_eq!(checked[0].judgement.rpo, verdict, "{checked:?}");
        assert!(checked[0].judgement.reason.contains(reason), "{}", checked[0].judgement.reason);
    }

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
