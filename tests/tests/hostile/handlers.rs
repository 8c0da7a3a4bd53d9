//! The five functions, from the text that Lambda hands over.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::domain::step::FunctionName;
use shared::engine::{Invocation, ReplicaPorts};
use shared::error::{Code, Disposition, RecoveryError};
use shared::printable::misleads;

use crate::examples::{payloads, plan, taken, tasks, tested_plan};
use crate::mutation::{apply, edits};
use crate::untouched::{Untouched, moment};

pub(crate) const FUNCTIONS: [FunctionName; 5] = [
    FunctionName::Recovery,
    FunctionName::UpdateDatabaseEndpoints,
    FunctionName::ReadOnlyToggle,
    FunctionName::ReplicationCheck,
    FunctionName::BackupVerify,
];

/// Lambda's id of the request.
const REQUEST: &str = "5d2c8a1e-1d7b-4e1e-9a51-0b1f6f4b2f3a";

/// What a function makes of a text, and the ports that it called.
pub(crate) fn send(function: FunctionName, text: &str) -> (Result<Value, RecoveryError>, Vec<&'static str>) {
    let ports = Untouched::default();
    let answer = shared::events::read(text).and_then(|payload| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(handle(function, &ports, &payload))
    });
    (answer, ports.calls())
}

async fn handle(function: FunctionName, ports: &Untouched, payload: &Value) -> Result<Value, RecoveryError> {
    let invocation = Invocation { claim_until: moment(), act_before: moment() };
    let (journal, clock, databases, lags, probes, services, mutations) = (ports, ports, ports, ports, ports, ports, ports);
    match function {
        FunctionName::Recovery => {
            use recovery_function::handler::{Caller, Ports, handle};
            let (executions, notices, predictors) = (ports, ports, ports);
            let caller = Caller {
                request_id: REQUEST.to_owned(),
                invoked_arn: "arn:aws:lambda:us-west-2:123456789012:function:healthcare-platform-recovery:approve"
                    .to_owned(),
                invocation,
                rehearsal: false,
            };
            let ports =
                Ports { journal, clock, databases, lags, probes, services, mutations, executions, notices, predictors };
            handle(ports, plan(), &caller, payload).await
        }
        FunctionName::UpdateDatabaseEndpoints => {
            use update_database_endpoints_function::handler::{Ports, handle};
            let ports = Ports { journal, clock, databases, places: ports, services, mutations, changes: ports };
            handle(ports, plan(), invocation, REQUEST, payload).await
        }
        FunctionName::ReadOnlyToggle => {
            use read_only_toggle_function::handler::{Ports, handle};
            let ports = Ports { journal, clock, databases, probes, holds: ports, mutations, changes: ports };
            handle(ports, plan(), invocation, REQUEST, payload).await
        }
        FunctionName::ReplicationCheck => {
            use replication_check_function::handler::handle;
            let ports = ReplicaPorts {
                clock,
                databases,
                tables: ports,
                clusters: ports,
                servers: ports,
                rules: ports,
                health: ports,
                lags,
            };
            handle(ports, plan(), payload).await.map(|checked| checked.answer)
        }
        FunctionName::BackupVerify => {
            use backup_verify_function::handler::{Ports, handle};
            let ports = Ports {
                clock,
                databases,
                backups: ports,
                objects: ports,
                secrets: ports,
                envelope_keys: ports,
                restores: ports,
                restored: ports,
                until: None,
            };
            handle(ports, tested_plan(), payload).await.map(|checked| checked.answer)
        }
    }
}

/// What must hold of the answer to anything.
fn sound(function: FunctionName, text: &str) {
    let (answer, calls) = send(function, text);
    match &answer {
        Err(error) => {
            assert!(Code::ALL.contains(&error.code));
            assert!(!error.message.chars().any(misleads), "{:?}", error.message);
            assert!(error.message.chars().count() < 1_000, "{:?}", error.message);
            // These ports never answer, so whoever calls one fails with that.
            let refused = error.code.disposition() == Disposition::Refused && error.code != Code::EndpointNotConfirmed;
            assert_eq!(refused, calls.is_empty(), "{}: {:?} after {calls:?}", function.as_str(), error);
        }
        Ok(answer) if calls.is_empty() => {
            assert_eq!(answer["status"], "ignored", "{}: {answer}", function.as_str());
            assert!(answer["code"].is_string(), "{answer}");
        }
        Ok(_) => {}
    }
    if !calls.is_empty() {
        let payload: Value = serde_json::from_str(text).unwrap();
        assert!(is_meant(function, &payload), "{} called {calls:?} for {text}", function.as_str());
    }
}

/// Whether a payload may lead to a call at all, judged from its fields alone and apart from the readers: one of ours has exactly
/// fields of its shape, and an alarm is the plan's own, gone off.
fn is_meant(function: FunctionName, payload: &Value) -> bool {
    let names: BTreeSet<&str> = payload.as_object().unwrap().keys().map(String::as_str).collect();
    let only = |allowed: &[&str]| names.iter().all(|name| allowed.contains(name));
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
    let step = only(&["task", "incident_id", "step", "direction"]) || only(&["task", "kind", "component"]);
    let asked = |own: &[&str]| only(&[own, &["actor", "reason", "request_id"]].concat());
    match function {
        FunctionName::Recovery if text("/detail-type") == Some("Step Functions Execution Status Change") => true,
        FunctionName::Recovery if text("/detail-type") == Some("CloudWatch Alarm State Change") => {
            is_our_alarm([text("/account"), text("/region"), text("/detail/alarmName"), text("/detail/state/value")])
                && payload["resources"] == json!([ALARM])
        }
        FunctionName::Recovery if names.contains("alarmData") => {
            is_our_alarm([text("/accountId"), text("/region"), text("/alarmData/alarmName"), text("/alarmData/state/value")])
                && text("/alarmArn") == Some(ALARM)
        }
        FunctionName::Recovery if names.contains("Records") => {
            // Without a look into fields that are overlooked: they may be nested deeper than a value can hold.
            let message: BTreeMap<String, Box<RawValue>> =
                serde_json::from_str(text("/Records/0/Sns/Message").unwrap()).unwrap();
            let field = |name: &str| serde_json::from_str::<String>(message.get(name)?.get()).ok();
            let [account, name, state] = ["AWSAccountId", "AlarmName", "NewStateValue"].map(field);
            is_our_alarm([account.as_deref(), Some("us-west-2"), name.as_deref(), state.as_deref()])
                && field("AlarmArn").as_deref() == Some(ALARM)
        }
        FunctionName::Recovery => {
            only(&["task", "incident_id", "step", "direction", "token"])
                || only(&["command", "incident_id", "step", "site", "digest", "actor", "reason", "request_id"])
                || only(&["change", "request_id", "actor", "reason"])
                || only(&["scenario", "region", "mode", "reason", "actor", "request_id", "platform"])
        }
        FunctionName::UpdateDatabaseEndpoints => {
            step || asked(&["new_endpoint"]) || asked(&["component", "site"]) || asked(&["undo"])
        }
        FunctionName::ReadOnlyToggle => step || asked(&["mode", "component"]),
        FunctionName::ReplicationCheck => only(&["component"]),
        FunctionName::BackupVerify if names.contains("detail-type") => {
            let ours = [text("/account"), text("/region")] == [Some("123456789012"), Some("us-west-2")];
            let named = text("/detail/restoreJobId")
                .is_some_and(|id| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'));
            let what = [text("/source"), text("/detail-type")];
            ours && named && what == [Some("aws.backup"), Some("Restore Job State Change")]
        }
        FunctionName::BackupVerify if names.contains("restore_job") => only(&["restore_job"]),
        FunctionName::BackupVerify => only(&["component", "backup", "level"]),
    }
}

const ALARM: &str = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:healthcare-platform-database-unreachable";

fn is_our_alarm([account, region, name, state]: [Option<&str>; 4]) -> bool {
    let expected = ["123456789012", "us-west-2", "healthcare-platform-database-unreachable", "ALARM"];
    [account, region, name, state] == expected.map(Some)
}

#[test]
fn the_examples_get_past_the_door() {
    // Otherwise all that follows would be about payloads that are refused for a reason of their own.
    for (name, payload) in taken().into_iter().chain(tasks()) {
        let text = payload.to_string();
        let through = FUNCTIONS.into_iter().any(|function| {
            let (answer, calls) = send(function, &text);
            !calls.is_empty() || answer.is_err_and(|error| error.code == Code::NotInThisVersion)
        });
        assert!(through, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_payload_changed_in_any_place_is_refused_calmly_or_meant(
        example in any::<Index>(),
        edits in edits(),
        function in select(FUNCTIONS.to_vec()),
    ) {
        let mut payload = payloads()[example.index(payloads().len())].1.clone();
        apply(&mut payload, &edits);
        sound(function, &payload.to_string());
    }

    #[test]
    fn an_alarm_message_within_sns_changed_in_any_place_is_refused_calmly_or_meant(edits in edits()) {
        let mut payload = taken().into_iter().find(|(name, _)| name == "alarm.sns.json").unwrap().1;
        let mut message: Value = serde_json::from_str(payload["Records"][0]["Sns"]["Message"].as_str().unwrap()).unwrap();
        apply(&mut message, &edits);
        payload["Records"][0]["Sns"]["Message"] = json!(message.to_string());
        sound(FunctionName::Recovery, &payload.to_string());
    }

    #[test]
    fn a_payload_whose_text_is_damaged_is_refused_calmly_or_meant(
        example in any::<Index>(),
        damage in proptest::collection::vec((any::<Index>(), 0..4_usize, select(PIECES)), 1..4),
        function in select(FUNCTIONS.to_vec()),
    ) {
        let mut text: Vec<char> = payloads()[example.index(payloads().len())].1.to_string().chars().collect();
        for (at, removed, piece) in damage {
            let start = at.index(text.len() + 1);
            let end = (start + removed).min(text.len());
            text.splice(start..end, piece.chars());
        }
        sound(function, &text.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_at_all_is_refused_calmly(text in ".{0,200}", function in select(FUNCTIONS.to_vec())) {
        sound(function, &text);
    }
}

/// What makes trouble within a text of JSON.
const PIECES: &[&str] = &[
    "\"", "\\", "{", "}", "[", "]", ",", ":", "\\ud800", "\\u0000", "1e999", "-", "NaN", "\u{feff}", "\u{0}", "//", "null",
];

#[test]
fn what_is_json_and_yet_no_value_of_ours_is_refused_with_our_code() {
    let deep = format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000));
    let wide = format!("{{\"scenario\":\"{}\"}}", "x".repeat(1_000_000));
    for (text, code) in [
        (r#"{"scenario":"\ud800"}"#, Code::PayloadUnreadable),
        (r#"{"scenario":1e999}"#, Code::PayloadUnreadable),
        (deep.as_str(), Code::PayloadUnreadable),
        (wide.as_str(), Code::PayloadTooLarge),
        (r#"{"command":"status","command":"approve"}"#, Code::PayloadUnreadable),
    ] {
        for function in FUNCTIONS {
            let (answer, calls) = send(function, text);
            assert_eq!(answer.map_err(|error| error.code), Err(code), "{:.60}", text);
            assert!(calls.is_empty());
        }
    }
}

#[test]
fn what_people_state_is_one_line_that_prints() {
    for payload in [
        json!({"scenario": "database_failure", "reason": "drill\nThen acknowledge it."}),
        json!({"scenario": "database_failure", "actor": "\u{202e}anad"}),
        json!({"command": "status", "actor": "\u{1b}[2J"}),
        json!({"task": "await_approval", "incident_id": "healthcare-platform-uu65ljn6gv2flmzetf2w3nj2kk",
            "step": "05-promote-database", "token": "a".repeat(3_000)}),
    ] {
        let (answer, calls) = send(FunctionName::Recovery, &payload.to_string());
        assert_eq!(answer.map_err(|error| error.code), Err(Code::PayloadUnreadable), "{payload}");
        assert!(calls.is_empty());
    }
}
