//! The primary hangs, it has no standby, and its replica takes over.

use rehearsal_world::InstanceKey;
use shared::domain::incident::IncidentStatus;
use simulation::{Platform, primary_key, replica_key};

use crate::common::{Before, achieved, assert_sound, groups_of, hang_and_raise, host_of, hosts, operations, seconds};

#[test]
fn a_hung_primary_is_replaced_by_its_replica_within_the_objectives() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let ended = simulation.run_to_end();

    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    let promotions: Vec<String> = operations(&simulation).into_iter().filter(|made| made.starts_with("Promote")).collect();
    assert_eq!(promotions, ["PromoteReadReplica db:healthcare-platform-dr"]);

    let new = host_of(&simulation, &replica_key());
    for (place, host) in simulation.cloud.with(|state| hosts(state)) {
        assert_eq!(host, new, "{place}");
    }
    assert_eq!(groups_of(&simulation, &primary_key()), ["sg-0f00d"], "the old primary stays fenced");
    for component in ["database", "api"] {
        assert!(achieved(&ended, component).rto.met, "{:?}", achieved(&ended, component));
    }
    let rpo = achieved(&ended, "database").rpo.clone().unwrap();
    assert!(rpo.met, "{rpo:?}");
}

#[test]
fn clients_write_again_on_the_new_primary_and_only_there() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    simulation.run_to_end();
    let now = simulation.cloud.now();
    simulation.run_for(seconds(60));
    simulation.cloud.with(|state| {
        let fresh = |key: &InstanceKey| state.world.commits(key).iter().filter(|commit| commit.at > now).count();
        assert!(fresh(&replica_key()) > 50, "the API writes once a second");
        assert_eq!(fresh(&primary_key()), 0, "the batch job that writes past every hold is kept out by the fence");
    });
}

#[test]
fn a_longer_lag_is_reported_as_a_larger_loss_and_never_less_than_the_truth() {
    let reported = |lag: u64| {
        let mut simulation = hang_and_raise(Platform::default().with_lag(seconds(lag)), "alarm.eventbridge.json");
        let before = Before::of(&simulation);
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
        assert_sound(&simulation, &ended, &before);
        achieved(&ended, "database").rpo.clone().unwrap().achieved_s.unwrap()
    };
    let (once, twice) = (reported(60), reported(120));
    assert!(twice > once, "{once} s at a lag of 60 s, {twice} s at 120 s");
}

#[test]
fn the_routes_of_an_http_api_are_held_and_get_back_exactly_what_they_had() {
    let mut simulation = hang_and_raise(Platform::default().with_http_api(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.run_for(seconds(15));
    assert!(!before.differences(&simulation).is_empty(), "writes are held");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    let made = operations(&simulation);
    assert!(made.contains(&"DeleteRouteSettings /apis/a1b2c3/stages/prod".to_owned()), "{made:?}");
}

#[test]
fn every_seed_ends_completed() {
    for seed in 1..=20 {
        let mut simulation = hang_and_raise(Platform { seed, ..Platform::default() }, "alarm.eventbridge.json");
        let before = Before::of(&simulation);
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Completed, "seed {seed}: {}", ended.report.reason);
        assert_sound(&simulation, &ended, &before);
    }
}
