use crate::stage::{EAST, ISOLATION, Stage, config, seconds};
use rehearsal_world::{Breakage, CommitNumber, Metric, PairConfig};

#[test]
fn nothing_is_lost_before_a_promotion() {
    let mut stage = Stage::new();
    stage.write_for(10);
    assert!(stage.world.lost_commits().is_empty());
    assert_eq!(stage.world.true_rpo(), None);
    assert_eq!(stage.world.writer_overlap(), Default::default());
}

#[test]
fn a_promotion_loses_what_had_not_arrived() {
    let mut stage = Stage::with(PairConfig { lag: seconds(10), ..config() });
    let primary = stage.primary.clone();
    stage.write_for(60);
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    stage.wait(120);
    stage.promote().unwrap();
    stage.wait(600);
    let numbers: Vec<u64> = stage.world.lost_commits().iter().map(|commit| commit.number.0).collect();
    assert_eq!(numbers, (52..=60).collect::<Vec<u64>>());
    // The oldest lost commit was made nine seconds before the primary hung, and nothing was written since.
    assert_eq!(stage.world.true_rpo(), Some(seconds(9)));
    let loss = &stage.world.losses()[0];
    assert_eq!(loss.last_common, CommitNumber(51));
    assert!(loss.writes_stopped.is_some());
}

#[test]
fn a_graceful_promotion_loses_nothing() {
    let mut stage = Stage::new();
    stage.write_for(60);
    stage.fence();
    stage.wait(60);
    stage.promote().unwrap();
    stage.wait(600);
    assert!(stage.world.lost_commits().is_empty());
    assert_eq!(stage.world.true_rpo(), Some(seconds(0)));
    assert!(!stage.world.writer_overlap().is_split_brain());
}

#[test]
fn commits_after_the_promotion_are_lost_too_until_writes_stop() {
    let mut stage = Stage::with(PairConfig { lag: seconds(5), ..config() });
    stage.write_for(10);
    stage.promote().unwrap();
    stage.write_for(200);
    let before = stage.world.true_rpo().unwrap();
    assert_eq!(stage.world.losses()[0].writes_stopped, None);
    stage.fence();
    let loss = stage.world.losses().remove(0);
    assert!(loss.recovery_point > before);
    assert!(loss.lost.len() >= 200);
    assert!(loss.writes_stopped.is_some());
}

#[test]
fn two_writers_show_as_an_overlap() {
    let mut stage = Stage::new();
    stage.promote().unwrap();
    stage.wait(135);
    stage.commit_to_primary().unwrap();
    assert!(!stage.world.writer_overlap().is_split_brain(), "one side alone is a loss, and no split yet");
    stage.commit_to_replica().unwrap();
    let overlap = stage.world.writer_overlap();
    assert_eq!((overlap.old_side.len(), overlap.new_side.len()), (1, 1));
    assert!(overlap.is_split_brain());
    assert_eq!(stage.world.writable_instances(stage.now).len(), 2);
}

#[test]
fn an_isolation_without_a_reboot_can_still_end_in_two_writers() {
    let mut stage = Stage::new();
    let primary = stage.primary.clone();
    let session = stage.world.connect(&primary, stage.now).unwrap();
    stage.modify(&[ISOLATION]).unwrap();
    stage.wait(60).promote().unwrap();
    stage.wait(200);
    stage.world.commit_in(&session, stage.now).unwrap();
    stage.commit_to_replica().unwrap();
    assert!(stage.world.writer_overlap().is_split_brain());
}

#[test]
fn a_primary_that_returns_from_a_dark_region_is_writable_again() {
    let mut stage = Stage::new();
    stage.write_for(10);
    stage.world.region_dark(EAST, true, stage.now);
    stage.promote().unwrap();
    stage.wait(600);
    assert_eq!(stage.world.writable_instances(stage.now).len(), 1);
    stage.world.region_dark(EAST, false, stage.now);
    assert_eq!(stage.world.writable_instances(stage.now).len(), 2);
}

/// The bound that a recovery can compute from the metric alone is never below the truth.
#[test]
fn lag_at_the_last_observation_plus_the_time_until_writes_stopped_bounds_the_loss() {
    for (lag, seconds_written) in [(0, 200), (3, 130), (45, 250), (200, 400)] {
        let mut stage = Stage::with(PairConfig { lag: seconds(lag), ..config() });
        let (primary, replica) = (stage.primary.clone(), stage.replica.clone());
        stage.write_for(seconds_written);
        let observed = stage.world.latest(&Metric::ReplicaLag(replica), stage.now).unwrap().unwrap();
        stage.write_for(17);
        stage.world.break_instance(&primary, Breakage::Failed, stage.now);
        let stopped = stage.now;
        stage.wait(30).promote().unwrap();
        let since = stopped.duration_since(observed.at).as_secs_f64();
        let truth = stage.world.true_rpo().unwrap().as_secs_f64();
        assert!(observed.value + since >= truth, "lag {lag}: {} + {since} < {truth}", observed.value);
    }
}
