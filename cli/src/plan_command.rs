//! `recoveryctl plan …`: check a plan file, show what it would do, compile it for the functions.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use shared::domain::identifier::ScenarioName;
use shared::domain::plan::{LARGEST_COMPILED_PLAN, Plan};
use shared::domain::predict::will_declared;
use shared::planfile::{self, Finding, Reading, Severity, Verdict};

use crate::permissions::{Permissions, TEMPLATE, TEMPLATE_LACKS_PERMISSION};
use crate::plan_new::{self, NewArguments};
use crate::plan_overview;
use crate::plan_rendering::{self, Drawing, Forecast, Shown};

/// `recoveryctl plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(subcommand)]
    command: PlanCommand,
}

/// What to do with a plan file.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Write a commented plan to begin with, by asking.
    ///
    /// A line each: an empty one takes what stands in brackets, `?` is not known yet, `none` leaves out what a plan can do without.
    /// What is not known is written as TO_FILL_IN, which `plan check` finds. Questions go to standard error, so that the plan can go to
    /// standard output. Ends with 0 when the plan was written, 2 when it was not.
    New(NewArguments),
    /// Find what does not fit, with its place and what to write instead.
    ///
    /// Ends with 0 when the plan can be used (perhaps with warnings), 1 when it has errors, 2 when the file cannot be read.
    Check(CheckArguments),
    /// Print what a scenario does: its branches, steps and budgets, and every call that each step may make.
    Show(ShowArguments),
    /// Print what each function's role must allow for this plan, and hold the template's roles against it.
    ///
    /// Ends with 0 when the template allows it all, 1 when it lacks something or the plan has errors, 2 when a file cannot be read.
    Permissions(PermissionsArguments),
    /// Compile the plan to the JSON that the functions read.
    Build(BuildArguments),
    /// Print the JSON Schema of plan files, for editors.
    Schema,
}

/// `recoveryctl plan check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The plan file.
    #[arg(required_unless_present = "explain")]
    file: Option<PathBuf>,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Say what a code of a finding means, and what to do about it.
    #[arg(long, value_name = "CODE", conflicts_with = "file")]
    explain: Option<String>,
}

/// `recoveryctl plan show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The plan file.
    file: PathBuf,
    /// The scenario to show; without it, what the plan describes.
    #[arg(long)]
    scenario: Option<String>,
    /// The Region that is taken to be dark in the table of what each call needs.
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    dark: String,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `recoveryctl plan permissions`.
#[derive(Debug, Args)]
pub(crate) struct PermissionsArguments {
    /// The plan file.
    file: PathBuf,
    /// A template of your own. Without it, the one of this version.
    #[arg(long)]
    template: Option<PathBuf>,
    /// For people, or for programs: IAM policy documents by function.
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
    if let PlanCommand::New(arguments) = &arguments.command {
        return plan_new::run(arguments);
    }
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let drawing = |terminal: bool| if terminal { Drawing::Graphical } else { Drawing::Plain };
    let mut console = Console {
        // `check` prints its findings as its result; the other commands complain of them.
        drawing: match arguments.command {
            PlanCommand::Check(_) => drawing(io::stdout().is_terminal()),
            _ => drawing(io::stderr().is_terminal()),
        },
        out: &mut io::stdout().lock(),
        errors: &mut io::stderr().lock(),
    };
    ExitCode::from(run_on(&arguments.command, will_declared, today, &mut console))
}

/// Where results and complaints go.
struct Console<'a> {
    drawing: Drawing,
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
        PlanCommand::Check(CheckArguments { explain: Some(code), .. }) => return explain(code, console),
        PlanCommand::Check(check) => check.file.as_ref(),
        PlanCommand::Show(show) => Some(&show.file),
        PlanCommand::Permissions(permissions) => Some(&permissions.file),
        PlanCommand::Build(build) => Some(&build.file),
        PlanCommand::Schema | PlanCommand::New(_) => None,
    };
    let Some(file) = file else {
        console.print(&planfile::schema_text());
        return SUCCESS;
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
        PlanCommand::Permissions(arguments) => permissions(&source, arguments, console),
        PlanCommand::Build(arguments) => build(&source, arguments, today, console),
        PlanCommand::Schema | PlanCommand::New(_) => SUCCESS,
    }
}

fn explain(code: &str, console: &mut Console<'_>) -> u8 {
    let Some(text) = planfile::explanation(code).or_else(|| crate::permissions::explanation(code)) else {
        let known = planfile::code::ALL.iter().copied().chain([TEMPLATE_LACKS_PERMISSION]);
        let help = match planfile::nearest(code, known) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "the codes are those in brackets before each finding".to_owned(),
        };
        console.complain(&format!("error: there is no code {code:?}; {help}\n"));
        return FAILED;
    };
    console.print(&format!("{code}\n\n{text}\n"));
    SUCCESS
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

    fn diagnostics(&self, findings: &[Finding], drawing: Drawing) -> String {
        plan_rendering::diagnostics(&self.name, &self.text, findings, drawing)
    }

    /// The plan, or the complaint and exit code that it is refused with.
    fn accepted(&self, refused: u8, console: &mut Console<'_>) -> Result<&Plan, u8> {
        self.reading.plan.as_ref().ok_or_else(|| {
            let text = self.diagnostics(&self.reading.findings, console.drawing);
            console.complain(&text);
            if self.reading.verdict() == Verdict::Unreadable { FAILED } else { refused }
        })
    }
}

fn check(source: &Source, format: Format, today: Date, console: &mut Console<'_>) -> u8 {
    let mut findings = source.reading.findings.clone();
    findings.extend(source.reading.check_dates(today));
    findings.extend(source.reading.plan.iter().flat_map(|plan| crate::permissions::findings(plan, &source.text)));
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
            source.diagnostics(&findings, console.drawing)
                + &plan_rendering::summary(&source.name, verdict, &findings, digest.as_ref())
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
    let Some(wanted) = &arguments.scenario else {
        console.print(&match arguments.format {
            Format::Text => plan_overview::text(plan),
            Format::Json => plan_overview::json(plan),
        });
        return SUCCESS;
    };
    let known = || plan.scenarios.keys().map(ScenarioName::as_str);
    let found = plan.scenarios.iter().find(|(name, _)| name.as_str() == wanted);
    let Some((name, scenario)) = found else {
        let help = match planfile::nearest(wanted, known()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("it has: {}", known().collect::<Vec<_>>().join(", ")),
        };
        console.complain(&format!("error: {} has no scenario {:?}; {help}\n", source.name, wanted));
        return FAILED;
    };
    let shown = Shown::of(plan, name, scenario, forecast, &arguments.dark);
    console.print(&match arguments.format {
        Format::Text => shown.text(),
        Format::Json => shown.json(),
    });
    SUCCESS
}

fn permissions(source: &Source, arguments: &PermissionsArguments, console: &mut Console<'_>) -> u8 {
    let plan = match source.accepted(REFUSED, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let template = match &arguments.template {
        None => Ok(TEMPLATE.to_owned()),
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("{} could not be read: {error}", path.display()))
        }
    };
    let permissions = template.and_then(|text| Permissions::of(plan, &text).map_err(|error| error.to_string()));
    match permissions {
        Ok(permissions) => {
            console.print(&match arguments.format {
                Format::Text => permissions.text(),
                Format::Json => permissions.json(),
            });
            if permissions.are_sufficient() { SUCCESS } else { REFUSED }
        }
        Err(error) => {
            console.complain(&format!("error: {error}\n"));
            FAILED
        }
    }
}

/// Writes exactly the bytes that the digest is of, so that `sha256sum` of the file is the digest that incidents record. Dates do
/// not refuse a build: the same file must build the same on any day, and an expired pre-authorisation only means that a person
/// is asked.
fn build(source: &Source, arguments: &BuildArguments, today: Date, console: &mut Console<'_>) -> u8 {
    let plan = match source.accepted(FAILED, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    for findings in [&source.reading.findings, &source.reading.check_dates(today)] {
        let text = source.diagnostics(findings, console.drawing);
        console.complain(&text);
    }
    let compiled = plan.compiled();
    if compiled.len() > LARGEST_COMPILED_PLAN {
        let (name, bytes) = (&source.name, compiled.len());
        console.complain(&format!(
            "error: {name} compiles to {bytes} bytes, and the functions load at most {LARGEST_COMPILED_PLAN}; nothing was written. \
             More: plan check --explain {}\n",
            planfile::code::TOO_LARGE_TO_DEPLOY
        ));
        return FAILED;
    }
    let path = arguments.output_directory.join(format!("{}.json", plan.platform));
    let directory = &arguments.output_directory;
    let written = std::fs::create_dir_all(directory).and_then(|()| std::fs::write(&path, compiled));
    if let Err(error) = written {
        console.complain(&format!("error: {} could not be written: {error}\n", path.display()));
        return FAILED;
    }
    console.print(&format!("{}\n{}\n", path.display(), plan.digest()));
    SUCCESS
}

#[cfg(test)]
#[path = "plan_command_tests.rs"]
mod tests;
