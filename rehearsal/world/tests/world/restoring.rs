use crate::stage::{CLIENTS, EAST, Stage, WEST, config};
use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{
    ApiError, DbInstance, DbSnapshot, InstanceKey, InstanceStatus, PageRequest, PairConfig, RestoreTime, SnapshotSelection,
    SnapshotStatus, SnapshotType,
};

fn snapshot(stage: &mut Stage, identifier: &str) -> Result<DbSnapshot, ApiError> {
    stage.world.create_db_snapshot(EAST, "orders-prod", identifier, stage.now)
}

fn from_snapshot(stage: &mut Stage, region: &str, identifier: &str, snapshot: &str) -> Result<DbInstance, ApiError> {
    stage.world.restore_db_instance_from_db_snapshot(region, identifier, snapshot, None, stage.now)
}

fn to_time(stage: &mut Stage, identifier: &str, time: RestoreTime) -> Result<DbInstance, ApiError> {
    stage.world.restore_db_instance_to_point_in_time(EAST, "orders-prod", identifier, time, None, stage.now)
}

fn code<Made: std::fmt::Debug>(refused: Result<Made, ApiError>) -> (u16, &'static str) {
    let error = refused.unwrap_err();
    (error.http_status, error.code)
}

fn restored() -> InstanceKey {
    InstanceKey::new(EAST, "restored")
}

fn held(stage: &mut Stage) -> u64 {
    stage.world.holds(&restored(), stage.now).unwrap().0
}

fn status_of(stage: &mut Stage, identifier: &str) -> SnapshotStatus {
    let selection = SnapshotSelection { snapshot: Some(identifier.to_owned()), ..SnapshotSelection::default() };
    stage.world.describe_db_snapshots(EAST, &selection, &PageRequest::default(), stage.now).unwrap().items[0].status
}

#[test]
fn a_snapshot_holds_what_was_committed_before_it_was_asked_for() {
    let mut stage = Stage::new();
    stage.write_for(10);
    let made = snapshot(&mut stage, "Before-Release").unwrap();
    assert_eq!(
        (made.identifier.as_str(), made.kind, made.status),
        ("before-release", SnapshotType::Manual, SnapshotStatus::Creating)
    );
    assert_eq!(stage.primary_shown().status, InstanceStatus::BackingUp);
    stage.write_for(10);
    stage.wait(110);
    assert_eq!(status_of(&mut stage, "before-release"), SnapshotStatus::Available);
    assert_eq!(stage.primary_shown().status, InstanceStatus::Available);
    from_snapshot(&mut stage, EAST, "restored", "before-release").unwrap();
    assert_eq!(held(&mut stage), 10);
    stage.wait(400);
    assert_eq!(stage.world.commit(&restored(), stage.now).unwrap_err(), rehearsal_world::Refused::Isolated);
    let clients = [CLIENTS.to_owned()];
    let now = stage.now;
    stage.world.modify_db_instance(EAST, "restored", Some(&clients), now).unwrap();
    let now = stage.wait(60).now;
    assert_eq!(stage.world.commit(&restored(), now).unwrap().0, 11, "it counts on from what it holds");
    assert_eq!(stage.world.holds(&stage.primary.clone(), now).unwrap().0, 20, "its source stays as it is");
}

#[test]
fn a_snapshot_is_refused_with_the_documented_codes() {
    let mut stage = Stage::new();
    for name in ["", "1st", "rds:orders", "first-", "fir--st", "fir_st"] {
        assert_eq!(code(snapshot(&mut stage, name)), (400, "InvalidParameterValue"), "{name}");
    }
    snapshot(&mut stage, "first").unwrap();
    assert_eq!(code(snapshot(&mut stage, "First")), (400, "DBSnapshotAlreadyExists"));
    assert_eq!(code(snapshot(&mut stage, "second")), (400, "InvalidDBInstanceState"), "one is being taken");
    let now = stage.wait(120).now;
    assert_eq!(code(stage.world.create_db_snapshot(EAST, "nobody", "second", now)), (404, "DBInstanceNotFound"));
    snapshot(&mut stage, "second").unwrap();
}

#[test]
fn no_region_has_more_than_a_hundred_manual_snapshots() {
    let mut stage = Stage::new();
    for number in 0..100 {
        stage.world.add_manual_snapshot(&stage.primary.clone(), &format!("by-hand-{number}"), stage.now);
    }
    assert_eq!(code(snapshot(&mut stage, "one-more")), (400, "SnapshotQuotaExceeded"));
}

#[test]
fn only_a_snapshot_that_is_there_and_available_is_restored() {
    let mut stage = Stage::new();
    assert_eq!(code(from_snapshot(&mut stage, EAST, "restored", "nothing")), (404, "DBSnapshotNotFound"));
    snapshot(&mut stage, "first").unwrap();
    assert_eq!(code(from_snapshot(&mut stage, EAST, "restored", "first")), (400, "InvalidDBSnapshotState"));
    stage.wait(120);
    assert_eq!(
        code(from_snapshot(&mut stage, WEST, "restored", "first")),
        (404, "DBSnapshotNotFound"),
        "it is in its Region"
    );
    assert_eq!(code(from_snapshot(&mut stage, EAST, "orders-prod", "first")), (400, "DBInstanceAlreadyExists"));
    from_snapshot(&mut stage, EAST, "restored", "FIRST").unwrap();
    from_snapshot(&mut stage, EAST, "older", "rds:orders-prod-2026-11-20-03-00").unwrap();
}

#[test]
fn what_is_restored_has_its_sources_backups_and_neither_its_standby_nor_its_groups() {
    let mut stage = Stage::with(PairConfig { multi_az: true, backup_retention: 9, ..config() });
    let made = to_time(&mut stage, "restored", RestoreTime::Latest).unwrap();
    assert_eq!((made.backup_retention, made.multi_az, made.deletion_protection), (9, false, false));
    assert!(stage.primary_shown().multi_az && stage.primary_shown().deletion_protection);
    assert!(!made.groups.iter().any(|membership| membership.group == CLIENTS));
    assert_eq!(made.replica_source, None);
    assert_eq!(stage.wait(300).status(&restored()), InstanceStatus::BackingUp);
    assert_eq!(stage.wait(90).status(&restored()), InstanceStatus::Available);
    stage.wait(300);
    assert!(stage.show(&restored()).latest_restorable.is_some());
}

#[test]
fn a_restore_to_a_point_in_time_holds_what_was_committed_until_then() {
    let mut stage = Stage::new();
    // A commit every second, the first one now.
    stage.write_for(60);
    stage.wait(300);
    let first: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    to_time(&mut stage, "restored", RestoreTime::At(first + SignedDuration::from_secs(9))).unwrap();
    assert_eq!(held(&mut stage), 10, "the commit of that second is in it");
    let early = to_time(&mut stage, "early", RestoreTime::At(first - SignedDuration::from_secs(1))).unwrap();
    assert_eq!(stage.world.holds(&early.key, stage.now).unwrap().0, 0);
    let latest = to_time(&mut stage, "latest", RestoreTime::Latest).unwrap();
    assert_eq!(stage.world.holds(&latest.key, stage.now).unwrap().0, 60);
}

#[test]
fn only_a_time_between_the_oldest_backup_and_the_shipped_log_is_restorable() {
    let mut stage = Stage::new();
    let at = |text: &str| RestoreTime::At(text.parse().unwrap());
    stage.wait(60);
    for time in ["2026-11-20T14:00:01Z", "2026-11-20T14:00:59Z", "2027-01-01T00:00:00Z", "2026-11-14T02:59:59Z"] {
        assert_eq!(code(to_time(&mut stage, "restored", at(time))), (400, "InvalidParameterValue"), "{time}");
    }
    to_time(&mut stage, "newest", at("2026-11-20T14:00:00Z")).unwrap();
    to_time(&mut stage, "oldest", at("2026-11-14T03:00:00Z")).unwrap();
    let now = stage.now;
    let of_nobody =
        stage.world.restore_db_instance_to_point_in_time(EAST, "nobody", "restored", RestoreTime::Latest, None, now);
    assert_eq!(code(of_nobody), (404, "DBInstanceNotFound"));
    let of_a_replica =
        stage.world.restore_db_instance_to_point_in_time(WEST, "orders-dr", "restored", RestoreTime::Latest, None, now);
    assert_eq!(code(of_a_replica), (400, "PointInTimeRestoreNotEnabled"));
}
