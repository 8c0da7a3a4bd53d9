//! `recoveryctl plan new`: a commented plan to begin with, from answers.

mod account;
mod answers;
mod question;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use aws_config::{BehaviorVersion, Region};
use clap::Args;
use shared::planfile::{self, TO_FILL_IN};

use account::Found;
use answers::{AnswerError, Answers, Dialogue};
use question::{Fallback, QUESTIONS};

/// `recoveryctl plan new`.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Where the plan is written; standard output unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
    /// Answers in a file, as `key: answer`, a line each. Only the rest is asked.
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// An answer; repeatable, and counts before the file's.
    #[arg(long, value_name = "KEY=ANSWER")]
    set: Vec<String>,
    /// Find answers in an AWS account first: an RDS for PostgreSQL instance with a replica in another Region, and the places that hold
    /// its host. Only calls that describe, list or get are sent, with the credentials of your environment or profile; secrets are
    /// not opened.
    #[arg(long)]
    from_account: bool,
    /// The profile of your AWS configuration to look with.
    #[arg(long, requires = "from_account")]
    profile: Option<String>,
    /// The Region that the primary runs in.
    #[arg(long, requires = "from_account")]
    region: Option<String>,
    /// Where to send the calls instead of AWS, such as a rehearsal's address.
    #[arg(long, value_name = "URL", requires = "from_account")]
    endpoint_url: Option<String>,
    /// Ask nothing: the rest is what would stand in brackets.
    #[arg(long)]
    defaults: bool,
    /// List the questions with their keys, and do nothing else.
    #[arg(long)]
    questions: bool,
}

/// The plan was written.
const SUCCESS: u8 = 0;
/// It was not.
const FAILED: u8 = 2;

/// Runs the command against the terminal.
pub(crate) fn run(arguments: &NewArguments) -> ExitCode {
    let patient = io::stdin().is_terminal();
    let session =
        Session { input: &mut io::stdin().lock(), patient, out: &mut io::stdout().lock(), errors: &mut io::stderr().lock() };
    ExitCode::from(run_on(arguments, session))
}

/// Who is asked, and where things are written.
struct Session<'a> {
    input: &'a mut dyn BufRead,
    patient: bool,
    out: &'a mut dyn Write,
    errors: &'a mut dyn Write,
}

fn run_on(arguments: &NewArguments, mut session: Session<'_>) -> u8 {
    if arguments.questions {
        // A reader that has seen enough closes the pipe; that is no failure of the command.
        let _closed = session.out.write_all(listed_questions().as_bytes());
        return SUCCESS;
    }
    match write_plan(arguments, &mut session) {
        Ok(()) => SUCCESS,
        Err(error) => {
            let _closed = writeln!(session.errors, "error: {error}");
            FAILED
        }
    }
}

fn write_plan(arguments: &NewArguments, session: &mut Session<'_>) -> Result<(), String> {
    // Asked before thirty questions are, and again by the file system when it is written.
    if let Some(path) = arguments.out.as_ref().filter(|path| !arguments.force && path.exists()) {
        return Err(already_there(path));
    }
    let answers = gather(arguments, session).map_err(|error| error.to_string())?;
    let plan = text::plan(&answers);
    let Some(path) = &arguments.out else {
        let _closed = session.out.write_all(plan.as_bytes());
        return Ok(());
    };
    let mut options = OpenOptions::new();
    options.write(true);
    if arguments.force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(path).and_then(|mut file| file.write_all(plan.as_bytes())).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => already_there(path),
        _ => format!("{} could not be written: {error}", path.display()),
    })?;
    let findings = planfile::read(&plan).findings;
    let left = findings.iter().filter(|finding| finding.code == planfile::code::LEFT_TO_FILL_IN).count();
    let next =
        if left == 0 { "nothing is left to fill in".to_owned() } else { format!("{left} times {TO_FILL_IN} is left in it") };
    let _closed =
        writeln!(session.errors, "{} is written; {next}. Look at it with: recoveryctl plan check {0}", path.display());
    Ok(())
}

fn already_there(path: &Path) -> String {
    format!("{} is there already, and nothing was written; --force writes over it", path.display())
}

fn gather(arguments: &NewArguments, session: &mut Session<'_>) -> Result<Answers, AnswerError> {
    let mut advance = BTreeMap::new();
    if let Some(path) = &arguments.answers {
        let unreadable = |error: io::Error| AnswerError::Unreadable(format!("{}: {error}", path.display()));
        advance = answers::of_file(&std::fs::read_to_string(path).map_err(unreadable)?)?;
    }
    advance.extend(answers::of_pairs(&arguments.set)?);
    if arguments.from_account {
        let found = look(arguments, advance.get("primary_database").map(String::as_str))?;
        for remark in &found.remarks {
            let _closed = writeln!(session.errors, "note: {remark}");
        }
        add(found.answers, &mut advance);
    }
    let mut dialogue = Dialogue { input: session.input, output: session.errors, patient: session.patient };
    Answers::gather(
        advance,
        |question, fallback, answers| {
            if arguments.defaults { Ok(None) } else { dialogue.ask(question, fallback, answers) }
        },
    )
}

fn look(arguments: &NewArguments, wanted: Option<&str>) -> Result<Found, AnswerError> {
    let no_account = |why: &dyn std::fmt::Display| AnswerError::NoAccount(why.to_string());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| no_account(&error))?;
    runtime.block_on(async {
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(profile) = &arguments.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = &arguments.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(endpoint) = &arguments.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string);
        let region = region.ok_or_else(|| no_account(&"no Region is known: name the primary's with --region"))?;
        Ok(account::look(&config, &region, wanted).await?)
    })
}

/// What a person says counts before what was found, and what follows from an answer counts only with that answer.
fn add(found: BTreeMap<String, String>, advance: &mut BTreeMap<String, String>) {
    let given: BTreeSet<String> = advance.keys().cloned().collect();
    for (key, text) in found {
        let after = QUESTIONS.iter().find(|question| question.key == key).and_then(|question| question.after);
        if !given.contains(&key) && after.is_none_or(|after| !given.contains(after)) {
            advance.insert(key, text);
        }
    }
}

fn listed_questions() -> String {
    let widest = QUESTIONS.iter().map(|question| question.key.len()).max().unwrap_or_default();
    QUESTIONS
        .iter()
        .map(|question| {
            let fallback = match question.fallback {
                Fallback::Value(value) => value,
                Fallback::From(_) => "<platform>-database-unreachable",
                Fallback::ToFillIn => answers::UNKNOWN,
                Fallback::LeftOut => answers::NONE,
            };
            let after = question.after.map_or_else(String::new, |after| format!(" (with {after})"));
            format!("{:widest$}  {} [{fallback}]{after}\n", question.key, question.asks)
        })
        .collect()
}
