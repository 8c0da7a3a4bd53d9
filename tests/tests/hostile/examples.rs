//! The valid examples, and the plan that they speak of.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use shared::domain::plan::{Component, Plan};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn json_in(folder: &str) -> Vec<(String, Value)> {
    let folder = repository().join(folder);
    let mut found: Vec<(String, Value)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap())
        })
        .collect();
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert!(!found.is_empty(), "no examples in {}", folder.display());
    found
}

/// Every example of what is sent to a function: what is taken, and what is refused, for that is changed too.
pub(crate) fn payloads() -> &'static [(String, Value)] {
    static ALL: OnceLock<Vec<(String, Value)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let hostile = json_in("events/hostile").into_iter().map(|(name, case)| (name, case["payload"].clone()));
        taken().into_iter().chain(tasks()).chain(hostile).collect()
    })
}

/// Every example of what a function takes.
pub(crate) fn taken() -> Vec<(String, Value)> {
    json_in("events")
}

/// What the state machine sends.
pub(crate) fn tasks() -> Vec<(String, Value)> {
    let incident = "healthcare-platform-uu65ljn6gv2flmzetf2w3nj2kk";
    let step = "05-repoint-database";
    [
        serde_json::json!({"task": "assess", "incident_id": incident}),
        serde_json::json!({"task": "advance", "incident_id": incident}),
        serde_json::json!({"task": "report", "incident_id": incident}),
        serde_json::json!({"task": "step", "incident_id": incident, "step": step, "direction": "apply"}),
        serde_json::json!({"task": "await_approval", "incident_id": incident, "step": step, "token": "AQCEAAAAKgAAAAMAAAAA"}),
        serde_json::json!({"task": "predict", "kind": "repoint", "component": "database"}),
    ]
    .into_iter()
    .map(|task| (format!("task {}", task["task"]), task))
    .collect()
}

pub(crate) fn plan_text() -> &'static str {
    include_str!("../../../plans/healthcare-platform.yaml")
}

/// Without one no event of AWS Backup leads to a call.
fn with_a_restore_test(mut plan: Plan) -> Plan {
    for component in plan.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            let queries = serde_json::json!([{"name": "up", "sql": "SELECT true", "expect": "true"}]);
            let test = serde_json::json!({"database": "healthcare", "secret": "restore-test", "queries": queries});
            let backups = serde_json::json!({"encrypted": true, "restore_test": test});
            database.backups = Some(serde_json::from_value(backups).unwrap());
        }
    }
    plan
}

pub(crate) fn plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| shared::planfile::read(plan_text()).plan.unwrap())
}

/// The same with a restore test.
pub(crate) fn tested_plan() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| with_a_restore_test(plan().clone()))
}
