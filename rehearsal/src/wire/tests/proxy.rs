//! What the proxy promises, before a stand-in for the emulator.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::drills::{Drill, send};
use super::requests::{self, Wire};
use super::stub::{Stub, response};
use crate::wire::faults::{FaultAction, FaultRule, Nth, Selector};
use crate::wire::log::{AnsweredBy, AuthorizedBy};
use crate::wire::proxy::{Proxy, ProxyError, ProxySettings};

fn promote() -> Wire {
    requests::form("rds", "Action=PromoteReadReplica&Version=2014-10-31&DBInstanceIdentifier=dr").tagged("promote#1")
}

fn put_parameter() -> Wire {
    requests::target("ssm", "AmazonSSM.PutParameter", json!({"Name": "/host", "Value": "dr", "Type": "String"}))
        .tagged("switch#1")
}

fn update_service() -> Wire {
    requests::target(
        "ecs",
        "AmazonEC2ContainerServiceV20141113.UpdateService",
        json!({"cluster": "main", "service": "web", "forceNewDeployment": true}),
    )
    .header("x-amz-security-token", "session-token")
    .tagged("restart#1")
}

fn denial(action: &str) -> String {
    json!({"__type": "AccessDeniedException", "message": format!(
        "User: arn:aws:sts::123456789012:assumed-role/switch/f is not authorized to perform: {action} \
         because no identity-based policy allows the {action} action")})
    .to_string()
}

#[tokio::test]
async fn a_request_is_forwarded_as_it_came() {
    let drill = Drill::before(Stub::ok("emulated").await).await;
    let wire = requests::rest("lambda", "GET", "/2015-03-31/functions/a%3Ab?Qualifier=live&x=%7E+1", Value::Null)
        .header("X-Amz-Date", "20261120T000000Z");
    let reply = drill.send(&wire).await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "emulated"));
    let received = &drill.stub.received()[0];
    assert!(
        received.head.starts_with("GET /2015-03-31/functions/a%3Ab?Qualifier=live&x=%7E+1 HTTP/1.1\r\n"),
        "{}",
        received.head
    );
    assert_eq!(received.header("host"), Some("aws.example:1234"));
    assert_eq!(received.header("x-amz-date"), Some("20261120T000000Z"));
    for (name, value) in &wire.headers {
        assert_eq!(received.header(name), Some(value.as_str()), "{name}");
    }
}

#[tokio::test]
async fn a_body_arrives_byte_for_byte_also_when_it_was_chunked() {
    let drill = Drill::before(Stub::ok("").await).await;
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut wire = requests::rest("s3", "PUT", "/artifacts/code.zip", Value::Null);
    wire.body = bytes.clone();
    drill.send(&wire).await.unwrap();

    let mut head = String::from_utf8(requests::rest("s3", "PUT", "/artifacts/other.zip", Value::Null).bytes()).unwrap();
    head = head.replace("content-length: 0", "transfer-encoding: chunked");
    let mut chunked = head.into_bytes();
    for chunk in bytes.chunks(30_000) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    send(drill.proxy.address(), &chunked).await.unwrap();

    let received = drill.stub.received();
    assert!(received.iter().all(|request| request.body == bytes));
    assert_eq!(received[1].header("content-length"), Some("70000"));
    assert_eq!(received[1].header("transfer-encoding"), None);
}

#[tokio::test]
async fn an_answer_of_the_emulator_is_passed_on_unchanged() {
    let answer = "HTTP/1.1 404 Gone\r\nx-amzn-requestid: r-1\r\nx-amzn-errortype: ResourceNotFoundException\r\nset-cookie: a\r\n\
                  set-cookie: b\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nnope\r\n0\r\n\r\n";
    let drill = Drill::before(Stub::start(move |_| answer.as_bytes().to_vec()).await).await;
    let reply = drill.send(&put_parameter()).await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (404, "nope"));
    for line in ["x-amzn-requestid: r-1", "set-cookie: a", "set-cookie: b"] {
        assert!(reply.head.contains(line), "{}", reply.head);
    }
    let record = &drill.log.records()[0];
    assert_eq!(record.error.as_deref(), Some("ResourceNotFoundException"));
    assert_eq!((record.status, record.answered_by), (Some(404), AnsweredBy::Emulator));
}

#[tokio::test]
async fn the_world_answers_what_it_owns_once_the_emulator_let_it_pass() {
    let unknown =
        "<ErrorResponse><Error><Code>InvalidAction</Code><Message>Unknown RDS action</Message></Error></ErrorResponse>";
    let drill = Drill::before(Stub::start(move |_| response(400, "text/xml", unknown)).await).await;
    let reply = drill.send(&promote()).await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (200, "<world/>"));
    assert_eq!(drill.stub.received().len(), 1, "the emulator was asked first");
    let record = &drill.log.records()[0];
    assert_eq!((record.answered_by, record.authorized_by), (AnsweredBy::World, Some(AuthorizedBy::Emulator)));
    assert_eq!(record.simulated.as_millisecond() / 10_000, 0);
    let made = drill.log.mutations();
    assert_eq!(
        serde_json::to_value(&made[0].call).unwrap(),
        json!({
        "step": "promote", "ordinal": 1, "service": "rds", "operation": "PromoteReadReplica", "region": "us-west-2",
        "resource": "db:dr", "parameters": {"DBInstanceIdentifier": "dr"}})
    );
}

#[tokio::test]
async fn a_denial_is_final_and_the_world_never_hears_of_it() {
    let drill = Drill::before(Stub::start(|_| response(403, "text/xml", &denial("rds:PromoteReadReplica"))).await).await;
    drill.roles.set("switch", &[json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})]).unwrap();
    let reply = drill.send(&promote()).await.unwrap();
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("is not authorized"));
    assert!(drill.asked().is_empty());
    let record = &drill.log.records()[0];
    assert_eq!((record.answered_by, record.authorized_by), (AnsweredBy::Emulator, None));
    assert!(!drill.log.mutations()[0].took_effect);
}

#[tokio::test]
async fn a_bad_signature_is_final_too_although_its_status_is_400() {
    let incomplete = "<ErrorResponse><Error><Code>IncompleteSignature</Code></Error></ErrorResponse>";
    let drill = Drill::before(Stub::start(move |_| response(400, "text/xml", incomplete)).await).await;
    assert_eq!(drill.send(&promote()).await.unwrap().status, 400);
    assert!(drill.asked().is_empty());
}

#[tokio::test]
async fn without_the_emulator_the_world_does_not_answer_either() {
    let stub = Stub::ok("").await;
    let drill = Drill::before(stub).await;
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = gone.local_addr().unwrap();
    drop(gone);
    let proxy = Proxy::start(ProxySettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        upstream,
        time: Arc::new(crate::wire::time::ScaledTime { real_ms: 0, simulated_ms: 0, speed: 1.0 }),
        world: drill.world.clone(),
        log: drill.log.clone(),
        faults: drill.faults.clone(),
        roles: drill.roles.clone(),
    })
    .await
    .unwrap();
    assert_eq!(send(proxy.address(), &promote().bytes()).await.unwrap().status, 502);
    assert!(drill.asked().is_empty());
    assert_eq!(drill.log.records()[0].answered_by, AnsweredBy::Proxy);
}

#[tokio::test]
async fn a_false_denial_is_made_again_as_root_where_the_role_allows_it() {
    let stub = Stub::start(|request| match request.header("authorization") {
        Some(signed) if signed.contains("Credential=123456789012/") => response(200, "application/json", "{}"),
        _ => response(403, "application/json", &denial("ecs:UpdateService")),
    })
    .await;
    let drill = Drill::before(stub).await;
    assert_eq!(drill.send(&update_service()).await.unwrap().status, 403, "no policy, no right");
    let statement = json!({"Effect": "Allow", "Action": "ecs:UpdateService",
        "Resource": "arn:aws:ecs:us-west-2:123456789012:service/main/web"});
    drill.roles.set("switch", &[json!({"Statement": [statement]})]).unwrap();
    assert_eq!(drill.send(&update_service()).await.unwrap().status, 200);
    let again = drill.stub.received().pop().unwrap();
    assert_eq!(again.header("x-amz-security-token"), None, "a root key has no session");
    assert_eq!(again.body, update_service().body);
    let passed = drill.log.authorized_by_proxy();
    assert_eq!(passed.len(), 1);
    assert_eq!((passed[0].operation.as_str(), passed[0].answered_by), ("UpdateService", AnsweredBy::Emulator));
}

#[tokio::test]
async fn a_call_that_no_policy_was_asked_about_is_not_said_to_be_authorised() {
    let drill = Drill::before(Stub::ok("").await).await;
    let path = "/service/GraniteServiceVersion20100801/operation/GetMetricData";
    drill.send(&requests::cbor("monitoring", path, b"\xa0")).await.unwrap();
    drill.send(&put_parameter()).await.unwrap();
    let unchecked = drill.log.unchecked_since(0);
    assert_eq!(unchecked.len(), 1);
    assert_eq!(unchecked[0].operation, "GetMetricData");
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let drill = Drill::before(Stub::ok("hunter2 in an answer").await).await;
    for wire in [
        requests::target(
            "secretsmanager",
            "secretsmanager.PutSecretValue",
            json!({"SecretId": "s", "SecretString": "hunter2"}),
        ),
        requests::rest("lambda", "POST", "/2015-03-31/functions/f/invocations", json!({"password": "hunter2"})),
        requests::form("rds", "Action=ModifyDBInstance&DBInstanceIdentifier=dr&MasterUserPassword=hunter2"),
        requests::rest("s3", "GET", "/b/k?X-Amz-Signature=hunter2", Value::Null),
    ] {
        drill.send(&wire.tagged("change#1")).await.unwrap();
    }
    let log = serde_json::to_string(&drill.log.records()).unwrap();
    assert!(!log.contains("hunter2"), "{log}");
    assert!(!log.contains("ASIAEXAMPLE"), "{log}");
}

#[tokio::test]
async fn a_lost_reply_is_lost_after_the_effect() {
    let drill = Drill::before(Stub::ok("").await).await;
    let select = Selector::operation("rds", "PromoteReadReplica").nth(Nth::Only(1));
    let fault = drill.faults.add(FaultRule::new("lost", select, FaultAction::ReplyLost));
    assert_eq!(drill.send(&promote()).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(drill.asked(), ["PromoteReadReplica"]);
    assert_eq!(drill.send(&promote()).await.unwrap().status, 200);
    assert_eq!(drill.faults.fired(fault), 1);
    let records = drill.log.records();
    assert_eq!((records[0].status, records[0].delivered, records[0].fault.as_deref()), (Some(200), false, Some("lost")));
    let made = drill.log.mutations();
    assert_eq!((made.len(), made[0].attempts, made[0].took_effect), (1, 2, true));
}

#[tokio::test]
async fn what_is_throttled_or_failed_has_no_effect() {
    let drill = Drill::before(Stub::ok("").await).await;
    for (action, status) in
        [(FaultAction::Throttle, 400), (FaultAction::ServerError(500), 500), (FaultAction::ServerError(503), 503)]
    {
        let fault = drill.faults.add(FaultRule::new("broken", Selector::operation("rds", "PromoteReadReplica"), action));
        let reply = drill.send(&promote()).await.unwrap();
        assert_eq!(reply.status, status);
        assert!(reply.body.starts_with("<ErrorResponse xmlns=\"http://rds.amazonaws.com/"), "{}", reply.body);
        drill.faults.end(fault);
    }
    assert!(drill.asked().is_empty() && drill.stub.received().is_empty());
    assert!(drill.log.mutations().iter().all(|made| !made.took_effect));
}

#[tokio::test]
async fn a_dark_region_resets_its_connections_and_no_other() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::region_dark("us-east-1"));
    let dark = drill.send(&put_parameter().in_region("us-east-1")).await.unwrap_err();
    assert_eq!(dark.kind(), ErrorKind::ConnectionReset);
    assert_eq!(drill.send(&put_parameter()).await.unwrap().status, 200);
    assert_eq!(drill.stub.received().len(), 1);
    assert_eq!(drill.log.records()[0].status, None);
}

#[tokio::test]
async fn a_reset_connection_had_no_effect() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::new("reset", Selector::default().nth(Nth::First(1)), FaultAction::Reset));
    assert_eq!(drill.send(&promote()).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(drill.asked().is_empty() && drill.stub.received().is_empty());
    assert_eq!(drill.send(&promote()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_dark_control_plane_answers_503_for_its_service_only() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::control_plane_dark("ssm", "us-west-2"));
    assert_eq!(drill.send(&put_parameter()).await.unwrap().status, 503);
    assert_eq!(drill.send(&put_parameter().in_region("us-east-1")).await.unwrap().status, 200);
    assert_eq!(drill.send(&promote()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_delayed_call_takes_effect_late_even_when_the_caller_has_gone() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::new("late", Selector::default(), FaultAction::Delay(Duration::from_millis(150))));
    let mut stream = TcpStream::connect(drill.proxy.address()).await.unwrap();
    stream.write_all(&promote().bytes()).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    drop(stream);
    assert!(drill.asked().is_empty());
    let started = Instant::now();
    while drill.asked().is_empty() && started.elapsed() < Duration::from_secs(5) {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(drill.asked(), ["PromoteReadReplica"]);
}

#[tokio::test]
async fn a_delayed_reply_comes_late_but_the_effect_does_not() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::new("slow", Selector::default(), FaultAction::DelayReply(Duration::from_millis(300))));
    let promotion = promote();
    let (reply, effect) = tokio::join!(drill.send(&promotion), async {
        sleep(Duration::from_millis(100)).await;
        drill.asked().len()
    });
    assert_eq!((reply.unwrap().status, effect), (200, 1));
}

/// A shell that sends a request over a socket that it shares with the `cat` it starts, and then would live on.
fn calling_shell(address: SocketAddr, request: &[u8]) -> Child {
    let script = "exec 3<>/dev/tcp/127.0.0.1/$1; printf %s \"$2\" >&3; cat <&3; sleep 30";
    Command::new("bash")
        .args(["-c", script, "bash", &address.port().to_string(), std::str::from_utf8(request).unwrap()])
        .stdout(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn the_caller_is_killed_after_the_effect_and_before_the_reply() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.proxy.set_emulator(std::process::id());
    let fault = drill.faults.add(FaultRule::new("killed", Selector::default(), FaultAction::KillCallerAfterEffect));
    let mut shell = calling_shell(drill.proxy.address(), &promote().bytes());
    let status = timeout(Duration::from_secs(10), shell.wait()).await.expect("the shell outlived the fault").unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    assert_eq!(drill.asked(), ["PromoteReadReplica"]);
    while drill.log.records().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(drill.faults.fired(fault), 1);
    let record = &drill.log.records()[0];
    assert_eq!((record.status, record.delivered), (Some(200), false));
}

#[tokio::test]
async fn the_caller_is_stopped_after_the_effect_and_stays_alive() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.proxy.set_emulator(std::process::id());
    let fault = drill.faults.add(FaultRule::new("stopped", Selector::default(), FaultAction::StopCallerAfterEffect));
    let mut shell = calling_shell(drill.proxy.address(), &promote().bytes());
    while drill.log.records().is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((drill.faults.fired(fault), drill.asked()), (1, vec!["PromoteReadReplica".to_owned()]));
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", shell.id().unwrap())).unwrap();
    assert!(stat.contains(") T "), "{stat}");
    assert_eq!(shell.try_wait().unwrap(), None);
    // Its `cat` stands still as well, and would for ever.
    let group = i32::try_from(shell.id().unwrap()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    shell.wait().await.unwrap();
}

#[tokio::test]
async fn nobody_but_a_descendant_of_the_emulator_is_ever_killed() {
    let drill = Drill::before(Stub::ok("").await).await;
    drill.faults.add(FaultRule::new("killed", Selector::default(), FaultAction::KillCallerAfterEffect));
    // Nobody said yet which process is the emulator.
    assert_eq!(drill.send(&promote()).await.unwrap().status, 200);
    // This process is the emulator itself.
    drill.proxy.set_emulator(std::process::id());
    assert_eq!(drill.send(&promote()).await.unwrap().status, 200);
    // The emulator is a process that did not start the caller.
    let mut emulator = Command::new("sleep").arg("30").kill_on_drop(true).spawn().unwrap();
    drill.proxy.set_emulator(emulator.id().unwrap());
    let mut shell = calling_shell(drill.proxy.address(), &promote().bytes());
    while drill.log.records().len() < 3 {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(shell.try_wait().unwrap(), None);
    let report = drill.faults.report().remove(0);
    assert_eq!((report.matched, report.fired, report.refused), (3, 0, 3));
    assert!(drill.log.records().iter().all(|record| record.delivered));
    shell.kill().await.unwrap();
    emulator.kill().await.unwrap();
}

#[tokio::test]
async fn a_request_beyond_the_bound_is_refused_and_not_forwarded() {
    let drill = Drill::before(Stub::ok("").await).await;
    let mut wire = requests::rest("s3", "PUT", "/artifacts/huge.zip", Value::Null);
    wire.body = vec![0; crate::wire::proxy::LARGEST_REQUEST + 1];
    // The refusal may overtake the rest of the body, which then finds a closed connection.
    if let Ok(reply) = drill.send(&wire).await {
        assert_eq!(reply.status, 413);
    }
    assert!(drill.stub.received().is_empty());
}

#[tokio::test]
async fn only_loopback_is_ever_listened_on_or_forwarded_to() {
    let drill = Drill::before(Stub::ok("").await).await;
    for (listen, upstream) in [("0.0.0.0:0", "127.0.0.1:1"), ("127.0.0.1:0", "192.0.2.1:80")] {
        let settings = ProxySettings {
            listen: listen.parse().unwrap(),
            upstream: upstream.parse().unwrap(),
            time: Arc::new(crate::wire::time::ScaledTime { real_ms: 0, simulated_ms: 0, speed: 1.0 }),
            world: drill.world.clone(),
            log: drill.log.clone(),
            faults: drill.faults.clone(),
            roles: drill.roles.clone(),
        };
        assert!(matches!(Proxy::start(settings).await, Err(ProxyError::NotLoopback(_))));
    }
}

#[tokio::test]
async fn a_stopped_proxy_refuses() {
    let drill = Drill::before(Stub::ok("").await).await;
    let address = drill.proxy.address();
    drill.proxy.stop().await;
    assert_eq!(send(address, &promote().bytes()).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
