use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::*;
use crate::domain::duration::Seconds;
use crate::domain::health::HealthCheckView;
use crate::domain::identifier::HealthCheckId;
use crate::domain::observation::SnapshotView;
use crate::domain::replication::Verdict;
use crate::ports::{FailureKind, PortError};

const NOW: &str = "2026-11-20T10:10:00Z";

/// A cloud with so many replicas, whose calls take as long as those of AWS.
#[derive(Default)]
struct Cloud {
    pages: AtomicUsize,
    metric_calls: AtomicUsize,
    described: AtomicUsize,
    most_at_once: AtomicUsize,
    buckets: AtomicUsize,
}

impl Clock for Cloud {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
    fn at_real(&self, _: u64) -> Timestamp {
        self.now()
    }
}

async fn takes(milliseconds: u64) {
    let _ = timeout(Duration::from_millis(milliseconds), std::future::pending::<()>()).await;
}

fn number(id: &InstanceId) -> u64 {
    id.as_str().rsplit('-').next().unwrap().parse().unwrap()
}

fn failure(kind: FailureKind) -> PortError {
    let (code, message) = ("Throttling".to_owned(), "Rate exceeded".to_owned());
    PortError { kind, service: "rds", operation: "DescribeDBInstances", code, message }
}

#[async_trait]
impl Databases for Cloud {
    async fn describe(&self, _: &Region, id: &InstanceId) -> PortResult<InstanceView> {
        match number(id) {
            3 => return Err(failure(FailureKind::NotFound)),
            4 => return Err(failure(FailureKind::NoAnswer)),
            _ => {}
        }
        Ok(InstanceView {
            status: "available".to_owned(),
            multi_az: false,
            availability_zone: None,
            source: (number(id) != 5).then(|| format!("arn:aws:rds:us-east-1:123456789012:db:p-{}", number(id))),
            replicating: Some(number(id) != 6),
            host: None,
            port: None,
            security_groups: BTreeMap::new(),
            backup_retention_days: 0,
            latest_restorable: None,
        })
    }
    async fn describe_each(&self, region: &Region, instances: &[InstanceId]) -> Vec<PortResult<InstanceView>> {
        let mut views = Vec::new();
        for page in instances.chunks(100) {
            self.pages.fetch_add(1, Ordering::SeqCst);
            takes(200).await;
            for id in page {
                views.push(Databases::describe(self, region, id).await);
            }
        }
        views
    }
    async fn newest_snapshot(&self, _: &Region, _: &InstanceId) -> PortResult<Option<SnapshotView>> {
        panic!("no check of replication looks at snapshots")
    }
}

#[async_trait]
impl ReplicaLags for Cloud {
    async fn latest(&self, _: &Region, _: &[InstanceId], _: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        panic!("a check asks for series")
    }
    async fn latest_of(&self, region: &Region, series: &[LagSeries], now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        takes(400).await;
        assert!(series.len() <= 500);
        let metrics: Vec<String> = series.iter().map(LagSeries::resource).collect();
        assert!(metrics.iter().all(|metric| *metric == metrics[0]), "{metrics:?}");
        if matches!(series[0], LagSeries::Replica(_)) && self.metric_calls.fetch_add(1, Ordering::SeqCst) == 1 {
            return Err(failure(FailureKind::NotNow));
        }
        let of = |lag| Some(LagSample { lag: Seconds(lag), observed_at: Seconds(30).before(now), source: "m".to_owned() });
        let sample = |series: &LagSeries| match series {
            LagSeries::Replica(id) => of(if number(id) == 8 { 900 } else { 5 }).filter(|_| number(id) != 7),
            LagSeries::Copy(copy) => of(12).filter(|_| copy.rule.as_str() != "silent"),
            LagSeries::Table { receiving, .. } => {
                assert_eq!((region.as_str(), receiving.as_str()), ("us-east-1", "us-west-2"));
                of(1)
            }
            LagSeries::ClusterReplication(_) | LagSeries::ClusterLoss(_) => of(1),
        };
        Ok(series.iter().map(sample).collect())
    }
    async fn failed_operations(&self, region: &Region, copies: &[BucketCopy], _: Timestamp) -> PortResult<Vec<Option<u64>>> {
        assert_eq!(region.as_str(), "us-east-1", "S3 publishes it at the source");
        Ok(copies.iter().map(|copy| (copy.rule.as_str() == "silent").then_some(2)).collect())
    }
}

#[async_trait]
impl GlobalTables for Cloud {
    async fn describe(&self, region: &Region, _: &TableName) -> PortResult<TableView> {
        assert_eq!(region.as_str(), "us-west-2");
        let now_at_once = self.described.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now_at_once, Ordering::SeqCst);
        takes(20).await;
        self.described.fetch_sub(1, Ordering::SeqCst);
        let replicas = [("us-east-1".to_owned(), "ACTIVE".to_owned())];
        Ok(TableView { status: "ACTIVE".to_owned(), replicas: replicas.into() })
    }
}

#[async_trait]
impl GlobalClusters for Cloud {
    async fn describe(&self, _: &Region, _: &ClusterId) -> PortResult<GlobalClusterView> {
        Err(failure(FailureKind::NotNow))
    }
}

#[async_trait]
impl ReplicationRules for Cloud {
    async fn of_each(&self, region: &Region, buckets: &[BucketName]) -> Vec<PortResult<Vec<RuleView>>> {
        assert_eq!(region.as_str(), "us-east-1", "S3 keeps them with the bucket that is copied");
        let rules = |bucket: &BucketName| {
            self.buckets.fetch_add(1, Ordering::SeqCst);
            let destination = bucket.as_str().replace("-one", "-two");
            let rule = |id: &str| RuleView {
                id: id.to_owned(),
                enabled: true,
                priority: 0,
                destination: destination.clone(),
                prefix: String::new(),
                tags: Vec::new(),
                delete_markers: false,
                kms_objects: true,
            };
            if bucket.as_str() == "pool-one" {
                Err(failure(FailureKind::NotNow))
            } else {
                Ok(vec![rule("everything"), rule("half")])
            }
        };
        buckets.iter().map(rules).collect()
    }
}

#[async_trait]
impl HealthChecks for Cloud {
    async fn look_at_each(&self, _: &Region, _: &[HealthCheckId]) -> Vec<PortResult<HealthCheckView>> {
        panic!("no replica has a health check")
    }
}

#[async_trait]
impl PostgresqlServers for Cloud {
    async fn look(&self, _: &Region, database: &Postgresql) -> PairView {
        PairView::unreached(&format!("nobody answers at {}", database.recovery))
    }
}

/// Databases 0000 and on; data with rules that have figures, two of one bucket, a rule that has none, and one that AWS Backup copies.
fn plan(databases: usize) -> Plan {
    let mut components = serde_json::Map::new();
    let mut objectives = serde_json::Map::new();
    for number in 0..databases {
        let name = format!("database-{number:04}");
        objectives.insert(name.clone(), json!({"rto": 1_800, "rpo": 900}));
        components.insert(
            name,
            json!({
                "kind": "rds_instance",
                "primary": {"id": format!("p-{number}")},
                "recovery": {"id": format!("r-{number}")},
                "backup_retention_days": 7,
                "max_lag": 30,
                "endpoints": [],
                "holds": [],
            }),
        );
    }
    for (name, bucket, copied_by) in [
        ("bay", "lake", json!({"copy": "replication_rule", "id": "half"})),
        ("lake", "lake", json!({"copy": "replication_rule", "id": "everything"})),
        ("pool", "pool", json!({"copy": "replication_rule", "id": "silent"})),
        ("vaulted", "vaulted", json!({"copy": "backup_vault", "vault": "dr", "every": 1_800})),
    ] {
        objectives.insert(name.to_owned(), json!({"rto": 1_800, "rpo": 900}));
        let (primary, recovery) = (json!({"bucket": format!("{bucket}-one")}), json!({"bucket": format!("{bucket}-two")}));
        components.insert(
            name.to_owned(),
            json!({"kind": "s3_data", "primary": primary, "recovery": recovery, "copied_by": copied_by}),
        );
    }
    serde_json::from_value(json!({
        "version": 1,
        "platform": "shop",
        "account": "123456789012",
        "sites": {"primary": {"region": "us-east-1"}, "recovery": {"region": "us-west-2"}},
        "objectives": objectives,
        "components": components,
        "triggers": [],
        "scenarios": {},
    }))
    .unwrap()
}

async fn check(cloud: &Cloud, plan: &Plan, component: Option<&str>) -> Result<Vec<CheckedReplica>, RecoveryError> {
    let ports = ReplicaPorts {
        clock: cloud,
        databases: cloud,
        tables: cloud,
        clusters: cloud,
        servers: cloud,
        rules: cloud,
        health: cloud,
        lags: cloud,
    };
    check_replication(ports, plan, component).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_replicas_are_checked_within_five_seconds_and_each_is_judged_by_its_own_figure() {
    let (cloud, began) = (Cloud::default(), Instant::now());
    let checked = check(&cloud, &plan(1_000), None).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    println!("1000 replicas in {:?}, {} calls for figures", began.elapsed(), cloud.metric_calls.load(Ordering::SeqCst));
    assert_eq!(checked.len(), 1_004);
    assert_eq!(cloud.pages.load(Ordering::SeqCst), 10);
    assert_eq!(cloud.metric_calls.load(Ordering::SeqCst), 2);
    let verdict = |name: &str| checked.iter().find(|row| row.component.as_str() == name).unwrap().judgement.rpo;
    assert_eq!(verdict("database-0000"), Verdict::Within);
    assert_eq!(verdict("database-0008"), Verdict::Beyond);
    for (name, why) in [
        ("database-0003", "does not exist"),
        ("database-0004", "could not be described"),
        ("database-0005", "replicates from nobody"),
        ("database-0006", "replication does not run"),
        ("database-0007", "no usable lag"),
        // Of the call for figures that failed.
        ("database-0500", "could not be read: rds DescribeDBInstances failed: Throttling"),
        ("database-0999", "could not be read"),
        ("vaulted", "not looked at in this version"),
    ] {
        let row = checked.iter().find(|row| row.component.as_str() == name).unwrap();
        assert_eq!(row.judgement.rpo, Verdict::Unknown, "{name}");
        assert!(row.judgement.reason.contains(why), "{name}: {}", row.judgement.reason);
    }
    let pool = checked.iter().find(|row| row.component.as_str() == "pool").unwrap();
    assert_eq!(pool.judgement.rpo, Verdict::Beyond, "what failed is lost, whatever else is not known");
    assert!(pool.judgement.reason.contains("S3 published no figure"), "{}", pool.judgement.reason);
    assert!(
        pool.judgement.reason.starts_with("what rule silent of pool-one copies is not known"),
        "{}",
        pool.judgement.reason
    );
    assert_eq!(
        cloud.buckets.load(Ordering::SeqCst),
        2,
        "once for both rules of a bucket, and never for what AWS Backup copies"
    );
    let lake = checked.iter().find(|row| row.component.as_str() == "lake").unwrap();
    assert_eq!((lake.judgement.rpo, lake.replica.as_str(), lake.kind), (Verdict::Within, "lake-two", "s3_data"));
    assert_eq!(lake.judgement.lag_s, Some(12));
}

#[tokio::test]
async fn one_component_costs_its_own_calls_and_a_name_that_selects_nothing_is_refused() {
    let cloud = Cloud::default();
    let checked = check(&cloud, &plan(20), Some("database-0009")).await.unwrap();
    assert_eq!((checked.len(), cloud.pages.load(Ordering::SeqCst)), (1, 1));
    assert_eq!(checked[0].judgement.observed_at, Some("2026-11-20T10:09:30Z".parse().unwrap()));
    assert_eq!(checked[0].judgement.lag_at_worst_s, Some(35));
    let refused = check(&cloud, &plan(1), Some("api")).await.unwrap_err();
    assert_eq!(refused.code, Code::ComponentNotInPlan);
    assert!(refused.message.contains("it has: bay, database-0000, lake, pool, vaulted"), "{}", refused.message);
}

/// As many global tables; and a global database.
fn tables(count: usize) -> Plan {
    let mut plan = plan(0);
    let mut put = |name: String, component: serde_json::Value| {
        let name = ComponentName::new(name).unwrap();
        plan.components.insert(name.clone(), serde_json::from_value(component).unwrap());
        plan.objectives.insert(name, serde_json::from_value(json!({"rto": 1_800, "rpo": 900})).unwrap());
    };
    for number in 0..count {
        put(format!("table-{number:04}"), json!({"kind": "dynamodb_table", "table": format!("shop-{number}")}));
    }
    let (primary, recovery) = (json!({"cluster": "ledger-east"}), json!({"cluster": "ledger-west"}));
    put(
        "ledger".to_owned(),
        json!({"kind": "aurora_global_database", "global_cluster": "g", "primary": primary, "recovery": recovery}),
    );
    let (primary, recovery) = (json!({"host": "pg-0.internal", "port": 1}), json!({"host": "pg-1.internal", "port": 2}));
    put(
        "orders".to_owned(),
        json!({
            "kind": "postgresql", "primary": primary, "recovery": recovery,
            "secret": "s", "database": "postgres", "tls": "verified",
        }),
    );
    plan
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_tables_are_described_so_many_at_a_time_and_within_five_seconds() {
    let (cloud, began) = (Cloud::default(), Instant::now());
    let checked = check(&cloud, &tables(1_000), None).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    println!("1000 tables in {:?}", began.elapsed());
    assert_eq!(cloud.most_at_once.load(Ordering::SeqCst), AT_ONCE);
    let within = checked.iter().filter(|row| row.kind == "dynamodb_table" && row.judgement.rpo == Verdict::Within);
    assert_eq!(within.count(), 1_000);
    let ledger = checked.iter().find(|row| row.kind == "aurora_global_database").unwrap();
    assert_eq!((ledger.judgement.rpo, ledger.replica.as_str()), (Verdict::Unknown, "ledger-west"));
    assert!(ledger.judgement.reason.contains("could not be described"), "{}", ledger.judgement.reason);
    let orders = checked.iter().find(|row| row.kind == "postgresql").unwrap();
    assert_eq!((orders.judgement.rpo, orders.replica.as_str()), (Verdict::Unknown, "pg-1.internal:2"));
    assert!(orders.judgement.reason.contains("nobody answers at pg-1.internal:2"), "{}", orders.judgement.reason);
}
