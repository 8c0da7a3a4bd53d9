//! A loss beyond what was allowed in advance is a person's decision, and only an approver's.

use std::time::Duration;

use recoveryctl::drill::{Drill, Situation};
use rehearsal::stage::ClientError;
use serde_json::{Value, json};

use crate::evidence::{assert_checks_agree, assert_each_took_effect_once, text};
use crate::secrets::assert_none_is_told;
use crate::stage::{end, play, start, status_when, unwatched_primary};

/// Beyond the ten minutes that the plan allows, and beyond the recovery point objective of fifteen.
const LAG: Duration = Duration::from_secs(20 * 60);

async fn command(drill: &Drill, qualifier: &str, payload: &Value) -> Result<Value, ClientError> {
    let function = format!("{}{qualifier}", drill.platform.recovery_function());
    drill.stage.client.invoke(drill.platform.region(), &function, payload).await
}

fn code(answer: Result<Value, ClientError>) -> String {
    match answer {
        Err(ClientError::Service { code, message }) => {
            assert!(!message.is_empty());
            code
        }
        other => panic!("this must be refused: {other:?}"),
    }
}

#[test]
fn a_loss_beyond_what_was_allowed_in_advance_waits_for_an_approver() {
    play(Situation { lag: LAG, ..unwatched_primary() }, async |drill| {
        let broken_at = drill.break_primary();
        let promised = drill.predict().await.unwrap();
        let mark = drill.stage.log.mark();
        let id = text(&start(drill).await, "/incident_id").to_owned();

        let asking = status_when(drill, "a question", |status| !status["question"].is_null()).await;
        let question = text(&asking, "/question/text");
        assert!(question.contains("Promote healthcare-platform-dr and lose up to"), "{question}");
        let digest = text(&asking, "/question/digest");
        let approve = json!({"command": "approve", "incident_id": id, "digest": digest, "actor": "dana"});

        for qualifier in ["", ":live"] {
            assert_eq!(code(command(drill, qualifier, &approve).await), "approver_not_allowed");
        }
        let unread = json!({"command": "approve", "incident_id": id, "digest": "0".repeat(64), "actor": "dana"});
        assert_eq!(code(command(drill, ":approve", &unread).await), "digest_differs");
        let waiting = drill.invoke(&json!({"command": "status"})).await.unwrap();
        assert_eq!(text(&waiting, "/question/digest"), digest, "a refused verdict changes nothing");
        assert!(drill.stage.world().losses().is_empty(), "nothing is promoted before the approval");

        let approved = command(drill, ":approve", &approve).await.unwrap();
        assert_eq!(approved["status"], "approved", "{approved}");
        let status = end(drill).await;
        assert_eq!(status["status"], "completed", "{}", status["reason"]);
        assert_each_took_effect_once(&drill.stage, mark, &promised);
        let report = drill.judge(&status, promised, mark, Some(broken_at), 0).await.unwrap();
        assert_checks_agree(&report);
        let rows = report.objectives.as_array().unwrap();
        let database = rows.iter().find(|row| row["component"] == "database").unwrap();
        assert_eq!(database["rpo"]["met"], false, "an approved loss beyond the objective is still reported as one");
        assert!(!report.is_good());
        assert_none_is_told(drill, &report).await;
    });
}
