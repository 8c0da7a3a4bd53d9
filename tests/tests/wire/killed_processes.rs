//! A function's process dies between the effect of a call and its answer, in each step: the incident still completes, and
//! nothing happens twice.
//!
//! The proxy kills the process that holds the connection. Its claim on the step lasts until its Lambda deadline, a quarter of a
//! real minute that counts as minutes of simulated time, so the plan of these rehearsals has longer budgets and allows
//! more loss without asking. The real day needs neither: there both clocks are one.

use rehearsal::wire::faults::{FaultAction, FaultRule, Nth, Selector};
use shared::domain::duration::Seconds;
use shared::domain::plan::Plan;
use shared::domain::step::StepKind;

use crate::evidence::{assert_checks_agree, assert_each_took_effect_once};
use crate::stage::{allow_more_loss, end, play_with, start, unwatched_primary};

/// More than a claim lasts at the speed of these rehearsals.
const CLAIM: Seconds = Seconds(900);

fn leave_time_for_a_lost_claim(plan: &mut Plan) {
    allow_more_loss(plan, CLAIM);
    for scenario in plan.scenarios.values_mut() {
        scenario.budgets = StepKind::ALL.into_iter().map(|kind| (kind, scenario.budget(kind).plus(CLAIM))).collect();
    }
}

/// Kills the process that makes this call for this step, once, and lets the recovery go on.
fn kill_once(step: &str, service: &str, operation: &str) {
    play_with(unwatched_primary(), leave_time_for_a_lost_claim, async |drill| {
        let select = Selector::operation(service, operation).of_step(step).nth(Nth::Only(1));
        let broken_at = drill.break_primary();
        let promised = drill.predict().await.unwrap();
        let mark = drill.stage.log.mark();
        let name = format!("killed after {operation}");
        let fault = drill.stage.faults.add(FaultRule::new(&name, select, FaultAction::KillCallerAfterEffect));
        start(drill).await;
        let status = end(drill).await;

        assert_eq!(status["status"], "completed", "{}", status["reason"]);
        let faults = drill.stage.faults.report();
        assert_eq!((drill.stage.faults.fired(fault), faults[0].refused), (1, 0), "{faults:?}");
        assert_each_took_effect_once(&drill.stage, mark, &promised);
        let changes_something = promised.iter().any(|call| call.step.as_str() == step && call.operation == operation);
        let unknown = status["timeline"].as_array().unwrap().iter().filter(|entry| entry["event"] == "outcome_unknown");
        assert_eq!(unknown.count(), usize::from(changes_something), "an unanswered change is journalled as unknown");
        let report = drill.judge(&status, promised, mark, Some(broken_at), 0).await.unwrap();
        assert_checks_agree(&report);
    });
}

#[test]
fn a_process_killed_while_it_holds_writes_holds_them_once() {
    kill_once("01-hold_writes-database", "apigateway", "UpdateStage");
}

#[test]
fn a_process_killed_while_it_fences_isolates_the_old_primary_once() {
    kill_once("02-fence-database", "rds", "ModifyDBInstance");
}

#[test]
fn a_process_killed_while_it_judges_the_loss_is_followed_by_another() {
    kill_once("03-gate-database", "rds", "DescribeDBInstances");
}

#[test]
fn a_process_killed_while_it_promotes_promotes_once() {
    kill_once("04-promote-database", "rds", "PromoteReadReplica");
}

#[test]
fn a_process_killed_while_it_repoints_clients_writes_each_place_once() {
    kill_once("05-repoint-database", "ssm", "PutParameter");
}

#[test]
fn a_process_killed_while_it_validates_the_database_is_followed_by_another() {
    kill_once("06-validate-database", "rds", "DescribeDBInstances");
}

#[test]
fn a_process_killed_while_it_validates_the_api_is_followed_by_another() {
    kill_once("06-validate-api", "ecs", "DescribeServices");
}

#[test]
fn a_process_killed_while_it_resumes_writes_resumes_them_once() {
    kill_once("07-resume_writes-database", "lambda", "UpdateFunctionConfiguration");
}
