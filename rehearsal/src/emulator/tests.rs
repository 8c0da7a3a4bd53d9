//! What the emulator promises to a rehearsal. Needs Python; the first run installs the emulator below `target`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::*;

const FUNCTIONS: [&str; 5] =
    ["recovery", "update-database-endpoints", "read-only-toggle", "replication-check", "backup-verify"];

/// The target directory of this build: a test's program lies in `target/debug/deps`.
pub(crate) fn target_directory() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

pub(crate) fn run_directory() -> PathBuf {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let directory = target_directory().join("rehearsal").join("tests").join(format!("{}-{run}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

pub(crate) fn python() -> PythonEnvironment {
    PythonEnvironment::prepare(&target_directory(), |sentence| eprintln!("{sentence}")).unwrap()
}

fn options(run_directory: &Path) -> EmulatorOptions {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    EmulatorOptions {
        run_directory: run_directory.to_owned(),
        endpoint: None,
        account: "123456789012".to_owned(),
        region: "us-west-2".to_owned(),
        start: SimulatedStart { real_ms: now, simulated_ms: now, speed: 10.0 },
        port: None,
    }
}

/// Programs that the emulator takes for the functions; none is invoked here.
fn binaries(directory: &Path) -> PathBuf {
    let binaries = directory.join("binaries");
    fs::create_dir_all(&binaries).unwrap();
    for name in FUNCTIONS {
        let path = binaries.join(name);
        fs::write(&path, "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    binaries
}

fn group_is_gone(group: u32) -> bool {
    let listed = Command::new("ps").args(["-A", "-o", "pgid=,stat="]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    !listed
        .lines()
        .filter_map(|line| line.trim().split_once(' '))
        .any(|(found, state)| found.parse() == Ok(group) && !state.contains('Z'))
}

#[tokio::test]
async fn a_dropped_emulator_leaves_nothing_behind() {
    let directory = run_directory();
    let emulator = Emulator::start(&python(), options(&directory)).await.unwrap();
    let (pid, port) = (emulator.pid(), emulator.port());
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok());
    assert!(!group_is_gone(pid));
    drop(emulator);
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    assert!(group_is_gone(pid));
    assert!(fs::read_to_string(directory.join("emulator.log")).unwrap().contains("Running on"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let directory = run_directory();
    let refused = Emulator::start(&python(), EmulatorOptions { port: Some(port), ..options(&directory) }).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("port {port} on loopback is taken by another program"));
}

#[tokio::test]
async fn an_emulator_that_dies_shows_the_end_of_its_log() {
    let directory = run_directory();
    let refused = Emulator::start(
        &python(),
        EmulatorOptions { endpoint: Some("https://sts.amazonaws.com".to_owned()), ..options(&directory) },
    )
    .await
    .unwrap_err();
    assert!(refused.to_string().contains("a rehearsal never leaves this machine"), "{refused}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_of_the_users_aws_settings_reaches_the_emulator() {
    let directory = run_directory();
    let emulator = Emulator::start(&python(), options(&directory)).await.unwrap();
    let environment = fs::read_to_string(format!("/proc/{}/environ", emulator.pid())).unwrap();
    let foreign: Vec<&str> = environment
        .split('\0')
        .filter_map(|variable| variable.split('=').next())
        .filter(|name| !["", "PATH", "LANG", "LC_ALL", "TZ", "HOME"].contains(name) && !name.starts_with("PYTHON"))
        .collect();
    assert_eq!(foreign, Vec::<&str>::new());
    assert!(environment.contains(&format!("HOME={}", directory.display())));
}

#[tokio::test]
async fn the_real_template_deploys_and_everything_that_was_read_back_is_as_it_says() {
    let directory = run_directory();
    let plan = directory.join("plan.json");
    fs::write(&plan, "{}").unwrap();
    let emulator = Emulator::start(&python(), options(&directory)).await.unwrap();
    let deployment = emulator
        .deploy(&DeploymentRequest {
            stack: "healthcare-platform".to_owned(),
            region: "us-west-2".to_owned(),
            template: Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml"),
            binaries: binaries(&directory),
            plan: plan.clone(),
            parameters: BTreeMap::from([
                ("PlanPath".to_owned(), plan.display().to_string()),
                ("Schedules".to_owned(), "DISABLED".to_owned()),
            ]),
        })
        .await
        .unwrap();
    assert!(deployment.differences.is_empty(), "{:#?}", deployment.differences);
    assert!(deployment.held > 150, "only {} properties were compared", deployment.held);
    let machine = "arn:aws:states:us-west-2:123456789012:stateMachine:healthcare-platform-recovery";
    assert!(deployment.outputs.values().any(|output| output == machine));
    assert!(deployment.role_policies.values().any(|role| role.resource == "RecoveryRole"));
    assert!(deployment.not_enforced.iter().any(|limit| limit.what.starts_with("AWS::IAM::Role")));
}

#[tokio::test]
async fn a_missing_binary_is_named() {
    let directory = run_directory();
    let plan = directory.join("plan.json");
    fs::write(&plan, "{}").unwrap();
    let emulator = Emulator::start(&python(), options(&directory)).await.unwrap();
    let refused = emulator
        .deploy(&DeploymentRequest {
            stack: "healthcare-platform".to_owned(),
            region: "us-west-2".to_owned(),
            template: Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/template.yaml"),
            binaries: directory.join("nowhere"),
            plan,
            parameters: BTreeMap::new(),
        })
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("binary of the function"), "{refused}");
}

#[tokio::test]
async fn the_platform_is_read_back_as_it_was_set_up() {
    let description = json!({
        "parameters": [{"region": "us-west-2", "name": "/p/database/host", "type": "String", "value": "old.example"}],
        "secrets": [{"region": "us-west-2", "name": "p/database", "value": {"host": "old.example", "port": 5432}}],
        "functions": [
            {"region": "us-east-1", "name": "p-reports", "environment": {"READ_ONLY_MODE": "false"}},
            {"region": "us-west-2", "name": "p-reports", "environment": {"DATABASE_HOST": "old.example"}},
        ],
        "services": [{"region": "us-west-2", "cluster": "p", "service": "api"}],
        "rest_apis": [{
            "region": "us-east-1", "id": "a1b2c3", "stage": "prod",
            "methods": ["GET /patients", "POST /patients", "PUT /patients/{id}"],
            "settings": {"PUT /patients/{id}": {"rateLimit": "7"}},
        }],
        "http_apis": [{"region": "us-east-1", "id": "d4e5f6", "stage": "prod", "routes": ["POST /patients"]}],
        "topics": [{"region": "us-east-1", "name": "p-alarms"}],
    });
    let emulator = Emulator::start(&python(), options(&run_directory())).await.unwrap();
    let set_up = emulator.set_up_sites(&description).await.unwrap();
    assert_eq!(emulator.read_sites(&description).await.unwrap(), set_up);
    assert_eq!(set_up["secrets"][0]["value"]["host"], "old.example");
    assert!(set_up["secrets"][0]["value"]["rehearsal_untouched"].is_string());
    assert_eq!(set_up["functions"][1]["environment"]["REHEARSAL_UNTOUCHED"], "left alone");
    assert_eq!(set_up["rest_apis"][0]["method_settings"]["/patients/{id}/PUT"]["throttlingRateLimit"], 7.0);
}

#[tokio::test]
async fn an_unknown_kind_of_resource_is_refused() {
    let emulator = Emulator::start(&python(), options(&run_directory())).await.unwrap();
    let refused = emulator.set_up_sites(&json!({"buckets": []})).await.unwrap_err();
    assert!(refused.to_string().contains("not known here: buckets"), "{refused}");
}

#[test]
fn the_python_programs_keep_their_own_promises() {
    let tests = Command::new(python().interpreter())
        .args(["-m", "unittest", "discover", "--top-level-directory", ".", "--start-directory", "tests"])
        .current_dir(programs())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(tests.status.success(), "{}", String::from_utf8_lossy(&tests.stderr));
}
