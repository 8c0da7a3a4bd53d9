//! ECS.

use serde_json::{Value, json as value};
use shared::adapters::aws::{EcsServices, EndpointMutations};
use shared::domain::mutation::Mutation;
use shared::domain::observation::ServiceView;
use shared::domain::plan::EcsSite;
use shared::ports::{FailureKind, Mutations, Services};

use crate::stub::{Stub, json, name, west};

async fn described(answer: Value) -> Result<ServiceView, FailureKind> {
    let stub = Stub::answering(move |_, _| json(200, &answer)).await;
    let site = EcsSite { cluster: name("main"), service: name("api") };
    let seen = EcsServices::new(stub.clients()).describe(&west(), &site).await.map_err(|failure| failure.kind);
    assert_eq!(stub.asked()[0].json(), value!({"cluster": "main", "services": ["api"]}));
    seen
}

fn service(status: &str) -> Value {
    value!({
        "serviceName": "api", "status": status, "desiredCount": 3, "runningCount": 2,
        "deployments": [
            {"id": "ecs-svc/1", "status": "ACTIVE", "rolloutState": "COMPLETED"},
            {"id": "ecs-svc/2", "status": "PRIMARY", "rolloutState": "IN_PROGRESS"},
        ],
    })
}

#[tokio::test]
async fn a_service_is_seen_through_its_primary_deployment() {
    let seen = described(value!({"services": [service("ACTIVE")], "failures": []})).await.unwrap();
    let expected =
        ServiceView { desired: 3, running: 2, deployment: "ecs-svc/2".to_owned(), rollout: Some("IN_PROGRESS".to_owned()) };
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn only_a_service_that_is_said_to_be_missing_or_inactive_is_absent() {
    let missing =
        value!({"services": [], "failures": [{"arn": "arn:aws:ecs:us-west-2:1:service/main/api", "reason": "MISSING"}]});
    assert_eq!(described(missing).await, Err(FailureKind::NotFound));
    assert_eq!(described(value!({"services": [service("INACTIVE")]})).await, Err(FailureKind::NotFound));
    assert_eq!(described(value!({"services": [], "failures": []})).await, Err(FailureKind::NoAnswer));
}

#[tokio::test]
async fn a_restart_is_a_new_deployment_of_the_same_thing() {
    let stub = Stub::answering(|_, _| json(200, &value!({}))).await;
    let restart = Mutation::RestartService { region: west(), cluster: name("main"), service: name("api") };
    EndpointMutations::new(stub.clients()).perform(&restart).await.unwrap();
    assert_eq!(stub.asked()[0].json(), value!({"cluster": "main", "service": "api", "forceNewDeployment": true}));
}
