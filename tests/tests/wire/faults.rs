//! Everything else that breaks beside the database. Each fault is one of those that `recoveryctl drill --fault` knows, and the ends
//! that are good are its table's: a fault that did not strike fails its test as it fails a drill.

use recoveryctl::drill::faults::TABLE;
use shared::domain::duration::Seconds;
use shared::domain::plan::Plan;

use crate::evidence::unknown_outcomes;
use crate::stage::{rehearse, rehearse_with};

/// A person who does not answer is given up sooner than on the real day.
fn ask_briefly(plan: &mut Plan) {
    for scenario in plan.scenarios.values_mut() {
        scenario.approval_timeout = Seconds(300);
    }
}

#[test]
fn calls_that_are_throttled_and_whose_replies_are_lost_take_effect_once() {
    let report = rehearse(&["throttle", "reply-lost"]);
    assert_eq!(report.status, "completed");
    assert_eq!(unknown_outcomes(&report), report.calls.predicted.len(), "each lost reply is journalled as unknown");
}

#[test]
fn calls_that_services_fail_are_made_again_once_the_world_shows_that_they_had_no_effect() {
    let report = rehearse(&["server-error"]);
    assert_eq!(report.status, "completed");
}

#[test]
fn connections_that_are_reset_under_the_machinery_and_under_the_steps_start_nothing_twice() {
    // Lambda tries an alarm three times: two of its tries may meet a reset of the journal, and the third must not.
    let report = rehearse(&[
        "reset:PromoteReadReplica",
        "reset:PutSecretValue",
        "reset:UpdateStage",
        "reset:GetItem",
        "reset:TransactWriteItems",
        "reply-lost:TransactWriteItems",
        "reply-lost:StartExecution",
        "throttle:Query",
    ]);
    assert_eq!(report.status, "completed");
}

#[test]
fn an_answer_that_comes_too_late_is_no_answer_and_the_world_is_asked_instead() {
    let report = rehearse(&["slow:PromoteReadReplica", "slow:UpdateSecretVersionStage", "slow:GetMetricData,4"]);
    assert_eq!(report.status, "completed");
    assert_eq!(unknown_outcomes(&report), 2, "both changes whose answers came too late");
}

#[test]
fn a_function_that_hangs_until_lambda_ends_it_is_followed_by_another() {
    let report = rehearse(&["timeout:04-promote-database", "timeout:06-validate-api"]);
    assert_eq!(report.status, "completed");
    assert_eq!(unknown_outcomes(&report), 1, "the promotion, and nothing for a step that only looks");
}

#[test]
fn a_dark_region_is_not_left_behind_without_a_person_and_nobody_answered() {
    let report = rehearse_with(&["region-dark"], ask_briefly);
    assert_eq!(report.status, "rolled_back", "{}", report.reason);
    assert!(report.calls.made.is_empty(), "nothing could be held or fenced, and nothing was promoted");
}

#[test]
fn without_control_of_the_old_primary_nothing_is_promoted_unless_a_person_says_so() {
    let report = rehearse_with(&["control-plane-dark:rds@us-east-1"], ask_briefly);
    assert_eq!(report.status, "rolled_back", "{}", report.reason);
}

#[test]
fn holds_out_of_reach_and_notices_that_cannot_be_sent_do_not_stop_a_recovery() {
    let report = rehearse(&["control-plane-dark:apigateway@us-east-1", "control-plane-dark:sns@us-west-2"]);
    assert_eq!(report.status, "completed");
    assert!(report.notes.iter().any(|note| note.contains("a1b2c3")), "the open hold is said: {:?}", report.notes);
}

#[test]
fn an_endpoint_that_cannot_be_written_after_the_promotion_is_left_to_a_person_with_its_command() {
    let report = rehearse(&["control-plane-dark:ssm@us-west-2"]);
    assert_eq!(report.status, "stuck");
    let left = report.commands_left.iter().any(|command| command.contains("/healthcare-platform/database/host"));
    assert!(left, "{:#?}", report.commands_left);
}

#[test]
fn an_execution_that_is_stopped_during_the_promotion_leaves_the_fence_and_the_commands() {
    let report = rehearse(&["stop-execution:04-promote-database"]);
    assert_eq!(report.status, "stuck");
    assert!(report.reason.contains("ABORTED"), "{}", report.reason);
}

#[test]
fn every_kind_of_fault_is_rehearsed() {
    let tests = [
        include_str!("faults.rs"),
        include_str!("killed_processes.rs"),
        include_str!("alarm_deliveries.rs"),
        include_str!("stopped_execution.rs"),
    ]
    .concat();
    for row in &TABLE {
        assert!(tests.contains(&format!("\"{}", row.name)), "no test rehearses {}", row.name);
    }
}
