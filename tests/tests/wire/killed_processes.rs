//! A function's process dies between the effect of a call and its answer, after every call that changes something and in every step
//! that only looks: the incident still completes, and nothing happens twice.
//!
//! The proxy kills the process that holds the connection. Its claim on the step lasts until its Lambda deadline, a quarter of a
//! real minute, so the scenario is divided between two rehearsals that run side by side.

use std::collections::BTreeSet;

use recoveryctl::drill::DrillReport;

use crate::evidence::{text, unknown_outcomes};
use crate::stage::rehearse;

/// Every change of these steps was struck, and is journalled as unknown; steps that change nothing leave no trace but time.
fn assert_each_change_was_struck(report: &DrillReport, steps: &[&str]) {
    assert_eq!(report.status, "completed");
    let promised = report.calls.predicted.iter().filter(|call| steps.contains(&call.step.as_str())).count();
    assert_eq!(unknown_outcomes(report), promised, "an unanswered change is journalled as unknown");
    let made: BTreeSet<&str> = report.calls.made.iter().map(|call| text(call, "/step")).collect();
    let begun: BTreeSet<&str> = report.calls.predicted.iter().map(|call| call.step.as_str()).collect();
    assert_eq!(made, begun);
}

#[test]
fn a_process_killed_after_every_change_until_the_promotion_changes_everything_once() {
    let steps = ["01-hold_writes-database", "02-fence-database", "03-gate-database", "04-promote-database"];
    let report = rehearse(&steps.map(|step| format!("kill-after:{step}")).each_ref().map(String::as_str));
    assert_each_change_was_struck(&report, &steps);
}

#[test]
fn a_process_killed_after_every_change_behind_the_promotion_changes_everything_once() {
    let steps = ["05-repoint-database", "06-validate-database", "06-validate-api", "07-resume_writes-database"];
    let report = rehearse(&steps.map(|step| format!("kill-after:{step}")).each_ref().map(String::as_str));
    assert_each_change_was_struck(&report, &steps);
}
