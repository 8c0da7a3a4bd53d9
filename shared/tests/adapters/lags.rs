//! CloudWatch.

use jiff::Timestamp;
use shared::adapters::aws::CloudWatchLags;
use shared::domain::duration::Seconds;
use shared::domain::identifier::{BucketName, ClusterId, InstanceId, ResourceName, TableName};
use shared::domain::replication::{BucketCopy, LagSeries};
use shared::ports::ReplicaLags;

use crate::cbor::Cbor;
use crate::stub::{Answer, Stub, east, west};

const NOW: &str = "2026-11-20T10:10:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// A series: id, and figures with their age in seconds.
fn series(id: &str, figures: &[(f64, f64)]) -> Cbor {
    #[allow(clippy::cast_precision_loss)]
    let now = now().as_second() as f64;
    Cbor::Map(vec![
        ("Id", Cbor::Text(id.to_owned())),
        ("StatusCode", Cbor::Text("Complete".to_owned())),
        ("Timestamps", Cbor::List(figures.iter().map(|(age, _)| Cbor::Time(now - age)).collect())),
        ("Values", Cbor::List(figures.iter().map(|(_, value)| Cbor::Number(*value)).collect())),
    ])
}

fn page(results: Vec<Cbor>, next: Option<&str>) -> Answer {
    let mut fields = vec![("MetricDataResults", Cbor::List(results))];
    if let Some(next) = next {
        fields.push(("NextToken", Cbor::Text(next.to_owned())));
    }
    Answer::Reply(200, "application/cbor", Cbor::Map(fields).bytes())
}

fn replicas(count: usize) -> Vec<InstanceId> {
    (0..count).map(|number| InstanceId::new(format!("replica-{number}")).unwrap()).collect()
}

#[tokio::test]
async fn the_newest_figure_of_all_pages_counts_in_the_order_asked() {
    let stub = Stub::answering(|number, _| match number {
        0 => page(
            vec![series("r2", &[(120.0, 9.0), (60.0, -1.0)]), series("r0", &[(120.0, 30.0), (180.0, 40.0)])],
            Some("more"),
        ),
        _ => page(vec![series("r0", &[(60.0, 2.4), (240.0, 50.0)]), series("r1", &[])], None),
    })
    .await;
    let samples = CloudWatchLags::new(stub.clients()).latest(&west(), &replicas(3), now()).await.unwrap();
    let first = samples[0].as_ref().unwrap();
    assert_eq!(first.lag, Seconds(3));
    assert_eq!(first.observed_at, Seconds(60).before(now()));
    assert_eq!(samples[1], None, "no figure");
    assert_eq!(samples[2], None, "the newest figure says that replication is not active");
    assert_eq!(stub.asked().len(), 2);
    assert!(stub.asked()[1].body.contains("more"));
}

#[tokio::test]
async fn a_thousand_replicas_cost_two_calls() {
    let stub = Stub::answering(|number, _| {
        #[allow(clippy::cast_precision_loss)]
        let results = (0..500).map(|index| series(&format!("r{index}"), &[(60.0, (number * 500 + index) as f64)])).collect();
        page(results, None)
    })
    .await;
    let samples = CloudWatchLags::new(stub.clients()).latest(&west(), &replicas(1_000), now()).await.unwrap();
    assert_eq!(stub.asked().len(), 2);
    for (index, sample) in samples.iter().enumerate() {
        assert_eq!(sample.as_ref().unwrap().lag, Seconds(index as u64));
    }
}

#[tokio::test]
async fn a_rule_of_s3_is_asked_for_by_its_buckets_and_its_id() {
    let stub = Stub::answering(|_, _| page(vec![series("r0", &[(60.0, 12.0)])], None)).await;
    let copy = BucketCopy {
        source: BucketName::new("clinic-lake").unwrap(),
        destination: BucketName::new("clinic-lake-dr").unwrap(),
        rule: ResourceName::new("everything").unwrap(),
    };
    let series = [LagSeries::Copy(copy)];
    let samples = CloudWatchLags::new(stub.clients()).latest_of(&west(), &series, now()).await.unwrap();
    let found = samples[0].as_ref().unwrap();
    assert_eq!((found.lag, found.source.as_str()), (Seconds(12), "CloudWatch AWS/S3 ReplicationLatency"));
    let body = &stub.asked()[0].body;
    for word in
        ["ReplicationLatency", "SourceBucket", "clinic-lake", "DestinationBucket", "clinic-lake-dr", "RuleId", "everything"]
    {
        assert!(body.contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_table_is_asked_for_in_the_region_where_it_is_written_and_milliseconds_are_read_as_such() {
    let stub = Stub::answering(|_, _| page(vec![series("r0", &[(60.0, 1_500.0)])], None)).await;
    let table = LagSeries::Table { table: TableName::new("shop-carts").unwrap(), receiving: west() };
    let samples = CloudWatchLags::new(stub.clients()).latest_of(&east(), &[table], now()).await.unwrap();
    let found = samples[0].as_ref().unwrap();
    assert_eq!((found.lag, found.source.as_str()), (Seconds(2), "CloudWatch AWS/DynamoDB ReplicationLatency"));
    let asked = &stub.asked()[0];
    for word in ["ReplicationLatency", "TableName", "shop-carts", "ReceivingRegion", "us-west-2", "Maximum"] {
        assert!(asked.body.contains(word), "{word}");
    }
    let authorization = asked.header("authorization").unwrap();
    assert!(authorization.contains("/us-east-1/monitoring/"), "{authorization}");
}

#[tokio::test]
async fn a_cluster_is_asked_for_both_of_its_lags_each_by_its_own_name() {
    for (figures, metric) in [
        (LagSeries::ClusterLoss(ClusterId::new("ledger-west").unwrap()), "AuroraGlobalDBRPOLag"),
        (LagSeries::ClusterReplication(ClusterId::new("ledger-west").unwrap()), "AuroraGlobalDBReplicationLag"),
    ] {
        let stub = Stub::answering(|_, _| page(vec![series("r0", &[(60.0, 999.0)])], None)).await;
        let samples = CloudWatchLags::new(stub.clients()).latest_of(&west(), &[figures], now()).await.unwrap();
        assert_eq!(samples[0].as_ref().unwrap().lag, Seconds(1), "milliseconds, rounded up");
        for word in [metric, "DBClusterIdentifier", "ledger-west", "Maximum"] {
            assert!(stub.asked()[0].body.contains(word), "{word}");
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_given_up() {
    let stub = Stub::answering(|_, _| page(vec![], Some("again"))).await;
    let failure = CloudWatchLags::new(stub.clients()).latest(&west(), &replicas(1), now()).await.unwrap_err();
    assert_eq!(failure.code, "too_many_pages");
}

#[tokio::test]
async fn what_rules_gave_up_is_added_up_over_a_day_and_all_pages() {
    let stub = Stub::answering(|number, _| match number {
        0 => page(vec![series("r0", &[(3_600.0, 2.0)]), series("r1", &[])], Some("more")),
        _ => page(vec![series("r0", &[(7_200.0, 1.0), (10_800.0, 0.0)])], None),
    })
    .await;
    let copy = |rule: &str| BucketCopy {
        source: BucketName::new("lake").unwrap(),
        destination: BucketName::new("lake-dr").unwrap(),
        rule: ResourceName::new(rule).unwrap(),
    };
    let copies = [copy("everything"), copy("silent")];
    let failed = CloudWatchLags::new(stub.clients()).failed_operations(&east(), &copies, now()).await.unwrap();
    assert_eq!(failed, [Some(3), None]);
    for word in ["AWS/S3", "OperationsFailedReplication", "SourceBucket", "DestinationBucket", "RuleId", "Sum"] {
        assert!(stub.asked()[0].body.contains(word), "{word}");
    }
}
