//! What services keep to restore from: each list to its end, in the services' own words.

use serde_json::{Value, json};
use shared::adapters::aws::ServiceBackups;
use shared::domain::backup::{BackupSource, KeptView};
use shared::domain::identifier::{ClusterId, InstanceId, Region, ResourceName, TableName};
use shared::ports::{Backups, FailureKind, PortError};

use crate::stub::{Answer, Asked, Stub, json as answer, json_error, west, xml, xml_error};

fn east() -> Region {
    Region::new("us-east-1").unwrap()
}

fn replicated() -> BackupSource {
    BackupSource::ReplicatedBackups { instance: InstanceId::new("orders").unwrap(), origin: east() }
}

fn copied() -> BackupSource {
    BackupSource::CopiedSnapshots { instance: InstanceId::new("orders").unwrap(), origin: east() }
}

fn cluster() -> BackupSource {
    BackupSource::Cluster(ClusterId::new("ledger").unwrap())
}

fn cluster_snapshots() -> BackupSource {
    BackupSource::ClusterSnapshots { cluster: ClusterId::new("ledger").unwrap(), origin: east() }
}

fn table() -> BackupSource {
    BackupSource::Table(TableName::new("carts").unwrap())
}

fn vault() -> BackupSource {
    BackupSource::Vault { vault: ResourceName::new("dr").unwrap(), resource: "arn:aws:rds:us-east-1:1:db:orders".to_owned() }
}

/// A result of RDS with this content, as the SDK reads it.
fn rds(operation: &str, content: &str) -> Answer {
    xml(
        200,
        &format!(
            "<{operation}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{operation}Result>{content}\
             </{operation}Result></{operation}Response>"
        ),
    )
}

async fn kept(
    source: &BackupSource,
    answers: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static,
) -> (Result<Vec<KeptView>, PortError>, Vec<Asked>) {
    let stub = Stub::answering(answers).await;
    let kept = ServiceBackups::new(stub.clients()).kept(&west(), source).await;
    (kept, stub.asked())
}

fn at(time: &str) -> Option<jiff::Timestamp> {
    Some(time.parse().unwrap())
}

#[tokio::test]
async fn replicated_automated_backups_are_asked_for_by_filter_and_say_where_they_come_from() {
    let (kept, asked) = kept(&replicated(), |_, _| {
        rds(
            "DescribeDBInstanceAutomatedBackups",
            "<DBInstanceAutomatedBackups><DBInstanceAutomatedBackup>\
             <DBInstanceAutomatedBackupsArn>arn:aws:rds:us-west-2:1:auto-backup:ab-1</DBInstanceAutomatedBackupsArn>\
             <DBInstanceIdentifier>orders</DBInstanceIdentifier><Region>us-east-1</Region><Status>replicating</Status>\
             <RestoreWindow><LatestTime>2026-11-20T11:55:00Z</LatestTime></RestoreWindow><Encrypted>true</Encrypted>\
             </DBInstanceAutomatedBackup></DBInstanceAutomatedBackups>",
        )
    })
    .await;
    let kept = kept.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].of.as_str(), kept[0].origin.as_deref(), kept[0].status.as_str()),
        ("orders", Some("us-east-1"), "replicating")
    );
    assert_eq!((kept[0].holds_until, kept[0].encrypted), (at("2026-11-20T11:55:00Z"), Some(true)));
    assert!(replicated().is_of(&kept[0]) && replicated().counts(&kept[0].status));
    let body = &asked[0].body;
    assert!(body.contains("Filters.Filter.1.Name=db-instance-id") && body.contains("Values.Value.1=orders"), "{body}");
}

#[tokio::test]
async fn a_copied_snapshot_is_dated_by_its_original_and_without_that_date_not_at_all() {
    let (kept, asked) = kept(&copied(), |_, _| {
        let snapshot = |id: &str, more: &str| {
            format!(
                "<DBSnapshot><DBSnapshotIdentifier>{id}</DBSnapshotIdentifier><DBInstanceIdentifier>orders</DBInstanceIdentifier>\
                 <Status>available</Status><SnapshotCreateTime>2026-11-20T11:00:00Z</SnapshotCreateTime>{more}</DBSnapshot>"
            )
        };
        let copy = "<SourceRegion>us-east-1</SourceRegion>\
                    <SourceDBSnapshotIdentifier>arn:aws:rds:us-east-1:1:snapshot:s</SourceDBSnapshotIdentifier>";
        let dated = format!("{copy}<OriginalSnapshotCreateTime>2026-11-20T03:00:00Z</OriginalSnapshotCreateTime>");
        let all = [snapshot("dated", &dated), snapshot("undated", copy), snapshot("own", "")].concat();
        rds("DescribeDBSnapshots", &format!("<DBSnapshots>{all}</DBSnapshots>"))
    })
    .await;
    let dates: Vec<_> = kept.unwrap().into_iter().map(|kept| (kept.id, kept.holds_until, kept.origin)).collect();
    let origin = Some("us-east-1".to_owned());
    assert_eq!(
        dates,
        [
            ("dated".to_owned(), at("2026-11-20T03:00:00Z"), origin.clone()),
            ("undated".to_owned(), None, origin),
            ("own".to_owned(), at("2026-11-20T11:00:00Z"), None),
        ]
    );
    assert!(!asked[0].body.contains("SnapshotType"), "a copy is a manual snapshot: {}", asked[0].body);
}

#[tokio::test]
async fn a_cluster_says_to_when_it_can_be_restored_and_another_one_is_no_answer() {
    let described = |id: &str| {
        format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>{id}</DBClusterIdentifier><Status>available</Status>\
             <LatestRestorableTime>2026-11-20T11:55:00Z</LatestRestorableTime><StorageEncrypted>false</StorageEncrypted>\
             </DBCluster></DBClusters>"
        )
    };
    let (found, _) = kept(&cluster(), move |_, _| rds("DescribeDBClusters", &described("ledger"))).await;
    let found = found.unwrap().remove(0);
    assert_eq!((found.holds_until, found.encrypted), (at("2026-11-20T11:55:00Z"), Some(false)));
    for (reply, kind) in [
        (rds("DescribeDBClusters", &described("books")), FailureKind::NoAnswer),
        (rds("DescribeDBClusters", ""), FailureKind::NotFound),
        (xml_error(404, "DBClusterNotFoundFault", "not found"), FailureKind::NotFound),
        (xml_error(403, "AccessDenied", "no"), FailureKind::Denied),
    ] {
        let (refused, _) = kept(&cluster(), move |_, _| reply.clone()).await;
        assert_eq!(refused.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn a_copy_of_a_clusters_snapshot_comes_from_where_its_source_is() {
    let (found, _) = kept(&cluster_snapshots(), |_, _| {
        let snapshot = |more: &str| {
            format!(
                "<DBClusterSnapshot><DBClusterSnapshotIdentifier>s</DBClusterSnapshotIdentifier>\
                 <DBClusterIdentifier>ledger</DBClusterIdentifier><Status>available</Status>{more}</DBClusterSnapshot>"
            )
        };
        let source = "arn:aws:rds:us-east-1:1:cluster-snapshot:rds:ledger-1";
        let copy = snapshot(&format!("<SourceDBClusterSnapshotArn>{source}</SourceDBClusterSnapshotArn>"));
        rds("DescribeDBClusterSnapshots", &format!("<DBClusterSnapshots>{copy}{}</DBClusterSnapshots>", snapshot("")))
    })
    .await;
    let found = found.unwrap();
    let origins: Vec<Option<&str>> = found.iter().map(|found| found.origin.as_deref()).collect();
    assert_eq!(origins, [Some("us-east-1"), Some("us-west-2")]);
    assert!(cluster_snapshots().is_of(&found[0]) && !cluster_snapshots().is_of(&found[1]));
}

#[tokio::test]
async fn a_table_is_as_restorable_as_its_point_in_time_recovery() {
    let reply = |recovery: Value| json!({"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}});
    let on = reply(json!({"PointInTimeRecoveryStatus": "ENABLED", "LatestRestorableDateTime": 1_795_182_900}));
    for (document, status, holds_until) in [
        (on, "ENABLED", at("2026-11-20T13:55:00Z")),
        (reply(json!({"PointInTimeRecoveryStatus": "DISABLED"})), "DISABLED", None),
        (json!({}), "without a status", None),
    ] {
        let (found, asked) = kept(&table(), move |_, _| answer(200, &document)).await;
        let found = found.unwrap().remove(0);
        assert_eq!((found.status.as_str(), found.holds_until), (status, holds_until));
        assert_eq!(table().counts(&found.status), status == "ENABLED");
        assert_eq!(asked[0].header("x-amz-target"), Some("DynamoDB_20120810.DescribeContinuousBackups"));
    }
    let (refused, _) = kept(&table(), |_, _| json_error(400, "TableNotFoundException", "not found")).await;
    assert_eq!(refused.unwrap_err().kind, FailureKind::NotFound);
}

fn point(id: &str, status: &str) -> Value {
    json!({
        "RecoveryPointArn": id, "ResourceArn": "arn:aws:rds:us-east-1:1:db:orders", "Status": status,
        "CreationDate": 1_795_182_900.5, "IsEncrypted": true,
    })
}

#[tokio::test]
async fn a_vault_is_listed_page_by_page_whatever_the_status_and_only_of_its_resource() {
    let (found, asked) = kept(&vault(), |number, _| {
        let next = (number == 0).then_some("more");
        let points =
            if number == 0 { vec![point("a", "COMPLETED"), point("b", "PARTIAL")] } else { vec![point("c", "EXPIRED")] };
        answer(200, &json!({"RecoveryPoints": points, "NextToken": next}))
    })
    .await;
    let found: Vec<(String, String)> = found.unwrap().into_iter().map(|found| (found.id, found.status)).collect();
    let text = |id: &str, status: &str| (id.to_owned(), status.to_owned());
    assert_eq!(found, [text("a", "COMPLETED"), text("b", "PARTIAL"), text("c", "EXPIRED")]);
    assert!(asked[0].target.starts_with("/backup-vaults/dr/recovery-points"), "{}", asked[0].target);
    assert!(asked[0].target.contains("resourceArn=arn%3Aaws%3Ards%3Aus-east-1%3A1%3Adb%3Aorders"), "{}", asked[0].target);
    assert!(asked[1].target.contains("nextToken=more"), "{}", asked[1].target);
}

#[tokio::test]
async fn a_list_that_does_not_end_is_no_answer_and_none_of_anything_is_one() {
    let (endless, asked) = kept(&vault(), |_, _| answer(200, &json!({"RecoveryPoints": [], "NextToken": "again"}))).await;
    assert_eq!(endless.unwrap_err().code, "too_many_pages");
    assert_eq!(asked.len(), 10);
    for (source, code) in [
        (replicated(), "DBInstanceAutomatedBackupNotFoundFault"),
        (copied(), "DBSnapshotNotFound"),
        (cluster_snapshots(), "DBClusterSnapshotNotFoundFault"),
    ] {
        let (none, _) = kept(&source, move |_, _| xml_error(404, code, "none")).await;
        assert_eq!(none.unwrap(), [], "{code}");
    }
    let (refused, _) = kept(&vault(), |_, _| json_error(400, "ResourceNotFoundException", "no such vault")).await;
    assert_eq!(refused.unwrap_err().kind, FailureKind::NotFound);
}
