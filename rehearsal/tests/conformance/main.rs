//! The wire face before independent judges: botocore's service models, and two other stand-ins for AWS.
//!
//! Needs Python; the first run installs the judges below `target`. Nothing here knows an address outside loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod scene;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::Timestamp;
use rehearsal::emulator::{Emulator, EmulatorOptions, PythonEnvironment, SimulatedStart};
use rehearsal::stage::BareStage;
use rehearsal::wire::faults::{FaultAction, FaultRule, Selector};
use rehearsal::wire::time::ScaledTime;

/// Simulated seconds in a real second: a promotion takes some seconds, and "while it is being promoted" still is a time in which
/// a busy machine can make a call.
const SPEED: f64 = 60.0;

/// The target directory of this build: a test's program lies in `target/debug/deps`.
fn target_directory() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

fn run_directory(name: &str) -> PathBuf {
    let directory = target_directory().join("rehearsal").join("tests").join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

fn programs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn emulators_python() -> PythonEnvironment {
    PythonEnvironment::prepare(&target_directory(), |line| println!("{line}")).unwrap()
}

/// A judge's program, with none of the user's settings in its environment.
fn judge(home: &Path) -> Command {
    let python = PythonEnvironment::prepare_conformance(&target_directory(), |line| println!("{line}")).unwrap();
    let mut command = Command::new(python.interpreter());
    command.env_clear().current_dir(programs()).env("HOME", home).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    command
}

fn assert_content(output: &Output) {
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}\n{complained}");
}

async fn face(directory: &Path) -> BareStage {
    let time = ScaledTime::starting(Timestamp::now(), SPEED);
    let world = scene::world(time.at(Timestamp::now()));
    let stage = BareStage::set_up(&emulators_python(), directory, world, time, |shared| shared).await.unwrap();
    for (region, zone, action) in [
        ("ap-northeast-1", "throttled", FaultAction::Throttle),
        ("ap-northeast-2", "unavailable", FaultAction::ServerError(503)),
        ("ap-northeast-3", "failing", FaultAction::ServerError(500)),
    ] {
        stage.faults.add(FaultRule::new(zone, Selector::default().in_region(region), action.clone()));
        stage.faults.add(FaultRule::new(zone, Selector::default().on(&format!("hostedzone/{zone}")), action));
    }
    stage
}

/// Runs a judge in a thread of its own: the stage that it asks lives on this runtime.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_and_every_error_is_one_that_botocores_model_knows() {
    let directory = run_directory("answers");
    let stage = face(&directory).await;
    let mut judge = judge(&directory);
    judge.arg("check_answers.py").arg(stage.endpoint());
    let output = run(judge).await;
    stage.tear_down().await;
    assert_content(&output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_difference_between_the_face_ministack_and_moto_has_a_row_and_every_row_a_difference() {
    let directory = run_directory("differences");
    let stage = face(&directory).await;
    // One of its own: the emulator behind the face is made the face's calls as well.
    let now = Timestamp::now().as_millisecond();
    let options = EmulatorOptions {
        run_directory: directory.join("ministack"),
        endpoint: None,
        account: scene::ACCOUNT.to_owned(),
        region: scene::EAST.to_owned(),
        start: SimulatedStart { real_ms: now, simulated_ms: now, speed: 1.0 },
        port: None,
    };
    let ministack = Emulator::start(&emulators_python(), options).await.unwrap();
    let mut judge = judge(&directory);
    judge.arg("compare.py").arg(stage.endpoint()).arg(ministack.endpoint());
    if std::env::var_os("PRINT_ROWS").is_some() {
        judge.arg("--print-rows");
    }
    let output = run(judge).await;
    ministack.stop();
    stage.tear_down().await;
    assert_content(&output);
}

#[test]
fn the_judges_see_what_is_planted() {
    let mut judge = judge(&run_directory("judges"));
    let output = judge
        .args(["-m", "unittest", "discover", "--top-level-directory", ".", "--start-directory", "tests"])
        .output()
        .unwrap();
    assert_content(&output);
}
