use crate::stage::{CLIENTS, EAST, ISOLATION, Stage};
use rehearsal_world::{Breakage, Connection, InstanceKey, Refused};

#[test]
fn an_isolated_instance_takes_no_new_connection_once_the_groups_have_changed() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(14);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Answers);
    stage.wait(1);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses);
    assert_eq!(stage.commit_to_primary(), Err(Refused::Isolated));
}

#[test]
fn one_group_that_lets_clients_in_is_enough() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.modify(&[CLIENTS, ISOLATION]).unwrap();
    stage.wait(60);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Answers);
}

#[test]
fn sessions_outlive_a_change_of_groups_until_a_reboot_ends_them() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(60);
    assert_eq!(stage.world.cuts_existing_since(&primary), None);
    assert!(stage.world.commit_in(&session, stage.now).is_ok());
    let writable = stage.world.writable_instances(stage.now);
    assert_eq!(writable.len(), 1);
    assert!(writable[0].only_in_old_sessions);
    stage.reboot().unwrap();
    stage.wait(40);
    assert_eq!(stage.world.commit_in(&session, stage.now), Err(Refused::SessionEnded));
    assert!(stage.world.writable_instances(stage.now).is_empty());
}

#[test]
fn a_reboot_before_the_groups_have_changed_fences_nothing() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    stage.reboot().unwrap();
    stage.wait(40).modify(&[ISOLATION]).unwrap();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.wait(15);
    assert!(stage.world.commit_in(&session, stage.now).is_ok());
    assert_eq!(stage.world.writable_instances(stage.now).len(), 1);
}

#[test]
fn a_hung_database_accepts_and_says_nothing() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::AcceptsOnly);
    assert_eq!(stage.world.commit_in(&session, stage.now), Err(Refused::NoAnswer));
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(15);
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses);
}

#[test]
fn a_dark_region_is_out_of_reach_and_comes_back_as_it_was() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.world.region_dark(EAST, true, stage.now);
    assert!(!stage.world.reachable(EAST));
    assert_eq!(stage.world.accepts_connections(&primary, stage.now), Connection::Refuses);
    assert_eq!(stage.commit_to_primary(), Err(Refused::RegionDark));
    assert_eq!(stage.reboot().unwrap_err().code, "ServiceUnavailable");
    stage.wait(3_600);
    stage.world.region_dark(EAST, false, stage.now);
    assert_eq!(stage.world.commit_in(&session, stage.now), Err(Refused::SessionEnded));
    assert!(stage.commit_to_primary().is_ok());
}

#[test]
fn nobody_connects_to_an_instance_that_is_not_there() {
    let mut stage = Stage::new();
    let nobody = InstanceKey::new(EAST, "nobody");
    assert_eq!(stage.world.accepts_connections(&nobody, stage.now), Connection::Refuses);
    assert_eq!(stage.world.commit(&nobody, stage.now), Err(Refused::UnknownInstance));
    assert_eq!(stage.world.cuts_existing_since(&nobody), None);
}
