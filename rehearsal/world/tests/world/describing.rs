use crate::stage::{EAST, Stage, WEST, config, seconds};
use rehearsal_world::{InstanceStatus, PageRequest, PairConfig};

#[test]
fn a_pair_is_described_as_rds_describes_one() {
    let mut stage = Stage::with(PairConfig { multi_az: true, ..config() });
    let primary = stage.primary_shown();
    assert_eq!(primary.status, InstanceStatus::Available);
    assert!(primary.multi_az);
    assert_eq!((primary.zone.as_str(), primary.standby_zone.as_deref()), ("us-east-1a", Some("us-east-1b")));
    assert_eq!(primary.backup_retention, 7);
    assert_eq!(primary.replica_source, None);
    assert_eq!(primary.endpoint.port, 5432);
    assert!(primary.endpoint.host.starts_with("orders-prod.c"));
    assert!(primary.endpoint.host.ends_with(".us-east-1.rds.amazonaws.com"));

    let replica = stage.replica_shown();
    assert!(!replica.multi_az);
    assert_eq!(replica.backup_retention, 0);
    assert_eq!(replica.latest_restorable, None);
    assert!(replica.replication.unwrap().status.is_normal());
}

#[test]
fn endpoints_are_named_after_instance_account_and_region() {
    let hosts = |seed| {
        let stage = Stage::seeded(config(), seed);
        stage.world.endpoints().into_iter().map(|(_, endpoint)| endpoint.host).collect::<Vec<_>>()
    };
    assert_eq!(hosts(1), hosts(1));
    assert_ne!(hosts(1), hosts(2));
    for (host, instance) in hosts(1).iter().zip(["orders-prod", "orders-dr"]) {
        let labels: Vec<&str> = host.split('.').collect();
        assert_eq!(labels.len(), 6, "{host}");
        assert_eq!(labels[0], instance);
        assert_eq!(labels[1].len(), 12);
    }
}

#[test]
fn the_two_sides_name_each_other_by_arn() {
    let mut stage = Stage::new();
    let (primary, replica) = (stage.primary_shown(), stage.replica_shown());
    assert_eq!(replica.replica_source.as_deref(), Some("arn:aws:rds:us-east-1:123456789012:db:orders-prod"));
    assert_eq!(primary.replicas, ["arn:aws:rds:us-west-2:123456789012:db:orders-dr"]);
}

#[test]
fn describe_takes_identifiers_in_any_case_and_arns() {
    let mut stage = Stage::new();
    let mut describe =
        |region: &str, name: &str| stage.world.describe_db_instances(region, Some(name), &PageRequest::default(), stage.now);
    let arn = "arn:aws:rds:us-west-2:123456789012:db:orders-dr";
    assert_eq!(describe(WEST, "ORDERS-dr").unwrap().items[0].key.identifier, "orders-dr");
    assert_eq!(describe(WEST, arn).unwrap().items[0].arn, arn);
    assert!(describe(EAST, arn).is_err(), "a Region only describes its own instances");
}

#[test]
fn an_unknown_instance_is_not_found() {
    let mut stage = Stage::new();
    let unknown = stage.world.describe_db_instances(EAST, Some("nobody"), &PageRequest::default(), stage.now);
    let error = unknown.unwrap_err();
    assert_eq!((error.code, error.http_status), ("DBInstanceNotFound", 404));
    let error = stage.world.reboot_db_instance(WEST, "orders-prod", false, stage.now).unwrap_err();
    assert_eq!(error.code, "DBInstanceNotFound", "an instance is only there in its own Region");
    let everything = stage.world.describe_db_instances("eu-central-1", None, &PageRequest::default(), stage.now);
    assert!(everything.unwrap().items.is_empty());
}

#[test]
fn lists_come_in_pages() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    for number in 0..53 {
        stage.world.add_manual_snapshot(&primary, &format!("by-hand-{number:02}"), stage.now);
    }
    let mut seen = Vec::new();
    let mut page = PageRequest { max_records: Some(20), marker: None };
    loop {
        let shown = stage.world.describe_db_snapshots(EAST, &Default::default(), &page, stage.now).unwrap();
        assert_eq!(shown.items.len(), 20, "no page is empty");
        seen.extend(shown.items.into_iter().map(|snapshot| snapshot.identifier));
        match shown.marker {
            Some(marker) => page.marker = Some(marker),
            None => break,
        }
    }
    assert_eq!(seen.len(), 53 + 7);
    assert!(seen.is_sorted());
    for max_records in [0, 19, 101, -1] {
        let page = PageRequest { max_records: Some(max_records), marker: None };
        let error = stage.world.describe_db_instances(EAST, None, &page, stage.now).unwrap_err();
        assert_eq!(error.code, "InvalidParameterValue", "{max_records}");
    }
}

#[test]
fn the_latest_restorable_time_moves_every_five_minutes_while_the_primary_is_well() {
    let mut stage = Stage::new();
    let began = stage.now;
    assert_eq!(stage.primary_shown().latest_restorable, Some(began));
    assert_eq!(stage.wait(299).primary_shown().latest_restorable, Some(began));
    let moved = stage.wait(1).primary_shown().latest_restorable;
    assert_eq!(moved, Some(stage.now));
    let primary = stage.primary.clone();
    stage.world.break_instance(&primary, rehearsal_world::Breakage::Hung, stage.now);
    assert_eq!(stage.wait(900).primary_shown().latest_restorable, moved);
}

#[test]
fn a_replica_cannot_be_restored_to_a_point_in_time() {
    let mut stage = Stage::with(PairConfig { recovery_backup_retention: 7, ..config() });
    assert_eq!(stage.wait(900).replica_shown().latest_restorable, None);
    stage.promote().unwrap();
    assert!(stage.wait(900).replica_shown().latest_restorable.is_some());
}

#[test]
fn describe_may_go_on_answering_with_what_was_so() {
    let mut stage = Stage::new();
    stage.world.stale_reads(EAST, seconds(30), stage.now);
    let primary = stage.primary.clone();
    stage.reboot().unwrap();
    assert_eq!(stage.status(&primary), InstanceStatus::Available);
    assert_eq!(stage.wait(29).status(&primary), InstanceStatus::Available);
    assert_eq!(stage.wait(1).status(&primary), InstanceStatus::Rebooting);
}

#[test]
fn throttled_calls_are_refused_and_counted() {
    let mut stage = Stage::new();
    stage.world.throttle(EAST, 2);
    for _ in 0..2 {
        let error = stage.reboot().unwrap_err();
        assert_eq!((error.code, error.http_status, error.message.as_str()), ("Throttling", 400, "Rate exceeded"));
    }
    assert!(stage.reboot().is_ok());
    assert!(stage.world.describe_db_instances(WEST, None, &PageRequest::default(), stage.now).is_ok());
}

#[test]
fn time_never_runs_backwards() {
    let mut stage = Stage::new();
    stage.reboot().unwrap();
    let earlier = stage.now;
    stage.wait(60);
    let page = stage.world.describe_db_instances(EAST, None, &PageRequest::default(), earlier).unwrap();
    assert_eq!(page.items[0].status, InstanceStatus::Available);
    assert_eq!(stage.world.now(), stage.now);
}
