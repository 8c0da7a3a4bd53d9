//! What a failure on the way means: whether something may have happened decides what may be done next.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use shared::adapters::aws::{Clients, RdsDatabases, RecoveryMutations};
use shared::domain::mutation::Mutation;
use shared::domain::step::FunctionName;
use shared::ports::{Databases, FailureKind, Mutations};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::stub::{Answer, Stub, clients_at, replica, west, xml, xml_error};

fn promotion() -> Mutation {
    Mutation::PromoteReplica { region: west(), instance: replica(), backup_retention_days: 7 }
}

#[tokio::test]
async fn a_mutation_whose_reply_is_lost_is_not_repeated_and_may_have_happened() {
    let stub = Stub::answering(|_, _| Answer::Cut).await;
    let failure = RecoveryMutations::new(stub.clients()).perform(&promotion()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoAnswer, "{failure}");
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn a_server_error_or_an_unreadable_reply_may_have_happened() {
    let stub = Stub::answering(|number, _| match number {
        0 => xml_error(500, "InternalFailure", "internal"),
        1 => xml(503, "<html>busy</html>"),
        2 => xml(404, "<html>not here</html>"),
        _ => xml(200, "<<<"),
    })
    .await;
    for _ in 0..4 {
        let failure = RecoveryMutations::new(stub.clients()).perform(&promotion()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NoAnswer, "{failure}");
    }
    assert_eq!(stub.asked().len(), 4);
}

#[tokio::test]
async fn throttling_and_a_passing_state_are_not_now_and_sent_once() {
    for code in ["Throttling", "InvalidDBInstanceState"] {
        let stub = Stub::answering(move |_, _| xml_error(400, code, "later")).await;
        let failure = RecoveryMutations::new(stub.clients()).perform(&promotion()).await.unwrap_err();
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NotNow, code));
        assert_eq!(stub.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_read_is_repeated() {
    let stub = Stub::answering(|number, _| match number {
        0 => Answer::Cut,
        1 => xml_error(503, "ServiceUnavailable", "busy"),
        _ => xml_error(404, "DBInstanceNotFound", "no such instance"),
    })
    .await;
    let failure = RdsDatabases::new(stub.clients()).describe(&west(), &replica()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(stub.asked().len(), 3);
}

#[tokio::test]
async fn a_refused_connection_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let failure = RecoveryMutations::new(clients_at(address)).perform(&promotion()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NotNow, "not_connected"), "{failure}");
}

/// An address that takes no connection and gives no reply, as in a Region that is gone: a full queue of connections that nobody
/// accepts. It stays so while the returned values live.
async fn darkness() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queue.push(stream);
    }
    (address, listener, queue)
}

#[tokio::test]
async fn a_dark_region_has_done_nothing_and_costs_an_attempt_two_seconds() {
    let (address, _listener, _queue) = darkness().await;
    let (mutations, databases) = (RecoveryMutations::new(clients_at(address)), RdsDatabases::new(clients_at(address)));
    let started = Instant::now();
    let failure = mutations.perform(&promotion()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::NotNow, "not_connected"), "{failure}");
    assert!(started.elapsed() < Duration::from_millis(2_900), "{:?}", started.elapsed());
    // Nor is a read repeated into the dark.
    let started = Instant::now();
    let failure = databases.describe(&west(), &replica()).await.unwrap_err();
    assert_eq!(failure.code, "not_connected", "{failure}");
    assert!(started.elapsed() < Duration::from_millis(2_900), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_region_that_takes_a_call_and_never_answers_leaves_time_to_promote_its_replica() {
    // The connection is taken by the system, and nobody reads from it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let databases = RdsDatabases::new(clients_at(listener.local_addr().unwrap()));
    let started = Instant::now();
    let failure = databases.describe_briefly(&west(), &replica()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoAnswer, "{failure}");
    // An attempt must begin its mutation within four seconds.
    assert!(started.elapsed() < Duration::from_millis(3_700), "{:?}", started.elapsed());
}

#[tokio::test]
async fn messages_are_bounded() {
    let long = "x".repeat(5_000);
    let stub = Stub::answering(move |_, _| xml_error(400, "InvalidParameterValue", &long)).await;
    let failure = RecoveryMutations::new(stub.clients()).perform(&promotion()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert_eq!(failure.message.chars().count(), 300);
}

/// Says to a process of the tests that its environment has nothing else.
const EMPTY_ENVIRONMENT: &str = "RECOVERY_TESTS_EMPTY_ENVIRONMENT";

#[tokio::test]
async fn without_credentials_in_the_environment_nothing_is_sent_and_nothing_else_is_tried() {
    if std::env::var_os(EMPTY_ENVIRONMENT).is_none() {
        // Once more in a process of its own, because an environment belongs to a process.
        let test = "failures::without_credentials_in_the_environment_nothing_is_sent_and_nothing_else_is_tried";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let ended = alone.env_clear().env(EMPTY_ENVIRONMENT, "").args(["--exact", test]).output().unwrap();
        let output = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success() && output.contains("1 passed"), "{output}");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let clients = Clients::new(Some(&format!("http://{}", listener.local_addr().unwrap())), FunctionName::Recovery);
    let started = Instant::now();
    let failure = RecoveryMutations::new(clients).perform(&promotion()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Denied, "no_credentials"), "{failure}");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert!(tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err());
}
