//! The emulator of AWS: installed once, started for each rehearsal, ended with it.
//!
//! The emulator is MiniStack, a Python program. [`PythonEnvironment::prepare`] installs the pinned release into a
//! private place below `target`; [`Emulator::start`] runs it on loopback, with none of the user's AWS settings in its
//! environment; [`Emulator::deploy`] brings the real template into it, and [`Emulator::set_up_sites`] the platform that
//! is to be recovered. What the emulator cannot do stands in the [`Deployment`], so that a report can say it.

mod deployment;
pub(crate) mod log_tail;
mod options;
mod ports;
mod process;
mod python;
mod script;
#[cfg(test)]
pub(crate) mod tests;

pub use deployment::{Deployment, DeploymentRequest, Difference, Limit, Mended, Omission, RolePolicies, Unverified};
pub use options::{EmulatorOptions, SimulatedStart};
pub use ports::free_port;
pub use process::{Emulator, EmulatorError};
pub use python::{PythonEnvironment, PythonError};
pub use script::ScriptError;
pub(crate) use script::scrubbed;

use std::path::PathBuf;

/// Where the emulator's Python programs lie.
pub fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("emulator")
}
