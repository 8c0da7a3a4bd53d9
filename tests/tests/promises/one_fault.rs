//! One fault at every single call of a whole recovery: the process dies before or after it, its answer or its request is lost, or
//! a second invocation runs in the middle of it. Whatever strikes, the recovery ends as it would have, and nothing happens twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::Timestamp;
use serde_json::json;
use shared::domain::incident::IncidentStatus;
use shared::domain::plan::ApprovalRule;
use shared::domain::step::FunctionName;
use simulation::{Fault, Platform, PortCall, Simulation};

use crate::common::{Before, broken_promises, database_failure, hang_and_raise, minutes, seconds};

/// A run as it stood before some calls, and the numbers of those calls.
struct Turn {
    before: Simulation,
    calls: Vec<PortCall>,
}

/// Follows a run that nothing strikes, and keeps what it was before each of its turns.
fn turns_of(start: &Simulation) -> Vec<Turn> {
    let mut run = start.fork();
    let far = run.cloud.now() + minutes(300);
    let mut turns = Vec::new();
    while !run.is_over() {
        let before = run.fork();
        let from = run.call_count();
        assert!(run.take_turn(far), "nothing is due any more");
        let calls = run.cloud.with(|state| state.calls[from..].to_vec());
        turns.push(Turn { before, calls });
    }
    turns
}

/// Calls that leave nothing behind.
const READS: [&str; 13] = [
    "Connect",
    "DescribeDBInstances",
    "DescribeDBSnapshots",
    "DescribeExecution",
    "DescribeSecret",
    "DescribeServices",
    "GetFunctionConfiguration",
    "GetItem",
    "GetMetricData",
    "GetParameter",
    "GetSecretValue",
    "GetStage",
    "Query",
];

/// Whether this fault is another one here than those that are tried anyway: to die before a call is to die after the one before it,
/// unless it is an invocation's first; and of a call that leaves nothing behind it does not matter which way was lost.
fn is_a_case_of_its_own(fault: Fault, call: &PortCall, turn: &Turn) -> bool {
    let leaves_something = !READS.contains(&call.operation);
    match fault {
        Fault::KilledBefore => leaves_something || turn.calls.first().is_some_and(|first| first.number == call.number),
        Fault::RequestLost | Fault::DoubledAfter => leaves_something,
        _ => true,
    }
}

fn strike_every_call(start: &Simulation, faults: &[Fault], expected: IncidentStatus, strikes: impl Fn(&PortCall) -> bool) {
    let before = Before::of(start);
    let turns = turns_of(start);
    let jobs: Vec<(&Turn, &PortCall, Fault)> = turns
        .iter()
        .flat_map(|turn| turn.calls.iter().map(move |call| (turn, call)))
        .filter(|(_, call)| strikes(call))
        .flat_map(|(turn, call)| faults.iter().map(move |fault| (turn, call, *fault)))
        .filter(|(turn, call, fault)| is_a_case_of_its_own(*fault, call, turn))
        .collect();
    assert!(jobs.len() > 60, "a recovery makes many calls: {}", jobs.len());
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some((turn, call, fault)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = catch_unwind(AssertUnwindSafe(|| {
                        let mut run = turn.before.fork();
                        run.strike(call.number, *fault);
                        let ended = run.run_to_end();
                        let mut broken = broken_promises(&run, &ended, &before);
                        if ended.incident.status != expected {
                            broken.push(format!("it ended {}: {}", ended.incident.status.as_str(), ended.report.reason));
                        }
                        broken
                    }));
                    let broken = outcome.unwrap_or_else(|panic| {
                        vec![panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned())]
                    });
                    if !broken.is_empty() {
                        let PortCall { number, operation, resource, label, .. } = call;
                        let place = format!("{fault:?} at call {number}, {operation} on {resource} for {label:?}");
                        failures.lock().unwrap().push(format!("{place}: {}", broken.join("; ")));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown: Vec<&String> = failures.iter().take(40).collect();
    assert!(failures.is_empty(), "{} of {} runs broke a promise: {shown:#?}", failures.len(), jobs.len());
}

fn alarmed(platform: Platform) -> Simulation {
    hang_and_raise(platform.brisk(), "alarm.eventbridge.json")
}

#[test]
fn a_process_may_die_before_and_after_every_call() {
    let faults = [Fault::KilledBefore, Fault::KilledAfter];
    strike_every_call(&alarmed(Platform::default()), &faults, IncidentStatus::Completed, |_| true);
}

#[test]
fn the_request_or_the_reply_of_every_call_may_be_lost() {
    let faults = [Fault::RequestLost, Fault::ReplyLost];
    strike_every_call(&alarmed(Platform::default()), &faults, IncidentStatus::Completed, |_| true);
}

#[test]
fn an_invocation_may_be_doubled_at_every_call() {
    let faults = [Fault::DoubledBefore, Fault::DoubledAfter];
    strike_every_call(&alarmed(Platform::default()), &faults, IncidentStatus::Completed, |_| true);
}

/// A person who watches, and answers the question with this command until the answer is taken.
fn answer_when_asked(simulation: &mut Simulation, command: &'static str) {
    let Some(incident) = simulation.latest_incident().filter(|incident| !incident.status.is_end()) else { return };
    if let (Some(question), []) = (&incident.question, incident.verdicts.as_slice()) {
        let digest = question.digest();
        let payload = json!({"command": command, "incident_id": incident.id, "digest": digest, "actor": "dana"});
        let _ = simulation.invoke(FunctionName::Recovery, "approve", &payload);
    }
    simulation.after(seconds(7), move |simulation| answer_when_asked(simulation, command));
}

fn answered(command: &'static str) -> (Simulation, Timestamp) {
    let platform = Platform::default().with_plan(|plan| {
        plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
    });
    let mut start = alarmed(platform);
    start.after(seconds(10), move |simulation| answer_when_asked(simulation, command));
    let asked_at = start.fork().run_to_end().incident.verdicts[0].at - seconds(20);
    (start, asked_at)
}

#[test]
fn a_rollback_survives_every_single_fault_too() {
    let (start, asked_at) = answered("reject");
    let faults = [Fault::KilledBefore, Fault::KilledAfter, Fault::ReplyLost];
    strike_every_call(&start, &faults, IncidentStatus::RolledBack, |call| call.at > asked_at);
}

#[test]
fn so_does_the_way_from_a_question_to_its_promotion() {
    let (start, asked_at) = answered("approve");
    let faults = [Fault::KilledBefore, Fault::KilledAfter, Fault::ReplyLost];
    let until = asked_at + seconds(60);
    strike_every_call(&start, &faults, IncidentStatus::Completed, |call| call.at > asked_at && call.at < until);
}

#[test]
fn a_second_invocation_of_a_step_that_is_held_neither_looks_nor_writes() {
    let start = alarmed(Platform::default());
    let beyond_reading_the_journal = |calls: &[PortCall]| {
        let shown = calls.iter().filter(|call| !["GetItem", "Query"].contains(&call.operation));
        let mut shown: Vec<String> =
            shown.map(|call| format!("{} {} {:?}", call.operation, call.resource, call.label)).collect();
        // Reads are made side by side, and the one that is held up comes last.
        shown.sort();
        shown
    };
    let mut tried = 0;
    for turn in turns_of(&start) {
        // Once a call is made for a step, the step is held; it is let go of with the invocation's last write.
        let held = turn.calls.iter().filter(|call| call.label.is_some());
        for call in held {
            let mut run = turn.before.fork();
            run.strike(call.number, Fault::DoubledBefore);
            run.take_turn(run.cloud.now() + minutes(300));
            let mut calls = run.cloud.with(|state| state.calls[turn.calls[0].number..].to_vec());
            assert!(calls.len() > turn.calls.len(), "a second invocation ran: {call:?}");
            // A describe call of a fenced primary that does not come back is not waited for before it is probed as well: once, by the
            // invocation that is held up.
            let fenced = call.resource == "db:healthcare-platform-prod" && call.function == Some(FunctionName::Recovery);
            let probes =
                |made: &PortCall| made.operation == "Connect" && made.resource.starts_with("healthcare-platform-prod.");
            if let Some(probe) = calls.iter().position(probes).filter(|_| fenced && !turn.calls.iter().any(probes)) {
                calls.remove(probe);
            }
            assert_eq!(beyond_reading_the_journal(&calls), beyond_reading_the_journal(&turn.calls), "{call:?}");
            tried += 1;
        }
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn a_failover_survives_every_single_fault_too() {
    strike_every_call(&alarmed(Platform::default().multi_az()), &Fault::PASSING, IncidentStatus::Completed, |_| true);
}
