//! What must be refused is refused with its code, before anything is touched.

use serde_json::{Value, json};
use shared::domain::step::FunctionName;
use simulation::{Outcome, Simulation};

use crate::common::{event, events};
use crate::examples::{Situation, names_in, set_up};

const FUNCTIONS: [FunctionName; 5] = [
    FunctionName::Recovery,
    FunctionName::UpdateDatabaseEndpoints,
    FunctionName::ReadOnlyToggle,
    FunctionName::ReplicationCheck,
    FunctionName::BackupVerify,
];

/// Everything that a refusal leaves as it was.
fn touched(simulation: &Simulation) -> (usize, usize, usize, usize) {
    simulation.cloud.with(|state| (state.journal.commits, state.effects.len(), state.executions.len(), state.notices.len()))
}

/// Sends a payload and says how it was refused; nothing may have been touched.
fn refusal(simulation: &Simulation, function: FunctionName, alias: &str, payload: &Value, name: &str) -> Value {
    let mut simulation = simulation.fork();
    let before = touched(&simulation);
    let outcome = simulation.invoke(function, alias, payload);
    assert_eq!(touched(&simulation), before, "{name} touched something");
    match outcome {
        Outcome::Failed(error) => {
            let misleading = |c: char| c.is_control() || ('\u{200b}'..='\u{202e}').contains(&c);
            assert!(!error.message.chars().any(misleading), "{name} is repeated as it is: {:?}", error.message);
            assert!(error.message.len() < 1_000, "{name}: the refusal is {} long", error.message.len());
            json!({"code": error.code.as_str()})
        }
        Outcome::Answered(answer) => {
            assert!(answer.get("code").is_some(), "{name}: what is ignored says why: {answer}");
            json!({"status": answer["status"]})
        }
        Outcome::Killed => panic!("{name}: nothing was told to kill it"),
    }
}

#[test]
fn every_hostile_payload_is_refused_with_its_code_and_touches_nothing() {
    let (calm, recovered) = (set_up(Situation::Calm), set_up(Situation::Recovered));
    let names = names_in(events().join("hostile"));
    assert!(names.len() > 80);
    for name in names {
        let case = event(&format!("hostile/{name}"));
        let function = FUNCTIONS.into_iter().find(|function| case["function"] == function.as_str());
        let function = function.unwrap_or_else(|| panic!("{name} names no function"));
        let simulation = match case.get("situation").and_then(Value::as_str) {
            None => &calm,
            Some("recovered") => &recovered,
            Some(other) => panic!("{name}: there is no situation {other}"),
        };
        let alias = case.get("alias").and_then(Value::as_str).unwrap_or("live");
        assert_eq!(refusal(simulation, function, alias, &case["payload"], &name), case["expect"], "{name}");
    }
}

#[test]
fn the_one_host_that_is_right_is_told_apart_from_all_of_them() {
    let recovered = set_up(Situation::Recovered);
    let right = event("update-database-endpoints.new_endpoint.json");
    let taken = recovered.fork().invoke(FunctionName::UpdateDatabaseEndpoints, "live", &right);
    assert!(matches!(&taken, Outcome::Answered(answer) if answer["status"] == "in_progress"), "{taken:?}");
}

#[test]
fn an_oversized_payload_is_refused_by_every_function() {
    let calm = set_up(Situation::Calm);
    let payload = json!({"scenario": "database_failure", "reason": "a".repeat(70_000)});
    for function in FUNCTIONS {
        let refused = refusal(&calm, function, "live", &payload, function.as_str());
        assert_eq!(refused, json!({"code": "payload_too_large"}), "{}", function.as_str());
    }
}

#[test]
fn a_text_that_is_too_long_for_a_notice_is_refused() {
    let calm = set_up(Situation::Calm);
    for field in ["reason", "actor", "request_id", "region"] {
        let mut payload = json!({"scenario": "database_failure"});
        payload[field] = json!("a".repeat(501));
        let refused = refusal(&calm, FunctionName::Recovery, "live", &payload, field);
        assert_eq!(refused, json!({"code": "payload_unreadable"}), "{field}");
    }
}

#[test]
fn an_alarm_with_fields_that_aws_has_yet_to_invent_is_heard_all_the_same() {
    let mut broken = set_up(Situation::Broken);
    let mut alarm = event("alarm.eventbridge.json");
    alarm["detail"]["severity"] = json!({"level": 1});
    alarm["event-metadata"] = json!(["new"]);
    alarm["detail"]["state"]["evaluatedBy"] = json!("a better evaluator");
    assert_eq!(broken.operate(&alarm).unwrap()["status"], "started");
}
