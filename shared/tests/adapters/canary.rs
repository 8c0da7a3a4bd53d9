//! A secret goes through every call that carries one, and services quote it back in every kind of failure: nothing of it leaves the
//! adapters, whatever form it takes.

use aws_smithy_types::base64;
use serde_json::{Value, json as value};
use shared::adapters::aws::{
    AwsEndpointStores, AwsWriteHolds, EndpointMutations, ReadOnlyToggleMutations, StateMachineExecutions,
};
use shared::adapters::probe::NetworkProbes;
use shared::config::StateMachineArn;
use shared::domain::mutation::{Mutation, ParameterType};
use shared::domain::plan::{EndpointPlace, HoldPoint};
use shared::ports::{EndpointStores, Executions, Mutations, Probes, WriteHolds};

use crate::stub::{Answer, Asked, Stub, json, json_error, name, variable, west};

/// With characters that JSON, URLs and terminals write in other ways.
const CANARY: &str = "c4n4ry/\"p&ss+w%rd\\";

/// Every way in which it could be written.
fn forms() -> Vec<String> {
    let escaped = serde_json::to_string(CANARY).unwrap();
    let escaped = escaped.trim_matches('"').to_owned();
    let percent: String = CANARY.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let partly: String = CANARY
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    vec![
        CANARY.to_owned(),
        escaped.clone(),
        escaped.replace('\\', "\\\\"),
        percent,
        partly,
        base64::encode(CANARY),
        "c4n4ry".to_owned(),
    ]
}

fn found_in(text: &str) -> Option<String> {
    forms().into_iter().find(|form| text.contains(form.as_str()))
}

#[test]
fn the_search_finds_each_form_of_what_it_looks_for() {
    for form in forms() {
        assert!(found_in(&format!("before {form} after")).is_some(), "{form}");
    }
    assert_eq!(found_in("nothing of it"), None);
}

/// A success of each read that holds the secret where such answers hold one.
fn success(asked: &Asked) -> Answer {
    match asked.operation() {
        "GetParameter" => {
            json(200, &value!({"Parameter": {"Name": "/p/host", "Type": "SecureString", "Value": CANARY, "Version": 4}}))
        }
        "DescribeSecret" => json(200, &value!({"Name": "p/database", "VersionIdsToStages": {"v1": ["AWSCURRENT"]}})),
        "GetSecretValue" => {
            let text = value!({"host": CANARY, "password": CANARY, "port": 5432}).to_string();
            json(200, &value!({"Name": "p/database", "VersionId": "v1", "SecretString": text}))
        }
        "GET" => json(
            200,
            &value!({
                "FunctionName": "reports", "RevisionId": "r1", "LastUpdateStatus": "Successful",
                "Environment": {"Variables": {"DATABASE_HOST": "old.example", "PASSWORD": CANARY}},
            }),
        ),
        _ => json(200, &value!({})),
    }
}

/// What services say when they refuse, each with the secret in its words; the last ones with the secret in the error's own name.
fn failures() -> Vec<(u16, String, &'static str)> {
    let words = format!("Value '{CANARY}' failed; String measured: {CANARY}");
    let mut all: Vec<(u16, String, &'static str)> = [
        (400, "ValidationException"),
        (400, "InvalidParameterException"),
        (400, "ThrottlingException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (409, "ResourceConflictException"),
        (412, "PreconditionFailedException"),
        (429, "TooManyRequestsException"),
        (500, "InternalFailure"),
        (503, "ServiceUnavailable"),
        (400, "InvalidToken"),
    ]
    .into_iter()
    .map(|(status, code)| (status, words.clone(), code))
    .collect();
    all.push((400, words.clone(), "c4n4ry p&ss"));
    all
}

/// Every call whose request carries the secret, as the debug and display forms of what it comes to.
async fn every_secret_request(stub: &Stub) -> Vec<(&'static str, String)> {
    let endpoints = EndpointMutations::new(stub.clients());
    let toggle = ReadOnlyToggleMutations::new(stub.clients());
    let mut shown = Vec::new();
    let mutations: [(&str, &dyn Mutations, Mutation); 5] = [
        (
            "put",
            &endpoints,
            Mutation::PutParameter {
                region: west(),
                name: name("/p/host"),
                parameter_type: ParameterType::SecureString,
                value: CANARY.to_owned(),
            },
        ),
        (
            "restore",
            &endpoints,
            Mutation::RestoreParameter {
                region: west(),
                name: name("/p/host"),
                parameter_type: ParameterType::SecureString,
                version: "3".to_owned(),
            },
        ),
        (
            "stage",
            &endpoints,
            Mutation::StageSecretVersion {
                region: west(),
                secret: name("p/database"),
                field: name("host"),
                value: "new.example".to_owned(),
                base_version: "v1".to_owned(),
                version: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
                stage: "recovery-1".to_owned(),
            },
        ),
        (
            "endpoint variable",
            &endpoints,
            Mutation::SetFunctionVariable {
                region: west(),
                function: name("reports"),
                variable: variable("DATABASE_HOST"),
                value: Some("new.example".to_owned()),
                kept: vec!["PASSWORD".to_owned()],
            },
        ),
        (
            "hold variable",
            &toggle,
            Mutation::SetFunctionVariable {
                region: west(),
                function: name("reports"),
                variable: variable("READ_ONLY_MODE"),
                value: Some("true".to_owned()),
                kept: vec!["DATABASE_HOST".to_owned(), "PASSWORD".to_owned()],
            },
        ),
    ];
    for (what, performer, mutation) in mutations {
        if let Err(failure) = performer.perform(&mutation).await {
            shown.push((what, format!("{failure} {failure:?} {}", serde_json::to_string(&failure.message).unwrap())));
        }
    }
    let machine = StateMachineArn::parse("arn:aws:states:us-west-2:123456789012:stateMachine:p-recovery").unwrap();
    let executions = StateMachineExecutions::new(stub.clients(), machine);
    if let Err(failure) = executions.resume(CANARY).await {
        shown.push(("task token", format!("{failure} {failure:?}")));
    }
    shown
}

#[tokio::test]
async fn no_kind_of_failure_brings_a_secret_of_the_request_back() {
    for (status, words, code) in failures() {
        let said = words.clone();
        let stub = Stub::answering(move |_, asked| match asked.operation() {
            "GetParameter" | "DescribeSecret" | "GetSecretValue" | "GET" => success(asked),
            _ => json_error(status, code, &said),
        })
        .await;
        let shown = every_secret_request(&stub).await;
        assert!(shown.len() >= 5, "{status} {code}: only {} calls failed", shown.len());
        for (what, text) in shown {
            assert_eq!(found_in(&text), None, "{what} after {status} {code}: {text}");
        }
        let sent = stub.asked().iter().filter(|asked| found_in(&asked.body).is_some()).count();
        assert!(sent >= 5, "the secret did not even travel: {:?}", stub.operations());
    }
}

#[tokio::test]
async fn no_read_shows_more_than_the_plan_names() {
    let stub = Stub::answering(|_, asked| success(asked)).await;
    let stores = AwsEndpointStores::new(stub.clients());
    let region = west;
    for place in [
        EndpointPlace::SsmParameter { name: name("/p/host"), region: region(), consumers: vec![] },
        EndpointPlace::Secret { name: name("p/database"), field: name("host"), region: region(), consumers: vec![] },
        EndpointPlace::Secret { name: name("p/database"), field: name("password"), region: region(), consumers: vec![] },
        EndpointPlace::LambdaEnvironment {
            function: name("reports"),
            variable: variable("DATABASE_HOST"),
            region: region(),
            consumers: vec![],
        },
    ] {
        let view = stores.read(&place).await.unwrap();
        let text = format!("{view:?} {}", serde_json::to_string(&view).unwrap());
        assert_eq!(found_in(&text), None, "{place:?}: {text}");
    }
    let point = HoldPoint::LambdaEnvironment {
        function: name("reports"),
        variable: variable("READ_ONLY_MODE"),
        held: "true".to_owned(),
        region: region(),
    };
    let view = AwsWriteHolds::new(stub.clients()).read(&point).await.unwrap();
    assert_eq!(found_in(&format!("{view:?}")), None);
}

#[tokio::test]
async fn replies_that_cannot_be_read_are_not_quoted() {
    let answers: [fn() -> Answer; 4] = [
        || Answer::Reply(200, "application/x-amz-json-1.1", format!("{{\"SecretString\": {CANARY}").into_bytes()),
        || Answer::Reply(502, "text/html", format!("<html>{CANARY}</html>").into_bytes()),
        || {
            json(
                200,
                &value!({"SecretString": [CANARY], "Environment": CANARY, "Parameter": CANARY, "VersionIdsToStages": CANARY}),
            )
        },
        || json(200, &value!({"Environment": {"Error": {"ErrorCode": "AccessDeniedException", "Message": CANARY}}})),
    ];
    for answer in answers {
        let stub = Stub::answering(move |_, _| answer()).await;
        let stores = AwsEndpointStores::new(stub.clients());
        for place in [
            EndpointPlace::SsmParameter { name: name("/p/host"), region: west(), consumers: vec![] },
            EndpointPlace::Secret { name: name("p/database"), field: name("host"), region: west(), consumers: vec![] },
            EndpointPlace::LambdaEnvironment {
                function: name("reports"),
                variable: variable("DATABASE_HOST"),
                region: west(),
                consumers: vec![],
            },
        ] {
            let failure = stores.read(&place).await.unwrap_err();
            assert_eq!(found_in(&format!("{failure} {failure:?}")), None, "{place:?}");
        }
    }
}

#[tokio::test]
async fn what_the_platforms_write_probe_says_when_it_fails_stays_in_its_own_log() {
    let url = format!("postgres://app:{CANARY}@db/app");
    let answers: Vec<Value> = vec![
        value!({"errorType": "OperationalError", "errorMessage": format!("could not connect to {url}")}),
        value!({"errorType": url, "errorMessage": url}),
        value!({"errorType": "Runtime.ExitError", "errorMessage": url}),
    ];
    let probes = |stub: &Stub| NetworkProbes::new(stub.clients(), None);
    for answer in answers {
        let stub = Stub::answering(move |_, _| Answer::FunctionError(answer.clone())).await;
        let failure = probes(&stub).write(&west(), &name("probe"), "db.example", 5432).await.unwrap_err();
        assert_eq!(found_in(&format!("{failure} {failure:?}")), None, "{failure}");
    }
    for answer in [value!({"written": url}), value!({ (url.clone()): true }), value!(url)] {
        let stub = Stub::answering(move |_, _| json(200, &answer)).await;
        let failure = probes(&stub).write(&west(), &name("probe"), "db.example", 5432).await.unwrap_err();
        assert_eq!(failure.code, "probe_answer_unreadable");
        assert_eq!(found_in(&format!("{failure} {failure:?}")), None, "{failure}");
    }
}
