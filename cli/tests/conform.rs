//! `recoveryctl conform` before a rehearsal's face on this machine, as a program of its own: it agrees with the face, sees a difference
//! that is planted, and says what it may not ask. No test asks a real account: there are no credentials and no address to reach one by.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rehearsal::emulator::PythonEnvironment;
use rehearsal::stage::{BareStage, Shared};
use rehearsal::wire::answer::WireAnswer;
use rehearsal::wire::call::WireCall;
use rehearsal::wire::proxy::WorldFace;
use rehearsal::wire::time::ScaledTime;
use rehearsal_world::{
    CalculatedCheck, Change, ChangeAction, ChangeBatch, EndpointCheck, EndpointProtocol, HealthCheckConfig, HealthCheckKind,
    InstanceKey, PairConfig, StatedRecordSet, World,
};
use serde_json::Value;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

fn target_directory() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

fn run_directory(name: &str) -> PathBuf {
    let directory = target_directory().join("rehearsal").join("tests").join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn record(name: &str, kind: &str, value: &str) -> StatedRecordSet {
    StatedRecordSet {
        name: name.to_owned(),
        kind: kind.to_owned(),
        set_identifier: None,
        weight: None,
        failover: None,
        ttl: Some(60),
        values: Some(vec![value.to_owned()]),
        alias: None,
        health_check: None,
    }
}

/// A pair of databases with a backup, and two zones with something of each kind in them.
fn world(now: Timestamp) -> World {
    let begins = now - SignedDuration::from_mins(20);
    let config =
        PairConfig { primary_id: "orders".to_owned(), recovery_id: "orders-dr".to_owned(), ..PairConfig::default() };
    let mut world = World::pair(config, 1, begins);
    world.open_backup_window(&InstanceKey::new(EAST, "orders"), begins);
    world.add_hosted_zone("Z0CONFORM", "example.com").unwrap();
    world.add_hosted_zone("Z0CONFORN", "example.net").unwrap();
    let endpoint = EndpointCheck {
        protocol: EndpointProtocol::Https,
        address: None,
        host: Some("east.example.com".to_owned()),
        port: 443,
        path: None,
        interval: 30,
        failure_threshold: 3,
        region: Some(EAST.to_owned()),
    };
    let calculated = CalculatedCheck { threshold: 1, children: vec!["endpoint".to_owned()] };
    world.add_health_check("endpoint", HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint)), begins);
    world.add_health_check("calculated", HealthCheckConfig::new(HealthCheckKind::Calculated(calculated)), begins);
    let failover = |role: &str, check: &str, value: &str| StatedRecordSet {
        set_identifier: Some(role.to_lowercase()),
        failover: Some(role.to_owned()),
        health_check: Some(check.to_owned()),
        ..record("f.example.com", "A", value)
    };
    let weighted = |name: &str, weight: i64, value: &str| StatedRecordSet {
        set_identifier: Some(name.to_owned()),
        weight: Some(weight),
        ..record("w.example.com", "A", value)
    };
    let sets = [
        failover("PRIMARY", "endpoint", "192.0.2.1"),
        failover("SECONDARY", "calculated", "192.0.2.2"),
        weighted("east", 100, "192.0.2.3"),
        weighted("west", 0, "192.0.2.4"),
        record("www.example.com", "CNAME", "w.example.com"),
        record("*.example.com", "A", "192.0.2.5"),
    ];
    let changes = sets.map(|record_set| Change { action: ChangeAction::Create, record_set }).to_vec();
    world.change_resource_record_sets("Z0CONFORM", &ChangeBatch { comment: None, changes }, begins).unwrap();
    world.advance(now);
    world
}

/// The face with its answers changed on their way.
struct Planted {
    face: Arc<Shared>,
    change: fn(&WireCall, WireAnswer) -> WireAnswer,
}

impl WorldFace for Planted {
    fn owns(&self, call: &WireCall) -> bool {
        self.face.owns(call)
    }

    fn answer(&self, call: &WireCall) -> WireAnswer {
        (self.change)(call, self.face.answer(call))
    }
}

async fn stage(name: &str, change: fn(&WireCall, WireAnswer) -> WireAnswer) -> BareStage {
    let python = PythonEnvironment::prepare(&target_directory(), |line| println!("{line}")).unwrap();
    let now = Timestamp::now();
    let planted = |face| -> Arc<dyn WorldFace> { Arc::new(Planted { face, change }) };
    BareStage::set_up(&python, &run_directory(name), world(now), ScaledTime::starting(now, 1.0), planted).await.unwrap()
}

/// Nothing of the user's environment: what is not given here cannot be used.
fn command() -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_recoveryctl")));
    command.env_clear().env("HOME", run_directory("conform-home")).env("AWS_EC2_METADATA_DISABLED", "true").arg("conform");
    command
}

fn conform(arguments: &[&str]) -> Output {
    command().args(arguments).output().unwrap()
}

async fn asked(stage: &BareStage, region: &'static str) -> (Option<i32>, Value) {
    let endpoint = stage.endpoint();
    let output =
        tokio::task::spawn_blocking(move || conform(&["--endpoint-url", &endpoint, "--region", region, "--format", "json"]));
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("Only these calls are made"), "{complained}");
    (output.status.code(), serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{complained}")))
}

/// The facts of a finding, by id.
fn found<'a>(report: &'a Value, finding: &str) -> Vec<&'a str> {
    let facts = report["facts"].as_array().unwrap().iter().filter(|fact| fact["finding"] == finding);
    facts.map(|fact| fact["fact"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_face_behaves_as_the_facts_say_and_only_reads_are_made() {
    let stage = stage("conform-agrees", |_, answer| answer).await;
    let (east, west) = (asked(&stage, EAST).await, asked(&stage, WEST).await);
    for (status, report) in [&east, &west] {
        assert_eq!((status, found(report, "drifts"), found(report, "not asked")), (&Some(0), vec![], vec![]), "{report:#}");
    }
    // What one Region cannot show, the other one does.
    let missing = found(&east.1, "nothing to see");
    let unseen: Vec<&str> = found(&west.1, "nothing to see").into_iter().filter(|fact| missing.contains(fact)).collect();
    assert_eq!(unseen, Vec::<&str>::new());
    let mutations = stage.log.mutations().len();
    assert_eq!(mutations, 0);
    let mut made: Vec<String> =
        stage.log.records().iter().map(|record| format!("{}:{}", record.service, record.operation)).collect();
    made.sort();
    made.dedup();
    let mut listed: Vec<&str> = east.1["calls"].as_array().unwrap().iter().map(|call| call.as_str().unwrap()).collect();
    listed.sort_unstable();
    assert_eq!(made, listed, "what is announced is what is called");
    stage.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_that_is_planted_is_drift() {
    let stage = stage("conform-drifts", |call, answer| {
        let renamed = || String::from_utf8_lossy(&answer.body).replace("DBInstanceNotFound", "DBInstanceNotFoundFault");
        match call.operation.as_str() {
            "DescribeDBInstances" if answer.status == 404 => WireAnswer::new(404, "text/xml", renamed()),
            _ => answer,
        }
    })
    .await;
    let (status, report) = asked(&stage, EAST).await;
    assert_eq!((status, found(&report, "drifts")), (Some(1), vec!["rds.error.instance-not-found"]), "{report:#}");
    stage.tear_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_asked_is_not_called_agreement() {
    let stage = stage("conform-denied", |call, answer| match call.operation.as_str() {
        "GetHostedZone" => WireAnswer::error(call, 403, "AccessDenied", "not for you"),
        _ => answer,
    })
    .await;
    let (status, report) = asked(&stage, EAST).await;
    assert_eq!((status, found(&report, "drifts")), (Some(2), vec![]), "{report:#}");
    let not_asked = found(&report, "not asked");
    assert_eq!(not_asked, ["route53.zone.apex-records", "route53.error.no-such-hosted-zone"], "{report:#}");
    stage.tear_down().await;
}

#[test]
fn nobody_there_no_credentials_and_other_addresses_are_said_plainly() {
    let nobody = conform(&["--endpoint-url", "http://127.0.0.1:9", "--region", EAST]);
    let said = String::from_utf8_lossy(&nobody.stdout);
    assert_eq!(nobody.status.code(), Some(2), "{said}");
    assert!(said.contains("agrees: 0") && said.contains("drifts: 0"), "{said}");
    for (arguments, words) in [
        (&["--endpoint-url", "https://rds.us-east-1.amazonaws.com", "--region", EAST][..], "on this machine"),
        (&["--region", EAST], "there are no credentials"),
        (&[], "no Region is set"),
    ] {
        let refused = conform(arguments);
        let complained = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{complained}");
        assert!(complained.contains(words) && complained.contains("Nothing was called"), "{complained}");
    }
    // Credentials that lie in the environment are no stand-in for a profile that was named.
    let mut with_others = command();
    with_others.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "example");
    let refused = with_others.args(["--profile", "named", "--region", EAST]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there are no credentials"));
    let listed = conform(&["--calls"]);
    assert_eq!(listed.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("route53:GetChange"));
}
