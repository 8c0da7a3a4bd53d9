use crate::stage::{EAST, Stage, WEST};
use rehearsal_world::{DbSnapshot, InstanceStatus, PageRequest, SnapshotSelection, SnapshotStatus, SnapshotType};

fn snapshots(stage: &mut Stage, region: &str, selection: &SnapshotSelection) -> Vec<DbSnapshot> {
    stage.world.describe_db_snapshots(region, selection, &PageRequest::default(), stage.now).unwrap().items
}

#[test]
fn automated_snapshots_are_named_after_instance_and_time() {
    let mut stage = Stage::new();
    let shown = snapshots(&mut stage, EAST, &SnapshotSelection::default());
    assert_eq!(shown.len(), 7, "one for each day of retention");
    let newest = shown.last().unwrap();
    assert_eq!(newest.identifier, "rds:orders-prod-2026-11-20-03-00");
    assert_eq!(newest.created.to_string(), "2026-11-20T03:00:00Z");
    assert_eq!((newest.kind, newest.status), (SnapshotType::Automated, SnapshotStatus::Available));
    assert!(snapshots(&mut stage, WEST, &SnapshotSelection::default()).is_empty(), "a replica has none");
}

#[test]
fn snapshots_are_chosen_by_type_instance_and_name() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.world.add_manual_snapshot(&primary, "Before-Release", stage.now);
    let chosen = |stage: &mut Stage, selection: SnapshotSelection| snapshots(stage, EAST, &selection).len();
    let all = SnapshotSelection::default();
    assert_eq!(chosen(&mut stage, all.clone()), 8);
    assert_eq!(chosen(&mut stage, SnapshotSelection { kind: Some(SnapshotType::Manual), ..all.clone() }), 1);
    assert_eq!(chosen(&mut stage, SnapshotSelection { kind: Some(SnapshotType::Automated), ..all.clone() }), 7);
    assert_eq!(chosen(&mut stage, SnapshotSelection { instance: Some("ORDERS-PROD".into()), ..all.clone() }), 8);
    assert_eq!(chosen(&mut stage, SnapshotSelection { instance: Some("nobody".into()), ..all.clone() }), 0);
    assert_eq!(chosen(&mut stage, SnapshotSelection { snapshot: Some("before-release".into()), ..all.clone() }), 1);
    let automated = Some("rds:orders-prod-2026-11-20-03-00".to_owned());
    let by_type = SnapshotSelection { snapshot: automated, kind: Some(SnapshotType::Automated), ..all };
    assert_eq!(chosen(&mut stage, by_type.clone()), 1);
    let without_type = SnapshotSelection { kind: None, ..by_type };
    assert!(stage.world.describe_db_snapshots(EAST, &without_type, &PageRequest::default(), stage.now).is_err());
}

#[test]
fn an_unknown_snapshot_is_not_found() {
    let mut stage = Stage::new();
    let selection = SnapshotSelection { snapshot: Some("nothing".into()), ..SnapshotSelection::default() };
    let unknown = stage.world.describe_db_snapshots(EAST, &selection, &PageRequest::default(), stage.now);
    let error = unknown.unwrap_err();
    assert_eq!((error.code, error.http_status), ("DBSnapshotNotFound", 404));
}

#[test]
fn an_available_instance_is_backed_up_daily_in_its_window() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.wait(13 * 3_600);
    assert_eq!(stage.status(&primary), InstanceStatus::BackingUp);
    let newest = |stage: &mut Stage| snapshots(stage, EAST, &SnapshotSelection::default()).pop().unwrap();
    let begun = newest(&mut stage);
    assert_eq!(begun.identifier, "rds:orders-prod-2026-11-21-03-00");
    assert_eq!(begun.status, SnapshotStatus::Creating);
    assert_eq!(stage.wait(240).status(&primary), InstanceStatus::Available);
    assert_eq!(newest(&mut stage).status, SnapshotStatus::Available);
    assert_eq!(snapshots(&mut stage, EAST, &SnapshotSelection::default()).len(), 7, "the oldest went");
    stage.wait(24 * 3_600);
    assert_eq!(newest(&mut stage).identifier, "rds:orders-prod-2026-11-22-03-00");
}

#[test]
fn an_instance_that_is_busy_is_not_backed_up() {
    let mut stage = Stage::new();
    stage.wait(13 * 3_600 - 1).reboot().unwrap();
    stage.wait(600);
    assert_eq!(
        snapshots(&mut stage, EAST, &SnapshotSelection::default()).last().unwrap().identifier,
        "rds:orders-prod-2026-11-20-03-00"
    );
}
