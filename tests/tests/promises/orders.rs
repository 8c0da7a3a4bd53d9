//! What an operator orders while a recovery runs: pause, resume, retry, skip, abort; each at every moment of a recovery.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use shared::domain::incident::IncidentStatus;
use shared::domain::non_empty::NonEmpty;
use shared::domain::plan::Branch;
use shared::domain::step::{FunctionName, PlannedStep, StepKind, StepStatus};
use simulation::{Platform, Simulation, primary_key};

use crate::common::{
    Before, assert_sound, broken_promises, database_failure, groups_of, hang_and_raise, hosts, minutes, operations, seconds,
    timeline,
};

fn order(simulation: &Simulation, command: &str) -> Value {
    let id = simulation.latest_incident().map(|incident| incident.id);
    json!({"command": command, "incident_id": id, "actor": "dana", "reason": "a look first"})
}

fn of_step(simulation: &Simulation, command: &str, step: &str) -> Value {
    let mut order = order(simulation, command);
    order["step"] = json!(step);
    order
}

fn alarmed() -> Simulation {
    hang_and_raise(Platform::default(), "alarm.eventbridge.json")
}

fn when(simulation: &mut Simulation, step: &str, status: StepStatus) {
    let met = |simulation: &Simulation| {
        let incident = simulation.latest_incident();
        incident.is_some_and(|incident| {
            simulation.steps(&incident.id).iter().any(|record| record.id.as_str() == step && record.status == status)
        })
    };
    assert!(simulation.run_until(minutes(30), met), "{step} never was {status:?}");
}

fn promoted(simulation: &Simulation) -> bool {
    simulation.cloud.with(|state| !state.world.losses().is_empty())
}

/// Follows a run that nobody disturbs, and keeps what it was before each of its turns.
fn turns_of(start: &Simulation) -> Vec<Simulation> {
    let mut run = start.fork();
    let far = run.cloud.now() + minutes(300);
    let mut turns = Vec::new();
    while !run.is_over() {
        turns.push(run.fork());
        assert!(run.take_turn(far), "nothing is due any more");
    }
    turns.push(run);
    turns
}

/// Runs `play` from every turn, side by side; what it returns are promises that were broken.
fn at_every_turn(start: &Simulation, play: impl Fn(Simulation) -> Vec<String> + Sync) {
    let turns = turns_of(start);
    assert!(turns.len() > 60, "a recovery has many turns: {}", turns.len());
    from_each(&turns, play);
}

fn from_each(turns: &[Simulation], play: impl Fn(Simulation) -> Vec<String> + Sync) {
    let (next, failures) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(turn) = turns.get(index) else { break };
                    let broken = catch_unwind(AssertUnwindSafe(|| play(turn.fork()))).unwrap_or_else(|panic| {
                        vec![panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_owned())]
                    });
                    if !broken.is_empty() {
                        failures.lock().unwrap().push(format!("at turn {index}: {}", broken.join("; ")));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let shown: Vec<&String> = failures.iter().take(10).collect();
    assert!(failures.is_empty(), "{} of {} runs broke a promise: {shown:#?}", failures.len(), turns.len());
}

/// The mutations that were sent so far.
fn sent(simulation: &Simulation) -> usize {
    simulation.cloud.with(|state| state.effects.len())
}

fn brisk() -> Simulation {
    hang_and_raise(Platform::default().brisk(), "alarm.eventbridge.json")
}

#[test]
fn paused_at_any_moment_nothing_is_begun_and_resumed_it_completes() {
    let start = brisk();
    let before = Before::of(&start);
    at_every_turn(&start, |mut run| {
        let Some(incident) = run.latest_incident().filter(|incident| !incident.status.is_end()) else { return Vec::new() };
        run.operate(&order(&run, "pause")).unwrap();
        let made = sent(&run);
        // Longer than any step's budget, and shorter than the incident may take.
        run.run_for(minutes(20));
        let mut broken = Vec::new();
        if sent(&run) != made {
            broken.push(format!("{} calls while it was paused", sent(&run) - made));
        }
        assert!(incident.deadline > run.cloud.now());
        // Where every step was done there was nothing left to hold, and it has ended.
        if !run.latest_incident().unwrap().status.is_end() {
            for command in ["pause", "resume", "resume"] {
                run.operate(&order(&run, command)).unwrap();
            }
        }
        let ended = run.run_to_end();
        broken.extend(broken_promises(&run, &ended, &before));
        if ended.incident.status != IncidentStatus::Completed {
            broken.push(format!("it ended {}: {}", ended.incident.status.as_str(), ended.report.reason));
        }
        broken
    });
}

#[test]
fn paused_and_forgotten_at_any_moment_it_ends_stuck_at_its_deadline_with_a_page() {
    let start = brisk();
    let before = Before::of(&start);
    at_every_turn(&start, |mut run| {
        let Some(incident) = run.latest_incident().filter(|incident| !incident.status.is_end()) else { return Vec::new() };
        run.operate(&order(&run, "pause")).unwrap();
        let ended = run.run_to_end();
        let mut broken = broken_promises(&run, &ended, &before);
        let late = ended.report.ended_at.duration_since(incident.deadline).as_secs();
        let all_done = ended.incident.status == IncidentStatus::Completed;
        if !all_done && (ended.incident.status != IncidentStatus::Stuck || !(0..=61).contains(&late)) {
            broken.push(format!("it ended {} {late} s after its deadline", ended.incident.status.as_str()));
        }
        let reminded = run.cloud.with(|state| state.notices.iter().any(|notice| notice.subject.contains("still paused")));
        if !all_done && !reminded {
            broken.push("nobody was reminded".to_owned());
        }
        broken
    });
}

#[test]
fn aborted_at_any_moment_it_is_undone_before_a_promotion_and_stands_still_after_one() {
    let start = brisk();
    let before = Before::of(&start);
    at_every_turn(&start, |mut run| {
        let Some(incident) = run.latest_incident().filter(|incident| !incident.status.is_end()) else { return Vec::new() };
        let steps = run.steps(&incident.id);
        let too_late = !steps.is_empty() && steps.iter().all(|step| step.status == StepStatus::Done);
        let answer = run.operate(&order(&run, "abort"));
        let expected = match answer {
            Err(error) if too_late => {
                assert_eq!(error.code.as_str(), "nothing_to_abort");
                IncidentStatus::Completed
            }
            answer => {
                answer.unwrap();
                run.operate(&order(&run, "abort")).expect("the same again is answered as before");
                let sent = steps.iter().any(|step| step.may_have_promoted());
                if sent { IncidentStatus::Stuck } else { IncidentStatus::RolledBack }
            }
        };
        let ended = run.run_to_end();
        let mut broken = broken_promises(&run, &ended, &before);
        if ended.incident.status != expected {
            broken.push(format!("it ended {}: {}", ended.incident.status.as_str(), ended.report.reason));
        }
        if expected == IncidentStatus::RolledBack && promoted(&run) {
            broken.push("something was promoted after the abort".to_owned());
        }
        if expected == IncidentStatus::Stuck && groups_of(&run, &primary_key()) != ["sg-0f00d"] {
            broken.push("the fence is gone".to_owned());
        }
        broken
    });
}

#[test]
fn any_step_skipped_at_any_moment_leaves_an_incident_that_ends() {
    let start = brisk();
    let before = Before::of(&start);
    let steps =
        ["01-hold_writes-database", "02-fence-database", "03-gate-database", "06-validate-api", "07-resume_writes-database"];
    let turns = turns_of(&start);
    for (index, step) in steps.into_iter().enumerate() {
        // Each step from other moments: together they are all of them.
        let turns: Vec<Simulation> = turns.iter().skip(index % 3).step_by(3).map(Simulation::fork).collect();
        from_each(&turns, |mut run| {
            let Some(incident) = run.latest_incident().filter(|incident| !incident.status.is_end()) else {
                return Vec::new();
            };
            let taken = run.through("approve", &of_step(&run, "skip", step));
            let status =
                run.steps(&incident.id).into_iter().find(|record| record.id.as_str() == step).map(|record| record.status);
            assert_eq!(taken.is_ok(), status == Some(StepStatus::Skipped), "{taken:?}");
            answer_every_question(&mut run);
            let ended = run.run_to_end();
            let mut broken = broken_promises(&run, &ended, &before);
            // Nobody lets writes through again then, and the report says how.
            if status == Some(StepStatus::Skipped) && step.contains("resume_writes") {
                broken.retain(|promise| !promise.starts_with("I9"));
                if !ended.report.commands_left.iter().any(|command| command.contains("get-stage")) {
                    broken.push("nobody is told how to let writes through".to_owned());
                }
                // What it held is given back all the same, exactly, by a change of its own.
                let _ = run.invoke(FunctionName::ReadOnlyToggle, "live", &json!({"mode": "read_write"}));
                assert_eq!(run.run_to_end().incident.status, IncidentStatus::Completed);
                broken.extend(before.differences(&run));
            }
            if ended.incident.status != IncidentStatus::Completed {
                broken.push(format!("it ended {}: {}", ended.incident.status.as_str(), ended.report.reason));
            }
            broken
        });
    }
}

/// A person who approves whatever is asked.
fn answer_every_question(simulation: &mut Simulation) {
    let Some(incident) = simulation.latest_incident().filter(|incident| !incident.status.is_end()) else { return };
    if let Some(question) = &incident.question {
        let digest = question.digest();
        let payload = json!({"command": "approve", "incident_id": incident.id, "digest": digest, "actor": "dana"});
        let _ = simulation.through("approve", &payload);
    }
    simulation.after(seconds(7), answer_every_question);
}

#[test]
fn a_promotion_after_a_skipped_fence_asks_and_says_that_nothing_is_fenced() {
    let mut simulation = hang_and_raise(
        Platform::default().with_plan(|plan| {
            let scenario = plan.scenarios.get_mut(&database_failure()).unwrap();
            scenario.preauthorised.as_mut().unwrap().unproven_fence = true;
        }),
        "alarm.eventbridge.json",
    );
    when(&mut simulation, "01-hold_writes-database", StepStatus::Running);
    let refused = simulation.operate(&of_step(&simulation, "skip", "02-fence-database")).unwrap_err();
    assert_eq!(refused.code.as_str(), "approver_not_allowed");
    let answer = simulation.through("approve", &of_step(&simulation, "skip", "02-fence-database")).unwrap();
    assert_eq!(answer["status"], "skipped");
    let asks = |simulation: &Simulation| simulation.latest_incident().is_some_and(|incident| incident.question.is_some());
    assert!(simulation.run_until(minutes(10), asks));
    let question = simulation.latest_incident().unwrap().question.unwrap();
    assert!(question.unproven_fence && question.text.contains("NOT proven fenced"), "{}", question.text);
    assert!(!promoted(&simulation));
    answer_every_question(&mut simulation);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert!(ended.report.reason.contains("02-fence-database (skipped by dana"), "{}", ended.report.reason);
}

#[test]
fn a_promotion_is_skipped_on_nobodys_word() {
    let mut simulation = alarmed();
    when(&mut simulation, "02-fence-database", StepStatus::Running);
    let refused = simulation.through("approve", &of_step(&simulation, "skip", "04-promote-database")).unwrap_err();
    assert_eq!(refused.code.as_str(), "step_not_skippable");
}

/// A recovery that is stuck after its promotion, because the API has no tasks.
fn stuck_after_its_promotion() -> Simulation {
    let mut simulation = alarmed();
    simulation.cloud.with(|state| state.services.values_mut().for_each(|service| service.running = 0));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Stuck, "{}", ended.report.reason);
    simulation
}

#[test]
fn a_stuck_recovery_whose_cause_is_mended_completes_after_a_retry_and_promotes_nothing_again() {
    let mut simulation = stuck_after_its_promotion();
    let before = Before::of(&alarmed());
    simulation.run_for(minutes(90));
    simulation.cloud.with(|state| state.services.values_mut().for_each(|service| service.running = service.desired));
    let mut retry = order(&simulation, "retry");
    retry["request_id"] = json!("once");
    let answer = simulation.operate(&retry).unwrap();
    assert_eq!((&answer["status"], &answer["incident_status"]), (&json!("retried"), &json!("running")));
    let again = simulation.operate(&retry).unwrap();
    assert_eq!(again["reason"], answer["reason"], "the same request is answered as before");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", timeline(&simulation, &ended.incident.id));
    assert_sound(&simulation, &ended, &before);
    assert_eq!(operations(&simulation).iter().filter(|made| made.starts_with("Promote")).count(), 1);
    assert_eq!(simulation.cloud.with(|state| state.executions.len()), 2, "each run has its own execution");
    let ends = simulation.cloud.with(|state| {
        let subjects = state.notices.iter().map(|notice| notice.subject.clone());
        subjects.filter(|subject| subject.ends_with("stuck") || subject.ends_with("completed")).count()
    });
    assert_eq!(ends, 2, "each end is told");
}

#[test]
fn a_stuck_recovery_goes_on_past_a_step_that_a_person_takes_for_done() {
    let mut simulation = stuck_after_its_promotion();
    let answer = simulation.operate(&of_step(&simulation, "skip", "06-validate-api")).unwrap();
    assert_eq!(answer["incident_status"], "running", "{answer}");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert!(ended.report.reason.contains("06-validate-api"), "{}", ended.report.reason);
    let api = ended.report.objectives.iter().find(|achieved| achieved.component.as_str() == "api").unwrap();
    assert!(!api.rto.met, "what nobody validated has met nothing");
}

#[test]
fn a_recovery_whose_execution_died_goes_on_after_a_retry_and_asks_before_it_promotes() {
    let mut simulation = alarmed();
    let before = Before::of(&simulation);
    when(&mut simulation, "02-fence-database", StepStatus::Running);
    let id = simulation.latest_incident().unwrap().id;
    simulation.end_execution(&id, "ABORTED");
    simulation.run_to_end();
    simulation.operate(&order(&simulation, "retry")).unwrap();
    let asks = |simulation: &Simulation| simulation.latest_incident().is_some_and(|incident| incident.question.is_some());
    assert!(simulation.run_until(minutes(20), asks), "{}", timeline(&simulation, &id));
    assert!(!promoted(&simulation));
    answer_every_question(&mut simulation);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", timeline(&simulation, &id));
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn a_retry_of_a_promotion_whose_answer_was_lost_looks_for_it_and_sends_it_no_second_time() {
    let mut simulation = alarmed();
    let before = Before::of(&simulation);
    assert!(simulation.run_until(minutes(20), promoted));
    let id = simulation.latest_incident().unwrap().id;
    simulation.end_execution(&id, "TIMED_OUT");
    simulation.run_to_end();
    simulation.operate(&order(&simulation, "retry")).unwrap();
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", timeline(&simulation, &id));
    assert_sound(&simulation, &ended, &before);
}

#[test]
fn an_execution_that_could_not_be_started_at_the_retry_is_started_by_the_watchdog() {
    use simulation::{Fault, Rule};
    let mut simulation = alarmed();
    assert!(simulation.run_until(minutes(20), promoted));
    let id = simulation.latest_incident().unwrap().id;
    simulation.end_execution(&id, "ABORTED");
    simulation.run_to_end();
    let fault = Fault::Throttled;
    simulation.obstruct(Rule { service: "states", operation: "StartExecution", fault, times: 1 });
    let answer = simulation.operate(&order(&simulation, "retry")).unwrap();
    assert!(answer["reason"].as_str().unwrap().contains("watchdog"), "{answer}");
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", timeline(&simulation, &id));
}

#[test]
fn an_abort_ends_the_wait_for_an_answer_even_when_its_wake_up_call_is_lost() {
    use shared::domain::plan::ApprovalRule;
    use simulation::{Fault, Rule};
    for lost in [0, 1] {
        let platform = Platform::default().with_plan(|plan| {
            plan.scenarios.get_mut(&database_failure()).unwrap().approval = ApprovalRule::Required;
        });
        let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
        let before = Before::of(&simulation);
        let asks = |simulation: &Simulation| {
            let incident = simulation.latest_incident();
            incident.and_then(|incident| incident.question).is_some_and(|question| question.token.is_some())
        };
        assert!(simulation.run_until(minutes(20), asks));
        let fault = Fault::Throttled;
        simulation.obstruct(Rule { service: "states", operation: "SendTaskSuccess", fault, times: lost });
        simulation.operate(&order(&simulation, "abort")).unwrap();
        let aborted_at = simulation.cloud.now();
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::RolledBack, "{}", ended.report.reason);
        assert_sound(&simulation, &ended, &before);
        let took = ended.report.ended_at.duration_since(aborted_at).as_secs();
        assert!(took < 300, "{took} s, and the question stood for half an hour");
        assert!(ended.report.reason.contains("aborted by dana"), "{}", ended.report.reason);
    }
}

#[test]
fn clients_stay_where_they_are_while_it_is_paused_after_the_promotion() {
    let mut simulation = alarmed();
    when(&mut simulation, "04-promote-database", StepStatus::Done);
    simulation.operate(&order(&simulation, "pause")).unwrap();
    let pointed = simulation.cloud.with(|state| hosts(state));
    simulation.run_for(minutes(10));
    assert_eq!(simulation.cloud.with(|state| hosts(state)), pointed);
    let shown = simulation.operate(&json!({"command": "status"})).unwrap();
    assert_eq!(shown["paused"]["actor"], "dana");
}

#[test]
fn a_recovery_after_a_stuck_one_that_left_writes_held_says_how_to_let_them_through() {
    let mut simulation = alarmed();
    let before = Before::of(&simulation);
    when(&mut simulation, "01-hold_writes-database", StepStatus::Done);
    let stuck = simulation.latest_incident().unwrap().id;
    simulation.end_execution(&stuck, "ABORTED");
    assert_eq!(simulation.run_to_end().incident.status, IncidentStatus::Stuck);
    simulation.operate(&order(&simulation, "acknowledge")).unwrap();
    simulation.operate(&json!({"scenario": "database_failure", "mode": "ungraceful", "actor": "dana"})).unwrap();
    answer_every_question(&mut simulation);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Completed, "{}", ended.report.reason);
    assert!(!before.differences(&simulation).is_empty(), "what the stuck one held is not this recovery's to open");
    let told = ended.report.commands_left.iter().any(|left| left.contains("read_write") && left.contains(stuck.as_str()));
    assert!(told, "{:?}", ended.report.commands_left);
    let _ = simulation.invoke(FunctionName::ReadOnlyToggle, "live", &json!({"mode": "read_write"}));
    assert_eq!(simulation.run_to_end().incident.status, IncidentStatus::Completed);
    assert_eq!(before.differences(&simulation), Vec::<String>::new());
}

#[test]
fn a_region_that_goes_dark_behind_a_proven_fence_does_not_keep_the_replica_from_being_promoted() {
    let mut simulation = alarmed();
    when(&mut simulation, "02-fence-database", StepStatus::Done);
    simulation.cloud.with(|state| state.world.region_dark(&primary_key().region, true, state.now));
    let ended = simulation.run_to_end();
    assert!(promoted(&simulation), "{}", timeline(&simulation, &ended.incident.id));
    let took = ended.report.steps.iter().find(|step| step.step.as_str() == "04-promote-database").unwrap();
    assert_eq!(took.status, StepStatus::Done, "{}", took.reason);
}

/// The healthcare plan, its last branch lengthened to as many steps as a plan may have.
fn with_the_most_steps() -> Platform {
    Platform::default().with_plan(|plan| {
        let scenario = plan.scenarios.get_mut(&database_failure()).unwrap();
        let mut branches: Vec<Branch> = scenario.branches.iter().cloned().collect();
        let branch = branches.last_mut().unwrap();
        let steps = branch.waves.iter().map(|wave| wave.iter().count()).sum::<usize>();
        let mut waves: Vec<NonEmpty<PlannedStep>> = branch.waves.iter().cloned().collect();
        let validate = |wave: &NonEmpty<PlannedStep>| wave.iter().find(|step| step.kind == StepKind::Validate).cloned();
        let validate = waves.iter().rev().find_map(validate).unwrap();
        waves.extend((steps..90).map(|_| NonEmpty::new(vec![validate.clone()]).unwrap()));
        branch.waves = NonEmpty::new(waves).unwrap();
        scenario.branches = NonEmpty::new(branches).unwrap();
    })
}

#[test]
fn a_recovery_of_the_most_steps_completes_and_can_be_aborted_and_ended_at_any_of_them() {
    let alarmed = hang_and_raise(with_the_most_steps(), "alarm.eventbridge.json");
    let mut run = alarmed.fork();
    assert_eq!(run.run_to_end().incident.status, IncidentStatus::Completed);
    for step in ["01-hold_writes-database", "02-fence-database", "04-promote-database"] {
        let mut run = alarmed.fork();
        when(&mut run, step, StepStatus::Running);
        let id = run.latest_incident().unwrap().id;
        assert_eq!(run.steps(&id).len(), 90);
        run.operate(&order(&run, "abort")).unwrap();
        let ended = run.run_to_end();
        assert!(ended.incident.status.is_end(), "{step}: {}", ended.report.reason);
        assert!(ended.incident.status != IncidentStatus::Completed, "{step}");
    }
}
