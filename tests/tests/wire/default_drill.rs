//! What a newcomer sees first.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::{Place, repository, workplace};

/// The objects of a list.
fn rows<'a>(report: &'a Value, name: &str) -> &'a [Value] {
    let rows = report[name].as_array().unwrap_or_else(|| panic!("{name} is no list: {:#}", report[name]));
    assert!(!rows.is_empty(), "{name} is empty");
    rows
}

#[test]
fn the_default_drill_ends_with_success_and_one_json_document_that_says_why() {
    let directory = workplace().run_directory().with_extension("report");
    let _place = Place::take();
    let output = Command::new(workplace().binaries.join("recoveryctl"))
        .current_dir(repository())
        .args(["drill", "--format", "json", "--report"])
        .arg(&directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(report["platform"], "healthcare-platform");
    assert_eq!(report["scenario"], "database_failure");
    assert_eq!(report["mode"], "ungraceful");
    assert_eq!(report["status"], "completed");
    assert!(report["incident_id"].as_str().unwrap().starts_with("healthcare-platform-"));
    assert!(report["lost_commits"].is_u64());
    assert_objectives_are_met(&report);

    let (predicted, made) = (&report["calls"]["predicted"], &report["calls"]["made"]);
    assert_eq!(predicted.as_array().unwrap().len(), 12);
    assert_eq!(predicted, made);

    for check in rows(&report, "independent_checks") {
        assert!(check["name"].is_string() && check["detail"].is_string(), "{check}");
        assert_eq!(check["ok"], true, "{check}");
    }
    for moment in rows(&report, "timeline") {
        for field in ["at", "step", "event", "reason"] {
            assert!(moment[field].is_string(), "{field} in {moment}");
        }
    }
    assert_nothing_unrehearsed_is_hidden(&report);

    let written = std::fs::read_to_string(directory.join("report.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), report);
    assert!(std::fs::read_to_string(directory.join("report.md")).unwrap().contains("completed"));
}

fn assert_objectives_are_met(report: &Value) {
    let objectives = rows(report, "objectives");
    let components: Vec<_> = objectives.iter().map(|row| row["component"].as_str().unwrap()).collect();
    assert_eq!(components, ["api", "database"]);
    for row in objectives {
        // The API keeps no data, so it has no recovery point.
        let kinds = if row["component"] == "api" { ["rto"].as_slice() } else { &["rto", "rpo"] };
        for kind in kinds {
            let figure = &row[kind];
            let (objective, achieved) = (figure["objective_s"].as_u64(), figure["achieved_s"].as_u64());
            assert!(achieved.is_some() && achieved <= objective, "{kind} of {row}");
            assert_eq!(figure["met"], true, "{kind} of {row}");
        }
        assert_eq!(row["rpo"].is_null(), row["component"] == "api");
    }
}

/// What the emulator drops, does not enforce and does not check is listed, sentence by sentence.
fn assert_nothing_unrehearsed_is_hidden(report: &Value) {
    let limits = &report["not_rehearsed"];
    for list in
        ["dropped", "not_enforced", "unverified", "authorization_unchecked", "authorized_by_proxy", "unverified_rules"]
    {
        for item in rows(limits, list) {
            assert!(item.as_str().is_some_and(|item| !item.is_empty()), "{list}: {item}");
        }
    }
}
