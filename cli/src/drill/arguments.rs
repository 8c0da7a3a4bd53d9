//! The drill's arguments.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;

/// Rehearse a scenario on this machine. Nothing leaves it, and no credential of yours is read.
#[derive(Debug, Clone, Args)]
pub struct DrillArguments {
    /// The recovery plan.
    #[arg(long, default_value = "plans/healthcare-platform.yaml")]
    pub plan: PathBuf,
    /// The scenario of the plan to rehearse.
    #[arg(long, default_value = "database_failure")]
    pub scenario: String,
    /// `ungraceful` breaks the primary and lets the alarm start the recovery; `graceful` leaves it whole and switches over.
    #[arg(long, value_enum, default_value_t = DrillMode::Ungraceful)]
    pub mode: DrillMode,
    /// Decides everything that chance would decide in the simulated sites.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Simulated seconds in a real second.
    #[arg(long, default_value_t = 20.0, value_parser = speed)]
    pub speed: f64,
    /// What is behind the simulated RDS. Unless it is said: `postgresql` where one runs on this machine, otherwise `model`.
    #[arg(long, value_enum)]
    pub database: Option<Database>,
    /// Also break this; repeatable. `--fault help` lists what there is.
    #[arg(long = "fault", value_name = "KIND[:ARGUMENT]")]
    pub faults: Vec<String>,
    /// What is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Also write `report.json` and `report.md` into this directory.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
}

/// How the recovery is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillMode {
    /// The primary breaks, and the alarm starts the recovery.
    Ungraceful,
    /// The primary is whole, and an operator switches over.
    Graceful,
}

/// What is behind the simulated RDS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Database {
    /// Two PostgreSQL servers, with streaming replication from one to the other.
    Postgresql,
    /// The model of the simulated sites alone.
    Model,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// Above this, the functions' own work would take longer than what they wait for, and RTOs would measure this machine.
const FASTEST: f64 = 60.0;

/// Reads a speed.
pub(crate) fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (1.0..=FASTEST).contains(&speed) => Ok(speed),
        _ => Err(format!("write a number from 1 to {FASTEST}")),
    }
}
