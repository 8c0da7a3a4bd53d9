use crate::stage::{Stage, config, seconds};
use rehearsal_world::{Breakage, CommitNumber, PairConfig, Refused, ReplicationStatus};

#[test]
fn a_replica_takes_no_writes() {
    let mut stage = Stage::new();
    assert_eq!(stage.commit_to_replica(), Err(Refused::ReadOnly));
}

#[test]
fn commits_are_acknowledged_before_they_reach_the_replica() {
    let mut stage = Stage::with(PairConfig { lag: seconds(30), ..config() });
    let replica = stage.replica.clone();
    assert_eq!(stage.commit_to_primary(), Ok(CommitNumber(1)));
    stage.wait(29);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(0)));
    stage.wait(1);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(1)));
}

#[test]
fn what_was_not_sent_before_the_primary_broke_stays_behind() {
    let mut stage = Stage::with(PairConfig { lag: seconds(10), ..config() });
    let (primary, replica) = (stage.primary.clone(), stage.replica.clone());
    stage.write_for(20);
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    stage.wait(3_600);
    // One commit a second: the last ten were under way.
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(11)));
    stage.reboot().unwrap();
    stage.wait(40);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(20)), "a primary that returns sends them");
}

#[test]
fn lag_can_be_set_and_takes_nothing_back() {
    let mut stage = Stage::with(PairConfig { lag: seconds(1), ..config() });
    let replica = stage.replica.clone();
    stage.write_for(10);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(10)));
    stage.world.set_lag(&replica, seconds(60), stage.now);
    stage.write_for(10);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(10)));
    stage.world.set_lag(&replica, seconds(0), stage.now);
    stage.wait(0);
    assert_eq!(stage.world.received(&replica, stage.now), Some(CommitNumber(20)));
}

#[test]
fn a_promotion_ends_replication() {
    let mut stage = Stage::with(PairConfig { lag: seconds(5), ..config() });
    let replica = stage.replica.clone();
    stage.write_for(10);
    stage.promote().unwrap();
    let received = stage.world.received(&replica, stage.now);
    stage.write_for(60);
    assert_eq!(stage.world.received(&replica, stage.now), received);
}

#[test]
fn a_promoted_instance_goes_on_from_what_it_had() {
    let mut stage = Stage::with(PairConfig { lag: seconds(5), ..config() });
    stage.write_for(10);
    stage.promote().unwrap();
    let common = stage.world.losses()[0].last_common;
    stage.wait(135);
    assert_eq!(stage.commit_to_replica(), Ok(CommitNumber(common.0 + 1)));
}

#[test]
fn stalled_replication_becomes_an_error_after_a_while_and_recovers() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let status = |stage: &mut Stage| stage.replica_shown().replication.unwrap().status;
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert_eq!(status(stage.wait(299)), ReplicationStatus::Replicating);
    assert_eq!(status(stage.wait(1)), ReplicationStatus::Error);
    stage.reboot().unwrap();
    assert_eq!(status(stage.wait(40)), ReplicationStatus::Replicating);
}

#[test]
fn replication_that_stalls_for_thirty_days_is_given_up_for_good() {
    let mut stage = Stage::new();
    let (primary, replica) = (stage.primary.clone(), stage.replica.clone());
    stage.write_for(10);
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    stage.wait(30 * 24 * 3_600 + 1);
    assert_eq!(stage.replica_shown().replication.unwrap().status, ReplicationStatus::Terminated);
    stage.reboot().unwrap();
    stage.wait(3_600);
    assert_eq!(stage.replica_shown().replication.unwrap().status, ReplicationStatus::Terminated);
    assert!(stage.world.received(&replica, stage.now) < Some(CommitNumber(10)));
    assert!(stage.promote().is_ok(), "it can still be promoted");
}
