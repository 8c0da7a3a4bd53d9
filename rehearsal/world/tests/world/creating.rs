use crate::stage::{CLIENTS, EAST, ISOLATION, Stage, WEST, config};
use rehearsal_world::{
    ApiError, Breakage, Connection, DbInstance, InstanceKey, InstanceStatus, NewReplica, PairConfig, Promotion, Refused,
    RestoreTime, SnapshotSelection,
};

fn replica_of(source: &str, identifier: &str) -> NewReplica {
    NewReplica { identifier: identifier.to_owned(), source: source.to_owned(), ..NewReplica::default() }
}

fn create(stage: &mut Stage, region: &str, replica: &NewReplica) -> Result<DbInstance, ApiError> {
    stage.world.create_db_instance_read_replica(region, replica, stage.now)
}

fn code(refused: Result<DbInstance, ApiError>) -> (u16, &'static str) {
    let error = refused.unwrap_err();
    (error.http_status, error.code)
}

fn second() -> InstanceKey {
    InstanceKey::new(EAST, "orders-second")
}

#[test]
fn a_new_instance_is_creating_before_it_is_available() {
    let mut stage = Stage::new();
    let made = create(&mut stage, EAST, &replica_of("orders-prod", "Orders-Second")).unwrap();
    assert_eq!((made.key, made.status), (second(), InstanceStatus::Creating));
    assert_eq!(made.replica_source.as_deref(), Some("orders-prod"));
    assert_eq!(made.replication, None, "nothing replicates yet");
    assert_eq!(stage.primary_shown().replicas.len(), 2);
    let now = stage.now;
    assert_eq!(stage.world.accepts_connections(&second(), now), Connection::Refuses);
    assert_eq!(stage.wait(299).status(&second()), InstanceStatus::Creating);
    assert_eq!(stage.wait(1).status(&second()), InstanceStatus::Available);
    assert!(stage.show(&second()).replication.unwrap().status.is_normal());
}

#[test]
fn a_replica_begins_as_a_copy_and_follows_its_source() {
    let mut stage = Stage::new();
    stage.write_for(20);
    let replica = NewReplica { groups: Some(vec![CLIENTS.to_owned()]), ..replica_of("orders-prod", "orders-second") };
    create(&mut stage, EAST, &replica).unwrap();
    let held = |stage: &mut Stage| stage.world.holds(&second(), stage.now).unwrap().0;
    stage.write_for(20);
    assert_eq!(held(&mut stage), 20, "what comes after the copy comes by replication, once it runs");
    stage.wait(300);
    assert_eq!(held(&mut stage), 40);
    assert_eq!(stage.show(&second()).backup_retention, 0);
    let now = stage.now;
    assert_eq!(stage.world.accepts_connections(&second(), now), Connection::Answers);
    assert_eq!(stage.world.commit(&second(), now), Err(Refused::ReadOnly));
}

#[test]
fn a_replica_made_after_a_failover_follows_the_new_primary() {
    let mut stage = Stage::new();
    stage.write_for(30);
    let promotion = Promotion { backup_retention: Some(7), backup_window: None };
    let now = stage.now;
    stage.world.promote_read_replica(WEST, "orders-dr", promotion, now).unwrap();
    stage.wait(600);
    let before = stage.world.holds(&stage.replica.clone(), stage.now).unwrap().0;
    for _ in 0..5 {
        stage.commit_to_replica().unwrap();
    }
    create(&mut stage, WEST, &replica_of("orders-dr", "orders-third")).unwrap();
    let third = InstanceKey::new(WEST, "orders-third");
    stage.commit_to_replica().unwrap();
    stage.wait(600);
    assert_eq!(stage.world.holds(&third, stage.now).unwrap().0, before + 6);
    assert_eq!(stage.replica_shown().replicas, ["orders-third"]);
}

#[test]
fn only_an_available_instance_with_backups_gets_a_replica() {
    let mut stage = Stage::with(PairConfig { backup_retention: 0, ..config() });
    let wanted = replica_of("orders-prod", "orders-second");
    assert_eq!(code(create(&mut stage, EAST, &wanted)), (400, "InvalidDBInstanceState"));
    let mut stage = Stage::new();
    stage.reboot().unwrap();
    assert_eq!(code(create(&mut stage, EAST, &wanted)), (400, "InvalidDBInstanceState"));
    stage.wait(60);
    create(&mut stage, EAST, &wanted).unwrap();
    assert_eq!(code(create(&mut stage, EAST, &replica_of("nobody", "other"))), (404, "DBInstanceNotFound"));
    let of_a_replica = replica_of("orders-dr", "other");
    assert!(create(&mut stage, WEST, &of_a_replica).unwrap_err().message.contains("does not model"));
}

#[test]
fn a_source_in_another_region_is_named_by_its_arn() {
    let mut stage = Stage::new();
    let key = Some("alias/orders".to_owned());
    let by_name = NewReplica { key: key.clone(), ..replica_of("orders-prod", "orders-west") };
    assert_eq!(code(create(&mut stage, WEST, &by_name)), (404, "DBInstanceNotFound"));
    let arn = stage.primary.arn("123456789012");
    let by_arn = replica_of(&arn, "orders-west");
    assert_eq!(code(create(&mut stage, WEST, &by_arn)), (400, "InvalidParameterCombination"), "a key is of one Region");
    let made = create(&mut stage, WEST, &NewReplica { key: key.clone(), ..by_arn.clone() }).unwrap();
    assert_eq!(made.replica_source, Some(arn));
    let at_home = NewReplica { key, ..replica_of("orders-prod", "orders-east") };
    assert!(create(&mut stage, EAST, &at_home).unwrap_err().message.contains("does not model"));
    stage.world.region_dark(EAST, true, stage.now);
    assert_eq!(code(create(&mut stage, WEST, &by_arn)), (503, "ServiceUnavailable"), "there is nobody to copy from");
}

#[test]
fn a_name_that_is_taken_is_refused() {
    let mut stage = Stage::new();
    assert_eq!(code(create(&mut stage, EAST, &replica_of("orders-prod", "ORDERS-PROD"))), (400, "DBInstanceAlreadyExists"));
    create(&mut stage, EAST, &replica_of("orders-prod", "orders-second")).unwrap();
    assert_eq!(
        code(create(&mut stage, EAST, &replica_of("orders-prod", "orders-second"))),
        (400, "DBInstanceAlreadyExists")
    );
}

#[test]
fn a_new_instance_has_a_name_that_rds_takes() {
    let mut stage = Stage::new();
    let long = "x".repeat(64);
    for name in ["", "1st", "-first", "first-", "fir--st", "fir_st", "first.", "erst\u{e4}", long.as_str()] {
        assert_eq!(
            code(create(&mut stage, EAST, &replica_of("orders-prod", name))),
            (400, "InvalidParameterValue"),
            "{name}"
        );
    }
    create(&mut stage, EAST, &replica_of("orders-prod", &long[1..])).unwrap();
}

#[test]
fn an_instance_has_at_most_fifteen_replicas() {
    let mut stage = Stage::new();
    // It has one from the start.
    for number in 1..15 {
        create(&mut stage, EAST, &replica_of("orders-prod", &format!("replica-{number}"))).unwrap();
    }
    assert_eq!(code(create(&mut stage, EAST, &replica_of("orders-prod", "replica-15"))), (400, "InstanceQuotaExceeded"));
}

#[test]
fn no_region_has_more_than_forty_instances() {
    let mut stage = Stage::new();
    let restore = |stage: &mut Stage, number: usize| {
        let name = format!("restored-{number}");
        let latest = RestoreTime::Latest;
        stage.world.restore_db_instance_to_point_in_time(EAST, "orders-prod", &name, latest, None, stage.now)
    };
    for number in 1..40 {
        restore(&mut stage, number).unwrap();
    }
    assert_eq!(code(restore(&mut stage, 40)), (400, "InstanceQuotaExceeded"));
}

#[test]
fn without_groups_of_its_own_a_new_instance_lets_no_client_in() {
    let mut stage = Stage::new();
    create(&mut stage, EAST, &replica_of("orders-prod", "orders-second")).unwrap();
    stage.wait(300);
    let group = stage.show(&second()).groups.remove(0).group;
    assert!(group.starts_with("sg-") && group != CLIENTS && group != ISOLATION, "{group}");
    let now = stage.now;
    assert_eq!(stage.world.accepts_connections(&second(), now), Connection::Refuses);
    let clients = [CLIENTS.to_owned()];
    stage.world.modify_db_instance(EAST, "orders-second", Some(&clients), now).unwrap();
    let now = stage.wait(60).now;
    assert_eq!(stage.world.accepts_connections(&second(), now), Connection::Answers);
    let unknown = NewReplica { groups: Some(vec!["sg-00000bad".to_owned()]), ..replica_of("orders-prod", "third") };
    assert_eq!(code(create(&mut stage, EAST, &unknown)), (400, "InvalidParameterValue"));
}

#[test]
fn what_is_made_outside_is_waited_for() {
    let mut stage = Stage::new();
    stage.world.make_outside();
    create(&mut stage, EAST, &replica_of("orders-prod", "orders-second")).unwrap();
    assert_eq!(stage.wait(3_000).status(&second()), InstanceStatus::Creating);
    let due = stage.world.databases_to_make(stage.now);
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].0, second());
    stage.world.database_is_made(&second(), stage.now);
    assert!(stage.world.databases_to_make(stage.now).is_empty());
    assert_eq!(stage.wait(1).status(&second()), InstanceStatus::Available);

    let (now, primary) = (stage.now, stage.primary.clone());
    stage.world.create_db_snapshot(EAST, "orders-prod", "by-hand", now).unwrap();
    assert_eq!(stage.wait(3_000).status(&primary), InstanceStatus::BackingUp);
    let due = stage.world.snapshots_to_take(stage.now);
    assert_eq!(due.iter().map(|snapshot| snapshot.identifier.as_str()).collect::<Vec<_>>(), ["by-hand"]);
    stage.world.snapshot_is_taken(&due[0], stage.now);
    assert_eq!(stage.wait(1).status(&primary), InstanceStatus::Available);

    let restorable = stage.primary_shown().latest_restorable.unwrap();
    assert_eq!(restorable.to_string(), "2026-11-20T14:00:00Z", "nobody has shipped the log since");
    let due = stage.world.log_to_ship(&primary, stage.now).unwrap();
    stage.world.log_is_shipped(&primary, due, stage.now);
    assert_eq!(stage.primary_shown().latest_restorable, Some(due));
    assert_eq!(stage.world.log_to_ship(&primary, stage.now), None);
}

#[test]
fn what_could_not_be_made_has_failed_and_is_tried_no_more() {
    let mut stage = Stage::new();
    stage.world.make_outside();
    create(&mut stage, EAST, &replica_of("orders-prod", "orders-second")).unwrap();
    stage.world.break_instance(&second(), Breakage::Failed, stage.now);
    assert!(stage.world.databases_to_make(stage.now).is_empty());
    assert_eq!(stage.wait(3_000).status(&second()), InstanceStatus::Failed);
}

#[test]
fn a_backup_of_an_instance_that_failed_is_never_over() {
    let mut stage = Stage::new();
    stage.world.make_outside();
    let (now, primary) = (stage.now, stage.primary.clone());
    stage.world.create_db_snapshot(EAST, "orders-prod", "by-hand", now).unwrap();
    stage.world.break_instance(&primary, Breakage::Failed, now);
    stage.wait(3_000);
    let selection = SnapshotSelection { snapshot: Some("by-hand".to_owned()), ..SnapshotSelection::default() };
    let found = stage.world.describe_db_snapshots(EAST, &selection, &rehearsal_world::PageRequest::default(), stage.now);
    assert_eq!(found.unwrap().items[0].status, rehearsal_world::SnapshotStatus::Creating);
}
