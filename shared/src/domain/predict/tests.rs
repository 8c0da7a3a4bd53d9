//! What a dry run promises of holds. That decisions and predictions are the same code says nothing about the model between them.

use serde_json::{Value, json};

use super::super::non_empty::NonEmpty;
use super::super::plan::{Branch, Component};
use super::*;

const HEALTHCARE: &str = include_str!("../../../../plans/healthcare-platform.yaml");

/// A plan that holds and resumes and does nothing else, at each of these stages.
fn plan(protocol: ApiProtocol, stages: &[(&str, &str)]) -> Plan {
    let mut plan = crate::planfile::read(HEALTHCARE).plan.unwrap();
    let database = ComponentName::new("database").unwrap();
    let Some(Component::RdsInstance(instance)) = plan.components.get_mut(&database) else { panic!("no database") };
    let listed = instance.holds.remove(0);
    let HoldPoint::ApiGatewayStage { methods, reads, region, .. } = listed else { panic!("{listed:?}") };
    instance.holds = stages
        .iter()
        .map(|(api, stage)| HoldPoint::ApiGatewayStage {
            protocol,
            api: ResourceName::new(*api).unwrap(),
            stage: ResourceName::new(*stage).unwrap(),
            methods: methods.clone(),
            reads,
            region: region.clone(),
        })
        .collect();
    let wave = |kind| NonEmpty::new(vec![PlannedStep { kind, component: database.clone() }]).unwrap();
    let waves = NonEmpty::new(vec![wave(StepKind::HoldWrites), wave(StepKind::ResumeWrites)]).unwrap();
    let scenario = plan.scenarios.get_mut(&scenario()).unwrap();
    scenario.branches = NonEmpty::new(vec![Branch { when: Condition::Otherwise, waves }]).unwrap();
    plan
}

fn scenario() -> ScenarioName {
    ScenarioName::new("database_failure").unwrap()
}

fn predicted(plan: &Plan, kind: StepKind) -> StepPrediction {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let steps = will_declared(plan, &scenario(), 0, now);
    steps.into_iter().find(|step| step.step.as_str().contains(kind.as_str())).unwrap()
}

fn calls(prediction: &StepPrediction) -> Vec<(String, String, Value)> {
    let call = |call: &Call| (call.operation.clone(), call.resource.clone(), call.parameters.clone());
    prediction.will.iter().map(call).collect()
}

#[test]
fn an_http_apis_routes_are_closed_together_and_opened_one_by_one() {
    let plan = plan(ApiProtocol::Http, &[("a1b2c3", "prod")]);
    let resource = "/apis/a1b2c3/stages/prod".to_owned();
    let closed = json!({"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0});
    let update = json!({"routeSettings": {"POST /patients": closed, "PUT /patients": closed}});
    let delete = |route: &str| ("DeleteRouteSettings".to_owned(), resource.clone(), json!({"routeKey": route}));
    for (kind, expected) in [
        (StepKind::HoldWrites, vec![("UpdateStage".to_owned(), resource.clone(), update)]),
        (StepKind::ResumeWrites, vec![delete("POST /patients"), delete("PUT /patients")]),
    ] {
        let prediction = predicted(&plan, kind);
        assert_eq!(calls(&prediction), expected);
        for call in &prediction.will {
            let needed = Permitted {
                service: call.service.clone(),
                operation: call.operation.clone(),
                region: call.region.clone(),
                resource: call.resource.clone(),
            };
            assert!(prediction.may.contains(&needed), "{needed} is outside {:?}", prediction.may);
        }
    }
}

#[test]
fn nothing_of_a_rest_api_may_be_deleted() {
    let plan = plan(ApiProtocol::Rest, &[("a1b2c3", "prod")]);
    for kind in [StepKind::HoldWrites, StepKind::ResumeWrites] {
        let may = predicted(&plan, kind).may;
        assert!(may.iter().all(|permitted| !permitted.operation.starts_with("Delete")), "{may:?}");
    }
}

#[test]
fn each_stage_is_held_for_itself_even_where_they_share_an_api() {
    for protocol in [ApiProtocol::Rest, ApiProtocol::Http] {
        let plan = plan(protocol, &[("a1b2c3", "prod"), ("a1b2c3", "beta"), ("d4e5f6", "prod")]);
        for kind in [StepKind::HoldWrites, StepKind::ResumeWrites] {
            let stages: std::collections::BTreeSet<String> =
                predicted(&plan, kind).will.into_iter().map(|call| call.resource).collect();
            assert_eq!(stages.len(), 3, "{protocol:?} {kind:?}: {stages:?}");
        }
    }
}
