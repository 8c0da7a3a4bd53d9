//! What the promises have in common: a stage for each, and no more stages at a time than a small machine can play.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use recoveryctl::drill::{Drill, DrillMode, DrillReport, Platform, Situation, Workplace};
use serde_json::{Value, json};
use shared::domain::duration::Seconds;
use shared::domain::plan::Plan;

use crate::evidence::{assert_checks_agree, write_down};

/// Rehearsals that run at a time on this machine, whichever process plays them: each waits for real answers within real limits,
/// so too many at once would test the machine.
const PLACES: usize = 2;
/// Simulated seconds in a real second. At this speed the functions' own work still takes a small part of the time that passes.
pub(crate) const SPEED: f64 = 30.0;
const SCENARIO: &str = "database_failure";

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Where the binaries and the emulator are; made by the first who asks, while the others wait.
pub(crate) fn workplace() -> &'static Workplace {
    static WORKPLACE: OnceLock<Workplace> = OnceLock::new();
    WORKPLACE.get_or_init(|| {
        Workplace::prepare(|line| println!("{line}"))
            .unwrap_or_else(|error| panic!("no rehearsal is possible here: {error}"))
    })
}

/// One of the places, until it is dropped.
pub(crate) struct Place {
    _lock: File,
}

impl Place {
    /// Waits for a place. The lock is the operating system's, so a test that is killed leaves none taken.
    pub(crate) fn take() -> Self {
        let directory = workplace().target.join("rehearsal");
        loop {
            for number in 0..PLACES {
                let path = directory.join(format!("place-{number}.lock"));
                let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).unwrap();
                match lock.try_lock() {
                    Ok(()) => return Self { _lock: lock },
                    Err(TryLockError::WouldBlock) => {}
                    Err(TryLockError::Error(error)) => panic!("{}: {error}", path.display()),
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// A primary that will hang, and an alarm that notices and starts the recovery.
pub(crate) fn watched_primary() -> Situation {
    Situation { speed: SPEED, ..Situation::default() }
}

/// A primary that will hang, and nobody who starts the recovery but the test.
pub(crate) fn unwatched_primary() -> Situation {
    Situation { armed: false, ..watched_primary() }
}

/// A primary that stays whole.
pub(crate) fn whole_primary() -> Situation {
    Situation { mode: DrillMode::Graceful, ..watched_primary() }
}

/// Plays on a stage of its own with the plan as it is.
pub(crate) fn play(situation: Situation, act: impl AsyncFnOnce(&Drill)) {
    play_with(situation, |_| (), act);
}

/// Plays on a stage of its own with a changed plan. Where the act panics, everything that the stage started ends as well.
pub(crate) fn play_with(situation: Situation, change: impl FnOnce(&mut Plan), act: impl AsyncFnOnce(&Drill)) {
    let plan = repository().join("plans").join("healthcare-platform.yaml");
    let mut plan = Platform::read(&plan, SCENARIO).unwrap().plan;
    change(&mut plan);
    let platform = Platform::of(plan, SCENARIO).unwrap();
    let _place = Place::take();
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let drill = Drill::set_up(workplace(), platform, situation, |line| println!("{line}")).await.unwrap();
        act(&drill).await;
        drill.tear_down().await;
    });
    println!("this rehearsal took {:.0?}", started.elapsed());
}

/// Plays a whole drill with these faults, and judges it as a drill is judged.
pub(crate) fn rehearse(faults: &[&str]) -> DrillReport {
    rehearse_with(faults, |_| ())
}

/// The same with a changed plan.
pub(crate) fn rehearse_with(faults: &[&str], change: impl FnOnce(&mut Plan)) -> DrillReport {
    let platform = Platform::read(&repository().join("plans").join("healthcare-platform.yaml"), SCENARIO).unwrap();
    let texts: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let faults = platform.faults(&texts).unwrap();
    let mut judged = None;
    play_with(Situation { faults, ..watched_primary() }, change, async |drill| {
        judged = Some(drill.play(|line| println!("{line}")).await.unwrap());
    });
    let report = judged.unwrap();
    assert_eq!(report.faults.len(), texts.len());
    for fault in &report.faults {
        assert!(fault.is_struck(), "the fault did not strike: {fault:#?}");
    }
    assert_checks_agree(&report);
    assert!(report.is_good(), "{}: {}", report.status, report.reason);
    let thread = std::thread::current();
    write_down(thread.name().unwrap_or_default(), &report);
    report
}

/// Lets a promotion lose so much more without asking anybody.
pub(crate) fn allow_more_loss(plan: &mut Plan, more: Seconds) {
    for rpo in plan.objectives.values_mut().filter_map(|objective| objective.rpo.as_mut()) {
        *rpo = rpo.plus(more);
    }
    for preauthorised in plan.scenarios.values_mut().filter_map(|scenario| scenario.preauthorised.as_mut()) {
        preauthorised.data_loss_up_to = preauthorised.data_loss_up_to.plus(more);
    }
}

/// Starts the scenario as an operator does; the answer.
pub(crate) async fn start(drill: &Drill) -> Value {
    let payload = json!({
        "scenario": SCENARIO, "region": drill.platform.primary_region(), "mode": "ungraceful", "actor": "a test",
    });
    let answer = drill.invoke(&payload).await.unwrap();
    assert_eq!(answer["status"], "started", "{answer}");
    answer
}

/// Waits until the incident has ended, and prints its timeline meanwhile.
pub(crate) async fn end(drill: &Drill) -> Value {
    let tell = |moment: &recoveryctl::drill::Moment| {
        println!("{} {} {} {}", moment.at.strftime("%H:%M:%S"), moment.step, moment.event, moment.reason);
    };
    drill.await_end(tell).await.unwrap()
}

/// Asks where the incident is, until it is where it should be; a minute at most.
pub(crate) async fn status_when(drill: &Drill, what: &str, reached: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..300 {
        last = drill.invoke(&json!({"command": "status"})).await.unwrap();
        if reached(&last) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{what} did not come about; the last status was {last:#}");
}
