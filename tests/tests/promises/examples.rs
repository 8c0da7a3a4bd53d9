//! The example events are real: each is answered by the real handlers, and its answer has the form that is written beside it.

use std::path::PathBuf;

use rehearsal_world::Breakage;
use serde_json::{Map, Value, json};
use shared::domain::identifier::InstanceId;
use shared::domain::plan::{ApprovalRule, Component};
use shared::domain::step::FunctionName::{
    self, BackupVerify, ReadOnlyToggle, Recovery, ReplicationCheck, UpdateDatabaseEndpoints,
};
use simulation::{Outcome, Platform, Simulation};

use crate::common::{broken, database_failure, event, events, hang_and_raise, minutes, operations, seconds};

/// How the platform stands when an event arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    /// An ordinary morning.
    Calm,
    /// The primary hangs, and nobody has said so yet.
    Broken,
    /// A recovery waits for a person's answer.
    Asking,
    /// A recovery has completed.
    Recovered,
    /// A recovery has ended stuck.
    Stuck,
    /// A recovery holds writes, and has begun nothing else.
    Holding,
    /// A recovery that waits for an answer is paused.
    Paused,
    /// A recovery has ended stuck after its promotion.
    StuckAfterPromotion,
    /// An operator holds writes.
    Held,
    /// AWS Backup has restored a copy of the database for a test.
    RestoredForATest,
}

pub(crate) fn set_up(situation: Situation) -> Simulation {
    match situation {
        Situation::Calm => {
            let mut simulation = Platform::default().stand_up();
            simulation.run_for(seconds(332));
            simulation
        }
        Situation::Broken => broken(Platform::default(), Breakage::Hung),
        Situation::RestoredForATest => crate::restore_tests::restored(),
        Situation::Asking => {
            let platform = Platform::default().with_plan(|plan| {
                plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
            });
            let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
            let asks = |simulation: &Simulation| {
                let incident = simulation.latest_incident();
                incident.and_then(|incident| incident.question).is_some_and(|question| question.token.is_some())
            };
            assert!(simulation.run_until(minutes(20), asks));
            simulation
        }
        Situation::Recovered => {
            let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
            simulation.run_to_end();
            simulation
        }
        Situation::Held => {
            let mut simulation = set_up(Situation::Calm);
            let payload = event("read-only-toggle.read_only.json");
            let _ = simulation.invoke(ReadOnlyToggle, "live", &payload);
            simulation.run_to_end();
            simulation
        }
        Situation::Holding => {
            let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
            let holds = |simulation: &Simulation| !operations(simulation).is_empty();
            assert!(simulation.run_until(minutes(20), holds));
            simulation
        }
        Situation::Paused => {
            let mut simulation = set_up(Situation::Asking);
            let id = simulation.latest_incident().unwrap().id;
            simulation.operate(&json!({"command": "pause", "incident_id": id, "actor": "dana"})).unwrap();
            simulation
        }
        Situation::StuckAfterPromotion => {
            let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
            simulation.cloud.with(|state| state.services.values_mut().for_each(|service| service.running = 0));
            simulation.run_to_end();
            simulation
        }
        Situation::Stuck => {
            let platform = Platform::default().with_plan(|plan| {
                for component in plan.components.values_mut() {
                    if let Component::RdsInstance(database) = component {
                        database.recovery.id = InstanceId::new("healthcare-platform-dr-2").unwrap();
                    }
                }
            });
            let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
            simulation.run_to_end();
            simulation
        }
    }
}

/// File, function, alias, situation, and the status or error code of the answer.
const EXAMPLES: [(&str, FunctionName, &str, Situation, &str); 34] = [
    ("alarm.eventbridge.json", Recovery, "live", Situation::Broken, "started"),
    ("alarm.lambda.json", Recovery, "live", Situation::Broken, "started"),
    ("alarm.sns.json", Recovery, "live", Situation::Broken, "started"),
    ("recovery.start.json", Recovery, "live", Situation::Broken, "started"),
    ("recovery.start.in_full.json", Recovery, "live", Situation::Broken, "started"),
    ("recovery.dry_run.json", Recovery, "live", Situation::Broken, "predicted"),
    ("recovery.status.json", Recovery, "live", Situation::Asking, "running"),
    ("recovery.approve.json", Recovery, "approve", Situation::Asking, "approved"),
    ("recovery.reject.json", Recovery, "approve", Situation::Asking, "rejected"),
    ("recovery.acknowledge.json", Recovery, "live", Situation::Stuck, "stuck"),
    ("recovery.pause.json", Recovery, "live", Situation::Asking, "paused"),
    ("recovery.resume.json", Recovery, "live", Situation::Paused, "resumed"),
    ("recovery.retry.json", Recovery, "live", Situation::StuckAfterPromotion, "retried"),
    ("recovery.skip.json", Recovery, "approve", Situation::Holding, "skipped"),
    ("recovery.abort.json", Recovery, "live", Situation::Asking, "aborted"),
    ("recovery.disable.json", Recovery, "live", Situation::Calm, "disabled"),
    ("recovery.enable.json", Recovery, "live", Situation::Calm, "enabled"),
    ("recovery.watchdog.json", Recovery, "live", Situation::Asking, "watched"),
    ("execution.ended.json", Recovery, "live", Situation::Asking, "watched"),
    ("update-database-endpoints.new_endpoint.json", UpdateDatabaseEndpoints, "live", Situation::Recovered, "in_progress"),
    ("update-database-endpoints.site.json", UpdateDatabaseEndpoints, "live", Situation::Recovered, "in_progress"),
    ("update-database-endpoints.undo.json", UpdateDatabaseEndpoints, "live", Situation::Recovered, "endpoint_not_confirmed"),
    ("read-only-toggle.status.json", ReadOnlyToggle, "live", Situation::Asking, "read"),
    ("read-only-toggle.read_only.json", ReadOnlyToggle, "live", Situation::Calm, "in_progress"),
    ("read-only-toggle.read_write.json", ReadOnlyToggle, "live", Situation::Held, "in_progress"),
    ("replication-check.json", ReplicationCheck, "live", Situation::Calm, "within"),
    ("replication-check.component.json", ReplicationCheck, "live", Situation::Calm, "within"),
    ("backup-verify.json", BackupVerify, "live", Situation::Calm, "sufficient"),
    ("backup-verify.component.json", BackupVerify, "live", Situation::Calm, "sufficient"),
    ("backup-verify.archive.json", BackupVerify, "live", Situation::Calm, "sufficient"),
    ("backup-verify.look.json", BackupVerify, "live", Situation::Calm, "sufficient"),
    ("backup-verify.restore_job.json", BackupVerify, "live", Situation::RestoredForATest, "sufficient"),
    ("backup-verify.restore_job_by_hand.json", BackupVerify, "live", Situation::RestoredForATest, "sufficient"),
    ("recovery.status.json", Recovery, "live", Situation::Recovered, "completed"),
];

#[test]
fn every_example_is_answered_in_the_form_that_is_written_beside_it() {
    let mut seen = Vec::new();
    for (file, function, alias, situation, expected) in EXAMPLES {
        let mut simulation = set_up(situation);
        let mut payload = event(file);
        fill_in(&mut payload, &simulation);
        let answer = as_lambda_answers(simulation.invoke(function, alias, &payload));
        let (status, error) = (answer.get("status"), answer.get("errorType"));
        assert_eq!(status.or(error), Some(&json!(expected)), "{file}: {answer:#}");
        if error.is_none() {
            for field in ["incident_id", "status", "reason", "at"] {
                assert!(answer.get(field).is_some(), "the answer to {file} lacks {field}: {answer:#}");
            }
        }
        let ending = if seen.contains(&file) { format!("{expected}.json") } else { "json".to_owned() };
        let written = events().join("answers").join(file.replace("json", &ending));
        seen.push(file);
        compare(&written, &answer);
    }
    let mut files = names_in(events());
    files.retain(|name| !seen.contains(&name.as_str()));
    assert_eq!(files, [""; 0], "every example is tried");
}

#[test]
fn the_host_in_the_examples_is_the_replicas_own() {
    let simulation = set_up(Situation::Calm);
    let host = crate::common::host_of(&simulation, &simulation::replica_key());
    assert_eq!(event("update-database-endpoints.new_endpoint.json"), json!({"new_endpoint": host}));
}

/// Puts in what an operator would have read from `status`.
fn fill_in(payload: &mut Value, simulation: &Simulation) {
    let Some(incident) = simulation.latest_incident() else { return };
    if payload.get("undo").is_some() {
        payload["undo"] = json!(incident.id);
    }
    if payload.get("incident_id").is_some() {
        payload["incident_id"] = json!(incident.id);
    }
    if let (Some(_), Some(question)) = (payload.get("digest"), incident.question) {
        payload["digest"] = json!(question.digest());
    }
}

/// What the caller of a function gets.
fn as_lambda_answers(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(error) => json!({"errorType": error.code.as_str(), "errorMessage": error.message}),
        Outcome::Killed => panic!("nothing was told to kill it"),
    }
}

fn compare(written: &PathBuf, answer: &Value) {
    if std::env::var_os("RECOVERY_WRITE_EXAMPLES").is_some() {
        std::fs::create_dir_all(written.parent().unwrap()).unwrap();
        std::fs::write(written, format!("{answer:#}\n")).unwrap();
    }
    let text = std::fs::read_to_string(written).unwrap_or_else(|error| panic!("{}: {error}", written.display()));
    let example: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(shape(&example), shape(answer), "{} has another form than the answer", written.display());
}

/// The form of an answer: its fields and their types, and the words that programs match.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let word = |name: &str| ["status", "code", "errorType"].contains(&name);
            let shaped =
                fields.iter().map(|(name, value)| (name.clone(), if word(name) { value.clone() } else { shape(value) }));
            Value::Object(shaped.collect::<Map<_, _>>())
        }
        Value::Array(items) => json!(items.first().map(shape).into_iter().collect::<Vec<_>>()),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("yes or no"),
        Value::Null => Value::Null,
    }
}

/// The JSON files of a directory, by name.
pub(crate) fn names_in(directory: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(".json"));
    names.sort();
    names
}
