//! When it can neither go on nor go back, it stands still, keeps the fence, and says what is left to do.

use rehearsal_world::Breakage;
use serde_json::json;
use shared::domain::identifier::InstanceId;
use shared::domain::incident::IncidentStatus;
use shared::domain::plan::Component;
use shared::domain::step::StepStatus;
use simulation::{Platform, Simulation, primary_key, replica_key};

use crate::common::{Before, assert_sound, broken, event, groups_of, hang_and_raise, minutes, operations};

fn without_replica() -> Simulation {
    let platform = Platform::default().with_plan(|plan| {
        for component in plan.components.values_mut() {
            if let Component::RdsInstance(database) = component {
                database.recovery.id = InstanceId::new("healthcare-platform-dr-2").unwrap();
            }
        }
    });
    hang_and_raise(platform, "alarm.eventbridge.json")
}

fn with_failed_replica() -> Simulation {
    let mut simulation = broken(Platform::default(), Breakage::Hung);
    simulation.cloud.with(|state| state.world.break_instance(&replica_key(), Breakage::Failed, state.now));
    simulation.deliver(&event("alarm.eventbridge.json"));
    simulation
}

#[test]
fn without_a_replica_writes_are_held_and_a_person_gets_the_restore_commands() {
    for mut simulation in [without_replica(), with_failed_replica()] {
        let before = Before::of(&simulation);
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, IncidentStatus::Stuck, "{}", ended.report.reason);
        assert_sound(&simulation, &ended, &before);
        let made = operations(&simulation);
        assert!(made.iter().all(|made| made.starts_with("UpdateStage") || made.starts_with("UpdateFunction")), "{made:?}");
        let commands = ended.incident.commands_left.join("\n");
        for needed in [
            "restore-db-instance-to-point-in-time",
            "--source-db-instance-identifier healthcare-platform-prod",
            "restore-db-instance-from-db-snapshot",
            // Writes are held, so the last thing left to do is to let them through.
            "get-stage --region us-east-1 --rest-api-id a1b2c3",
            "without READ_ONLY_MODE",
        ] {
            assert!(commands.contains(needed), "{needed} is missing in:\n{commands}");
        }
        let page = simulation.cloud.with(|state| state.notices.last().cloned()).unwrap();
        assert!(page.body.contains("restore-db-instance-to-point-in-time"), "{}", page.body);
    }
}

/// Promoting it would give clients another database's rows.
#[test]
fn a_replica_of_another_database_is_never_promoted_whenever_it_became_one() {
    let staging = "arn:aws:rds:us-east-1:123456789012:db:healthcare-platform-staging";
    for (since, expected) in [
        (None, IncidentStatus::Stuck),
        (Some("03-gate-database"), IncidentStatus::RolledBack),
        (Some("04-promote-database"), IncidentStatus::RolledBack),
    ] {
        let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
        if let Some(step) = since {
            let running = |simulation: &Simulation| {
                let incident = simulation.latest_incident();
                let steps = incident.map(|incident| simulation.steps(&incident.id)).unwrap_or_default();
                steps.iter().any(|record| record.id.as_str() == step && record.status == StepStatus::Running)
                    || steps
                        .iter()
                        .any(|record| record.id.as_str() == "03-gate-database" && record.status == StepStatus::Done)
            };
            assert!(simulation.run_until(minutes(30), running), "{step}");
        }
        simulation.cloud.with(|state| state.replica_of = Some(staging.to_owned()));
        let ended = simulation.run_to_end();
        assert_eq!(ended.incident.status, expected, "{since:?}: {}", ended.report.reason);
        let made = operations(&simulation);
        assert!(!made.iter().any(|made| made.starts_with("PromoteReadReplica")), "{since:?}: {made:?}");
        assert!(ended.report.reason.contains("healthcare-platform-staging"), "{since:?}: {}", ended.report.reason);
    }
}

#[test]
fn a_stuck_platform_waits_for_an_acknowledgement_and_is_free_after_it() {
    let mut simulation = without_replica();
    let ended = simulation.run_to_end();
    let joined = simulation.operate(&json!({"scenario": "database_failure"})).unwrap();
    assert_eq!((&joined["status"], &joined["incident_status"]), (&json!("joined"), &json!("stuck")));
    let command = json!({"command": "acknowledge", "incident_id": ended.incident.id, "actor": "dana", "reason": "restored"});
    simulation.operate(&command).unwrap();
    simulation.operate(&command).unwrap();
    assert_eq!(simulation.platform().active, None);
    let started = simulation.operate(&json!({"scenario": "database_failure"})).unwrap();
    assert_eq!(started["status"], "started");
}

#[test]
fn only_a_stuck_incident_can_be_acknowledged() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    simulation.run_for(minutes(1));
    let id = simulation.latest_incident().unwrap().id;
    let command = json!({"command": "acknowledge", "incident_id": id, "actor": "dana"});
    assert_eq!(simulation.operate(&command).unwrap_err().code.as_str(), "nothing_to_acknowledge");
    simulation.run_to_end();
    assert_eq!(simulation.operate(&command).unwrap_err().code.as_str(), "nothing_to_acknowledge");
}

#[test]
fn a_component_that_does_not_serve_after_a_promotion_leaves_the_fence_up_and_the_commands_with_a_person() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.cloud.with(|state| {
        for service in state.services.values_mut() {
            service.running = 0;
        }
    });
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Stuck, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert!(ended.report.reason.contains("the fence stays"), "{}", ended.report.reason);
    assert_eq!(groups_of(&simulation, &primary_key()), ["sg-0f00d"]);
    let commands = ended.incident.commands_left.join("\n");
    assert!(commands.contains("get-stage --region us-east-1 --rest-api-id a1b2c3"), "{commands}");
    assert!(!commands.contains("modify-db-instance"), "nobody is told to lift the fence: {commands}");
    assert_eq!(operations(&simulation).iter().filter(|made| made.starts_with("Promote")).count(), 1);
}

#[test]
fn a_promotion_that_never_completes_is_not_undone() {
    let mut simulation = hang_and_raise(Platform::default(), "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    let promoted = |simulation: &Simulation| simulation.cloud.with(|state| !state.world.losses().is_empty());
    assert!(simulation.run_until(minutes(10), promoted));
    simulation.cloud.with(|state| state.world.break_instance(&replica_key(), Breakage::Failed, state.now));
    let ended = simulation.run_to_end();
    assert_eq!(ended.incident.status, IncidentStatus::Stuck, "{}", ended.report.reason);
    assert_sound(&simulation, &ended, &before);
    assert!(before.points_to_the_same(&simulation), "clients are never pointed at what nobody confirmed");
    assert_eq!(groups_of(&simulation, &primary_key()), ["sg-0f00d"]);
    let commands = ended.incident.commands_left.join("\n");
    for needed in ["describe-db-instances --region us-west-2", "put-parameter", "get-stage"] {
        assert!(commands.contains(needed), "{needed} is missing in:\n{commands}");
    }
}
