//! What a crash or an outage left half done is taken up within a minute, or ends with a page.

use serde_json::json;
use shared::domain::incident::IncidentStatus;
use shared::domain::plan::ApprovalRule;
use simulation::{Fault, Platform, Rule, Simulation, primary_key};

use crate::common::{Before, assert_sound, database_failure, event, groups_of, hang_and_raise, minutes, seconds};

const NOT_NOW: Fault = Fault::Throttled;

#[test]
fn what_was_declared_and_never_started_is_started() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.obstruct(Rule { service: "states", operation: "StartExecution", fault: NOT_NOW, times: u32::MAX });
    simulation.run_for(minutes(4));
    let declared = simulation.latest_incident().unwrap();
    assert_eq!((declared.status, declared.execution_arn), (IncidentStatus::Declared, None));
    simulation.clear_the_way();
    simulation.run_for(minutes(1));
    assert!(simulation.latest_incident().unwrap().execution_arn.is_some());
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn an_execution_that_died_leaves_a_stuck_incident_with_what_is_left_to_do() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let fenced = |simulation: &Simulation| groups_of(simulation, &primary_key()) == ["sg-0f00d"];
    assert!(simulation.run_until(minutes(10), fenced));
    let id = simulation.latest_incident().unwrap().id;
    simulation.end_execution(&id, "ABORTED");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Stuck);
    assert!(ended.report.reason.contains("ABORTED"), "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    // Nothing was promoted: the person may go back, and needs to know how both the fence and the holds are taken away.
    let commands = ended.incident.commands_left.join("\n");
    for needed in ["--vpc-security-group-ids sg-0c11e475", "get-stage --region us-east-1 --rest-api-id a1b2c3"] {
        assert!(commands.contains(needed), "{needed} is missing in:\n{commands}");
    }
}

#[test]
fn an_incident_that_is_overdue_ends_stuck() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.run_for(minutes(2));
    simulation.stall_executions();
    let deadline = simulation.latest_incident().unwrap().deadline;
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Stuck);
    let late = ended.report.ended_at.duration_since(deadline).as_secs();
    assert!((0..=61).contains(&late), "{late} s after its deadline");
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn a_notice_that_could_not_be_sent_is_sent_as_soon_as_it_can() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.obstruct(Rule { service: "sns", operation: "Publish", fault: NOT_NOW, times: u32::MAX });
    let over = |simulation: &Simulation| simulation.is_over();
    assert!(simulation.run_until(minutes(30), over));
    assert_eq!(simulation.cloud.with(|state| state.notices.len()), 0);
    simulation.clear_the_way();
    simulation.run_for(minutes(1));
    let subjects: Vec<String> =
        simulation.cloud.with(|state| state.notices.iter().map(|notice| notice.subject.clone()).collect());
    for needed in ["database_failure declared", "assessed", "completed"] {
        assert!(subjects.iter().any(|subject| subject.contains(needed)), "{needed} is missing in {subjects:?}");
    }
    let ended = simulation.run_to_end();
    assert_sound(&simulation, &ended, &before);
    let once: std::collections::BTreeSet<&String> = subjects.iter().collect();
    assert_eq!(once.len(), subjects.len(), "each once");
}

#[test]
fn an_approval_whose_wake_up_call_was_lost_still_wakes_the_recovery_within_a_minute() {
    let platform = Platform::default().with_plan(|plan| {
        plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
    });
    let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let asks = |simulation: &Simulation| {
        let incident = simulation.latest_incident();
        incident.and_then(|incident| incident.question).is_some_and(|question| question.token.is_some())
    };
    assert!(simulation.run_until(minutes(20), asks));
    simulation.obstruct(Rule { service: "states", operation: "SendTaskSuccess", fault: NOT_NOW, times: 1 });
    let incident = simulation.latest_incident().unwrap();
    let digest = incident.question.unwrap().digest();
    let command = json!({"command": "approve", "incident_id": incident.id, "digest": digest, "actor": "dana"});
    simulation.through("approve", &command).unwrap();
    let approved = simulation.cloud.now();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    let promoted = simulation.cloud.with(|state| state.world.losses()[0].requested);
    assert!(promoted.duration_since(approved).as_secs() <= 70, "approved at {approved}, promoted at {promoted}");
}

#[test]
fn the_same_approval_sent_again_wakes_the_recovery_too() {
    let platform = Platform::default().with_plan(|plan| {
        plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
    });
    let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
    let asks = |simulation: &Simulation| {
        let incident = simulation.latest_incident();
        incident.and_then(|incident| incident.question).is_some_and(|question| question.token.is_some())
    };
    assert!(simulation.run_until(minutes(20), asks));
    simulation.obstruct(Rule { service: "states", operation: "SendTaskSuccess", fault: NOT_NOW, times: 1 });
    let incident = simulation.latest_incident().unwrap();
    let digest = incident.question.unwrap().digest();
    let command = json!({"command": "approve", "incident_id": incident.id, "digest": digest, "actor": "dana"});
    simulation.through("approve", &command).unwrap();
    simulation.through("approve", &command).unwrap();
    let promoted = |simulation: &Simulation| simulation.cloud.with(|state| !state.world.losses().is_empty());
    assert!(simulation.run_until(seconds(10), promoted));
}

#[test]
fn the_notices_of_an_older_incident_are_sent_although_a_newer_one_was_declared() {
    let mut simulation = Platform::default().stand_up();
    simulation.run_for(seconds(332));
    simulation.obstruct(Rule { service: "sns", operation: "Publish", fault: NOT_NOW, times: u32::MAX });
    // The primary answers, so this alarm ends at once.
    simulation.deliver(&event("alarm.eventbridge.json"));
    assert!(simulation.run_until(minutes(5), |simulation| simulation.is_over()));
    let older = simulation.latest_incident().unwrap().id;
    assert_eq!(simulation.operate(&json!({"scenario": "database_failure"})).unwrap()["status"], "started");
    let newer = simulation.latest_incident().unwrap().id;
    assert_ne!(older, newer);
    simulation.clear_the_way();
    simulation.run_for(minutes(2));
    let notices = simulation.notices(&older);
    assert!(notices.len() >= 3 && notices.iter().all(|notice| notice.settled_at.is_some()), "{notices:?}");
    assert!(!simulation.platform().noticed.contains(&older), "and it is not looked at for ever");
    assert!(simulation.platform().noticed.contains(&newer));
}
