//! Every read that a step makes is inside the step's own `may`, and none is sent outside it.

use jiff::Timestamp;
use serde_json::json as value;
use shared::adapters::aws::{AwsEndpointStores, AwsWriteHolds, CloudWatchLags, EcsServices, RdsDatabases};
use shared::adapters::probe::NetworkProbes;
use shared::domain::identifier::ComponentName;
use shared::domain::may::may;
use shared::domain::plan::{Plan, SiteName};
use shared::domain::step::{PlannedStep, StepKind};
use shared::ports::{Databases, EndpointStores, PortError, Probes, ReplicaLags, Services, WriteHolds};

use crate::stub::{Stub, json_error, scope};

fn plan() -> Plan {
    let everywhere = value!({
        "version": 1, "platform": "p", "account": "123456789012",
        "sites": {"primary": {"region": "us-east-1"}, "recovery": {"region": "us-west-2"}},
        "objectives": {},
        "components": {
            "database": {
                "kind": "rds_instance",
                "primary": {"id": "prod", "isolation_security_group": "sg-0f00d"},
                "recovery": {"id": "dr"},
                "backup_retention_days": 7, "max_lag": 30,
                "write_probe": {"lambda": "write-probe"},
                "endpoints": [
                    {"place": "ssm_parameter", "name": "/p/host", "region": "us-west-2", "consumers": ["api"]},
                    {"place": "secret", "name": "p/database", "field": "host", "region": "us-west-2", "consumers": []},
                    {"place": "lambda_environment", "function": "reports", "variable": "HOST", "region": "us-west-2", "consumers": []},
                ],
                "holds": [
                    {"point": "api_gateway_stage", "protocol": "rest", "api": "a1", "stage": "prod", "methods": ["POST /p"], "reads": "served", "region": "us-east-1"},
                    {"point": "api_gateway_stage", "protocol": "http", "api": "a2", "stage": "prod", "methods": ["POST /p"], "reads": "served", "region": "us-east-1"},
                    {"point": "lambda_environment", "function": "reports", "variable": "READ_ONLY_MODE", "held": "true", "region": "us-east-1"},
                ],
            },
            "api": {
                "kind": "ecs_service",
                "primary": {"cluster": "main", "service": "api"},
                "recovery": {"cluster": "main", "service": "api"},
            },
        },
        "triggers": [],
        "scenarios": {},
    });
    serde_json::from_value(everywhere).unwrap()
}

/// The reads of a step, and how each ended.
async fn reads(stub: &Stub, plan: &Plan, step: &PlannedStep) -> Vec<Result<(), PortError>> {
    let clients = stub.clients();
    let databases = RdsDatabases::new(clients.clone());
    let (primary, recovery) = (plan.region(SiteName::Primary), plan.region(SiteName::Recovery));
    let mut ends = Vec::new();
    let database = plan.rds_instance(&step.component);
    match (step.kind, database) {
        (StepKind::ForceFailover | StepKind::Fence, Some(database)) => {
            ends.push(databases.describe(primary, &database.primary.id).await.map(drop));
        }
        (StepKind::Gate | StepKind::Promote, Some(database)) => {
            ends.push(databases.describe(recovery, &database.recovery.id).await.map(drop));
            let wanted = std::slice::from_ref(&database.recovery.id);
            let lags = CloudWatchLags::new(clients.clone());
            ends.push(lags.latest(recovery, wanted, Timestamp::now()).await.map(drop));
            if let (StepKind::Promote, Some(probe)) = (step.kind, &database.write_probe) {
                let probes = NetworkProbes::new(clients.clone(), None);
                ends.push(probes.write(recovery, &probe.lambda, "dr.example", 5432).await.map(drop));
            }
        }
        (StepKind::HoldWrites | StepKind::ResumeWrites, Some(database)) => {
            for point in &database.holds {
                ends.push(AwsWriteHolds::new(clients.clone()).read(point).await.map(drop));
            }
        }
        (StepKind::Repoint, Some(database)) => {
            ends.push(databases.describe(recovery, &database.recovery.id).await.map(drop));
            for place in &database.endpoints {
                ends.push(AwsEndpointStores::new(clients.clone()).read(place).await.map(drop));
            }
        }
        (StepKind::Validate, Some(database)) => {
            ends.push(databases.describe(primary, &database.primary.id).await.map(drop));
            ends.push(databases.describe(recovery, &database.recovery.id).await.map(drop));
        }
        (_, None) => {}
    }
    if let Some(service) = plan.ecs_service(&step.component) {
        let services = EcsServices::new(clients);
        ends.push(services.describe(recovery, service.at(SiteName::Recovery)).await.map(drop));
    }
    ends
}

fn every_step() -> Vec<PlannedStep> {
    let component = |name: &str| ComponentName::new(name).unwrap();
    let database = StepKind::ALL.map(|kind| PlannedStep { kind, component: component("database") });
    let service = PlannedStep { kind: StepKind::Validate, component: component("api") };
    database.into_iter().chain([service]).collect()
}

#[tokio::test]
async fn the_reads_of_every_step_are_inside_its_closed_set_and_carry_its_label() {
    let plan = plan();
    for step in every_step() {
        let stub = Stub::answering(|_, _| json_error(400, "Unexpected", "")).await;
        let label = format!("{}#0", step.id(1));
        let ends = scope(&label, may(&plan, &step)).run(reads(&stub, &plan, &step)).await;
        assert!(!ends.is_empty());
        for failure in ends.iter().filter_map(|end| end.as_ref().err()) {
            assert_ne!(failure.code, "outside_may", "{failure}");
        }
        for asked in stub.asked() {
            assert_eq!(asked.header("x-recovery-step"), Some(label.as_str()));
        }
    }
}

#[tokio::test]
async fn outside_the_closed_set_nothing_is_read() {
    let plan = plan();
    let stub = Stub::answering(|_, _| json_error(400, "Unexpected", "")).await;
    for step in every_step() {
        for end in scope("01-step#0", vec![]).run(reads(&stub, &plan, &step)).await {
            assert_eq!(end.unwrap_err().code, "outside_may");
        }
    }
    let databases = RdsDatabases::new(stub.clients());
    let (region, instance) = (crate::stub::west(), crate::stub::replica());
    let end = scope("01-step#0", vec![]).run(databases.newest_snapshot(&region, &instance)).await;
    assert_eq!(end.unwrap_err().code, "outside_may");
    assert!(stub.asked().is_empty(), "{:?}", stub.operations());
}
