//! What the functions really call, recorded in process, against what the table says that they call.

use std::collections::BTreeSet;

use rehearsal_world::Breakage;
use serde_json::{Value, json};
use shared::domain::identifier::Region;
use shared::domain::operation::Operation;
use shared::domain::permission::{Use, uses};
use shared::domain::plan::{ApprovalRule, Plan};
use shared::domain::step::FunctionName;
use simulation::{Platform, Simulation, primary_key};

use crate::common::repository;

/// Function, operation, and where; machinery is only named by its operation, because its resources are names of the day.
type Made = (FunctionName, &'static str, &'static str, Option<(Region, String)>);

fn event(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(repository().join("events").join(name)).unwrap()).unwrap()
}

fn is_machinery(service: &str, operation: &str, resource: &str) -> bool {
    let of_ours = ["read-only-toggle", "update-database", "recovery"];
    let asks_ours = operation == "Invoke" && of_ours.iter().any(|name| resource.contains(name));
    asks_ours || ["dynamodb", "states", "sns"].contains(&service)
}

fn made_by(simulation: &Simulation) -> BTreeSet<Made> {
    simulation.cloud.with(|state| {
        let calls = state.calls.iter().filter(|call| call.service != "network");
        calls
            .map(|call| {
                let function = call.function.unwrap_or_else(|| panic!("nobody's call: {call:?}"));
                let at = (call.region.clone(), call.resource.clone());
                let at = (!is_machinery(call.service, call.operation, &call.resource)).then_some(at);
                (function, call.service, call.operation, at)
            })
            .collect()
    })
}

fn declared(plan: &Plan) -> BTreeSet<Made> {
    let of = |each: Use| {
        let (service, operation) = (each.operation.service(), each.operation.name());
        let at = (!is_machinery(service, operation, &each.resource)).then_some((each.region, each.resource));
        (each.function, service, operation, at)
    };
    uses(plan).into_iter().map(of).collect()
}

fn ask_everything(simulation: &mut Simulation) {
    for (function, payload) in [
        (FunctionName::Recovery, event("recovery.dry_run.json")),
        (FunctionName::Recovery, event("recovery.status.json")),
        (FunctionName::Recovery, event("recovery.watchdog.json")),
        (FunctionName::ReadOnlyToggle, event("read-only-toggle.status.json")),
        (FunctionName::UpdateDatabaseEndpoints, event("update-database-endpoints.new_endpoint.json")),
        (FunctionName::ReplicationCheck, json!({})),
        (FunctionName::BackupVerify, json!({})),
        (FunctionName::BackupVerify, event("backup-verify.archive.json")),
    ] {
        simulation.invoke(function, "live", &payload);
    }
}

/// AWS Backup restores the newest recovery point of the database for a test, under the id of the example.
fn begin_restore_test(simulation: &Simulation) {
    simulation.cloud.with(|state| {
        let vault = "healthcare-platform-dr";
        let Ok(points) = state.world.list_recovery_points("us-west-2", vault, None, state.now) else { return };
        let point = points.iter().find(|point| point.resource.ends_with(":db:healthcare-platform-prod")).unwrap();
        let plan = "arn:aws:backup:us-west-2:123456789012:restore-testing-plan:monthly";
        state.world.begin_restore("us-west-2", "awsbackup-restore-test-1", point, Some(plan)).unwrap();
    });
}

/// Runs in which everything that a plan can lead to happens: a promotion, its undo after a rejection, a failover.
fn runs(platform: &Platform) -> Vec<Simulation> {
    let broken = |platform: Platform| {
        let mut simulation = platform.stand_up();
        simulation.run_for(std::time::Duration::from_secs(215));
        simulation.cloud.with(|state| state.world.break_instance(&primary_key(), Breakage::Hung, state.now));
        simulation.run_for(std::time::Duration::from_secs(117));
        ask_everything(&mut simulation);
        simulation.deliver(&event("alarm.eventbridge.json"));
        simulation
    };
    let mut promoted = broken(platform.clone());
    promoted.run_to_end();
    ask_everything(&mut promoted);
    promoted.invoke(FunctionName::ReadOnlyToggle, "live", &event("read-only-toggle.read_only.json"));
    let mut failed_over = broken(platform.clone().multi_az());
    failed_over.run_to_end();
    let mut rejected = broken(platform.clone().with_plan(|plan| {
        plan.scenarios.values_mut().for_each(|scenario| scenario.approval = ApprovalRule::Required);
    }));
    let asks = |simulation: &Simulation| {
        simulation.latest_incident().and_then(|incident| incident.question).is_some_and(|question| question.token.is_some())
    };
    assert!(rejected.run_until(std::time::Duration::from_secs(1_200), asks));
    let incident = rejected.latest_incident().unwrap();
    let digest = incident.question.as_ref().unwrap().digest();
    let reject = json!({"command": "reject", "incident_id": incident.id, "digest": digest, "actor": "dana"});
    rejected.through("approve", &reject).unwrap();
    rejected.run_to_end();
    let mut tested = platform.clone().stand_up();
    begin_restore_test(&tested);
    tested.run_for(std::time::Duration::from_secs(3_600));
    tested.invoke(FunctionName::BackupVerify, "live", &event("backup-verify.restore_job.json"));
    vec![promoted, failed_over, rejected, tested]
}

/// Calls that an adapter makes within another and no port shows, or that only a failure leads to.
const NOT_RECORDED: [Operation; 1] = [Operation::DescribeExecution];

#[test]
fn every_call_that_is_made_is_declared_and_every_call_that_is_declared_is_made() {
    let with_everything = Platform::default().with_restore_tests().with_postgresql();
    for platform in [Platform::default(), Platform::default().with_http_api(), with_everything] {
        let declared = declared(&platform.plan);
        let mut made = BTreeSet::new();
        for run in runs(&platform) {
            made.extend(made_by(&run));
        }
        let undeclared: Vec<&Made> = made.difference(&declared).collect();
        assert!(undeclared.is_empty(), "made, and in no role: {undeclared:#?}");
        let never: Vec<&Made> = declared
            .difference(&made)
            .filter(|(_, service, name, _)| {
                !NOT_RECORDED.iter().any(|operation| operation.service() == *service && operation.name() == *name)
            })
            .collect();
        assert!(never.is_empty(), "declared, and never made: {never:#?}");
    }
}
