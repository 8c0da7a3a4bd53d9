//! A deployment in the middle of a recovery: the recovery keeps the plan that it began with.

use rehearsal_world::Breakage;
use shared::domain::identifier::{InstanceId, SecurityGroupId};
use shared::domain::incident::IncidentStatus;
use shared::domain::plan::{Component, Plan};
use simulation::{Platform, Simulation};

use crate::common::{Before, broken, broken_promises, event, minutes, operations, seconds};

/// How long after the incident is declared the other plan is deployed, in seconds: before it is assessed, and along its steps.
const MOMENTS: [u64; 9] = [0, 1, 5, 15, 40, 90, 180, 300, 400];

fn alarmed() -> Simulation {
    let mut simulation = broken(Platform::default(), Breakage::Hung);
    simulation.deliver(&event("alarm.eventbridge.json"));
    assert!(simulation.run_until(minutes(1), |simulation| simulation.latest_incident().is_some()));
    simulation
}

/// A plan by which this recovery could not succeed: other instances, another isolation group, nothing to write, nothing to hold.
fn another(plan: &mut Plan) {
    for component in plan.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            database.primary.id = InstanceId::new("healthcare-platform-other").unwrap();
            database.primary.isolation_security_group = Some(SecurityGroupId::new("sg-0beef").unwrap());
            database.recovery.id = InstanceId::new("healthcare-platform-other-dr").unwrap();
            database.endpoints.clear();
            database.holds.clear();
        }
    }
}

#[test]
fn a_plan_that_is_deployed_during_a_recovery_waits_for_the_next_one() {
    let mut undisturbed = alarmed();
    assert_eq!(undisturbed.run_to_end().incident.status, IncidentStatus::Completed);
    let expected = operations(&undisturbed);
    for after in MOMENTS {
        let mut simulation = alarmed();
        let before = Before::of(&simulation);
        simulation.run_for(seconds(after));
        let deployed = simulation.cloud.with(|state| {
            let deployed = state.plan.clone();
            another(&mut state.plan);
            deployed
        });
        let ended = simulation.run_to_end();
        simulation.cloud.with(|state| state.plan = deployed);
        assert_eq!(ended.incident.status, IncidentStatus::Completed, "after {after} s: {}", ended.report.reason);
        // Whether a call is inside `may` is judged by the plan that is deployed, so that is seen in the calls themselves.
        let mut found = broken_promises(&simulation, &ended, &before);
        found.retain(|promise| !promise.starts_with("I10"));
        assert_eq!(found, Vec::<String>::new(), "after {after} s");
        assert_eq!(operations(&simulation), expected, "after {after} s");
    }
}
