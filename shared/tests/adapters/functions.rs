//! Lambda: environments, predictions and probes.

use serde_json::{Value, json as value};
use shared::adapters::aws::{AwsEndpointStores, AwsWriteHolds, EndpointMutations, LambdaPredictors};
use shared::adapters::probe::NetworkProbes;
use shared::config::{Rehearsal, RehearsalTime};
use shared::domain::call::Permitted;
use shared::domain::mutation::Mutation;
use shared::domain::observation::{HoldView, PlaceView};
use shared::domain::plan::{EndpointPlace, HoldPoint};
use shared::domain::step::FunctionName;
use shared::ports::{EndpointStores, FailureKind, Mutations, Predictors, Probes, WriteHolds};

use crate::stub::{Answer, Stub, json, json_error, name, scope, variable, west};

fn configuration(environment: &Value) -> Answer {
    json(
        200,
        &value!({"FunctionName": "reports", "RevisionId": "r1", "LastUpdateStatus": "Successful", "Environment": environment}),
    )
}

fn setting(value: Option<&str>, kept: &[&str]) -> Mutation {
    Mutation::SetFunctionVariable {
        region: west(),
        function: name("reports"),
        variable: variable("DATABASE_HOST"),
        value: value.map(str::to_owned),
        kept: kept.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_variable_is_read_with_the_names_of_the_others_and_never_their_values() {
    let stub = Stub::answering(|_, _| {
        configuration(&value!({"Variables": {"DATABASE_HOST": "old.example", "PASSWORD": "hunter2"}}))
    })
    .await;
    let place = EndpointPlace::LambdaEnvironment {
        function: name("reports"),
        variable: variable("DATABASE_HOST"),
        region: west(),
        consumers: vec![],
    };
    let view = AwsEndpointStores::new(stub.clients()).read(&place).await.unwrap();
    let expected =
        PlaceView::Variable { value: Some("old.example".to_owned()), others: vec!["PASSWORD".to_owned()], updating: false };
    assert_eq!(view, expected);

    let point = HoldPoint::LambdaEnvironment {
        function: name("reports"),
        variable: variable("READ_ONLY_MODE"),
        held: "true".to_owned(),
        region: west(),
    };
    let view = AwsWriteHolds::new(stub.clients()).read(&point).await.unwrap();
    let others = vec!["DATABASE_HOST".to_owned(), "PASSWORD".to_owned()];
    assert_eq!(view, HoldView::Variable { value: None, others, updating: false });
}

#[tokio::test]
async fn one_variable_changes_under_the_revision_that_was_read_and_all_others_stay() {
    for (new, after) in [
        (Some("new.example"), value!({"DATABASE_HOST": "new.example", "PASSWORD": "hunter2"})),
        (None, value!({"PASSWORD": "hunter2"})),
    ] {
        let stub = Stub::answering(|_, _| {
            configuration(&value!({"Variables": {"DATABASE_HOST": "old.example", "PASSWORD": "hunter2"}}))
        })
        .await;
        EndpointMutations::new(stub.clients()).perform(&setting(new, &["PASSWORD"])).await.unwrap();
        let asked = stub.asked();
        assert_eq!(
            (asked[1].method.as_str(), asked[1].target.as_str()),
            ("PUT", "/2015-03-31/functions/reports/configuration")
        );
        assert_eq!(asked[1].json(), value!({"Environment": {"Variables": after}, "RevisionId": "r1"}));
    }
}

#[tokio::test]
async fn an_environment_that_changed_or_cannot_be_decrypted_is_not_written() {
    let changed = value!({"Variables": {"DATABASE_HOST": "old.example", "PASSWORD": "hunter2", "NEW": "1"}});
    let hidden = value!({"Error": {"ErrorCode": "AccessDeniedException", "Message": "no access to the key"}});
    for (environment, kind) in [(changed, FailureKind::Conflict), (hidden, FailureKind::Denied)] {
        let stub = Stub::answering(move |_, _| configuration(&environment)).await;
        let failure =
            EndpointMutations::new(stub.clients()).perform(&setting(Some("new.example"), &["PASSWORD"])).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert_eq!(stub.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_lost_revision_is_a_conflict_an_update_under_way_is_not_now_and_a_refusal_quotes_nothing() {
    for (status, code, kind) in [
        (412, "PreconditionFailedException", FailureKind::Conflict),
        (409, "ResourceConflictException", FailureKind::NotNow),
        (429, "TooManyRequestsException", FailureKind::NotNow),
        (400, "InvalidParameterValueException", FailureKind::Refused),
    ] {
        let stub = Stub::answering(move |number, _| match number {
            0 => configuration(&value!({"Variables": {"PASSWORD": "hunter2"}})),
            _ => json_error(status, code, "String measured: {\"PASSWORD\":\"hunter2\"}"),
        })
        .await;
        let failure =
            EndpointMutations::new(stub.clients()).perform(&setting(Some("new.example"), &["PASSWORD"])).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (kind, code));
        assert_eq!(stub.asked().len(), 2);
        if kind == FailureKind::Refused {
            assert!(!failure.to_string().contains("hunter2"));
        }
    }
}

#[tokio::test]
async fn a_prediction_is_asked_of_the_alias() {
    let stub = Stub::answering(|_, _| json(200, &value!({"observed": "holds"}))).await;
    let predictors = LambdaPredictors::new(stub.clients(), west(), "live");
    let answer = predictors.observe(FunctionName::ReadOnlyToggle, &value!({"task": "predict"})).await.unwrap();
    assert_eq!(answer, value!({"observed": "holds"}));
    let asked = &stub.asked()[0];
    assert_eq!(asked.target, "/2015-03-31/functions/read-only-toggle%3Alive/invocations");
    assert_eq!(asked.json(), value!({"task": "predict"}));
    assert_eq!(asked.header("x-recovery-step"), None);
}

#[tokio::test]
async fn a_functions_own_error_is_told_and_a_function_that_died_gave_no_answer() {
    for (code, kind) in [("access_denied", FailureKind::Refused), ("Runtime.ExitError", FailureKind::NoAnswer)] {
        let stub =
            Stub::answering(move |_, _| Answer::FunctionError(value!({"errorType": code, "errorMessage": "why"}))).await;
        let predictors = LambdaPredictors::new(stub.clients(), west(), "live");
        let failure = predictors.observe(FunctionName::ReadOnlyToggle, &value!({})).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str(), failure.message.as_str()), (kind, code, "why"));
        assert_eq!(stub.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_write_probe_tells_what_the_users_function_says_and_nothing_else_counts() {
    let may = vec![Permitted::new(shared::domain::operation::Operation::Invoke, &west(), "function:write-probe")];
    for (answer, expected) in [
        (value!({"written": true}), Ok(true)),
        (value!({"written": false, "reason": "read only"}), Ok(false)),
        (value!({"written": "yes"}), Err("probe_answer_unreadable")),
        (value!(null), Err("probe_answer_unreadable")),
    ] {
        let stub = Stub::answering(move |_, _| json(200, &answer)).await;
        let probes = NetworkProbes::new(stub.clients(), None);
        let function = name("write-probe");
        let region = west();
        let written =
            scope("04-promote-database#0", may.clone()).run(probes.write(&region, &function, "dr.example", 5432)).await;
        match expected {
            Ok(expected) => assert_eq!(written, Ok(expected)),
            Err(code) => assert_eq!(written.unwrap_err().code, code),
        }
        let asked = &stub.asked()[0];
        assert_eq!(asked.target, "/2015-03-31/functions/write-probe/invocations");
        assert_eq!(asked.json(), value!({"host": "dr.example", "port": 5432}));
        assert_eq!(asked.header("x-recovery-step"), Some("04-promote-database#0"));
    }
}

#[tokio::test]
async fn a_rehearsals_probe_writes_where_the_rehearsal_says_and_nowhere_else() {
    let stub = Stub::answering(|_, _| json(200, &value!({"written": true}))).await;
    let rehearsal = Rehearsal {
        clock: RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 10.0 },
        hosts: [("dr.example:5432".to_owned(), "127.0.0.1:40001".parse().unwrap())].into(),
    };
    let probes = NetworkProbes::new(stub.clients(), Some(rehearsal));
    let function = name("write-probe");
    assert_eq!(probes.write(&west(), &function, "dr.example", 5432).await, Ok(true));
    assert_eq!(stub.asked()[0].json(), value!({"host": "127.0.0.1", "port": 40001}));
    let failure = probes.write(&west(), &function, "prod.example", 5432).await.unwrap_err();
    assert_eq!(failure.code, "host_not_in_rehearsal");
    assert_eq!(stub.asked().len(), 1);
}
