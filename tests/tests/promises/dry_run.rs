//! A dry run changes nothing, and a recovery then makes exactly the calls that it promised.

use std::collections::BTreeMap;

use rehearsal_world::Breakage;
use serde_json::json;
use shared::domain::call::Call;
use shared::domain::incident::IncidentStatus;
use shared::engine::DryRun;
use simulation::{Platform, Simulation};

use crate::common::{broken, event, seconds};

fn predict(simulation: &mut Simulation) -> DryRun {
    let (commits, effects) = simulation.cloud.with(|state| (state.journal.commits, state.effects.len()));
    let answer = simulation.operate(&event("recovery.dry_run.json")).unwrap();
    let after = simulation.cloud.with(|state| (state.journal.commits, state.effects.len()));
    assert_eq!(after, (commits, effects), "a dry run neither writes nor changes anything");
    assert_eq!(answer["status"], "predicted");
    serde_json::from_value(answer).unwrap()
}

fn assert_kept(mut simulation: Simulation, start: &serde_json::Value, end: IncidentStatus) -> DryRun {
    let prediction = predict(&mut simulation);
    simulation.deliver(start);
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, end, "{}", ended.report.reason);
    let mut made: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    simulation.cloud.with(|state| {
        for effect in &state.effects {
            made.entry(effect.step.to_string()).or_default().push(effect.call());
        }
    });
    for step in &prediction.steps {
        let made = made.remove(step.step.as_str()).unwrap_or_default();
        assert_eq!(step.will, made, "{}: promised, and made", step.step);
        for call in &made {
            let inside = step.may.iter().any(|permitted| {
                permitted.operation == call.operation
                    && permitted.resource == call.resource
                    && permitted.region == call.region
            });
            assert!(inside, "{call:?} is outside what the step may call");
        }
    }
    assert!(made.is_empty(), "calls of steps that were not predicted: {made:#?}");
    prediction
}

#[test]
fn a_promotion_makes_the_predicted_calls_step_by_step_and_in_order() {
    for seed in 1..=10 {
        let simulation = broken(Platform { seed, ..Platform::default() }, Breakage::Hung);
        let prediction = assert_kept(simulation, &event("alarm.eventbridge.json"), IncidentStatus::Completed);
        assert_eq!(prediction.steps.len(), 8);
    }
}

#[test]
fn so_does_a_failover() {
    let simulation = broken(Platform::default().multi_az(), Breakage::Hung);
    let prediction = assert_kept(simulation, &event("alarm.eventbridge.json"), IncidentStatus::Completed);
    assert_eq!(prediction.steps.len(), 2);
}

#[test]
fn so_does_a_switchover_of_a_healthy_primary() {
    let mut simulation = Platform::default().stand_up();
    simulation.run_for(seconds(332));
    assert_kept(simulation, &json!({"scenario": "database_failure"}), IncidentStatus::Completed);
}

#[test]
fn so_does_a_hold_without_a_replica() {
    let simulation = broken(Platform::default(), Breakage::Hung);
    simulation.cloud.with(|state| {
        state.world.break_instance(&simulation::replica_key(), Breakage::Failed, state.now);
    });
    let prediction = assert_kept(simulation, &event("alarm.eventbridge.json"), IncidentStatus::Stuck);
    assert_eq!(prediction.steps.len(), 1);
}

#[test]
fn whatever_is_held_already_is_neither_predicted_nor_done_again() {
    let simulation = broken(Platform::default(), Breakage::Hung);
    simulation.cloud.with(|state| {
        let east = ("us-east-1".to_owned(), simulation::REPORTS_FUNCTION.to_owned());
        let function = state.functions.get_mut(&east).unwrap();
        function.variables.insert("READ_ONLY_MODE".to_owned(), "true".to_owned());
    });
    assert_kept(simulation, &event("alarm.eventbridge.json"), IncidentStatus::Completed);
}
