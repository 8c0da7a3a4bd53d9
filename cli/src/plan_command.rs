//! `recoveryctl plan …`: check a plan file, show what it would do, compile it for the functions.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::domain::identifier::ScenarioName;
use shared::domain::plan::Plan;
use shared::domain::predict::will_declared;
use shared::planfile::{self, Finding, Reading, Severity, Verdict};

use crate::plan_rendering::{self, Forecast, Shown};

/// `recoveryctl plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(subcommand)]
    command: PlanCommand,
}

/// What to do with a plan file.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Find what does not fit, with its place and what to write instead.
    ///
    /// Ends with 0 when the plan can be used (perhaps with warnings), 1 when it has errors, 2 when the file cannot be read.
    Check(CheckArguments),
    /// Print what a scenario does: its branches, steps and budgets, and every call that each step may make.
    Show(ShowArguments),
    /// Compile the plan to the JSON that the functions read.
    Build(BuildArguments),
}

/// `recoveryctl plan check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The plan file.
    file: PathBuf,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `recoveryctl plan show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The plan file.
    file: PathBuf,
    /// The scenario to show.
    #[arg(long)]
    scenario: String,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `recoveryctl plan build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The plan file.
    file: PathBuf,
    /// Where <platform>.json is written.
    #[arg(long, default_value = "target/plan")]
    output_directory: PathBuf,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The command did what was asked, and the plan can be used.
const SUCCESS: u8 = 0;
/// The plan was read, and it has errors.
const REFUSED: u8 = 1;
/// The file could not be read, or the command could not do what was asked.
const FAILED: u8 = 2;

/// Runs a plan command against the terminal and today's date.
#[must_use]
pub fn run(arguments: &PlanArguments) -> ExitCode {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let mut console = Console { out: &mut io::stdout().lock(), errors: &mut io::stderr().lock() };
    ExitCode::from(run_on(&arguments.command, will_declared, today, &mut console))
}

/// Where results and complaints go.
struct Console<'a> {
    out: &'a mut dyn Write,
    errors: &'a mut dyn Write,
}

impl Console<'_> {
    // A reader that has seen enough closes the pipe; that is no failure of the command.
    fn print(&mut self, text: &str) {
        let _closed = self.out.write_all(text.as_bytes());
    }

    fn complain(&mut self, text: &str) {
        let _closed = self.errors.write_all(text.as_bytes());
    }
}

fn run_on(command: &PlanCommand, forecast: Forecast, today: Date, console: &mut Console<'_>) -> u8 {
    let file = match command {
        PlanCommand::Check(check) => &check.file,
        PlanCommand::Show(show) => &show.file,
        PlanCommand::Build(build) => &build.file,
    };
    let source = match Source::read(file) {
        Ok(source) => source,
        Err(error) => {
            console.complain(&format!("error: {} could not be read: {error}\n", file.display()));
            return FAILED;
        }
    };
    match command {
        PlanCommand::Check(arguments) => check(&source, arguments.format, today, console),
        PlanCommand::Show(arguments) => show(&source, arguments, forecast, console),
        PlanCommand::Build(arguments) => build(&source, arguments, today, console),
    }
}

/// A plan file and what came of reading it.
struct Source {
    name: String,
    text: String,
    reading: Reading,
}

impl Source {
    fn read(path: &Path) -> io::Result<Self> {
        let mut bytes = Vec::new();
        // One byte more than a plan may have is enough to see that it has too many, whatever the file is.
        File::open(path)?.take(planfile::LARGEST_PLAN as u64 + 1).read_to_end(&mut bytes)?;
        let reading = planfile::read_bytes(&bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { name: path.display().to_string(), text, reading })
    }

    fn diagnostics(&self, findings: &[Finding]) -> String {
        plan_rendering::diagnostics(&self.name, &self.text, findings)
    }

    /// The plan, or the complaint and exit code that it is refused with.
    fn accepted(&self, refused: u8, console: &mut Console<'_>) -> Result<&Plan, u8> {
        self.reading.plan.as_ref().ok_or_else(|| {
            console.complain(&self.diagnostics(&self.reading.findings));
            if self.reading.verdict() == Verdict::Unreadable { FAILED } else { refused }
        })
    }
}

fn check(source: &Source, format: Format, today: Date, console: &mut Console<'_>) -> u8 {
    let mut findings = source.reading.findings.clone();
    findings.extend(source.reading.check_dates(today));
    findings.sort_by_key(|finding| (finding.line, finding.column));
    let refused = findings.iter().any(|finding| finding.severity == Severity::Error);
    let verdict = match source.reading.verdict() {
        Verdict::Unreadable => Verdict::Unreadable,
        _ if refused => Verdict::Refused,
        verdict => verdict,
    };
    let digest = source.reading.plan.as_ref().map(Plan::digest);
    console.print(&match format {
        Format::Text => {
            source.diagnostics(&findings) + &plan_rendering::summary(&source.name, verdict, &findings, digest.as_ref())
        }
        Format::Json => plan_rendering::check_json(&source.name, verdict, &findings, digest.as_ref()),
    });
    match verdict {
        Verdict::Accepted => SUCCESS,
        Verdict::Refused => REFUSED,
        Verdict::Unreadable => FAILED,
    }
}

fn show(source: &Source, arguments: &ShowArguments, forecast: Forecast, console: &mut Console<'_>) -> u8 {
    let plan = match source.accepted(REFUSED, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let known = || plan.scenarios.keys().map(ScenarioName::as_str);
    let found = plan.scenarios.iter().find(|(name, _)| name.as_str() == arguments.scenario);
    let Some((name, scenario)) = found else {
        let help = match planfile::nearest(&arguments.scenario, known()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("it has: {}", known().collect::<Vec<_>>().join(", ")),
        };
        console.complain(&format!("error: {} has no scenario {:?}; {help}\n", source.name, arguments.scenario));
        return FAILED;
    };
    let shown = Shown::of(plan, name, scenario, forecast);
    console.print(&match arguments.format {
        Format::Text => shown.text(),
        Format::Json => shown.json(),
    });
    SUCCESS
}

/// Writes exactly the bytes that the digest is of, so that `sha256sum` of the file is the digest that incidents record. Dates do
/// not refuse a build: the same file must build the same on any day, and an expired pre-authorisation only means that a person
/// is asked.
fn build(source: &Source, arguments: &BuildArguments, today: Date, console: &mut Console<'_>) -> u8 {
    let plan = match source.accepted(FAILED, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    console.complain(&source.diagnostics(&source.reading.findings));
    console.complain(&source.diagnostics(&source.reading.check_dates(today)));
    let path = arguments.output_directory.join(format!("{}.json", plan.platform));
    let written = serde_json::to_vec(plan)
        .map_err(io::Error::from)
        .and_then(|json| std::fs::create_dir_all(&arguments.output_directory).and_then(|()| std::fs::write(&path, json)));
    if let Err(error) = written {
        console.complain(&format!("error: {} could not be written: {error}\n", path.display()));
        return FAILED;
    }
    console.print(&format!("{}\n{}\n", path.display(), plan.digest()));
    SUCCESS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::Parser;
    use shared::domain::identifier::Digest;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        plan: PlanArguments,
    }

    const HEALTHCARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plans/healthcare-platform.yaml");

    fn no_forecast(_: &Plan, _: &ScenarioName, _: usize, _: Timestamp) -> Vec<shared::domain::predict::StepPrediction> {
        Vec::new()
    }

    fn run_line(line: &[&str]) -> (u8, String, String) {
        let arguments = Line::try_parse_from([&["plan"], line].concat()).unwrap();
        let (mut out, mut errors) = (Vec::new(), Vec::new());
        let mut console = Console { out: &mut out, errors: &mut errors };
        let code = run_on(&arguments.plan.command, no_forecast, "2026-11-20".parse().unwrap(), &mut console);
        (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
    }

    /// A file of its own for one test, in the system's temporary directory.
    fn temporary(name: &str, bytes: &[u8]) -> String {
        let directory = std::env::temp_dir().join(format!("recoveryctl-plan-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let path = directory.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn spoilt(name: &str, from: &str, to: &str) -> String {
        let text = std::fs::read_to_string(HEALTHCARE).unwrap();
        assert!(text.contains(from), "{from:?} is not in the plan");
        temporary(name, text.replacen(from, to, 1).as_bytes())
    }

    #[test]
    fn a_sound_plan_ends_with_0_an_error_with_1_and_an_unreadable_file_with_2() {
        assert_eq!(run_line(&["check", HEALTHCARE]).0, 0);
        assert_eq!(run_line(&["check", &spoilt("warning.yaml", "data_loss_up_to: 10m", "data_loss_up_to: 20m")]).0, 0);
        assert_eq!(run_line(&["check", &spoilt("error.yaml", "- promote: database", "- promot: database")]).0, 1);
        // A pre-authorisation that has run out allows nothing any more; the plan itself stays usable.
        assert_eq!(run_line(&["check", &spoilt("expired.yaml", "until: 2027-06-30", "until: 2026-11-19")]).0, 0);
        assert_eq!(run_line(&["check", &temporary("broken.yaml", b"sites: [")]).0, 2);
        assert_eq!(run_line(&["check", &temporary("binary.yaml", b"\xff\xfe")]).0, 2);
        let (code, out, errors) = run_line(&["check", "there-is-no-such-file.yaml"]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(errors.starts_with("error: there-is-no-such-file.yaml could not be read: "), "{errors}");
    }

    #[test]
    fn findings_for_programs_have_the_promised_form() {
        let file = spoilt("json.yaml", "- promote: database", "- promot: database");
        let (code, out, errors) = run_line(&["check", &file, "--format", "json"]);
        assert_eq!((code, errors.as_str()), (1, ""));
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["verdict"], "refused");
        assert_eq!(answer["digest"], serde_json::Value::Null);
        let [finding] = answer["findings"].as_array().unwrap().as_slice() else { panic!("{out}") };
        let fields: BTreeSet<&str> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(["code", "severity", "message", "line", "column", "help"]));
        assert_eq!(finding["code"], "unknown_step_kind");
        assert_eq!(finding["help"], "did you mean `promote`?");
    }

    #[test]
    fn what_is_built_is_exactly_what_the_digest_is_of() {
        let directory = temporary("out", b"").replace("out", "built");
        let (code, out, errors) = run_line(&["build", HEALTHCARE, "--output-directory", &directory]);
        assert_eq!((code, errors.as_str()), (0, ""));
        let (path, digest) = out.trim_end().split_once('\n').unwrap();
        assert!(path.ends_with("healthcare-platform.json"), "{path}");
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(Digest::of(&bytes).as_str(), digest);
        let plan: Plan = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(plan.digest().as_str(), digest);
        let (_, again, _) = run_line(&["build", HEALTHCARE, "--output-directory", &directory]);
        assert_eq!(again, out, "the same plan builds the same");
    }

    #[test]
    fn a_plan_with_errors_is_neither_built_nor_shown() {
        let directory = temporary("out-refused", b"").replace("out-refused", "refused");
        let file = spoilt("refused.yaml", "  - fence: database", "  - validate: api");
        let (code, out, errors) = run_line(&["build", &file, "--output-directory", &directory]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(errors.contains("error[promote_without_fence]"), "{errors}");
        assert!(!Path::new(&directory).exists(), "nothing is written");
        assert_eq!(run_line(&["show", &file, "--scenario", "database_failure"]).0, 1);
    }

    #[test]
    fn an_expired_pre_authorisation_does_not_stop_a_build_but_is_said() {
        let directory = temporary("out-expired", b"").replace("out-expired", "expired");
        let file = spoilt("expired-build.yaml", "until: 2027-06-30", "until: 2026-11-19");
        let (code, _, errors) = run_line(&["build", &file, "--output-directory", &directory]);
        assert_eq!(code, 0);
        assert!(errors.contains("preauthorisation_expired"), "{errors}");
    }

    #[test]
    fn an_unknown_scenario_is_answered_with_the_nearest() {
        let (code, out, errors) = run_line(&["show", HEALTHCARE, "--scenario", "databse_failure"]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(errors.ends_with("has no scenario \"databse_failure\"; did you mean database_failure?\n"), "{errors}");
    }

    #[test]
    fn every_step_is_shown_with_its_function_its_budget_and_what_it_may_call() {
        let (code, out, errors) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure"]);
        assert_eq!((code, errors.as_str()), (0, ""));
        for expected in [
            "Branch 1, when multi_az_available",
            "Branch 2, otherwise",
            "04-promote-database",
            "read-only-toggle",
            "rds:PromoteReadReplica on db:healthcare-platform-dr in us-west-2",
        ] {
            assert!(out.contains(expected), "{expected} is not in\n{out}");
        }
        let (code, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--format", "json"]);
        assert_eq!(code, 0);
        let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
        let promote = &shown["branches"][1]["waves"][3][0];
        assert_eq!(promote["step"], "04-promote-database");
        assert_eq!(promote["function"], "recovery");
        assert_eq!(promote["phase"], "restore");
        assert_eq!(promote["budget_s"], 720);
        assert!(promote["may"].as_array().is_some_and(|may| !may.is_empty()));
    }
}
