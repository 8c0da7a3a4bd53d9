//! When unsure, nothing is changed; and a planned switchover waits until nothing is lost.

use rehearsal_world::Breakage;
use serde_json::json;
use shared::domain::identifier::ComponentName;
use shared::domain::incident::{IncidentStatus, Mode};
use shared::domain::non_empty::NonEmpty;
use shared::domain::plan::{Branch, Condition};
use shared::domain::step::{PlannedStep, StepKind};
use simulation::{Fault, Platform, Rule, Simulation, primary_key, replica_key};

use crate::common::{Before, assert_sound, broken, database_failure, event, hang_and_raise, operations, seconds};

fn healthy() -> Simulation {
    let mut simulation = Platform::default().stand_up();
    simulation.run_for(seconds(332));
    simulation
}

#[test]
fn an_alarm_about_a_primary_that_answers_changes_nothing_and_pages() {
    let mut simulation = healthy();
    let before = Before::of(&simulation);
    simulation.deliver(&event("alarm.eventbridge.json"));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack);
    assert_eq!(operations(&simulation), [""; 0]);
    assert!(ended.report.reason.contains("it answers us"), "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert_eq!(simulation.platform().blocked_until, None, "the next alarm is heard");
}

fn no_connection_can_be_tried(simulation: &mut Simulation, times: u32) {
    simulation.obstruct(Rule { service: "network", operation: "Connect", fault: Fault::Throttled, times });
}

#[test]
fn a_probe_that_could_not_be_made_is_made_again_however_late_the_recovery_was_started() {
    let mut simulation = healthy();
    simulation.obstruct(Rule { service: "states", operation: "StartExecution", fault: Fault::RequestLost, times: 1 });
    no_connection_can_be_tried(&mut simulation, 2);
    simulation.deliver(&event("alarm.eventbridge.json"));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack);
    assert!(ended.report.reason.contains("it answers us"), "{}", ended.report.reason);
    let waited = ended.incident.assessment.unwrap().at.duration_since(ended.incident.declared_at).as_secs();
    assert!(waited > 30, "the watchdog started it, after more time than a probe is tried for: {waited} s");
}

#[test]
fn an_alarm_is_not_believed_against_an_available_database_to_which_no_connection_can_be_tried() {
    let mut simulation = healthy();
    let before = Before::of(&simulation);
    no_connection_can_be_tried(&mut simulation, u32::MAX);
    simulation.deliver(&event("alarm.eventbridge.json"));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack);
    assert_eq!(operations(&simulation), [""; 0]);
    assert!(ended.report.reason.contains("could even be tried"), "{}", ended.report.reason);
    simulation.clear_the_way();
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn an_alarm_out_of_missing_data_alone_changes_nothing() {
    let mut simulation = healthy();
    let before = Before::of(&simulation);
    // Whatever could be probed, cannot: the instance's control plane does not answer either.
    simulation.cloud.with(|state| state.world.control_plane_dark("us-east-1", true, state.now));
    let mut alarm = event("alarm.eventbridge.json");
    alarm["detail"]["previousState"]["value"] = json!("INSUFFICIENT_DATA");
    simulation.deliver(&alarm);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack);
    assert_eq!(operations(&simulation), [""; 0]);
    simulation.cloud.with(|state| state.world.control_plane_dark("us-east-1", false, state.now));
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn a_graceful_switchover_of_a_primary_that_does_not_answer_stands_down() {
    let mut simulation = broken(Platform::default(), Breakage::Hung);
    simulation.operate(&json!({"scenario": "database_failure", "mode": "graceful"})).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack);
    assert_eq!(operations(&simulation), [""; 0]);
}

#[test]
fn an_operator_who_names_no_mode_switches_a_healthy_primary_over_gracefully_and_loses_nothing() {
    let mut simulation = healthy();
    let before = Before::of(&simulation);
    let answer = simulation.operate(&event("recovery.start.json")).unwrap();
    assert_eq!(answer["status"], "started");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_eq!(ended.incident.mode, Some(Mode::Graceful));
    assert_sound(&simulation, &ended, &before);
    simulation.cloud.with(|state| {
        assert_eq!(state.world.lost_commits(), [], "every acknowledged commit is on the new primary");
        assert!(!state.world.commits(&primary_key()).is_empty());
    });
}

#[test]
fn a_graceful_switchover_waits_until_the_replica_has_caught_up_to_within_max_lag() {
    let mut simulation = Platform::default().with_lag(seconds(45)).stand_up();
    simulation.run_for(seconds(332));
    let before = Before::of(&simulation);
    simulation.operate(&event("recovery.start.json")).unwrap();
    // The replica catches up while writes are held.
    simulation.after(seconds(30), |simulation| {
        simulation.cloud.with(|state| state.world.set_lag(&replica_key(), seconds(2), state.now));
    });
    let ended = simulation.run_to_end();
    let gate = ended.steps.iter().find(|step| step.step.kind == StepKind::Gate).unwrap();
    let waited = simulation
        .entries(&ended.incident.id)
        .into_iter()
        .find(|entry| entry.about == gate.id.as_str() && entry.event == "waiting");
    assert!(waited.is_some_and(|entry| entry.reason.contains("a switchover waits for")), "{gate:#?}");
    assert_sound(&simulation, &ended, &before);
    if ended.incident.status == IncidentStatus::Completed {
        simulation.cloud.with(|state| assert_eq!(state.world.lost_commits(), []));
    }
}

#[test]
fn a_graceful_switchover_whose_replica_never_catches_up_is_rolled_back() {
    let mut simulation = Platform::default().with_lag(seconds(900)).stand_up();
    simulation.run_for(seconds(332));
    let before = Before::of(&simulation);
    simulation.operate(&event("recovery.start.json")).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert!(before.points_to_the_same(&simulation));
    assert_eq!(crate::common::groups_of(&simulation, &primary_key()), ["sg-0c11e475"], "the fence is lifted");
}

#[test]
fn clients_are_never_pointed_at_an_instance_that_still_is_a_replica() {
    let platform = Platform::default().with_plan(|plan| {
        let scenario = plan.scenarios.get_mut(&database_failure()).unwrap();
        let step = PlannedStep { kind: StepKind::Repoint, component: ComponentName::new("database").unwrap() };
        let wave = NonEmpty::new(vec![step]).unwrap();
        let branch = Branch { when: Condition::Otherwise, waves: NonEmpty::new(vec![wave]).unwrap() };
        scenario.branches = NonEmpty::new(vec![branch]).unwrap();
    });
    let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert_eq!(operations(&simulation), [""; 0]);
}
