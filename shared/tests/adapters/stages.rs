//! API Gateway.

use std::collections::BTreeMap;

use serde_json::{Value, json as value};
use shared::adapters::aws::{AwsWriteHolds, ReadOnlyToggleMutations};
use shared::domain::call::Call;
use shared::domain::identifier::StepId;
use shared::domain::mutation::{Mutation, PatchOperation};
use shared::domain::non_empty::NonEmpty;
use shared::domain::observation::HoldView;
use shared::domain::plan::{ApiMethod, ApiProtocol, HoldPoint, Reads};
use shared::domain::step::{RouteSettings, Throttle};
use shared::ports::{FailureKind, Mutations, WriteHolds};

use crate::stub::{Answer, Stub, east, json, json_error, name};

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

async fn read(stub: &Stub, protocol: ApiProtocol) -> HoldView {
    AwsWriteHolds::new(stub.clients()).read(&point(protocol)).await.unwrap()
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
    let by_method = [
        ("*/*".to_owned(), Throttle { rate: 10_000.0, burst: 5_000 }),
        ("POST /patients".to_owned(), Throttle { rate: 0.5, burst: 2 }),
        ("PUT /patients".to_owned(), Throttle { rate: 0.0, burst: 0 }),
    ];
    assert_eq!(read(&stub, ApiProtocol::Rest).await, HoldView::Throttles { by_method: by_method.into() });
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

#[tokio::test]
async fn an_http_stage_shows_the_routes_that_have_settings_of_their_own() {
    let stub = Stub::answering(|_, _| {
        json(
            200,
            &value!({"stageName": "prod", "defaultRouteSettings": {"throttlingRateLimit": 7.0}, "routeSettings": {
                "POST /patients": {"detailedMetricsEnabled": true, "throttlingRateLimit": 50.0, "throttlingBurstLimit": 100},
                "PUT /patients": {"throttlingRateLimit": 0.5},
                "GET /patients": {"detailedMetricsEnabled": false},
                "HEAD /patients": {},
            }}),
        )
    })
    .await;
    let by_route = [
        ("GET /patients", RouteSettings { rate: None, burst: None, detailed_metrics: Some(false) }),
        ("POST /patients", RouteSettings { rate: Some(50.0), burst: Some(100), detailed_metrics: Some(true) }),
        ("PUT /patients", RouteSettings { rate: Some(0.5), burst: None, detailed_metrics: None }),
    ];
    let by_route = by_route.into_iter().map(|(route, settings)| (route.to_owned(), settings)).collect();
    assert_eq!(read(&stub, ApiProtocol::Http).await, HoldView::Routes { by_route });
    assert_eq!(stub.asked()[0].target, "/v2/apis/a1b2c3/stages/prod");
}

#[tokio::test]
async fn an_http_stage_without_settings_is_read_too() {
    let stub = Stub::answering(|_, _| json(200, &value!({"stageName": "prod"}))).await;
    assert_eq!(read(&stub, ApiProtocol::Http).await, HoldView::Routes { by_route: BTreeMap::new() });
}

/// What is sent has to be what the same mutation says of itself: a dry run promises that.
fn promised(mutation: &Mutation) -> Value {
    Call::of(&StepId::new("01-hold_writes-database").unwrap(), 1, mutation).parameters
}

#[tokio::test]
async fn only_the_routes_that_change_are_sent_with_the_settings_that_they_get() {
    let stub = Stub::answering(|_, _| json(200, &value!({"stageName": "prod"}))).await;
    let routes = [
        ("POST /patients", RouteSettings { rate: Some(0.0), burst: Some(0), detailed_metrics: Some(true) }),
        ("PUT /patients", RouteSettings { rate: Some(0.5), burst: Some(1), detailed_metrics: None }),
    ];
    let put = Mutation::PutHttpRouteSettings {
        region: east(),
        api: name("a1b2c3"),
        stage: name("prod"),
        routes: routes.into_iter().map(|(route, settings)| (route.to_owned(), settings)).collect(),
    };
    ReadOnlyToggleMutations::new(stub.clients()).perform(&put).await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("PATCH", "/v2/apis/a1b2c3/stages/prod"));
    let expected = value!({"routeSettings": {
        "POST /patients": {"detailedMetricsEnabled": true, "throttlingRateLimit": 0.0, "throttlingBurstLimit": 0},
        "PUT /patients": {"throttlingRateLimit": 0.5, "throttlingBurstLimit": 1},
    }});
    assert_eq!(asked[0].json(), expected);
    assert_eq!(promised(&put), expected);
}

fn delete(stage: &str) -> Mutation {
    Mutation::DeleteRouteSettings {
        region: east(),
        api: name("a1b2c3"),
        stage: name(stage),
        route: "POST /patients/{id}".to_owned(),
    }
}

#[tokio::test]
async fn a_routes_settings_are_taken_away_by_its_key() {
    let stub = Stub::answering(|_, _| Answer::Reply(204, "application/json", Vec::new())).await;
    ReadOnlyToggleMutations::new(stub.clients()).perform(&delete("$default")).await.unwrap();
    let asked = stub.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (asked[0].method.as_str(), asked[0].target.as_str(), asked[0].body.as_str()),
        ("DELETE", "/v2/apis/a1b2c3/stages/%24default/routesettings/POST%20%2Fpatients%2F%7Bid%7D", "")
    );
    assert_eq!(promised(&delete("$default")), value!({"routeKey": "POST /patients/{id}"}));
}

#[tokio::test]
async fn settings_that_are_not_there_are_not_found() {
    let stub = Stub::answering(|_, _| json_error(404, "NotFoundException", "Unable to find route settings")).await;
    let failure = ReadOnlyToggleMutations::new(stub.clients()).perform(&delete("prod")).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NotFound, "NotFoundException"));
    assert_eq!(stub.asked().len(), 1);
}
