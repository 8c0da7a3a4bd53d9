//! CloudWatch, EventBridge, SNS and Lambda may each deliver an alarm more than once, and a platform may have wired up all three
//! ways by which an alarm can arrive.

use std::collections::BTreeSet;

use jiff::Timestamp;
use recoveryctl::drill::Drill;
use serde_json::{Value, json};

use crate::evidence::{assert_checks_agree, text};
use crate::stage::{end, play, repository, unwatched_primary};

/// An example event with another time of the alarm's change.
fn event(name: &str, pointer: &str, changed_at: &str) -> Value {
    let path = repository().join("events").join(name);
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    *event.pointer_mut(pointer).unwrap() = json!(changed_at);
    event
}

/// The notification's message is JSON inside JSON.
fn notification(changed_at: &str) -> Value {
    const MESSAGE: &str = "/Records/0/Sns/Message";
    let mut event = event("alarm.sns.json", "/Records/0/Sns/Timestamp", changed_at);
    let mut message: Value = serde_json::from_str(text(&event, MESSAGE)).unwrap();
    message["StateChangeTime"] = json!(changed_at);
    *event.pointer_mut(MESSAGE).unwrap() = json!(message.to_string());
    event
}

/// One change of the alarm in the three shapes in which it can arrive.
fn shapes(changed_at: Timestamp) -> [Value; 3] {
    // As CloudWatch writes it: milliseconds, and an offset without a colon.
    let changed_at = changed_at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string();
    [
        event("alarm.eventbridge.json", "/detail/state/timestamp", &changed_at),
        event("alarm.lambda.json", "/alarmData/state/timestamp", &changed_at),
        notification(&changed_at),
    ]
}

/// Hands an event to the function as EventBridge and SNS do: nobody waits for the answer.
async fn deliver(drill: &Drill, event: &Value) {
    let parameters = json!({
        "FunctionName": drill.platform.recovery_function(), "InvocationType": "Event", "Payload": event.to_string(),
    });
    drill.stage.client.call("lambda", drill.platform.region(), "invoke", parameters).await.unwrap();
}

#[test]
fn one_alarm_in_three_shapes_and_delivered_again_and_again_starts_one_recovery() {
    play(unwatched_primary(), async |drill| {
        let broken_at = drill.break_primary();
        let promised = drill.predict().await.unwrap();
        let mark = drill.stage.log.mark();
        let shapes = shapes(drill.stage.now());

        // Twice each and side by side, then once more with somebody who reads the answers.
        for event in shapes.iter().chain(&shapes) {
            deliver(drill, event).await;
        }
        let mut incidents = BTreeSet::new();
        let mut answers = Vec::new();
        for event in &shapes {
            let answer = drill.invoke(event).await.unwrap();
            incidents.insert(text(&answer, "/incident_id").to_owned());
            answers.push(text(&answer, "/status").to_owned());
        }
        // Whichever came first started it; it may be one of those whose answer nobody reads.
        assert!(["started", "already_started"].contains(&answers[0].as_str()), "{answers:?}");
        assert_eq!(answers[1..], ["already_started", "already_started"]);

        // A person who asks for the same meanwhile joins in.
        let request = json!({"scenario": "database_failure", "region": "us-east-1"});
        let joined = drill.invoke(&request).await.unwrap();
        assert_eq!(joined["status"], "joined", "{joined}");
        incidents.insert(text(&joined, "/incident_id").to_owned());

        let status = end(drill).await;
        assert_eq!(status["status"], "completed", "{}", status["reason"]);
        incidents.insert(text(&status, "/incident_id").to_owned());
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        let report = drill.judge(&status, promised, mark, Some(broken_at), 0).await.unwrap();
        assert_checks_agree(&report);

        // A late copy finds the incident that it started; another change of the alarm finds the platform in its other site.
        let late = drill.invoke(&shapes[0]).await.unwrap();
        assert_eq!(late["status"], "already_started", "{late}");
        let [another, ..] = self::shapes(drill.stage.now());
        let another = drill.invoke(&another).await.unwrap();
        assert_eq!((&another["status"], &another["code"]), (&json!("ignored"), &json!("already_moved")), "{another}");
    });
}
