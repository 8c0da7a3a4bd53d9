//! The rehearsal by hand: the sites of a drill without its script. They run until they are stopped; another terminal breaks and
//! mends them, and a line tells each thing that happens.

mod arguments;
mod breaking;
mod console;
mod control;
mod error;
mod guide;
mod kinds;
mod names;
mod operator;
mod schedules;
mod session;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use rehearsal::databases::Installation;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use arguments::RehearseArguments;
use arguments::{RehearseCommand, SitesArguments};
use breaking::Breaker;
use control::{Control, Request, ask};
use error::{Code, RehearseError};
use names::Names;
use operator::Operator;
use session::{Place, Session, find, sessions_of};

use crate::drill::workplace::target_directory;
use crate::drill::{Drill, Platform, Situation, Workplace};

/// What `fault` is given to list what there is.
const HELP: &str = "help";

/// Runs the command; the exit statuses are those of [`RehearseArguments`].
#[must_use]
pub fn run(arguments: &RehearseArguments) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refused(&RehearseError::new(Code::SitesNotStarted, error.to_string()), 2),
    };
    match &arguments.command {
        None => {
            // Before anything listens to signals: building and installing end with Ctrl-C as they always do.
            let installed = Workplace::prepare(say).and_then(|workplace| {
                let postgresql = workplace.database(arguments.sites.database, say)?;
                Ok((workplace, postgresql))
            });
            match installed {
                Ok((workplace, postgresql)) => runtime.block_on(rehearse(&workplace, &arguments.sites, postgresql)),
                Err(error) => refused(&RehearseError::new(Code::SitesNotStarted, error.to_string()), 2),
            }
        }
        Some(RehearseCommand::Fault { fault, .. }) if fault == HELP => {
            print!("{}", kinds::help());
            ExitCode::SUCCESS
        }
        Some(RehearseCommand::Fault { fault, which }) => {
            runtime.block_on(request(which.rehearsal, Request::Fault { fault: fault.clone() }))
        }
        Some(RehearseCommand::Heal { what, which }) => {
            runtime.block_on(request(which.rehearsal, Request::Heal { what: what.clone() }))
        }
    }
}

/// Progress goes to standard error; standard output is what happens.
fn say(line: &str) {
    eprintln!("  {line}");
}

fn refused(error: &RehearseError, status: u8) -> ExitCode {
    eprintln!("recoveryctl rehearse: {error}");
    ExitCode::from(status)
}

async fn request(number: Option<u32>, request: Request) -> ExitCode {
    let found = target_directory()
        .map_err(|error| RehearseError::new(Code::NoRehearsal, error.to_string()))
        .and_then(|target| find(&sessions_of(&target), number));
    let session = match found {
        Ok(session) => session,
        Err(error) => return refused(&error, 2),
    };
    match ask(&session, request).await {
        Ok(sentence) => {
            println!("{sentence}");
            ExitCode::SUCCESS
        }
        Err(error) if error.code == Code::NoAnswer => refused(&error, 2),
        Err(error) => refused(&error, 1),
    }
}

async fn rehearse(workplace: &Workplace, arguments: &SitesArguments, postgresql: Option<Installation>) -> ExitCode {
    let mut stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refused(&RehearseError::new(Code::SitesNotStarted, error.to_string()), 2),
    };
    // Dropping what is half set up ends what it started.
    let opened = tokio::select! {
        opened = open(workplace, arguments, postgresql) => opened,
        () = stop.asked() => {
            say("stopped before the sites were ready");
            return ExitCode::SUCCESS;
        }
    };
    let rehearsal = match opened {
        Ok(rehearsal) => rehearsal,
        Err(error) => return refused(&error, 2),
    };
    let ended = tokio::select! {
        () = stop.asked() => None,
        error = rehearsal.play(arguments.speed) => Some(error),
    };
    say("stopping the simulated sites");
    let number = rehearsal.place.number;
    rehearsal.drill.tear_down().await;
    drop(rehearsal.place);
    match ended {
        None => {
            say(&format!("rehearsal {number} has ended, and everything that it started"));
            ExitCode::SUCCESS
        }
        Some(error) => refused(&error, 1),
    }
}

/// A rehearsal whose sites run.
struct Rehearsal {
    place: Place,
    drill: Drill,
    names: Names,
    operator: Operator,
    aws: PathBuf,
    control: Control,
}

async fn open(
    workplace: &Workplace,
    arguments: &SitesArguments,
    postgresql: Option<Installation>,
) -> Result<Rehearsal, RehearseError> {
    let platform = Platform::read(&arguments.plan, &arguments.scenario)?;
    let place = Place::take(&sessions_of(&workplace.target))?;
    let control = Control::open().await?;
    let situation =
        Situation { seed: arguments.seed, speed: arguments.speed, armed: false, postgresql, ..Situation::default() };
    let drill = Drill::open(workplace, platform, situation, say).await?;
    let names = Names::set_up(&drill.platform.plan, &mut drill.stage.world(), drill.stage.now(), say);
    let operator = Operator::create(&drill).await?;
    let aws = guide::from_here(operator.write_cli(&place, &drill.stage.endpoint(), drill.platform.region())?);
    let address = control.address().map_err(|error| RehearseError::new(Code::SessionNotWritten, error.to_string()))?;
    place.announce(&Session {
        control: address,
        token: control.token().clone(),
        process: std::process::id(),
        platform: drill.platform.plan.platform.to_string(),
    })?;
    console::print(&guide::text(&drill, &place, &operator, &aws, &names, arguments.speed));
    Ok(Rehearsal { place, drill, names, operator, aws, control })
}

impl Rehearsal {
    /// Tells what happens and does what it is asked, until the sites break down by themselves.
    async fn play(&self, speed: f64) -> RehearseError {
        let breaker = Breaker::new(&self.drill, &self.names);
        tokio::select! {
            error = watch::follow(&self.drill, &breaker, &self.operator.key, &self.aws) => error,
            never = self.control.serve(&breaker) => match never {},
            never = schedules::keep(&self.drill, speed) => match never {},
        }
    }
}

/// Ctrl-C, or a supervisor's SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
