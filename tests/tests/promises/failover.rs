//! The primary does not answer, and has a standby in its own Region: it is failed over to it, and nothing is promoted.

use rehearsal_world::Connection;
use shared::domain::incident::IncidentStatus;
use simulation::{Platform, Simulation, primary_key};

use crate::common::{Before, achieved, assert_sound, hang_and_raise, operations};

fn fail_over(platform: Platform) -> (Simulation, u64) {
    let mut simulation = hang_and_raise(platform.multi_az(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert!(before.points_to_the_same(&simulation));
    let rpo = achieved(&ended, "database").rpo.clone().unwrap();
    assert_eq!((rpo.achieved_s, rpo.met), (Some(0), true), "{rpo:?}");
    (simulation, achieved(&ended, "database").rto.achieved_s.unwrap())
}

#[test]
fn a_multi_az_primary_fails_over_once_and_loses_nothing() {
    let (simulation, _) = fail_over(Platform::default());
    assert_eq!(operations(&simulation), ["RebootDBInstance db:healthcare-platform-prod"]);
    simulation.cloud.with(|state| {
        assert_eq!(state.world.accepts_connections(&primary_key(), state.now), Connection::Answers);
        assert!(state.world.losses().is_empty(), "nothing was promoted");
    });
}

#[test]
fn zones_that_describe_calls_show_late_cause_no_second_failover() {
    for seed in 1..=20 {
        let (simulation, _) = fail_over(Platform { seed, ..Platform::default() });
        assert_eq!(operations(&simulation).len(), 1, "seed {seed}: {:?}", operations(&simulation));
    }
}
