//! Secrets Manager.

use serde_json::json as value;
use shared::adapters::aws::{AwsEndpointStores, EndpointMutations};
use shared::domain::mutation::Mutation;
use shared::domain::observation::PlaceView;
use shared::domain::plan::EndpointPlace;
use shared::ports::{EndpointStores, FailureKind, Mutations};

use crate::stub::{Answer, Stub, json, json_error, name, west};

const TEXT: &str = "{\"host\": \"old.c7.us-west-2.rds.amazonaws.com\", \"password\":\"hunter2\",\"port\":5432.0}";

fn place() -> EndpointPlace {
    EndpointPlace::Secret { name: name("p/database"), field: name("host"), region: west(), consumers: vec![] }
}

fn answering(text: &'static str) -> impl Fn(usize, &crate::stub::Asked) -> Answer {
    move |_, asked| match asked.operation() {
        "DescribeSecret" => json(
            200,
            &value!({"Name": "p/database", "VersionIdsToStages": {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"], "v3": ["recovery-1"]}}),
        ),
        "GetSecretValue" => {
            json(200, &value!({"Name": "p/database", "VersionId": asked.json()["VersionId"], "SecretString": text}))
        }
        _ => json(200, &value!({"Name": "p/database", "VersionId": "v4"})),
    }
}

fn staging() -> Mutation {
    Mutation::StageSecretVersion {
        region: west(),
        secret: name("p/database"),
        field: name("host"),
        value: "new.example".to_owned(),
        base_version: "v2".to_owned(),
        version: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        stage: "recovery-1".to_owned(),
    }
}

#[tokio::test]
async fn one_field_is_read_from_the_version_that_is_current() {
    let stub = Stub::answering(answering(TEXT)).await;
    let view = AwsEndpointStores::new(stub.clients()).read(&place()).await.unwrap();
    assert!(!format!("{view:?}").contains("hunter2"));
    let PlaceView::SecretField { value, current_version, staged } = view else { panic!("{view:?}") };
    assert_eq!((value.as_deref(), current_version.as_str()), (Some("old.c7.us-west-2.rds.amazonaws.com"), "v2"));
    assert_eq!(staged.get("recovery-1").map(String::as_str), Some("v3"));
    assert!(!staged.contains_key("AWSCURRENT"));
    assert_eq!(stub.asked()[1].json()["VersionId"], "v2");
}

#[tokio::test]
async fn a_new_version_differs_in_the_one_field_and_stands_under_our_stage_only() {
    let stub = Stub::answering(answering(TEXT)).await;
    EndpointMutations::new(stub.clients()).perform(&staging()).await.unwrap();
    assert_eq!(
        stub.asked()[1].json(),
        value!({
            "SecretId": "p/database",
            "ClientRequestToken": "01234567-89ab-cdef-0123-456789abcdef",
            "SecretString": "{\"host\": \"new.example\", \"password\":\"hunter2\",\"port\":5432.0}",
            "VersionStages": ["recovery-1"],
        })
    );
}

#[tokio::test]
async fn a_secret_that_is_no_object_is_refused_without_a_write_or_a_word_of_it() {
    for text in ["hunter2", "[\"hunter2\"]"] {
        let stub = Stub::answering(answering(text)).await;
        let failure = EndpointMutations::new(stub.clients()).perform(&staging()).await.unwrap_err();
        assert_eq!(failure.code, "secret_is_no_object");
        assert!(!failure.to_string().contains("hunter2"));
        assert_eq!(stub.operations(), ["GetSecretValue"]);
    }
}

#[tokio::test]
async fn the_move_is_conditional_and_a_lost_condition_is_a_conflict() {
    let moving = Mutation::MoveSecretStage {
        region: west(),
        secret: name("p/database"),
        to_version: "v3".to_owned(),
        from_version: "v2".to_owned(),
    };
    let stub = Stub::answering(|number, _| match number {
        0 => json(200, &value!({"Name": "p/database"})),
        1 => json_error(
            400,
            "InvalidParameterException",
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version v9",
        ),
        _ => json_error(400, "InvalidParameterException", "Invalid name."),
    })
    .await;
    let mutations = EndpointMutations::new(stub.clients());
    assert!(mutations.perform(&moving).await.is_ok());
    assert_eq!(
        stub.asked()[0].json(),
        value!({"SecretId": "p/database", "VersionStage": "AWSCURRENT", "MoveToVersionId": "v3", "RemoveFromVersionId": "v2"})
    );
    assert_eq!(mutations.perform(&moving).await.unwrap_err().kind, FailureKind::Conflict);
    assert_eq!(mutations.perform(&moving).await.unwrap_err().kind, FailureKind::Refused);
}
