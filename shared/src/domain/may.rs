//! What a step may call at all: the closed set that its permissions, and the guard before every call, are made from.

use super::call::Permitted;
use super::identifier::{ComponentName, Region};
use super::operation::Operation;
use super::plan::{ApiProtocol, Component, EcsService, EndpointPlace, HoldPoint, Plan, SiteName, Sites};
use super::step::{PlannedStep, StepKind};

/// The closed set of calls that a step may make, reads and mutations, forward and backward.
#[must_use]
pub fn may(plan: &Plan, step: &PlannedStep) -> Vec<Permitted> {
    may_of(&plan.sites, &|name| plan.components.get(name), step)
}

/// The same for a plan of which only a part could be read.
#[must_use]
pub fn may_of<'a>(
    sites: &Sites,
    component: &dyn Fn(&ComponentName) -> Option<&'a Component>,
    step: &PlannedStep,
) -> Vec<Permitted> {
    let mut set = Vec::new();
    let (primary_region, recovery_region) = (&sites.primary.region, &sites.recovery.region);
    let service = |name: &ComponentName| match component(name) {
        Some(Component::EcsService(service)) => Some(service),
        _ => None,
    };
    if let Some(Component::RdsInstance(database)) = component(&step.component) {
        let primary = format!("db:{}", database.primary.id);
        let replica = format!("db:{}", database.recovery.id);
        match step.kind {
            StepKind::ForceFailover => {
                set.push(Permitted::new(Operation::DescribeInstances, primary_region, &primary));
                set.push(Permitted::new(Operation::RebootInstance, primary_region, &primary));
            }
            StepKind::Fence => {
                set.push(Permitted::new(Operation::DescribeInstances, primary_region, &primary));
                set.push(Permitted::new(Operation::ModifyInstance, primary_region, &primary));
                set.push(Permitted::new(Operation::RebootInstance, primary_region, &primary));
            }
            StepKind::Gate | StepKind::Promote => {
                set.push(Permitted::new(Operation::DescribeInstances, recovery_region, &replica));
                set.push(Permitted::new(Operation::DescribeInstances, primary_region, &primary));
                set.push(Permitted::new(Operation::GetMetricData, recovery_region, "metric:AWS/RDS/ReplicaLag"));
                if step.kind == StepKind::Promote {
                    set.push(Permitted::new(Operation::PromoteReplica, recovery_region, &replica));
                    if let Some(probe) = &database.write_probe {
                        set.push(Permitted::new(Operation::Invoke, recovery_region, format!("function:{}", probe.lambda)));
                    }
                }
            }
            StepKind::HoldWrites | StepKind::ResumeWrites => {
                database.holds.iter().for_each(|hold| may_hold(&mut set, hold));
            }
            StepKind::Repoint => {
                set.push(Permitted::new(Operation::DescribeInstances, recovery_region, &replica));
                for place in &database.endpoints {
                    may_place(&mut set, place);
                    for consumer in place.consumers() {
                        may_service(
                            recovery_region,
                            &mut set,
                            service(consumer),
                            &[Operation::DescribeServices, Operation::UpdateService],
                        );
                    }
                }
            }
            StepKind::Validate => {
                set.push(Permitted::new(Operation::DescribeInstances, recovery_region, &replica));
                set.push(Permitted::new(Operation::DescribeInstances, primary_region, &primary));
            }
        }
    } else if step.kind == StepKind::Validate {
        may_service(recovery_region, &mut set, service(&step.component), &[Operation::DescribeServices]);
    }
    set.sort();
    set.dedup();
    set
}

fn may_service(region: &Region, set: &mut Vec<Permitted>, service: Option<&EcsService>, operations: &[Operation]) {
    if let Some(service) = service {
        let site = service.at(SiteName::Recovery);
        let resource = format!("service/{}/{}", site.cluster, site.service);
        for operation in operations {
            set.push(Permitted::new(*operation, region, &resource));
        }
    }
}

fn may_hold(set: &mut Vec<Permitted>, hold: &HoldPoint) {
    match hold {
        HoldPoint::ApiGatewayStage { protocol, api, stage, region, .. } => {
            let (family, operations) = match protocol {
                ApiProtocol::Rest => ("restapis", [Operation::GetRestStage, Operation::UpdateRestStage].as_slice()),
                ApiProtocol::Http => (
                    "apis",
                    [Operation::GetHttpStage, Operation::UpdateHttpStage, Operation::DeleteRouteSettings].as_slice(),
                ),
            };
            let resource = format!("/{family}/{api}/stages/{stage}");
            for operation in operations {
                set.push(Permitted::new(*operation, region, &resource));
            }
        }
        HoldPoint::LambdaEnvironment { function, region, .. } => may_function(set, function.as_str(), region),
    }
}

/// The reads alone of a hold point, for a look at how it stands.
pub(super) fn may_read_hold(hold: &HoldPoint) -> Vec<Permitted> {
    let mut set = Vec::new();
    may_hold(&mut set, hold);
    set.retain(|permitted| permitted.operation.starts_with("Get"));
    set
}

fn may_place(set: &mut Vec<Permitted>, place: &EndpointPlace) {
    match place {
        EndpointPlace::SsmParameter { name, region, .. } => {
            let resource = format!("parameter{name}");
            set.push(Permitted::new(Operation::GetParameter, region, &resource));
            set.push(Permitted::new(Operation::PutParameter, region, &resource));
        }
        EndpointPlace::Secret { name, region, .. } => {
            let resource = format!("secret:{name}");
            for operation in [
                Operation::DescribeSecret,
                Operation::GetSecretValue,
                Operation::PutSecretValue,
                Operation::UpdateSecretVersionStage,
            ] {
                set.push(Permitted::new(operation, region, &resource));
            }
        }
        EndpointPlace::LambdaEnvironment { function, region, .. } => may_function(set, function.as_str(), region),
    }
}

fn may_function(set: &mut Vec<Permitted>, function: &str, region: &Region) {
    let resource = format!("function:{function}");
    set.push(Permitted::new(Operation::GetFunctionConfiguration, region, &resource));
    set.push(Permitted::new(Operation::UpdateFunctionConfiguration, region, &resource));
}
