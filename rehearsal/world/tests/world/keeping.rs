//! What is kept to restore from besides an instance's own snapshots.

use jiff::SignedDuration;
use rehearsal_world::{ClusterKey, ClusterSnapshot, PageRequest, RecoveryPoint, SnapshotSelection};

use crate::stage::{EAST, Stage, WEST, seconds};

#[test]
fn replicated_automated_backups_are_listed_where_they_arrive_with_the_newest_moment() {
    let mut stage = Stage::new();
    stage.wait(600);
    let listed = |stage: &mut Stage, region: &str, instance: Option<&str>| {
        let page = PageRequest::default();
        stage.world.describe_db_instance_automated_backups(region, instance, &page, stage.now).unwrap().items
    };
    let own = listed(&mut stage, EAST, Some("orders-prod")).remove(0);
    assert_eq!((own.status.as_str(), own.arn.as_deref()), ("active", None));
    assert_eq!(listed(&mut stage, WEST, Some("orders-prod")), [], "nothing is replicated yet");
    let primary = stage.primary.clone();
    stage.world.replicate_backups(&primary, WEST, seconds(300));
    let found = listed(&mut stage, WEST, Some("ORDERS-PROD")).remove(0);
    assert_eq!((found.status.as_str(), &found.instance, found.encrypted), ("replicating", &primary, true));
    assert_eq!(found.latest, own.latest.map(|latest| latest - SignedDuration::from_secs(300)));
    assert!(found.arn.unwrap().contains(&format!(":rds:{WEST}:")));
    stage.world.set_replicated_backups(&primary, "retained", seconds(0), false);
    let found = listed(&mut stage, WEST, None).into_iter().find(|found| found.instance == primary).unwrap();
    assert_eq!((found.status.as_str(), found.encrypted), ("retained", false));
    stage.world.region_dark(WEST, true, stage.now);
    let page = PageRequest::default();
    let refused = stage.world.describe_db_instance_automated_backups(WEST, None, &page, stage.now).unwrap_err();
    assert_eq!(refused.code, "ServiceUnavailable");
}

#[test]
fn a_copied_snapshot_says_where_it_comes_from_and_when_the_original_was_taken() {
    let mut stage = Stage::new();
    let (primary, taken) = (stage.primary.clone(), stage.now - SignedDuration::from_hours(9));
    stage.world.add_copied_snapshot(WEST, "orders-copy", &primary, taken, false);
    let selection = SnapshotSelection { instance: Some("orders-prod".to_owned()), ..SnapshotSelection::default() };
    let page = PageRequest::default();
    let found = stage.world.describe_db_snapshots(WEST, &selection, &page, stage.now).unwrap().items.remove(0);
    assert_eq!((found.identifier.as_str(), found.created, found.encrypted), ("orders-copy", stage.now, false));
    let from = found.copied_from.unwrap();
    assert_eq!((from.region.as_str(), from.taken), (EAST, taken));
}

#[test]
fn a_cluster_says_to_when_it_can_be_restored_and_an_unknown_one_is_refused() {
    let mut stage = Stage::new();
    let (east, west) = (ClusterKey::new(EAST, "ledger-east"), ClusterKey::new(WEST, "ledger-west"));
    stage.world.add_global_cluster("ledger", east, west.clone());
    let writer = stage.world.describe_db_cluster(EAST, "ledger-east", stage.now).unwrap();
    assert_eq!(writer.latest, Some(stage.now - SignedDuration::from_secs(300)));
    assert_eq!(stage.world.describe_db_cluster(WEST, "ledger-west", stage.now).unwrap().latest, None);
    stage.world.set_cluster_backup(&west, "backing-up", Some(seconds(60)), false);
    let reader = stage.world.describe_db_cluster(WEST, "Ledger-West", stage.now).unwrap();
    assert_eq!((reader.status.as_str(), reader.encrypted), ("backing-up", false));
    assert_eq!(reader.latest, Some(stage.now - SignedDuration::from_secs(60)));
    let refused = stage.world.describe_db_cluster(WEST, "ledger-east", stage.now).unwrap_err();
    assert_eq!((refused.code, refused.http_status), ("DBClusterNotFoundFault", 404));
}

#[test]
fn a_copy_of_a_clusters_snapshot_names_its_source() {
    let mut stage = Stage::new();
    let source = format!("arn:aws:rds:{EAST}:123456789012:cluster-snapshot:rds:ledger-east-2026-11-20");
    let snapshot = ClusterSnapshot {
        region: WEST.to_owned(),
        identifier: "ledger-copy".to_owned(),
        cluster: "ledger-east".to_owned(),
        status: "available".to_owned(),
        created: stage.now,
        source: Some(source),
        encrypted: true,
    };
    stage.world.add_cluster_snapshot(snapshot.clone());
    let page = PageRequest::default();
    let listed = |stage: &mut Stage, region: &str, cluster: &str| {
        stage.world.describe_db_cluster_snapshots(region, cluster, &page, stage.now).unwrap().items
    };
    assert_eq!(listed(&mut stage, WEST, "ledger-east"), [snapshot]);
    assert_eq!(listed(&mut stage, WEST, "ledger-west"), []);
    assert_eq!(listed(&mut stage, EAST, "ledger-east"), []);
}

#[test]
fn a_table_says_in_each_region_whether_and_to_when_it_can_be_restored() {
    let mut stage = Stage::new();
    stage.world.add_global_table("carts", &[EAST, WEST], stage.now);
    stage.world.set_table_recovery("carts", WEST, false);
    let here = stage.world.describe_continuous_backups(EAST, "carts", stage.now).unwrap();
    assert_eq!((here.enabled, here.latest), (true, Some(stage.now - SignedDuration::from_secs(300))));
    let there = stage.world.describe_continuous_backups(WEST, "carts", stage.now).unwrap();
    assert_eq!((there.enabled, there.latest), (false, None));
    stage.world.set_table_recovery("carts", WEST, true);
    assert!(stage.world.describe_continuous_backups(WEST, "carts", stage.now).unwrap().enabled);
    for (region, name) in [("eu-west-1", "carts"), (EAST, "baskets")] {
        let refused = stage.world.describe_continuous_backups(region, name, stage.now).unwrap_err();
        assert_eq!((refused.code, refused.http_status), ("TableNotFoundException", 400));
    }
}

#[test]
fn a_vault_lists_recovery_points_of_every_status_and_an_unknown_one_is_refused() {
    let mut stage = Stage::new();
    let point = |id: &str, resource: &str, status: &str| RecoveryPoint {
        arn: format!("arn:aws:backup:{WEST}:123456789012:recovery-point:{id}"),
        resource: resource.to_owned(),
        status: status.to_owned(),
        created: stage.now,
        encrypted: true,
    };
    let points = [point("a", "orders", "COMPLETED"), point("b", "orders", "PARTIAL"), point("c", "carts", "COMPLETED")];
    for point in &points {
        stage.world.add_recovery_point(WEST, "dr", point.clone());
    }
    stage.world.add_vault(EAST, "daily");
    let listed = |stage: &mut Stage, region: &str, vault: &str, resource| {
        stage.world.list_recovery_points(region, vault, resource, stage.now)
    };
    assert_eq!(listed(&mut stage, WEST, "dr", None).unwrap(), points);
    assert_eq!(listed(&mut stage, WEST, "dr", Some("orders")).unwrap(), points[..2]);
    assert_eq!(listed(&mut stage, EAST, "daily", None).unwrap(), []);
    stage.world.change_recovery_points(WEST, "dr", Vec::clear);
    assert_eq!(listed(&mut stage, WEST, "dr", None).unwrap(), []);
    let refused = listed(&mut stage, EAST, "dr", None).unwrap_err();
    assert_eq!((refused.code, refused.http_status), ("ResourceNotFoundException", 400));
}
