//! However often and in whatever shape a disaster is reported, it starts one recovery.

use serde_json::{Value, json};
use shared::domain::incident::IncidentStatus;
use simulation::{Platform, Simulation};

use crate::common::{ALARM_SHAPES, Before, assert_sound, event, hang_and_raise, minutes, seconds};

#[test]
fn one_alarm_in_all_its_shapes_and_twice_each_is_one_incident() {
    for first in ALARM_SHAPES {
        let mut simulation = hang_and_raise(Platform::default(), first);
        let before = Before::of(&simulation);
        for shape in ALARM_SHAPES {
            simulation.deliver(&event(shape));
            simulation.after(seconds(30), move |simulation| simulation.deliver(&event(shape)));
        }
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Completed);
        assert_eq!(ended.incident.generation.0, 1, "one incident");
        assert_sound(&simulation, &ended, &before);
    }
}

#[test]
fn an_alarm_that_is_delivered_again_when_all_is_over_starts_nothing() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let ended = simulation.run_to_end();
    let answer = simulation.operate(&event("alarm.sns.json")).unwrap();
    assert_eq!(answer["status"], "already_started");
    assert_eq!(answer["incident_id"], json!(ended.incident.id));
    assert_eq!(answer["incident_status"], "completed");
}

#[test]
fn whoever_asks_while_a_recovery_is_active_joins_it() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.run_for(seconds(20));
    let active = simulation.latest_incident().unwrap().id;
    let mut later = event("alarm.eventbridge.json");
    later["detail"]["state"]["timestamp"] = json!("2026-11-20T10:00:51.000+0000");
    for request in [json!({"scenario": "database_failure", "region": "us-east-1"}), later] {
        let answer = simulation.operate(&request).unwrap();
        assert_eq!(answer["status"], "joined", "{answer}");
        assert_eq!(answer["incident_id"], json!(active));
    }
    let ended = simulation.run_to_end();
    assert_eq!((&ended.incident.id, ended.incident.status), (&active, IncidentStatus::Completed));
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn an_alarm_over_the_old_primary_starts_nothing_once_the_platform_has_moved() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    simulation.run_to_end();
    for later in [minutes(10), minutes(120)] {
        simulation.run_for(later);
        let answer = simulation.operate(&raised_now(&simulation)).unwrap();
        assert_eq!((&answer["status"], &answer["code"]), (&json!("ignored"), &json!("already_moved")), "{answer}");
        assert_eq!(simulation.platform().active, None);
    }
    // Nor is there anything left in the old Region to be recovered from.
    let refused = simulation.operate(&json!({"scenario": "database_failure", "region": "us-east-1"})).unwrap_err();
    assert_eq!(refused.code.as_str(), "site_not_active");
}

#[test]
fn a_flapping_alarm_starts_nothing_within_the_block_period_but_a_person_may() {
    let mut simulation = hang_and_raise(Platform::default().multi_az(), "alarm.eventbridge.json");
    simulation.run_to_end();
    simulation.cloud.with(|state| {
        state.world.break_instance(&simulation::primary_key(), rehearsal_world::Breakage::Hung, state.now);
    });
    simulation.run_for(minutes(10));
    let answer = simulation.operate(&raised_now(&simulation)).unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("ignored"), &json!("block_period")), "{answer}");
    assert_eq!(simulation.platform().active, None);
    let answer = simulation.operate(&json!({"scenario": "database_failure", "region": "us-east-1"})).unwrap();
    assert_eq!(answer["status"], "started");
    assert_eq!(simulation.run_to_end().incident.generation.0, 2);
}

#[test]
fn after_the_block_period_the_next_alarm_is_heard() {
    let mut simulation = hang_and_raise(Platform::default().multi_az(), "alarm.eventbridge.json");
    simulation.run_to_end();
    simulation.run_for(minutes(61));
    simulation.cloud.with(|state| {
        state.world.break_instance(&simulation::primary_key(), rehearsal_world::Breakage::Hung, state.now);
    });
    let answer = simulation.operate(&raised_now(&simulation)).unwrap();
    assert_eq!(answer["status"], "started");
}

/// The alarm's example, changed to a change of state at this moment.
fn raised_now(simulation: &Simulation) -> Value {
    let mut alarm = event("alarm.eventbridge.json");
    alarm["detail"]["state"]["timestamp"] = json!(simulation.cloud.now().to_string());
    alarm
}

#[test]
fn two_requests_with_one_request_id_are_one_incident() {
    let mut simulation = crate::common::broken(Platform::default(), rehearsal_world::Breakage::Hung);
    let request = json!({"scenario": "database_failure", "request_id": "change-4711", "actor": "dana"});
    let first = simulation.operate(&request).unwrap();
    let second = simulation.operate(&request).unwrap();
    assert_eq!((&first["status"], &second["status"]), (&json!("started"), &json!("already_started")));
    assert_eq!(first["incident_id"], second["incident_id"]);
    assert_eq!(first["execution_arn"], second["execution_arn"]);
}
