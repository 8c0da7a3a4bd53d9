//! API Gateway.

use serde_json::json as value;
use shared::adapters::aws::{AwsWriteHolds, ReadOnlyToggleMutations};
use shared::domain::mutation::{Mutation, PatchOperation, RouteThrottle};
use shared::domain::non_empty::NonEmpty;
use shared::domain::observation::HoldView;
use shared::domain::plan::{ApiMethod, ApiProtocol, HoldPoint, Reads};
use shared::domain::step::Throttle;
use shared::ports::{FailureKind, Mutations, WriteHolds};

use crate::stub::{Stub, east, json, name};

fn point(protocol: ApiProtocol) -> HoldPoint {
    HoldPoint::ApiGatewayStage {
        protocol,
        api: name("a1b2c3"),
        stage: name("prod"),
        methods: NonEmpty::new(vec![ApiMethod::parse("POST /patients").unwrap()]).unwrap(),
        reads: Reads::Served,
        region: east(),
    }
}

async fn throttles(stub: &Stub, protocol: ApiProtocol) -> Vec<(String, Throttle)> {
    match AwsWriteHolds::new(stub.clients()).read(&point(protocol)).await.unwrap() {
        HoldView::Throttles { by_method } => by_method.into_iter().collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_rest_stage_shows_its_throttles_by_method() {
    let stub = Stub::answering(|_, _| {
        json(
            200,
            &value!({"stageName": "prod", "methodSettings": {
                "*/*": {"throttlingRateLimit": 10000.0, "throttlingBurstLimit": 5000},
                "~1patients/POST": {"throttlingRateLimit": 0.5, "throttlingBurstLimit": 2},
                "patients/PUT": {"throttlingRateLimit": 0.0, "throttlingBurstLimit": 0},
            }}),
        )
    })
    .await;
    assert_eq!(
        throttles(&stub, ApiProtocol::Rest).await,
        [
            ("*/*".to_owned(), Throttle { rate: 10_000.0, burst: 5_000 }),
            ("POST /patients".to_owned(), Throttle { rate: 0.5, burst: 2 }),
            ("PUT /patients".to_owned(), Throttle { rate: 0.0, burst: 0 }),
        ]
    );
    assert_eq!(stub.asked()[0].target, "/restapis/a1b2c3/stages/prod");
}

#[tokio::test]
async fn a_rest_stage_is_patched_in_order() {
    let stub = Stub::answering(|_, _| json(200, &value!({}))).await;
    let path = "/~1patients/POST/throttling/rateLimit";
    let patch = Mutation::PatchRestStage {
        region: east(),
        api: name("a1b2c3"),
        stage: name("prod"),
        operations: vec![
            PatchOperation { op: "replace".to_owned(), path: path.to_owned(), value: Some("0".to_owned()) },
            PatchOperation { op: "remove".to_owned(), path: "/~1patients/PUT".to_owned(), value: None },
        ],
    };
    ReadOnlyToggleMutations::new(stub.clients()).perform(&patch).await.unwrap();
    let asked = &stub.asked()[0];
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("PATCH", "/restapis/a1b2c3/stages/prod"));
    let expected = value!({"patchOperations": [
        {"op": "replace", "path": path, "value": "0"},
        {"op": "remove", "path": "/~1patients/PUT"},
    ]});
    assert_eq!(asked.json(), expected);
}

fn http_stage() -> crate::stub::Answer {
    json(
        200,
        &value!({"stageName": "prod", "routeSettings": {
            "POST /patients": {"detailedMetricsEnabled": true, "throttlingRateLimit": 50.0, "throttlingBurstLimit": 100},
            "GET /patients": {"detailedMetricsEnabled": true},
        }}),
    )
}

#[tokio::test]
async fn an_http_stage_shows_the_routes_that_have_throttles_of_their_own() {
    let stub = Stub::answering(|_, _| http_stage()).await;
    let expected = [("POST /patients".to_owned(), Throttle { rate: 50.0, burst: 100 })];
    assert_eq!(throttles(&stub, ApiProtocol::Http).await, expected);
    assert_eq!(stub.asked()[0].target, "/v2/apis/a1b2c3/stages/prod");
}

fn routes(list: &[(&str, Option<(&str, i32)>)]) -> Mutation {
    Mutation::PutHttpRouteSettings {
        region: east(),
        api: name("a1b2c3"),
        stage: name("prod"),
        routes: list
            .iter()
            .map(|(route, throttle)| RouteThrottle {
                route: (*route).to_owned(),
                throttle: throttle.map(|(rate, burst)| (rate.to_owned(), burst)),
            })
            .collect(),
    }
}

#[tokio::test]
async fn a_routes_other_settings_survive_its_throttle() {
    let stub = Stub::answering(|_, _| http_stage()).await;
    let hold =
        routes(&[("POST /patients", Some(("0", 0))), ("PUT /patients", Some(("0.5", 1))), ("DELETE /patients", None)]);
    ReadOnlyToggleMutations::new(stub.clients()).perform(&hold).await.unwrap();
    let asked = &stub.asked()[1];
    assert_eq!((asked.method.as_str(), asked.target.as_str()), ("PATCH", "/v2/apis/a1b2c3/stages/prod"));
    assert_eq!(
        asked.json(),
        value!({"routeSettings": {
            "POST /patients": {"detailedMetricsEnabled": true, "throttlingRateLimit": 0.0, "throttlingBurstLimit": 0},
            "PUT /patients": {"throttlingRateLimit": 0.5, "throttlingBurstLimit": 1},
        }})
    );
}

#[tokio::test]
async fn a_throttle_that_the_call_cannot_remove_is_refused_with_the_command_that_can() {
    let stub = Stub::answering(|_, _| http_stage()).await;
    let failure =
        ReadOnlyToggleMutations::new(stub.clients()).perform(&routes(&[("POST /patients", None)])).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Refused, "route_settings_need_removal"));
    let command = "aws apigatewayv2 delete-route-settings --api-id a1b2c3 --stage-name prod --route-key 'POST /patients'";
    assert!(failure.message.contains(command), "{}", failure.message);
    assert_eq!(stub.asked().len(), 1);
}
