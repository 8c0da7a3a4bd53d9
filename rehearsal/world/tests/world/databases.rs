use crate::stage::{EAST, Stage, config, seconds};
use rehearsal_world::{Breakage, CommitNumber, DatabaseProcess, DatabaseState, PairConfig, Received};

fn primary(stage: &mut Stage) -> DatabaseState {
    let key = stage.primary.clone();
    stage.world.database(&key, stage.now).unwrap()
}

fn replica(stage: &mut Stage) -> DatabaseState {
    let key = stage.replica.clone();
    stage.world.database(&key, stage.now).unwrap()
}

#[test]
fn a_database_hangs_goes_down_and_runs_as_its_instance_is_broken_and_rebooted() {
    let mut stage = Stage::new();
    let sound = DatabaseState { process: DatabaseProcess::Runs, writable: true, restarts: 0 };
    assert_eq!(primary(&mut stage), sound);
    let key = stage.primary.clone();
    stage.world.break_instance(&key, Breakage::Hung, stage.now);
    assert_eq!(primary(&mut stage), DatabaseState { process: DatabaseProcess::Hangs, ..sound.clone() });
    stage.reboot().unwrap();
    assert_eq!(primary(&mut stage), DatabaseState { process: DatabaseProcess::Down, restarts: 1, ..sound.clone() });
    stage.wait(40);
    assert_eq!(primary(&mut stage), DatabaseState { restarts: 1, ..sound });
}

#[test]
fn a_database_in_a_dark_region_is_down_and_comes_back_with_the_region() {
    let mut stage = Stage::new();
    stage.world.region_dark(EAST, true, stage.now);
    assert_eq!(primary(&mut stage), DatabaseState { process: DatabaseProcess::Down, writable: true, restarts: 1 });
    assert_eq!(replica(&mut stage).process, DatabaseProcess::Runs);
    stage.world.region_dark(EAST, false, stage.now);
    assert_eq!(primary(&mut stage).process, DatabaseProcess::Runs);
}

#[test]
fn a_promoted_database_takes_writes_once_its_reboot_is_over() {
    let mut stage = Stage::new();
    assert!(!replica(&mut stage).writable);
    stage.promote().unwrap();
    stage.wait(100);
    assert_eq!(replica(&mut stage), DatabaseState { process: DatabaseProcess::Down, writable: false, restarts: 1 });
    stage.wait(60);
    assert_eq!(replica(&mut stage), DatabaseState { process: DatabaseProcess::Runs, writable: true, restarts: 1 });
}

#[test]
fn a_replica_has_everything_only_when_its_source_has_nothing_newer() {
    let mut stage = Stage::with(PairConfig { lag: seconds(30), ..config() });
    let key = stage.replica.clone();
    let received = |stage: &mut Stage| stage.world.received_of_source(&key, stage.now);
    assert_eq!(received(&mut stage), Some(Received { newest: CommitNumber(0), everything: true }));
    stage.commit_to_primary().unwrap();
    assert_eq!(received(&mut stage), Some(Received { newest: CommitNumber(0), everything: false }));
    stage.wait(30);
    assert_eq!(received(&mut stage), Some(Received { newest: CommitNumber(1), everything: true }));
    stage.promote().unwrap();
    assert_eq!(received(&mut stage), Some(Received { newest: CommitNumber(1), everything: false }), "no more will come");
    assert_eq!(stage.world.received_of_source(&stage.primary.clone(), stage.now), None);
}
