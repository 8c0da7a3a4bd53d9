//! How an emulator is to run.

use std::path::PathBuf;

/// Where simulated time starts, and how fast it runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedStart {
    /// What the machine's clock shows at that moment, in milliseconds since 1970.
    pub real_ms: i64,
    /// What the simulated clock shows then, in milliseconds since 1970.
    pub simulated_ms: i64,
    /// Simulated seconds in a real second.
    pub speed: f64,
}

/// How an emulator is to run.
#[derive(Debug, Clone)]
pub struct EmulatorOptions {
    /// Private directory of this run; made when it is missing. The log, `emulator.log`, lies in it.
    pub run_directory: PathBuf,
    /// The address that the functions call: the rehearsal's proxy. Without one they call the emulator itself.
    pub endpoint: Option<String>,
    /// The account of requests that name none, twelve digits.
    pub account: String,
    /// The Region of requests that name none.
    pub region: String,
    /// The time in which alarms, schedules and waits live.
    pub start: SimulatedStart,
    /// The port to listen on. Without one a free port is chosen.
    pub port: Option<u16>,
}
