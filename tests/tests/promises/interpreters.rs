//! The state machine that verifies backups, run by interpreters that are not ours: moto's, which comes from LocalStack's and is strict,
//! and MiniStack's. Behind both is the real function. They ask it what our own interpreter asks it, so that the other tests of this
//! machine rest on more than our reading of AWS's documentation.

mod endpoint;

use std::path::{Path, PathBuf};
use std::process::Command;

use backup_verify_function::pieces::Sizes;
use jiff::Timestamp;
use rehearsal::emulator::{Emulator, EmulatorOptions, PythonEnvironment, SimulatedStart};
use serde_json::{Value, json};
use simulation::Verification;

use crate::pieces::{SIZES, archive, with};
use endpoint::{Endpoint, Function};

/// Retries and waits take so many times less than the definition says.
const SPEED: f64 = 1000.0;

/// One execution.
struct Scenario {
    name: &'static str,
    /// It, as it is before anything is asked of it.
    function: fn() -> Function,
    end: Result<(), &'static str>,
    /// How often the function is asked to check, divide, read a piece, read on, and combine.
    asked: [usize; 5],
    /// Seconds before each retry, as the definition has them.
    pauses: &'static [f64],
}

fn never(_: &Value) -> bool {
    false
}

fn function(name: &str, part: u64, fails: fn(&Value) -> bool) -> Function {
    let bytes = archive(name);
    let simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / part, ..SIZES });
    Function { simulation, fails, throttled: None, asked: Vec::new() }
}

/// The ways through the definition.
fn scenarios() -> Vec<Scenario> {
    const IN_PIECES: &str = "18.4/custom-none.dump";
    const IN_TURNS: &str = "15.18/custom-gzip-piped.dump";
    let insufficient = Err("Insufficient");
    vec![
        Scenario {
            name: "nothing is left",
            function: || function(IN_PIECES, 1, never),
            end: Ok(()),
            asked: [1, 0, 0, 0, 0],
            pauses: &[],
        },
        Scenario {
            name: "pieces, of which some take more than one invocation",
            function: || function(IN_PIECES, 20, never),
            end: Ok(()),
            asked: [1, 1, 5, 4, 1],
            pauses: &[],
        },
        Scenario {
            name: "one invocation after the other",
            function: || function(IN_TURNS, 20, never),
            end: Ok(()),
            asked: [1, 1, 1, 1, 1],
            pauses: &[],
        },
        Scenario {
            name: "a piece is lost",
            function: || function(IN_PIECES, 20, |payload| payload["task"] == "piece" && payload["piece"] == 2),
            end: insufficient,
            asked: [1, 1, 7, 4, 1],
            pauses: &[30.0, 60.0],
        },
        Scenario {
            name: "a piece is broken off",
            function: || function(IN_TURNS, 20, |payload| payload["task"] == "read_on"),
            end: insufficient,
            asked: [1, 1, 1, 3, 1],
            pauses: &[30.0, 60.0],
        },
        Scenario {
            name: "there are no pieces",
            function: || function("17.10/custom-zstd.dump", 300, never),
            end: insufficient,
            asked: [1, 1, 0, 0, 1],
            pauses: &[],
        },
        Scenario {
            name: "the check fails",
            function: || function(IN_PIECES, 20, |payload| payload["task"] == "check"),
            end: Err("Unverified"),
            asked: [1, 0, 0, 0, 0],
            pauses: &[],
        },
        Scenario {
            name: "dividing fails",
            function: || function(IN_PIECES, 20, |payload| payload["task"] == "divide"),
            end: Err("Unverified"),
            asked: [1, 6, 0, 0, 0],
            pauses: &[10.0, 20.0, 40.0, 80.0, 160.0],
        },
        Scenario {
            name: "combining fails",
            function: || function(IN_PIECES, 20, |payload| payload["task"] == "combine"),
            end: Err("Unverified"),
            asked: [1, 1, 5, 4, 6],
            pauses: &[10.0, 20.0, 40.0, 80.0, 160.0],
        },
    ]
}

#[test]
fn every_scenario_takes_the_way_that_it_is_there_for() {
    for Scenario { name, function, end, asked, .. } in scenarios() {
        let mut function = function();
        let ours = Verification::run(|payload| function.invoke(payload).ok());
        assert_eq!(ours.end, end.map_err(str::to_owned), "{name}");
        let tasks = ["check", "divide", "piece", "read_on", "combine"];
        assert_eq!(
            tasks.map(|task| function.asked.iter().filter(|payload| payload["task"] == task).count()),
            asked,
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn motos_interpreter_asks_the_function_what_ours_asks_it() {
    let throttled = Scenario {
        name: "Lambda is busy",
        function: || Function { throttled: Some("piece"), ..function("15.18/custom-gzip-piped.dump", 20, never) },
        end: Ok(()),
        asked: [1, 1, 1, 1, 1],
        pauses: &[10.0],
    };
    let scenarios = scenarios().into_iter().chain([throttled]).collect();
    let directory = run_directory("moto");
    for (scenario, seen) in interpreted(scenarios, "moto", &directory).await {
        assert_eq!(seen["pauses"], json!(scenario.pauses), "{}", scenario.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ministacks_interpreter_asks_the_function_what_ours_asks_it() {
    let directory = run_directory("ministack");
    let python = PythonEnvironment::prepare(&target_directory(), |line| println!("{line}")).unwrap();
    let now = Timestamp::now().as_millisecond();
    let options = EmulatorOptions {
        run_directory: directory.clone(),
        endpoint: None,
        account: "123456789012".to_owned(),
        region: "us-west-2".to_owned(),
        start: SimulatedStart { real_ms: now, simulated_ms: now, speed: SPEED },
        port: None,
    };
    let emulator = Emulator::start(&python, options).await.unwrap();
    let seen = interpreted(scenarios(), &emulator.endpoint(), &directory).await;
    emulator.stop();
    assert_eq!(seen.len(), scenarios().len());
}

/// Has another interpreter run each scenario, and holds what came of it against what our own makes of the same.
async fn interpreted(scenarios: Vec<Scenario>, interpreter: &str, home: &Path) -> Vec<(Scenario, Value)> {
    let mut endpoints = Vec::new();
    for scenario in &scenarios {
        endpoints.push(Endpoint::before((scenario.function)()).await);
    }
    let mut command = Command::new(
        PythonEnvironment::prepare_conformance(&target_directory(), |line| println!("{line}")).unwrap().interpreter(),
    );
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    command.env_clear().env("HOME", home).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    command.arg(repository.join("rehearsal/conformance/interpret.py")).arg(interpreter);
    command.arg(repository.join("infra/statemachines/backup-verify.asl.json")).arg(SPEED.to_string());
    command.args(endpoints.iter().map(Endpoint::address));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let seen: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen.len(), scenarios.len());
    for ((scenario, endpoint), seen) in scenarios.iter().zip(&endpoints).zip(&seen) {
        hold(scenario, &endpoint.asked(), seen);
    }
    scenarios.into_iter().zip(seen).collect()
}

fn hold(scenario: &Scenario, asked: &[Value], seen: &Value) {
    let name = scenario.name;
    let mut function = (scenario.function)();
    let ours = Verification::run(|payload| function.invoke(payload).ok());
    let (status, error) = match scenario.end {
        Ok(()) => ("SUCCEEDED", Value::Null),
        Err(error) => ("FAILED", json!(error)),
    };
    assert_eq!((&seen["status"], &seen["error"]), (&json!(status), &error), "{name}: {seen:#}");
    assert_eq!(in_order(asked), in_order(&function.asked), "{name}");
    if scenario.end.is_ok() {
        let mut output: Value = serde_json::from_str(seen["output"].as_str().unwrap()).unwrap();
        let mut data = ours.data;
        // The simulated clock goes on with every invocation, and pieces side by side come in any order.
        for verification in [&mut output, &mut data] {
            for told in ["/verification/answer/at", "/verification/answer/backups/0/sites"] {
                let _ = verification.pointer_mut(told).map(Value::take);
            }
        }
        assert_eq!(output, data, "{name}");
    }
}

/// What was asked, with pieces that were read side by side one after the other.
fn in_order(asked: &[Value]) -> Vec<&Value> {
    let mut others = 0;
    let mut placed: Vec<_> = asked
        .iter()
        .map(|payload| {
            let piece = payload["piece"].as_u64();
            others += usize::from(piece.is_none());
            ((others, piece), payload)
        })
        .collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, payload)| payload).collect()
}

/// The target directory of this build: a test's program lies in `target/debug/deps`.
fn target_directory() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

fn run_directory(name: &str) -> PathBuf {
    let name = format!("interpreters-{name}-{}", std::process::id());
    let directory = target_directory().join("rehearsal").join("tests").join(name);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
