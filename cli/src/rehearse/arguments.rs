//! The arguments of a rehearsal by hand, and of breaking and mending one that runs.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::drill::arguments::{Database, speed};

/// Start the simulated sites with everything deployed, and play by hand until Ctrl-C.
///
/// Prints the endpoint and commands to paste, and then a line for everything that happens in both sites. Nothing leaves this
/// machine: it listens and calls on loopback only, and no AWS credential, profile or variable of yours is read.
///
/// Ends with 0 when it was stopped (Ctrl-C or SIGTERM) and everything that it started has ended, 1 when it broke down by itself, 2
/// when it could not be started. `fault` and `heal` end with 0 when it was done, 1 when the rehearsal refused it, 2 when no
/// rehearsal could be reached.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RehearseArguments {
    /// Break or mend a rehearsal that runs in another terminal.
    #[command(subcommand)]
    pub(super) command: Option<RehearseCommand>,
    #[command(flatten)]
    pub(super) sites: SitesArguments,
}

/// The sites that are started.
#[derive(Debug, Clone, Args)]
pub(super) struct SitesArguments {
    /// The recovery plan.
    #[arg(long, default_value = "plans/healthcare-platform.yaml")]
    pub(super) plan: PathBuf,
    /// The scenario of the plan that the alarm starts.
    #[arg(long, default_value = "database_failure")]
    pub(super) scenario: String,
    /// Decides everything that chance would decide in the simulated sites.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Simulated seconds in a real second.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    pub(super) speed: f64,
    /// What is behind the simulated RDS. Unless it is said: `postgresql` where one runs on this machine, otherwise `model`.
    #[arg(long, value_enum)]
    pub(super) database: Option<Database>,
}

/// What is done to a rehearsal that runs.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum RehearseCommand {
    /// Break something in the running sites; `fault help` lists what there is.
    Fault {
        /// What breaks.
        #[arg(value_name = "KIND[:ARGUMENT]")]
        fault: String,
        #[command(flatten)]
        which: Which,
    },
    /// Mend what `fault` broke.
    Heal {
        /// A kind, a fault as it was given, or all.
        #[arg(value_name = "KIND|all", default_value = "all")]
        what: String,
        #[command(flatten)]
        which: Which,
    },
}

/// Which of several rehearsals.
#[derive(Debug, Clone, Args)]
pub(super) struct Which {
    /// The rehearsal's number, where several run.
    #[arg(long, value_name = "NUMBER")]
    pub(super) rehearsal: Option<u32>,
}
