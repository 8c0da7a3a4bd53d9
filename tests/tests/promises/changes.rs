//! Changes apart from a recovery: an endpoint written, taken back, writes held and let through, each as an incident of one step.

use rehearsal_world::{Breakage, Promotion};
use serde_json::{Value, json};
use shared::domain::incident::IncidentStatus;
use shared::domain::step::FunctionName::{ReadOnlyToggle, Recovery, UpdateDatabaseEndpoints};
use shared::error::RecoveryError;
use simulation::{Ended, Fault, Outcome, Platform, Rule, Simulation, primary_key, replica_key};

use crate::common::{Before, event, hang_and_raise, host_of, hosts, minutes, operations, seconds};

fn calm() -> Simulation {
    let mut simulation = Platform::default().stand_up();
    simulation.run_for(seconds(332));
    simulation
}

fn ask(simulation: &mut Simulation, payload: &Value) -> Result<Value, RecoveryError> {
    let function = if payload.get("mode").is_some() { ReadOnlyToggle } else { UpdateDatabaseEndpoints };
    match simulation.invoke(function, "live", payload) {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::Failed(error) => Err(error),
        Outcome::Killed => panic!("nothing was told to kill it"),
    }
}

fn code(refused: Result<Value, RecoveryError>) -> &'static str {
    refused.expect_err("must be refused").code.as_str()
}

fn made(simulation: &mut Simulation, payload: &Value) -> Ended {
    let answer = ask(simulation, payload).unwrap();
    assert_eq!(answer["status"], "in_progress", "{answer}");
    let ended = simulation.run_to_end();
    assert_eq!(answer["incident_id"], json!(ended.incident.id));
    ended
}

/// The replica was promoted by hand, as the runbook has it.
fn promoted_by_hand() -> Simulation {
    let mut simulation = calm();
    simulation.cloud.with(|state| {
        let key = replica_key();
        let promotion = Promotion { backup_retention: Some(7), backup_window: None };
        state.world.promote_read_replica(&key.region, &key.identifier, promotion, state.now).unwrap();
    });
    simulation.run_for(minutes(12));
    simulation
}

fn new_endpoint(simulation: &Simulation) -> Value {
    json!({"new_endpoint": host_of(simulation, &replica_key()), "actor": "dana", "reason": "the runbook's step"})
}

#[test]
fn the_runbooks_new_endpoint_is_refused_before_a_promotion_and_written_everywhere_after_one() {
    let mut simulation = calm();
    let before = Before::of(&simulation);
    let payload = new_endpoint(&simulation);
    assert_eq!(code(ask(&mut simulation, &payload)), "endpoint_not_confirmed");
    assert!(simulation.latest_incident().is_none() && operations(&simulation).is_empty());

    let mut simulation = promoted_by_hand();
    let ended = made(&mut simulation, &payload);
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    let new = host_of(&simulation, &replica_key());
    assert!(simulation.cloud.with(|state| hosts(state)).values().all(|host| *host == new));
    assert_eq!(before.differences(&simulation), [""; 0], "nothing beside the host was changed");
    assert!(simulation.cloud.with(|state| state.violations.is_empty()));
    let state = simulation.platform();
    assert_eq!((state.active, state.blocked_until), (None, None));
    // The platform runs there now: an alarm over the old primary must not hold its clients' writes.
    let alarm = simulation.operate(&event("alarm.eventbridge.json")).unwrap();
    assert_eq!(alarm["code"], "already_moved");
}

#[test]
fn a_site_can_be_named_instead_of_a_host_and_the_primary_is_a_failbacks_matter() {
    let mut simulation = promoted_by_hand();
    let primary = json!({"component": "database", "site": "primary"});
    assert_eq!(code(ask(&mut simulation, &primary)), "not_in_this_version");
    let ended = made(&mut simulation, &json!({"component": "database", "site": "recovery"}));
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
}

#[test]
fn an_endpoint_that_was_written_is_taken_back_exactly_and_only_to_a_primary_that_serves() {
    let mut simulation = promoted_by_hand();
    let before = Before::of(&simulation);
    let payload = new_endpoint(&simulation);
    let written = made(&mut simulation, &payload).incident.id;
    let undo = json!({"undo": written, "actor": "dana"});
    let ended = made(&mut simulation, &undo);
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert!(before.points_to_the_same(&simulation), "{:?}", simulation.cloud.with(|state| hosts(state)));
    assert_eq!(before.differences(&simulation), [""; 0]);
    assert_eq!(simulation.platform().active_site.as_str(), "primary");

    // After a recovery the old primary is behind its fence: pointing clients at it would serve nobody.
    let mut recovered = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let recovery = recovered.run_to_end().incident.id;
    assert_eq!(code(ask(&mut recovered, &json!({"undo": recovery}))), "endpoint_not_confirmed");
    let nothing = simulation.latest_incident().unwrap().id.as_str().replace(|c: char| c.is_ascii_digit(), "a");
    assert_eq!(code(ask(&mut simulation, &json!({"undo": nothing}))), "incident_unknown");
}

#[test]
fn writes_are_held_and_let_through_again_exactly_as_they_were() {
    let mut simulation = calm();
    let before = Before::of(&simulation);
    assert_eq!(code(ask(&mut simulation, &json!({"mode": "read_write"}))), "nothing_to_restore");
    let held = made(&mut simulation, &json!({"mode": "read_only", "component": "database", "actor": "dana"}));
    assert_eq!(held.incident.status, IncidentStatus::Completed, "{}", held.report.reason);
    assert!(!before.differences(&simulation).is_empty(), "writes are held");
    let status = ask(&mut simulation, &json!({"mode": "status"})).unwrap();
    assert_eq!(status["held_by"], json!({"database": [held.incident.id]}));
    // Held a second time, there is nothing more to hold, and nothing more to give back.
    made(&mut simulation, &json!({"mode": "read_only"}));
    let let_through = made(&mut simulation, &json!({"mode": "read_write"}));
    assert_eq!(let_through.incident.status, IncidentStatus::Completed, "{}", let_through.report.reason);
    assert_eq!(before.differences(&simulation), [""; 0]);
    assert!(simulation.platform().held.is_empty());
    assert_eq!(code(ask(&mut simulation, &json!({"mode": "read_write"}))), "nothing_to_restore");
}

#[test]
fn what_may_still_come_to_be_held_is_let_through_only_once_it_is_known() {
    let mut simulation = calm();
    let before = Before::of(&simulation);
    // The first call is lost, and the second one arrives after the hold has given this point up.
    for (fault, times) in [(Fault::RequestLost, 1), (Fault::Late, u32::MAX)] {
        simulation.obstruct(Rule { service: "lambda", operation: "UpdateFunctionConfiguration", fault, times });
    }
    let held = ask(&mut simulation, &json!({"mode": "read_only", "component": "database", "actor": "dana"})).unwrap();
    simulation.run_for(seconds(95));
    simulation.clear_the_way();
    let status = ask(&mut simulation, &json!({"mode": "status"})).unwrap();
    assert_eq!(status["held_by"], json!({"database": [held["incident_id"]]}));
    let seen = Before::of(&simulation);
    let refused = ask(&mut simulation, &json!({"mode": "read_write"})).unwrap_err();
    assert_eq!(refused.code.as_str(), "step_busy");
    assert!(refused.message.contains("try again after"), "{}", refused.message);
    simulation.run_for(minutes(2));
    assert!(!seen.differences(&simulation).is_empty(), "the second call arrived after all");
    let let_through = made(&mut simulation, &json!({"mode": "read_write"}));
    assert_eq!(let_through.incident.status, IncidentStatus::Completed, "{}", let_through.report.reason);
    assert_eq!(before.differences(&simulation), [""; 0]);
}

#[test]
fn what_a_stuck_recovery_held_is_given_back_after_its_acknowledgement() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.cloud.with(|state| state.services.values_mut().for_each(|service| service.running = 0));
    let stuck = simulation.run_to_end();
    assert_eq!(stuck.incident.status, IncidentStatus::Stuck);
    assert!(!before.differences(&simulation).is_empty(), "writes are held");
    assert_eq!(code(ask(&mut simulation, &json!({"mode": "read_write"}))), "platform_busy");
    let done = json!({"command": "acknowledge", "incident_id": stuck.incident.id, "site": "recovery", "actor": "dana"});
    simulation.operate(&done).unwrap();
    let ended = made(&mut simulation, &json!({"mode": "read_write"}));
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_eq!(before.differences(&simulation), [""; 0]);
}

#[test]
fn a_recovery_over_an_operators_hold_leaves_that_hold_to_the_operator() {
    let mut simulation = calm();
    let before = Before::of(&simulation);
    made(&mut simulation, &json!({"mode": "read_only"}));
    let held = Before::of(&simulation);
    simulation.cloud.with(|state| {
        state.world.break_instance(&primary_key(), Breakage::Hung, state.now);
    });
    simulation.run_for(minutes(2));
    simulation.operate(&json!({"scenario": "database_failure", "mode": "ungraceful"})).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_eq!(held.differences(&simulation), [""; 0], "the recovery restored what it found");
    made(&mut simulation, &json!({"mode": "read_write"}));
    assert_eq!(before.differences(&simulation), [""; 0]);
}

#[test]
fn the_same_change_asked_for_twice_is_made_once_and_another_waits_its_turn() {
    let mut simulation = calm();
    let payload = json!({"mode": "read_only", "request_id": "once"});
    let first = ask(&mut simulation, &payload).unwrap();
    let again = ask(&mut simulation, &payload).unwrap();
    let without_id = ask(&mut simulation, &json!({"mode": "read_only"})).unwrap();
    assert_eq!(first["incident_id"], again["incident_id"]);
    assert_eq!(first["incident_id"], without_id["incident_id"], "it is under way");
    assert_eq!(code(ask(&mut simulation, &json!({"mode": "read_write"}))), "platform_busy");
    simulation.run_to_end();
    assert_eq!(ask(&mut simulation, &payload).unwrap()["status"], "completed", "answered as what it came to");
}

#[test]
fn an_alarm_during_a_change_is_not_lost_but_delivered_again_and_heard() {
    let mut simulation = calm();
    ask(&mut simulation, &json!({"mode": "read_only"})).unwrap();
    simulation.cloud.with(|state| {
        state.world.break_instance(&primary_key(), Breakage::Hung, state.now);
    });
    let alarm = event("alarm.eventbridge.json");
    let refused = simulation.invoke(Recovery, "live", &alarm);
    let Outcome::Failed(error) = refused else { panic!("Lambda must deliver it again: {refused:?}") };
    assert_eq!(error.code.as_str(), "platform_busy");
    simulation.deliver(&alarm);
    simulation.run_for(minutes(4));
    let incident = simulation.latest_incident().unwrap();
    assert_eq!((incident.scenario.as_str(), incident.change), ("database_failure", None));
}

#[test]
fn a_change_can_be_paused_and_aborted_like_a_recovery() {
    let mut simulation = calm();
    let before = Before::of(&simulation);
    let id = ask(&mut simulation, &json!({"mode": "read_only"})).unwrap()["incident_id"].clone();
    assert!(simulation.run_until(minutes(2), |simulation| !operations(simulation).is_empty()));
    for command in ["pause", "abort"] {
        simulation.operate(&json!({"command": command, "incident_id": id, "actor": "dana"})).unwrap();
    }
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
    assert_eq!(before.differences(&simulation), [""; 0]);
    assert!(simulation.platform().held.is_empty());
}

#[test]
fn recovery_itself_believes_no_payload_that_asks_for_a_change() {
    let mut simulation = calm();
    for (change, expected) in [
        (json!({"kind": "repoint", "component": "database"}), "endpoint_not_confirmed"),
        (json!({"kind": "repoint", "component": "api"}), "component_not_in_plan"),
        (json!({"kind": "repoint", "component": "database", "host": "evil.example"}), "payload_unreadable"),
        (json!({"kind": "hold_writes", "components": []}), "payload_unreadable"),
        (json!({"kind": "resume_writes", "components": ["database"]}), "nothing_to_restore"),
        (json!({"kind": "promote", "component": "database"}), "payload_unreadable"),
    ] {
        assert_eq!(code(simulation.operate(&json!({"change": change}))), expected, "{change}");
    }
    assert!(simulation.latest_incident().is_none());
}
