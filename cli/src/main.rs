//! The command line: parses arguments, and maps what came of a command to its exit status.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Simulations and plans of ten thousand components make and drop millions of small values: this allocator takes half of the time
/// that glibc's takes for it. The functions, which live for one small request, keep the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Check a recovery plan, show it, rehearse it without a cloud, and verify backups.
#[derive(Parser)]
#[command(name = "recoveryctl", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rehearse a scenario: real binaries, simulated sites, a broken database, a report.
    Drill(recoveryctl::drill::DrillArguments),
    /// Start the simulated sites and play by hand; break and mend them from another terminal.
    Rehearse(recoveryctl::rehearse::RehearseArguments),
    /// Play thousands of recoveries in process, with everything going wrong that can.
    Simulate(recoveryctl::simulate_command::SimulateArguments),
    /// Verify a backup to a stated proof level, or write the manifest that proves it later.
    Backup(recoveryctl::backup_command::BackupArguments),
    /// Look, by read-only calls, whether AWS behaves in your account as the rehearsal takes for granted.
    Conform(recoveryctl::conform::ConformArguments),
    /// Check, show or compile a recovery plan.
    Plan(recoveryctl::plan_command::PlanArguments),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Drill(arguments) => recoveryctl::drill::run(arguments),
        Command::Rehearse(arguments) => recoveryctl::rehearse::run(&arguments),
        Command::Simulate(arguments) => recoveryctl::simulate_command::run(&arguments),
        Command::Backup(command) => recoveryctl::backup_command::run(&command),
        Command::Conform(arguments) => recoveryctl::conform::run(&arguments),
        Command::Plan(command) => recoveryctl::plan_command::run(&command),
    }
}
