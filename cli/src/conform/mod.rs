//! `recoveryctl conform`: whether AWS, in an account of the reader's own, behaves as the rehearsal takes for granted.
//!
//! The rows of `rehearsal/facts.toml` that can be looked at without changing anything say so, and how. Everything is read first,
//! through clients that let a closed list of reads out and nothing else; then each fact is judged by what was read.

mod account;
mod calls;
mod checks;
mod gathering;
mod rendering;
mod sight;

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use account::Account;
use rendering::Report;

/// Everything agreed, or nothing was there to disagree.
const AGREES: u8 = 0;
/// AWS behaved otherwise than a fact says.
const DRIFTS: u8 = 1;
/// It could not be found out.
const UNKNOWN: u8 = 2;

/// `recoveryctl conform`.
#[derive(Debug, Args)]
pub struct ConformArguments {
    /// The profile whose account is asked; without it, the credentials of the environment.
    #[arg(long)]
    profile: Option<String>,
    /// The Region that is asked for databases and metrics; without it, the profile's.
    #[arg(long)]
    region: Option<String>,
    /// Asks a rehearsal on this machine instead, with no credentials of yours: http://127.0.0.1:PORT.
    #[arg(long, conflicts_with = "profile", requires = "region")]
    endpoint_url: Option<String>,
    /// Only says which calls would be made, and makes none.
    #[arg(long)]
    calls: bool,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Runs the command. What will be called goes to standard error before anything is called, the report to standard output.
#[must_use]
pub fn run(arguments: &ConformArguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("recoveryctl conform: no runtime could be started: {error}");
            return ExitCode::from(UNKNOWN);
        }
    };
    let announced = rendering::announcement();
    if arguments.calls {
        print!("{announced}");
        return ExitCode::SUCCESS;
    }
    match runtime.block_on(asked(arguments, &announced)) {
        Ok(report) => {
            match arguments.format {
                Format::Text => print!("{}", report.text()),
                Format::Json => println!("{}", report.json()),
            }
            ExitCode::from(report.exit_status())
        }
        Err(error) => {
            eprintln!("recoveryctl conform: {error}");
            ExitCode::from(UNKNOWN)
        }
    }
}

async fn asked(arguments: &ConformArguments, announced: &str) -> Result<Report, account::NoAccount> {
    let account = match &arguments.endpoint_url {
        Some(endpoint) => Account::on_loopback(endpoint, arguments.region.as_deref().unwrap_or_default())?,
        None => Account::of(arguments.profile.as_deref(), arguments.region.as_deref()).await?,
    };
    eprint!("{}\n{announced}", account.introduction());
    let sight = gathering::gather(&account).await;
    Ok(Report::of(account.introduction(), &sight))
}
