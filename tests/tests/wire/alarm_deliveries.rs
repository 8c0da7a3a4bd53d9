//! CloudWatch, EventBridge, SNS and Lambda may each deliver an alarm more than once, and a platform may have wired up all three
//! ways by which an alarm can arrive.

use std::collections::BTreeSet;

use recoveryctl::drill::Drill;
use recoveryctl::drill::faults::{Shape, alarm_event};
use serde_json::{Value, json};

use crate::evidence::{assert_checks_agree, text};
use crate::stage::{end, play, rehearse, unwatched_primary};

/// The alarm changes now; in the three shapes in which that can arrive.
fn shapes(drill: &Drill) -> [Value; 3] {
    let now = drill.stage.now();
    Shape::ALL.map(|shape| alarm_event(&drill.platform, shape, now))
}

#[test]
fn one_alarm_three_times_in_each_of_three_shapes_is_one_recovery() {
    let report = rehearse(&["alarm-again"]);
    assert_eq!(report.status, "completed");
    assert_eq!(report.faults[0].struck, 9);
}

#[test]
fn one_alarm_in_three_shapes_and_delivered_again_and_again_starts_one_recovery() {
    play(unwatched_primary(), async |drill| {
        let broken_at = drill.break_primary();
        let promised = drill.predict().await.unwrap();
        let mark = drill.stage.log.mark();
        let shapes = shapes(drill);

        // Twice each and side by side, then once more with somebody who reads the answers.
        for event in shapes.iter().chain(&shapes) {
            drill.deliver(event).await.unwrap();
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
        let [another, ..] = self::shapes(drill);
        let another = drill.invoke(&another).await.unwrap();
        assert_eq!((&another["status"], &another["code"]), (&json!("ignored"), &json!("already_moved")), "{another}");
    });
}
