//! Somebody stops the state machine by hand, and the incident must not be left in between.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::evidence::text;
use crate::stage::{play, start, status_when, unwatched_primary};

#[test]
fn an_incident_whose_execution_was_stopped_is_stuck_until_a_person_acknowledges_it() {
    play(unwatched_primary(), async |drill| {
        drill.break_primary();
        let started = start(drill).await;
        let id = text(&started, "/incident_id").to_owned();
        let fencing = |status: &serde_json::Value| {
            let steps = status["steps"].as_array().unwrap();
            steps.iter().any(|step| step["step"] == "02-fence-database" && step["status"] == "running")
        };
        status_when(drill, "the fence", fencing).await;
        let parameters = json!({"executionArn": text(&started, "/execution_arn"), "cause": "stopped by hand"});
        drill.stage.client.call("stepfunctions", drill.platform.region(), "stop_execution", parameters).await.unwrap();
        let stopped = Instant::now();

        // A rule tells the watchdog that an execution ended, and a schedule wakes it every minute. Rehearsals have no schedules, so
        // the test stands in for them: while the last attempt still writes, the watchdog leaves the incident for its next turn.
        let status = loop {
            let watched = drill.invoke(&json!({"task": "watchdog"})).await.unwrap();
            println!("{watched}");
            let status = drill.invoke(&json!({"command": "status"})).await.unwrap();
            if status["status"] != "running" {
                break status;
            }
            assert!(stopped.elapsed() < Duration::from_secs(30), "{status:#}");
            tokio::time::sleep(Duration::from_millis(500)).await;
        };
        assert_eq!(status["status"], "stuck", "{status:#}");
        assert!(text(&status, "/reason").contains("ABORTED"), "{}", status["reason"]);
        let left = status["report"]["commands_left"].as_array().unwrap();
        assert!(!left.is_empty(), "the fence was begun, so a person needs the commands that are left");

        let request = json!({"scenario": "database_failure", "region": "us-east-1", "mode": "ungraceful"});
        let held = drill.invoke(&request).await.unwrap();
        assert_eq!((&held["status"], &held["incident_id"]), (&json!("joined"), &json!(id)), "{held}");

        let acknowledge =
            json!({"command": "acknowledge", "incident_id": id, "actor": "dana", "reason": "fence lifted by hand"});
        let acknowledged = drill.invoke(&acknowledge).await.unwrap();
        assert_eq!(acknowledged["status"], "stuck", "what happened stays what it was: {acknowledged}");
        let next = drill.invoke(&request).await.unwrap();
        assert_eq!(next["status"], "started", "the platform is free again: {next}");
        assert_ne!(next["incident_id"], json!(id));
    });
}
