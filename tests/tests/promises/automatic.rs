//! `disable` and `enable`: alarms start nothing, are seen all the same, and a person can start what an alarm may not.

use rehearsal_world::Breakage;
use serde_json::json;
use shared::domain::incident::IncidentStatus;
use simulation::{Fault, Platform, Rule, Simulation};

use crate::common::{ALARM_SHAPES, Before, assert_sound, broken, event, minutes, operations};

fn subjects(simulation: &Simulation) -> Vec<String> {
    simulation.cloud.with(|state| state.notices.iter().map(|notice| notice.subject.clone()).collect())
}

fn disabled() -> Simulation {
    let mut simulation = broken(Platform::default(), Breakage::Hung);
    let answer = simulation.operate(&event("recovery.disable.json")).unwrap();
    assert_eq!(answer["status"], "disabled");
    simulation
}

#[test]
fn while_it_is_disabled_every_alarm_starts_nothing_and_pages() {
    for shape in ALARM_SHAPES {
        let mut simulation = disabled();
        let answer = simulation.operate(&event(shape)).unwrap();
        assert_eq!((&answer["status"], &answer["code"]), (&json!("ignored"), &json!("disabled")), "{answer}");
        assert!(answer["reason"].as_str().unwrap().contains("dana"), "it says who did that: {answer}");
        assert!(subjects(&simulation).iter().any(|subject| subject.contains("an alarm while recovery is disabled")));
        simulation.run_for(minutes(10));
        assert!(simulation.latest_incident().is_none() && operations(&simulation).is_empty());
    }
}

#[test]
fn an_ignored_alarm_whose_page_could_not_be_sent_is_delivered_again_until_it_is() {
    let mut simulation = disabled();
    simulation.obstruct(Rule { service: "sns", operation: "Publish", fault: Fault::Throttled, times: 2 });
    simulation.deliver(&event("alarm.eventbridge.json"));
    simulation.run_for(minutes(4));
    let pages = subjects(&simulation).iter().filter(|subject| subject.contains("while recovery is disabled")).count();
    assert_eq!(pages, 1);
}

#[test]
fn a_person_may_start_what_an_alarm_may_not_and_an_active_recovery_goes_on() {
    let mut simulation = disabled();
    let before = Before::of(&simulation);
    assert_eq!(simulation.operate(&json!({"scenario": "database_failure"})).unwrap()["status"], "started");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn status_says_who_disabled_it_and_since_when_and_a_second_word_changes_neither() {
    let mut simulation = disabled();
    let since = simulation.platform().disabled.unwrap().since;
    simulation.run_for(minutes(1));
    let told = subjects(&simulation).len();
    let again = json!({"command": "disable", "actor": "someone else", "reason": "another"});
    assert_eq!(simulation.operate(&again).unwrap()["status"], "disabled");
    let shown = simulation.operate(&json!({"command": "status"})).unwrap()["automatic_recovery"].clone();
    assert_eq!((&shown["enabled"], &shown["actor"], &shown["since"]), (&json!(false), &json!("dana"), &json!(since)));
    assert_eq!(subjects(&simulation).len(), told, "people are told once");
}

#[test]
fn enabled_again_the_next_alarm_starts_a_recovery() {
    let mut simulation = disabled();
    for _ in 0..2 {
        assert_eq!(simulation.operate(&event("recovery.enable.json")).unwrap()["status"], "enabled");
    }
    assert_eq!(subjects(&simulation).iter().filter(|subject| subject.contains("recovery enabled")).count(), 1);
    let shown = simulation.operate(&json!({"command": "status"})).unwrap();
    assert_eq!(shown["automatic_recovery"], json!({"enabled": true}));
    assert_eq!(simulation.operate(&event("alarm.sns.json")).unwrap()["status"], "started");
}
