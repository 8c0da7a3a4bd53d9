//! What must hold after a recovery, whatever happened to it.

use std::fs::OpenOptions;
use std::io::Write;

use recoveryctl::drill::DrillReport;
use rehearsal::stage::Stage;
use rehearsal::wire::call::CallClass;
use rehearsal::wire::log::Record;
use serde_json::{Value, json};
use shared::domain::call::Call;

use crate::stage::workplace;

/// Every independent check said yes.
pub(crate) fn assert_checks_agree(report: &DrillReport) {
    assert_eq!(report.independent_checks.len(), checks_to_be_made(report), "{:#?}", report.independent_checks);
    let failed: Vec<_> = report.independent_checks.iter().filter(|check| !check.ok).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// How many questions an incident with this end has to answer.
fn checks_to_be_made(report: &DrillReport) -> usize {
    let promoted = report.calls.made.iter().any(|call| call["operation"] == "PromoteReadReplica");
    // Of a recovery that is stuck, endpoints and holds are left to a person.
    let of_the_end = if report.status == "stuck" { 1 } else { 3 + 2 };
    let of_the_calls = if report.faults.is_empty() { 1 } else { 3 };
    let of_real_servers = if report.counted.is_some() { 2 } else { 0 };
    // One execution, no split brain, a bound that holds; and every change made on behalf of a step.
    of_the_end + usize::from(promoted) + of_the_calls + of_real_servers + 4
}

/// The incident completed, every objective was met and every independent check agreed.
pub(crate) fn assert_good(report: &DrillReport) {
    assert_eq!(report.status, "completed", "{}", report.reason);
    assert_checks_agree(report);
    assert!(report.is_good(), "{:#}", report.objectives);
}

/// Each call that was promised took effect on the wire exactly once, and nothing else changed anything.
pub(crate) fn assert_each_took_effect_once(stage: &Stage, mark: u64, promised: &[Call]) {
    assert!(!promised.is_empty());
    let changed = effects(stage, mark);
    for call in promised {
        let same = |record: &&Record| {
            record.step.as_deref() == Some(call.step.as_str())
                && record.operation == call.operation
                && record.resource == call.resource
                && record.region == call.region.as_str()
        };
        assert_eq!(changed.iter().filter(same).count(), 1, "{} of {}", call.operation, call.resource);
    }
    assert_eq!(changed.len(), promised.len(), "{:#?}", changed.iter().map(line).collect::<Vec<_>>());
}

/// The calls since the mark that changed something, whether or not their caller lived to read the answer.
pub(crate) fn effects(stage: &Stage, mark: u64) -> Vec<Record> {
    let mut records = stage.log.records_since(mark);
    records.retain(|record| {
        record.class == CallClass::Mutation && record.status.is_some_and(|status| (200..300).contains(&status))
    });
    records
}

fn line(record: &Record) -> String {
    let step = record.step.as_deref().unwrap_or("no step");
    format!("{step}: {}:{} on {}", record.service, record.operation, record.resource)
}

/// How many changes the journal calls unanswered: an attempt did not live to write the outcome, or no answer came.
pub(crate) fn unknown_outcomes(report: &DrillReport) -> usize {
    let unknown = |moment: &&recoveryctl::drill::Moment| {
        moment.event == "outcome_unknown" || (moment.event == "outcome" && moment.reason.contains(" unknown: "))
    };
    report.timeline.iter().filter(unknown).count()
}

/// Writes down for `docs/safety.md` what was rehearsed: one line for each fault, in `target/safety/wire.jsonl`.
pub(crate) fn write_down(test: &str, report: &DrillReport) {
    let directory = workplace().target.join("safety");
    std::fs::create_dir_all(&directory).unwrap();
    let lines: String = report
        .faults
        .iter()
        .map(|fault| {
            let line = json!({
                "kind": "wire", "fault": fault.fault, "test": test, "end": report.status, "struck": fault.struck,
            });
            format!("{line}\n")
        })
        .collect();
    // One write for all of them: other tests append at the same time.
    let mut file = OpenOptions::new().create(true).append(true).open(directory.join("wire.jsonl")).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}

/// What was achieved in seconds against an objective of a component.
pub(crate) fn achieved(report: &DrillReport, component: &str, objective: &str) -> Option<u64> {
    let rows = report.objectives.as_array().unwrap();
    let row = rows.iter().find(|row| row["component"] == component).unwrap();
    row[objective]["achieved_s"].as_u64()
}

/// A text of an answer; fails with the whole answer when it is missing.
pub(crate) fn text<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} in {answer:#}"))
}
