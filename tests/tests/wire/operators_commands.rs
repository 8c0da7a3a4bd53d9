//! What operators and schedules invoke, partly word for word from the runbook and with the real AWS CLI.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use recoveryctl::drill::Drill;
use rehearsal::emulator::PythonEnvironment;
use serde_json::{Value, json};

use crate::evidence::{assert_checks_agree, assert_each_took_effect_once, effects, text};
use crate::stage::{end, play, unwatched_primary, workplace};

#[test]
fn checks_and_the_runbooks_own_commands_work_on_one_stage() {
    let cli = CommandLine::install();
    play(unwatched_primary(), async |drill| {
        let mark = drill.stage.log.mark();
        replication_check_answers_with_a_verdict(drill).await;
        backup_verify_answers_with_the_proof_level_that_it_reached(drill).await;
        backup_verify_reads_the_newest_archive_to_its_last_byte(drill).await;
        read_only_toggle_tells_how_every_enforcement_point_stands(drill).await;
        the_runbooks_payloads_that_this_plan_cannot_follow_are_refused_with_a_reason(drill, &cli).await;
        assert!(effects(&drill.stage, mark).is_empty(), "whoever only asks changes nothing");
        one_command_recovers_the_platform(drill, &cli).await;
    });
}

async fn ask(drill: &Drill, function: &str, payload: Value) -> Value {
    drill.stage.client.invoke(drill.platform.region(), function, &payload).await.unwrap()
}

async fn replication_check_answers_with_a_verdict(drill: &Drill) {
    let everything = ask(drill, "replication-check", json!({})).await;
    assert_eq!(everything["status"], "unknown", "nothing is published of the data lake's copy: {everything}");
    let answer = ask(drill, "replication-check", json!({"component": "database"})).await;
    assert_eq!(answer["status"], "within", "{answer}");
    let replica = &answer["replicas"][0];
    assert_eq!(replica["replica"], "healthcare-platform-dr");
    assert_eq!(replica["role"], "replica");
    assert_eq!(replica["rpo"], "within");
    assert!(replica["lag_s"].is_u64());
    assert!(replica["reason"].is_string() && replica["observed_at"].is_string() && replica["source"].is_string());
}

async fn backup_verify_answers_with_the_proof_level_that_it_reached(drill: &Drill) {
    let answer = ask(drill, "backup-verify", json!({"component": "database"})).await;
    assert_eq!(answer["status"], "sufficient", "{answer}");
    let backup = &answer["backups"][0];
    assert_eq!(backup["instance"], "healthcare-platform-prod");
    assert_eq!(backup["level"], "present");
    assert!(!backup["evidence"].as_array().unwrap().is_empty());
    assert!(!backup["not_checked"].as_array().unwrap().is_empty(), "what was not checked is said");
}

async fn backup_verify_reads_the_newest_archive_to_its_last_byte(drill: &Drill) {
    let mark = drill.stage.log.mark();
    let answer = ask(drill, "backup-verify", json!({"component": "database_archives"})).await;
    assert_eq!(answer["status"], "sufficient", "{answer:#}");
    let backup = &answer["backups"][0];
    assert_eq!(backup["archive"], "s3://healthcare-platform-backups-dr/nightly.dump");
    assert_eq!(backup["required"], "decodable");
    assert_eq!(backup["level"], "consistent", "it has a manifest: {backup:#}");
    let sites: Vec<&Value> = backup["sites"].as_array().unwrap().iter().collect();
    assert_eq!(sites.iter().map(|site| &site["freshness"]).collect::<Vec<_>>(), ["within", "within"]);
    let records = drill.stage.log.records_since(mark).into_iter().filter(|record| record.service == "s3");
    let asked: Vec<String> = records.map(|record| record.operation.clone()).collect();
    assert_eq!(asked, ["ListObjectsV2", "ListObjectsV2", "HeadObject", "HeadObject", "GetObject", "GetObject"]);
}

async fn read_only_toggle_tells_how_every_enforcement_point_stands(drill: &Drill) {
    let answer = ask(drill, "read-only-toggle", json!({"mode": "status"})).await;
    assert_eq!(answer["status"], "read", "{answer}");
    let points = answer["points"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    for point in points {
        assert_eq!(point["strength"], "advisory");
        assert_eq!(point["now"]["seen"], "found", "{point}");
    }
}

async fn the_runbooks_payloads_that_this_plan_cannot_follow_are_refused_with_a_reason(drill: &Drill, cli: &CommandLine) {
    let payload = r#"{"scenario": "api_failure", "region": "us-east-1"}"#;
    let (said, answer) = cli.invoke(drill, "healthcare-platform-recovery", payload).await;
    assert_eq!(said["FunctionError"], "Unhandled", "{said}");
    assert_eq!(answer["errorType"], "scenario_not_in_plan", "{answer}");
    let why = text(&answer, "/errorMessage");
    assert!(why.contains("api_failure") && why.contains("it has: database_failure"), "{why}");

    let payload = r#"{"new_endpoint": "healthcare-platform-dr.cluster-xxxx.us-west-2.rds.amazonaws.com"}"#;
    let (said, answer) = cli.invoke(drill, "update-database-endpoints", payload).await;
    assert_eq!(said["FunctionError"], "Unhandled", "{said}");
    assert_eq!(answer["errorType"], "endpoint_not_confirmed", "{answer}");
    let why = text(&answer, "/errorMessage");
    assert!(why.contains("cluster-xxxx") && why.contains("nothing was changed"), "{why}");
}

async fn one_command_recovers_the_platform(drill: &Drill, cli: &CommandLine) {
    let broken_at = drill.break_primary();
    let promised = drill.predict().await.unwrap();
    let mark = drill.stage.log.mark();
    let payload = r#"{"scenario": "database_failure", "region": "us-east-1"}"#;
    let (said, answer) = cli.invoke(drill, "healthcare-platform-recovery", payload).await;
    assert!(said["FunctionError"].is_null(), "{answer}");
    assert_eq!(answer["status"], "started", "{answer}");
    let status = end(drill).await;
    assert_eq!(status["status"], "completed", "{}", status["reason"]);
    assert_eq!(status["incident_id"], answer["incident_id"]);
    assert_eq!(status["report"]["mode"], "ungraceful", "nobody said which, and the primary does not answer");
    assert_each_took_effect_once(&drill.stage, mark, &promised);
    let report = drill.judge(&status, promised, mark, Some(broken_at), 0).await.unwrap();
    assert_checks_agree(&report);
}

/// The AWS CLI, pinned, in an environment of its own and without any setting of whoever runs the tests.
struct CommandLine {
    python: PythonEnvironment,
    directory: PathBuf,
}

impl CommandLine {
    fn install() -> Self {
        let python = PythonEnvironment::prepare_aws_cli(&workplace().target, |line| println!("{line}")).unwrap();
        let directory = workplace().run_directory().with_extension("cli");
        std::fs::create_dir_all(&directory).unwrap();
        Self { python, directory }
    }

    /// `aws lambda invoke` with the payload as the runbook has it: what the CLI says, and what the function answered.
    ///
    /// This is version 1, which takes a payload as it is. Version 2 wants `--cli-binary-format raw-in-base64-out` besides, an
    /// option that version 1 does not know.
    async fn invoke(&self, drill: &Drill, function: &str, payload: &str) -> (Value, Value) {
        let response = self.directory.join("response.json");
        let mut command = Command::new(self.python.interpreter());
        command.env_clear();
        for name in ["PATH", "LANG", "LC_ALL", "TZ"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .current_dir(&self.directory)
            .env("HOME", &self.directory)
            .env("AWS_CONFIG_FILE", self.directory.join("no-config"))
            .env("AWS_SHARED_CREDENTIALS_FILE", self.directory.join("no-credentials"))
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .args(["-m", "awscli", "lambda", "invoke", "--function-name", function, "--payload", payload])
            .args(["--region", drill.platform.region(), "--endpoint-url", &drill.stage.endpoint()])
            .arg(&response)
            .stdin(Stdio::null());
        // A blocking wait would keep the proxy from answering on this thread.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {complaint}", output.status);
        let said = serde_json::from_slice(&output.stdout).unwrap();
        (said, serde_json::from_slice(&std::fs::read(&response).unwrap()).unwrap())
    }
}
