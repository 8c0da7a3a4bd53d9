//! The drill: set the stage, break the database, let the real binaries recover it, and judge what came of it by independent eyes.

pub(crate) mod arguments;
mod checks;
mod comparison;
mod counting;
pub mod faults;
mod outcome;
mod platform;
mod recovery;
mod rendering;
pub(crate) mod workplace;

use std::process::ExitCode;

pub use arguments::{Database, DrillArguments, DrillMode, Format};
pub use checks::Check;
pub use outcome::{DrillReport, Moment};
pub use platform::Platform;
pub(crate) use recovery::timeline;
pub use recovery::{Drill, DrillError, Situation};
pub use workplace::{Workplace, WorkplaceError};

/// Runs the command: 0 for a good recovery, 1 for one that was not, 2 when it could not be tried.
#[must_use]
pub fn run(arguments: DrillArguments) -> ExitCode {
    if arguments.faults.iter().any(|fault| fault == "help") {
        println!("{}", faults::help());
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("recoveryctl drill: no asynchronous runtime could be started: {error}");
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(drill(&arguments)) {
        Ok(report) => {
            let good = report.is_good();
            match arguments.format {
                Format::Json => println!("{}", serde_json::to_string_pretty(&report).unwrap_or_default()),
                Format::Text => println!("{}", rendering::text(&report)),
            }
            if let Some(directory) = &arguments.report
                && let Err(error) = rendering::write(&report, directory)
            {
                eprintln!("recoveryctl drill: the report could not be written to {}: {error}", directory.display());
                return ExitCode::from(2);
            }
            if good { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(error) => {
            eprintln!("recoveryctl drill: {error}");
            ExitCode::from(2)
        }
    }
}

async fn drill(arguments: &DrillArguments) -> Result<DrillReport, DrillError> {
    let say = |line: &str| eprintln!("  {line}");
    let platform = Platform::read(&arguments.plan, &arguments.scenario)?;
    let faults = platform.faults(&arguments.faults)?;
    let workplace = Workplace::prepare(say)?;
    let postgresql = workplace.database(arguments.database, say)?;
    let situation = Situation {
        mode: arguments.mode,
        seed: arguments.seed,
        speed: arguments.speed,
        faults,
        postgresql,
        ..Situation::default()
    };
    let drill = Drill::set_up(&workplace, platform, situation, say).await?;
    let report = drill.play(say).await;
    drill.tear_down().await;
    report
}
