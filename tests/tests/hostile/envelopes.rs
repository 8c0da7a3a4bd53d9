//! A field that nobody knows: refused in what is ours, overlooked in what is AWS's. Every place of every example is tried.

use serde_json::{Value, json};
use shared::error::Code;
use shared::events::request::{RecoveryRequest, recovery};
use shared::events::restore_job::RestoreJobChange;
use shared::events::{alarm, restore_job};

use crate::examples::{taken, tasks};
use crate::handlers::{FUNCTIONS, send};
use crate::mutation::{get_mut, places};

/// The payload with a field that nobody knows in each of its objects, one at a time.
fn with_an_unknown_field(payload: &Value) -> Vec<Value> {
    let into = |place: &Vec<_>| {
        let mut payload = payload.clone();
        let object = get_mut(&mut payload, place).as_object_mut()?;
        object.insert("unheardOf".to_owned(), json!({"level": [1]}));
        Some(payload)
    };
    places(payload).iter().filter_map(into).collect()
}

/// The restore job that an event of AWS Backup names.
fn restore_job(payload: &Value) -> Option<RestoreJobChange> {
    restore_job::read(payload)?.ok()
}

fn is_from_aws(payload: &Value) -> bool {
    ["detail-type", "alarmData", "Records"].iter().any(|name| payload.get(name).is_some())
}

#[test]
fn a_field_that_nobody_knows_is_refused_in_every_payload_of_ours() {
    let mut tried = 0;
    for (name, payload) in taken().into_iter().chain(tasks()).filter(|(_, payload)| !is_from_aws(payload)) {
        for spoilt in with_an_unknown_field(&payload) {
            for function in FUNCTIONS {
                let (answer, calls) = send(function, &spoilt.to_string());
                let code = answer.unwrap_err().code;
                assert!(matches!(code, Code::PayloadUnreadable | Code::CommandUnknown), "{name}: {code:?}");
                assert!(calls.is_empty(), "{name}: {calls:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 100, "{tried}");
}

#[test]
fn a_field_that_aws_adds_anywhere_changes_nothing() {
    let mut tried = 0;
    for (name, payload) in taken().into_iter().filter(|(_, payload)| is_from_aws(payload)) {
        for grown in with_an_unknown_field(&payload) {
            match restore_job(&payload) {
                Some(meant) => assert_eq!(restore_job(&grown), Some(meant), "{name}: {grown}"),
                None => assert_eq!(recovery(&grown).unwrap(), recovery(&payload).unwrap(), "{name}: {grown}"),
            }
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
}

#[test]
fn a_field_that_aws_adds_to_the_message_within_sns_changes_nothing() {
    let (_, payload) = taken().into_iter().find(|(name, _)| name == "alarm.sns.json").unwrap();
    let RecoveryRequest::Alarm(meant) = recovery(&payload).unwrap() else { panic!("an alarm") };
    let message: Value = serde_json::from_str(payload["Records"][0]["Sns"]["Message"].as_str().unwrap()).unwrap();
    for grown in with_an_unknown_field(&message) {
        let mut payload = payload.clone();
        payload["Records"][0]["Sns"]["Message"] = json!(grown.to_string());
        assert_eq!(alarm::read(&payload).unwrap().unwrap(), meant, "{grown}");
    }
}
