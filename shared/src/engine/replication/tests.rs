use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::*;
use crate::domain::duration::Seconds;
use crate::domain::observation::SnapshotView;
use crate::domain::replication::Verdict;
use crate::ports::{FailureKind, PortError};

const NOW: &str = "2026-11-20T10:10:00Z";

/// A cloud with so many replicas, whose calls take as long as those of AWS.
#[derive(Default)]
struct Cloud {
    pages: AtomicUsize,
    metric_calls: AtomicUsize,
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
            source: (number(id) != 5).then(|| "arn".to_owned()),
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
                views.push(self.describe(region, id).await);
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
    async fn latest(&self, _: &Region, replicas: &[InstanceId], now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        let call = self.metric_calls.fetch_add(1, Ordering::SeqCst);
        takes(400).await;
        assert!(replicas.len() <= 500);
        if call == 1 {
            return Err(failure(FailureKind::NotNow));
        }
        let sample = |id| match number(id) {
            7 => None,
            number => Some(LagSample {
                lag: Seconds(if number == 8 { 900 } else { 5 }),
                observed_at: Seconds(30).before(now),
                source: "m".to_owned(),
            }),
        };
        Ok(replicas.iter().map(sample).collect())
    }
    async fn latest_of_copies(
        &self,
        _: &Region,
        copies: &[BucketCopy],
        now: Timestamp,
    ) -> PortResult<Vec<Option<LagSample>>> {
        let sample = LagSample { lag: Seconds(12), observed_at: now, source: "s".to_owned() };
        Ok(copies.iter().map(|copy| (copy.rule.as_str() == "everything").then(|| sample.clone())).collect())
    }
}

/// Databases 0000 and on; data with a rule that has figures, one that has none, and one that AWS Backup copies.
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
    for (name, copied_by) in [
        ("lake", json!({"copy": "replication_rule", "id": "everything"})),
        ("pool", json!({"copy": "replication_rule", "id": "silent"})),
        ("vaulted", json!({"copy": "backup_vault", "vault": "dr", "every": 1_800})),
    ] {
        objectives.insert(name.to_owned(), json!({"rto": 1_800, "rpo": 900}));
        let (primary, recovery) = (json!({"bucket": format!("{name}-one")}), json!({"bucket": format!("{name}-two")}));
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
    check_replication(cloud, cloud, cloud, plan, component).await
}

#[tokio::test(flavor = "current_thread")]
async fn a_thousand_replicas_are_checked_within_five_seconds_and_each_is_judged_by_its_own_figure() {
    let (cloud, began) = (Cloud::default(), Instant::now());
    let checked = check(&cloud, &plan(1_000), None).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    println!("1000 replicas in {:?}, {} calls for figures", began.elapsed(), cloud.metric_calls.load(Ordering::SeqCst));
    assert_eq!(checked.len(), 1_003);
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
        ("pool", "S3 published no figure"),
        ("vaulted", "not looked at in this version"),
    ] {
        let row = checked.iter().find(|row| row.component.as_str() == name).unwrap();
        assert_eq!(row.judgement.rpo, Verdict::Unknown, "{name}");
        assert!(row.judgement.reason.contains(why), "{name}: {}", row.judgement.reason);
    }
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
    assert!(refused.message.contains("it has: database-0000, lake, pool, vaulted"), "{}", refused.message);
}
