use crate::stage::{EAST, Stage, WEST, config};
use rehearsal_world::{Breakage, Connection, InstanceStatus, PairConfig, Refused};

#[test]
fn a_reboot_is_an_outage_that_ends_every_session() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.wait(1);
    assert_eq!(stage.reboot().unwrap().status, InstanceStatus::Rebooting);
    let cut = stage.now;
    assert_eq!(stage.world.cuts_existing_since(&primary), Some(cut));
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses);
    assert_eq!(stage.wait(39).status(&primary), InstanceStatus::Rebooting);
    assert_eq!(stage.wait(1).status(&primary), InstanceStatus::Available);
    assert_eq!(stage.world.commit_in(&session, stage.now), Err(Refused::SessionEnded));
    assert!(stage.commit_to_primary().is_ok());
}

#[test]
fn only_an_available_instance_can_be_rebooted() {
    let mut stage = Stage::new();
    stage.reboot().unwrap();
    let error = stage.reboot().unwrap_err();
    assert_eq!((error.code, error.http_status), ("InvalidDBInstanceState", 400));
}

#[test]
fn a_reboot_does_not_interrupt_an_operation_that_the_status_hides() {
    let mut stage = Stage::new();
    let replica = stage.replica.clone();
    stage.promote().unwrap();
    assert_eq!(stage.status(&replica), InstanceStatus::Available);
    let error = stage.world.reboot_db_instance(WEST, "orders-dr", false, stage.now).unwrap_err();
    assert_eq!(error.code, "InvalidDBInstanceState");
    assert!(error.message.contains("in-progress management operation"));
}

#[test]
fn a_failover_needs_a_standby() {
    let mut stage = Stage::new();
    let error = stage.world.reboot_db_instance(EAST, "orders-prod", true, stage.now).unwrap_err();
    assert_eq!((error.code, error.http_status), ("InvalidParameterCombination", 400));
    let primary = stage.primary.clone();
    assert_eq!(stage.status(&primary), InstanceStatus::Available);
}

#[test]
fn a_failover_swaps_the_zones_and_shows_it_minutes_later() {
    let mut stage = Stage::with(PairConfig { multi_az: true, ..config() });
    let primary = stage.primary.clone();
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    stage.world.reboot_db_instance(EAST, "orders-prod", true, stage.now).unwrap();
    let shown = stage.wait(90).primary_shown();
    assert_eq!(shown.status, InstanceStatus::Available);
    assert!(stage.commit_to_primary().is_ok());
    assert_eq!(shown.zone, "us-east-1a", "describe does not know yet");
    let shown = stage.wait(150).primary_shown();
    assert_eq!((shown.zone.as_str(), shown.standby_zone.as_deref()), ("us-east-1b", Some("us-east-1a")));
}

#[test]
fn a_reboot_in_place_keeps_the_zones() {
    let mut stage = Stage::with(PairConfig { multi_az: true, ..config() });
    stage.reboot().unwrap();
    assert_eq!(stage.wait(600).primary_shown().zone, "us-east-1a");
}

#[test]
fn a_reboot_revives_a_database_that_hangs() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert_eq!(stage.commit_to_primary(), Err(Refused::NoAnswer));
    stage.reboot().unwrap();
    assert!(stage.wait(40).commit_to_primary().is_ok());
}

#[test]
fn replication_resumes_after_either_side_was_rebooted() {
    for rebooted in [EAST, WEST] {
        let mut stage = Stage::new();
        let replica = stage.replica.clone();
        stage.write_for(3);
        let identifier = if rebooted == EAST { "orders-prod" } else { "orders-dr" };
        stage.world.reboot_db_instance(rebooted, identifier, false, stage.now).unwrap();
        assert_eq!(stage.world.received(&replica, stage.now).unwrap().0, 0);
        stage.wait(39);
        assert_eq!(stage.world.received(&replica, stage.now).unwrap().0, 0, "{rebooted}");
        stage.wait(2);
        assert_eq!(stage.world.received(&replica, stage.now).unwrap().0, 3, "{rebooted}");
    }
}
