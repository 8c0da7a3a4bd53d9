//! Step Functions and SNS.

use serde_json::json as value;
use shared::adapters::aws::{StateMachineExecutions, TopicNotices};
use shared::config::{StateMachineArn, TopicArn};
use shared::domain::identifier::{IncidentId, PlatformName};
use shared::ports::{ExecutionState, Executions, FailureKind, Notices};

use crate::stub::{Answer, Asked, Stub, json, json_error, scope, xml};

const MACHINE: &str = "arn:aws:states:us-west-2:123456789012:stateMachine:healthcare-platform-recovery";

fn incident() -> IncidentId {
    IncidentId::derive(&PlatformName::new("healthcare-platform").unwrap(), &["key"])
}

fn execution() -> String {
    format!("arn:aws:states:us-west-2:123456789012:execution:healthcare-platform-recovery:{}", incident())
}

async fn machine(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> (Stub, StateMachineExecutions) {
    let stub = Stub::answering(answer).await;
    let executions = StateMachineExecutions::new(stub.clients(), StateMachineArn::parse(MACHINE).unwrap());
    (stub, executions)
}

#[tokio::test]
async fn an_execution_is_named_by_its_incident_and_knows_only_its_id() {
    let (stub, executions) = machine(|_, _| json(200, &value!({"executionArn": execution(), "startDate": 1.0}))).await;
    assert_eq!(executions.start(&incident(), 1).await.unwrap(), execution());
    let body = stub.asked()[0].json();
    assert_eq!((&body["stateMachineArn"], &body["name"]), (&value!(MACHINE), &value!(incident())));
    assert_eq!(body["input"], value!({"incident_id": incident()}).to_string());
}

#[tokio::test]
async fn an_execution_that_exists_already_was_started() {
    let (_stub, executions) = machine(|_, _| json_error(400, "ExecutionAlreadyExists", "Execution Already Exists")).await;
    assert_eq!(executions.start(&incident(), 1).await.unwrap(), execution());
    let (_stub, executions) = machine(|_, _| json_error(400, "StateMachineDoesNotExist", "none")).await;
    assert_eq!(executions.start(&incident(), 1).await.unwrap_err().kind, FailureKind::NotFound);
}

#[tokio::test]
async fn an_execution_is_absent_running_or_ended() {
    for (status, state) in [
        ("RUNNING", ExecutionState::Running),
        ("PENDING_REDRIVE", ExecutionState::Running),
        ("SUCCEEDED", ExecutionState::Ended("SUCCEEDED".to_owned())),
        ("TIMED_OUT", ExecutionState::Ended("TIMED_OUT".to_owned())),
    ] {
        let (stub, executions) = machine(move |_, _| {
            json(200, &value!({"executionArn": execution(), "stateMachineArn": MACHINE, "status": status, "startDate": 1.0}))
        })
        .await;
        assert_eq!(executions.state(&incident(), 1).await.unwrap(), state);
        assert_eq!(stub.asked()[0].json()["executionArn"], execution());
    }
    let (_stub, executions) = machine(|_, _| json_error(400, "ExecutionDoesNotExist", "none")).await;
    assert_eq!(executions.state(&incident(), 1).await.unwrap(), ExecutionState::Absent);
}

#[tokio::test]
async fn a_token_that_is_gone_needs_no_answer_any_more() {
    for code in ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"] {
        let (_stub, executions) = machine(move |_, _| json_error(400, code, "gone")).await;
        assert_eq!(executions.resume("token").await, Ok(()), "{code}");
    }
    let (stub, executions) = machine(|_, _| json(200, &value!({}))).await;
    executions.resume("token").await.unwrap();
    assert_eq!(stub.asked()[0].json(), value!({"taskToken": "token", "output": "{}"}));
    let (_stub, executions) = machine(|_, _| json_error(400, "AccessDeniedException", "no")).await;
    assert_eq!(executions.resume("token").await.unwrap_err().kind, FailureKind::Denied);
}

#[tokio::test]
async fn control_calls_carry_no_step_even_inside_one() {
    let (stub, executions) = machine(|_, _| json(200, &value!({}))).await;
    scope("01-step#1", vec![]).run(executions.resume("token")).await.unwrap();
    assert_eq!(stub.asked()[0].header("x-recovery-step"), None);
}

#[tokio::test]
async fn a_notice_goes_to_the_topic() {
    let stub = Stub::answering(|_, _| {
        xml(200, "<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>")
    })
    .await;
    let topic = TopicArn::parse("arn:aws:sns:us-west-2:123456789012:notices").unwrap();
    TopicNotices::new(stub.clients(), topic).publish("SEV1\ndatabase", "It is down.").await.unwrap();
    let body = &stub.asked()[0].body;
    assert!(body.contains("Subject=SEV1%20database") && body.contains("Message=It%20is%20down."), "{body}");
    assert!(body.contains("TopicArn=arn%3Aaws%3Asns%3Aus-west-2%3A123456789012%3Anotices"), "{body}");
}
