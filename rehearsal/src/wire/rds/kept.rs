//! What RDS keeps to restore from: automated backups, clusters with their restorable time, snapshots of clusters.

use jiff::Timestamp;
use rehearsal_world::{ApiError, AutomatedBackup, ClusterSnapshot, DescribedCluster, World};

use super::elements::time;
use super::form::Form;
use super::xml::Document;
use super::{Answer, all_taken, page};

const ENGINE: &str = "aurora-postgresql";
/// The one filter that is understood.
const BY_INSTANCE: &str = "db-instance-id";

pub(super) fn automated_backups(
    world: &mut World,
    region: &str,
    mut form: Form,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let filter = form.take("Filters.Filter.1.Name");
    let instance = match filter.as_deref() {
        None => form.take("DBInstanceIdentifier"),
        Some(BY_INSTANCE) => Some(form.take_required("Filters.Filter.1.Values.Value.1")?),
        Some(other) => return Err(ApiError::invalid_value(format!("Unrecognized filter name: {other}"))),
    };
    let page = page(&mut form)?;
    all_taken(world, &form, "DescribeDBInstanceAutomatedBackups")?;
    let shown = world.describe_db_instance_automated_backups(region, instance.as_deref(), &page, now)?;
    let account = world.account().to_owned();
    let mut result = Document::default();
    result.element("DBInstanceAutomatedBackups", |list| {
        for backup in &shown.items {
            list.element("DBInstanceAutomatedBackup", |element| automated_backup(element, backup, &account));
        }
    });
    result.optional("Marker", shown.marker.as_deref());
    Ok(("DescribeDBInstanceAutomatedBackups", result))
}

pub(super) fn clusters(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    // The list of all is not modelled: nobody asks for it.
    let identifier = form.take_required("DBClusterIdentifier")?;
    all_taken(world, &form, "DescribeDBClusters")?;
    let shown = world.describe_db_cluster(region, &identifier, now)?;
    let account = world.account().to_owned();
    let mut result = Document::default();
    result.element("DBClusters", |list| list.element("DBCluster", |element| cluster(element, &shown, &account)));
    Ok(("DescribeDBClusters", result))
}

pub(super) fn cluster_snapshots(
    world: &mut World,
    region: &str,
    mut form: Form,
    now: Timestamp,
) -> Result<Answer, ApiError> {
    let cluster = form.take_required("DBClusterIdentifier")?;
    let page = page(&mut form)?;
    all_taken(world, &form, "DescribeDBClusterSnapshots")?;
    let shown = world.describe_db_cluster_snapshots(region, &cluster, &page, now)?;
    let account = world.account().to_owned();
    let mut result = Document::default();
    result.element("DBClusterSnapshots", |list| {
        for snapshot in &shown.items {
            list.element("DBClusterSnapshot", |element| cluster_snapshot(element, snapshot, &account));
        }
    });
    result.optional("Marker", shown.marker.as_deref());
    Ok(("DescribeDBClusterSnapshots", result))
}

/// The members of `DBInstanceAutomatedBackup`.
fn automated_backup(element: &mut Document, backup: &AutomatedBackup, account: &str) {
    element.text("DBInstanceArn", backup.instance.arn(account));
    element.text("DBInstanceIdentifier", &backup.instance.identifier);
    element.text("Region", &backup.instance.region);
    if let Some(latest) = backup.latest {
        element.element("RestoreWindow", |window| window.text("LatestTime", time(latest)));
    }
    element.text("Status", &backup.status);
    element.text("Engine", "postgres");
    element.text("Encrypted", backup.encrypted);
    element.optional("DBInstanceAutomatedBackupsArn", backup.arn.as_deref());
}

/// The members of `DBCluster`, as far as its backups go.
fn cluster(element: &mut Document, cluster: &DescribedCluster, account: &str) {
    element.text("DBClusterIdentifier", &cluster.key.identifier);
    element.text("DBClusterArn", format!("arn:aws:rds:{}:{account}:cluster:{}", cluster.key.region, cluster.key.identifier));
    element.text("Status", &cluster.status);
    element.text("Engine", ENGINE);
    if let Some(latest) = cluster.latest {
        element.text("LatestRestorableTime", time(latest));
    }
    element.text("StorageEncrypted", cluster.encrypted);
}

/// The members of `DBClusterSnapshot`.
fn cluster_snapshot(element: &mut Document, snapshot: &ClusterSnapshot, account: &str) {
    let arn = format!("arn:aws:rds:{}:{account}:cluster-snapshot:{}", snapshot.region, snapshot.identifier);
    element.text("DBClusterSnapshotIdentifier", &snapshot.identifier);
    element.text("DBClusterSnapshotArn", arn);
    element.text("DBClusterIdentifier", &snapshot.cluster);
    element.text("SnapshotCreateTime", time(snapshot.created));
    element.text("Engine", ENGINE);
    element.text("Status", &snapshot.status);
    element.text("StorageEncrypted", snapshot.encrypted);
    element.optional("SourceDBClusterSnapshotArn", snapshot.source.as_deref());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rehearsal_world::{ClusterKey, InstanceKey};

    use super::super::tests::{EAST, WEST, ask, code, text, world};

    #[test]
    fn what_is_kept_is_described_in_the_documented_elements() {
        let mut world = world();
        let primary = InstanceKey::new(EAST, "orders-prod");
        world.replicate_backups(&primary, WEST, Duration::from_secs(60));
        let by_name = "Filters.Filter.1.Name=db-instance-id&Filters.Filter.1.Values.Value.1=orders-prod";
        let (status, document) = ask(&mut world, WEST, &format!("Action=DescribeDBInstanceAutomatedBackups&{by_name}"));
        assert_eq!(status, 200, "{document}");
        assert_eq!(text(&document, "DBInstanceIdentifier"), Some("orders-prod"));
        assert_eq!((text(&document, "Region"), text(&document, "Status")), (Some(EAST), Some("replicating")));
        assert_eq!(text(&document, "Encrypted"), Some("true"));
        let other =
            "Action=DescribeDBInstanceAutomatedBackups&Filters.Filter.1.Name=status&Filters.Filter.1.Values.Value.1=active";
        assert_eq!(code(&ask(&mut world, WEST, other)).0, 400, "other filters are not modelled, and not ignored");
        let now = world.now();
        world.add_copied_snapshot(WEST, "copy", &primary, now, false);
        let (_, document) = ask(&mut world, WEST, "Action=DescribeDBSnapshots&DBInstanceIdentifier=orders-prod");
        assert_eq!(text(&document, "SourceRegion"), Some(EAST));
        assert_eq!(text(&document, "Encrypted"), Some("false"));
        assert!(text(&document, "OriginalSnapshotCreateTime").is_some(), "{document}");
        let (east, west) = (ClusterKey::new(EAST, "ledger-east"), ClusterKey::new(WEST, "ledger-west"));
        world.add_global_cluster("ledger", east, west);
        let (_, document) = ask(&mut world, EAST, "Action=DescribeDBClusters&DBClusterIdentifier=ledger-east");
        assert_eq!(text(&document, "StorageEncrypted"), Some("true"));
        assert!(text(&document, "LatestRestorableTime").is_some(), "{document}");
        let refused = ask(&mut world, EAST, "Action=DescribeDBClusters&DBClusterIdentifier=nobody");
        assert_eq!(code(&refused), (404, "DBClusterNotFoundFault"));
        let listed = ask(&mut world, EAST, "Action=DescribeDBClusterSnapshots&DBClusterIdentifier=ledger-east");
        assert_eq!(listed.0, 200);
    }
}
