use crate::stage::{EAST, Stage, WEST, config, seconds};
use jiff::SignedDuration;
use rehearsal_world::{Breakage, Metric, PairConfig};

fn lag(stage: &mut Stage) -> Option<(i64, f64)> {
    let metric = Metric::ReplicaLag(stage.replica.clone());
    let point = stage.world.latest(&metric, stage.now).unwrap()?;
    Some((stage.now.duration_since(point.at).as_secs(), point.value))
}

#[test]
fn lag_is_the_time_since_the_last_transaction_that_was_replayed() {
    let mut stage = Stage::with(PairConfig { lag: seconds(7), ..config() });
    stage.write_for(120);
    stage.wait(30);
    // Taken at 14:02:00: the newest commit replayed by then was made at 14:01:53.
    assert_eq!(lag(&mut stage), Some((30, 7.0)));
}

#[test]
fn lag_is_published_every_minute_and_readable_a_little_later() {
    let mut stage = Stage::new();
    assert_eq!(lag(&mut stage).unwrap().0, 60);
    assert_eq!(lag(stage.wait(29)).unwrap().0, 89);
    assert_eq!(lag(stage.wait(1)).unwrap().0, 30);
    assert_eq!(lag(stage.wait(59)).unwrap().0, 89);
    assert_eq!(lag(stage.wait(1)).unwrap().0, 30);
}

#[test]
fn a_world_begins_with_a_past() {
    let mut stage = Stage::with(PairConfig { lag: seconds(7), ..config() });
    let metric = Metric::ReplicaLag(stage.replica.clone());
    let points = stage.world.series(&metric, jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    assert_eq!(points.len(), 14, "and the fifteenth can be read in half a minute");
    assert!(points.iter().all(|point| point.value == 7.0 && point.at < stage.now));
    assert_eq!(lag(stage.wait(30)), Some((30, 7.0)));
}

#[test]
fn an_idle_primary_shows_up_to_five_minutes_and_a_silent_one_ever_more() {
    let mut stage = Stage::with(PairConfig { lag: seconds(1), ..config() });
    let primary = stage.primary.clone();
    stage.wait(600);
    let highest = (0..30).map(|_| lag(stage.wait(60)).unwrap().1).fold(0.0, f64::max);
    assert!((240.0..=301.0).contains(&highest), "{highest}");
    stage.world.break_instance(&primary, Breakage::Hung, stage.now);
    assert!(lag(stage.wait(3_600)).unwrap().1 > 3_000.0);
}

#[test]
fn a_dark_region_publishes_nothing() {
    let mut stage = Stage::new();
    stage.wait(120);
    stage.world.region_dark(WEST, true, stage.now);
    stage.wait(600);
    let metric = Metric::ReplicaLag(stage.replica.clone());
    assert_eq!(stage.world.latest(&metric, stage.now).unwrap_err().code, "ServiceUnavailable");
    stage.world.region_dark(WEST, false, stage.now);
    assert_eq!(lag(&mut stage).unwrap().0, 600, "the last value is as old as the darkness");
}

#[test]
fn a_dark_primary_region_makes_the_lag_grow() {
    let mut stage = Stage::new();
    stage.wait(120);
    stage.world.region_dark(EAST, true, stage.now);
    let (_, before) = lag(&mut stage).unwrap();
    let (age, after) = lag(stage.wait(630)).unwrap();
    assert_eq!(age, 30);
    assert!(after > before + 500.0);
}

#[test]
fn broken_replication_reports_minus_one() {
    let mut stage = Stage::new();
    let replica = stage.replica.clone();
    stage.world.break_replication(&replica, true, stage.now);
    assert_eq!(lag(stage.wait(90)).unwrap().1, -1.0);
    assert!(!stage.replica_shown().replication.unwrap().status.is_normal());
    stage.world.break_replication(&replica, false, stage.now);
    assert!(lag(stage.wait(60)).unwrap().1 >= 0.0);
}

#[test]
fn only_replicas_have_a_lag() {
    let mut stage = Stage::new();
    stage.wait(300);
    let primary = Metric::ReplicaLag(stage.primary.clone());
    assert_eq!(stage.world.latest(&primary, stage.now).unwrap(), None);
    stage.promote().unwrap();
    let (age, _) = lag(stage.wait(600)).unwrap();
    assert_eq!(age, 600, "none was published since the promotion was asked for");
}

#[test]
fn a_series_includes_its_start_and_excludes_its_end() {
    let mut stage = Stage::new();
    stage.wait(600);
    let metric = Metric::ReplicaLag(stage.replica.clone());
    let ago = |seconds| stage.now - SignedDuration::from_secs(seconds);
    let (from, until) = (ago(275), ago(120));
    let points = stage.world.series(&metric, from, until);
    let ages: Vec<i64> = points.iter().map(|point| stage.now.duration_since(point.at).as_secs()).collect();
    assert_eq!(ages, [300, 240, 180], "the start is cut down to its minute");
}

#[test]
fn a_long_silence_keeps_no_more_than_fifteen_days() {
    let mut stage = Stage::new();
    stage.wait(400 * 24 * 3_600);
    let metric = Metric::ReplicaLag(stage.replica.clone());
    let points = stage.world.series(&metric, jiff::Timestamp::MIN, jiff::Timestamp::MAX);
    assert!(points.len() <= 15 * 24 * 60);
    assert!(stage.now.duration_since(points[0].at).as_secs() <= 15 * 24 * 3_600 + 60);
}
