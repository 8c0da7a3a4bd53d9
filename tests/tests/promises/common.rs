//! What the promises have in common: the disaster, the event that tells of it, and what must hold whatever happened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use recovery_tests::in_process::{Platform, Simulation, primary_key};
use rehearsal_world::Breakage;
use serde_json::Value;

pub(crate) const ALARM_SHAPES: [&str; 3] = ["alarm.eventbridge.json", "alarm.lambda.json", "alarm.sns.json"];

/// Seconds.
pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Where the example events stand.
pub(crate) fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// One of the example events.
pub(crate) fn event(name: &str) -> Value {
    let path = events().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The database hangs two minutes before the alarm's examples say so, and then the alarm is delivered in this shape.
pub(crate) fn hang_and_raise(platform: Platform, shape: &str) -> Simulation {
    let mut simulation = platform.stand_up();
    simulation.run_for(seconds(215));
    simulation.cloud.with(|state| state.world.break_instance(&primary_key(), Breakage::Hung, state.now));
    simulation.run_for(seconds(117));
    simulation.deliver(&event(shape));
    simulation
}
