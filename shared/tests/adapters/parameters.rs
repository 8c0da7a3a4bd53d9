//! Systems Manager.

use serde_json::{Value, json as value};
use shared::adapters::aws::{AwsEndpointStores, EndpointMutations};
use shared::domain::mutation::{Mutation, ParameterType};
use shared::domain::observation::PlaceView;
use shared::domain::plan::EndpointPlace;
use shared::ports::{EndpointStores, FailureKind, Mutations};

use crate::stub::{Answer, Stub, json, json_error, name, west};

fn place() -> EndpointPlace {
    EndpointPlace::SsmParameter { name: name("/p/host"), region: west(), consumers: vec![] }
}

fn parameter(kind: &str, content: &str) -> Answer {
    json(200, &value!({"Parameter": {"Name": "/p/host", "Type": kind, "Value": content, "Version": 4}}))
}

#[tokio::test]
async fn a_parameter_is_read_decrypted_and_an_encrypted_one_shows_only_a_database_host() {
    for (kind, content, shown) in [
        ("String", "old.example", "old.example"),
        ("SecureString", "dr.c7.us-west-2.rds.amazonaws.com", "dr.c7.us-west-2.rds.amazonaws.com"),
        ("SecureString", "hunter2", "${secret}"),
    ] {
        let stub = Stub::answering(move |_, _| parameter(kind, content)).await;
        let view = AwsEndpointStores::new(stub.clients()).read(&place()).await.unwrap();
        let PlaceView::Parameter { value, version, parameter_type } = view else { panic!("{view:?}") };
        assert_eq!((value.as_str(), version.as_str(), parameter_type.as_str()), (shown, "4", kind));
        assert_eq!(stub.asked()[0].json(), value!({"Name": "/p/host", "WithDecryption": true}));
    }
}

#[tokio::test]
async fn a_write_keeps_the_type_and_a_restore_writes_what_the_version_held() {
    let stub = Stub::answering(|_, asked| match asked.operation() {
        "GetParameter" => parameter("SecureString", "hunter2"),
        _ => json(200, &value!({"Version": 5, "Tier": "Standard"})),
    })
    .await;
    let mutations = EndpointMutations::new(stub.clients());
    let put = Mutation::PutParameter {
        region: west(),
        name: name("/p/host"),
        parameter_type: ParameterType::StringList,
        value: "new.example".to_owned(),
    };
    assert_eq!(mutations.perform(&put).await.unwrap().version.as_deref(), Some("5"));
    let restore = Mutation::RestoreParameter {
        region: west(),
        name: name("/p/host"),
        parameter_type: ParameterType::SecureString,
        version: "3".to_owned(),
    };
    mutations.perform(&restore).await.unwrap();
    let bodies: Vec<Value> = stub.asked().iter().map(crate::stub::Asked::json).collect();
    assert_eq!(
        bodies,
        [
            value!({"Name": "/p/host", "Type": "StringList", "Value": "new.example", "Overwrite": true}),
            value!({"Name": "/p/host:3", "WithDecryption": true}),
            value!({"Name": "/p/host", "Type": "SecureString", "Value": "hunter2", "Overwrite": true}),
        ]
    );
}

#[tokio::test]
async fn a_refused_restore_does_not_repeat_the_services_words_which_quote_the_value() {
    let stub = Stub::answering(|_, asked| match asked.operation() {
        "GetParameter" => parameter("SecureString", "hunter2"),
        _ => json_error(400, "ValidationException", "Value 'hunter2' at 'value' failed to satisfy constraint"),
    })
    .await;
    let restore = Mutation::RestoreParameter {
        region: west(),
        name: name("/p/host"),
        parameter_type: ParameterType::SecureString,
        version: "3".to_owned(),
    };
    let failure = EndpointMutations::new(stub.clients()).perform(&restore).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Refused, "ValidationException"));
    assert!(!format!("{failure} {failure:?}").contains("hunter2"));
}
