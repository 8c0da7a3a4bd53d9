use crate::stage::{EAST, Stage};
use rehearsal_world::{Breakage, Connection, InstanceStatus, PageRequest};

#[test]
fn a_hung_database_looks_available() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert_eq!(stage.wait(3_600).status(&primary), InstanceStatus::Available);
}

#[test]
fn a_failed_instance_stays_failed() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.reboot().unwrap();
    stage.world.break_instance(&primary, Breakage::Failed, stage.now);
    assert_eq!(stage.wait(3_600).status(&primary), InstanceStatus::Failed);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses);
    assert_eq!(stage.reboot().unwrap_err().code, "InvalidDBInstanceState");
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses, "what does not run cannot hang");
}

#[test]
fn a_control_plane_can_fail_while_its_databases_run_on() {
    let mut stage = Stage::new();
    let replica = stage.replica.clone();
    stage.world.control_plane_dark(EAST, true, stage.now);
    let error = stage.world.describe_db_instances(EAST, None, &PageRequest::default(), stage.now).unwrap_err();
    assert_eq!((error.code, error.http_status), ("ServiceUnavailable", 503));
    stage.write_for(10);
    stage.wait(10);
    assert_eq!(stage.world.received(&replica, stage.now).unwrap().0, 10);
    stage.world.control_plane_dark(EAST, false, stage.now);
    assert!(stage.reboot().is_ok());
}

#[test]
fn a_promotion_that_fails_is_never_writable() {
    let mut stage = Stage::new();
    let replica = stage.replica.clone();
    stage.promote().unwrap();
    stage.wait(100);
    stage.world.break_instance(&replica, Breakage::Failed, stage.now);
    stage.wait(3_600);
    assert_eq!(stage.status(&replica), InstanceStatus::Failed);
    assert!(stage.commit_to_replica().is_err());
}
