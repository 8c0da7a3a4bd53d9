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
        let mut console = Console { drawing: Drawing::Plain, out: &mut out, errors: &mut errors };
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
        assert_eq!(fields, BTreeSet::from(["code", "severity", "message", "line", "column", "help", "expected", "nearest"]));
        assert_eq!(finding["code"], "unknown_step_kind");
        assert_eq!(finding["help"], "did you mean `promote`?");
        assert_eq!(finding["nearest"], "promote");
        assert!(finding["expected"].as_str().is_some_and(|words| words.contains("hold_writes")), "{finding}");
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

    /// The healthcare plan with so many more services, none of which a template has permissions for.
    fn with_services(name: &str, count: usize) -> String {
        let services: String = (0..count)
            .map(|number| {
                format!(
                    "  service-{number}:\n    kind: ecs_service\n    primary: {{ cluster: c, service: s-{number} }}\n    \
                     recovery: {{ cluster: c, service: s-{number} }}\n"
                )
            })
            .collect();
        spoilt(name, "components:\n", &format!("components:\n{services}"))
    }

    #[test]
    fn ten_thousand_components_are_checked_soon_and_too_many_findings_are_counted() {
        let file = with_services("ten-thousand.yaml", 10_000);
        let start = std::time::Instant::now();
        let (code, out, errors) = run_line(&["check", &file]);
        let taken = start.elapsed();
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(out.contains("on 9800 more resources of this plan"), "{}", &out[out.len() - 2_000..]);
        assert!(out.contains("service: s-0 }\n"), "each finding points at its own line");
        assert!(out.contains("warning[too_large_to_deploy]"));
        // The figure to reach is one second in a release build; this one is hardly optimised and shares its machine.
        assert!(taken.as_secs() < 60, "{taken:?}");
    }

    #[test]
    fn a_plan_that_the_functions_would_not_load_is_checked_and_shown_but_not_built() {
        let directory = temporary("out-large", b"").replace("out-large", "large");
        let file = with_services("large.yaml", 10_000);
        assert_eq!(run_line(&["show", &file]).0, 0);
        let (code, out, errors) = run_line(&["build", &file, "--output-directory", &directory]);
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(errors.contains("the functions load at most 1048576; nothing was written"), "{errors}");
        assert!(!Path::new(&directory).exists(), "nothing is written");
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
    fn every_code_can_be_explained_and_a_misspelt_one_is_answered_with_the_nearest() {
        for code in shared::planfile::code::ALL.iter().chain([&TEMPLATE_LACKS_PERMISSION]) {
            let (status, out, errors) = run_line(&["check", "--explain", code]);
            assert_eq!((status, errors.as_str()), (0, ""), "{code}");
            assert!(out.starts_with(&format!("{code}\n\n")) && out.len() > 60, "{out}");
        }
        let (status, out, errors) = run_line(&["check", "--explain", "promote_without_gat"]);
        assert_eq!((status, out.as_str()), (2, ""));
        assert!(errors.ends_with("did you mean promote_without_gate?\n"), "{errors}");
        assert!(Line::try_parse_from(["plan", "check"]).is_err(), "a check needs a file");
    }

    #[test]
    fn without_a_scenario_everything_that_the_plan_describes_is_shown() {
        let (status, out, errors) = run_line(&["show", HEALTHCARE]);
        assert_eq!((status, errors.as_str()), (0, ""));
        for expected in [
            "api_load_balancer",
            "route53_records",
            "frontend",
            "data_lake",
            "database_archives",
            "PagerDuty, routing key in secret healthcare-platform/pagerduty",
            "after 15 min: second",
            "no step acts on it yet",
            "database_failure",
        ] {
            assert!(out.contains(expected), "{expected} is not in\n{out}");
        }
        let (_, out, _) = run_line(&["show", HEALTHCARE, "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(shown["components"]["frontend"]["kind"], "cloudfront_distribution");
    }

    #[test]
    fn a_scenario_is_shown_with_what_is_left_of_each_step_while_a_region_is_dark() {
        let (_, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure"]);
        assert!(out.contains("while us-east-1 is dark"), "{out}");
        let (_, out, _) = run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&out).unwrap();
        let standing = |branch: usize, wave: usize| &shown["branches"][branch]["waves"][wave][0]["while_dark"];
        assert_eq!(standing(0, 0), "fails", "a failover to the standby");
        assert_eq!(standing(1, 1), "best_effort", "the fence");
        assert_eq!(standing(1, 4), "whole", "the repoint");
        assert_eq!(shown["dark_region"], "us-east-1");
        let (_, out, _) =
            run_line(&["show", HEALTHCARE, "--scenario", "database_failure", "--dark", "eu-west-1", "--format", "json"]);
        assert!(!out.contains("best_effort") && !out.contains("\"fails\""), "nothing is in eu-west-1");
    }

    #[test]
    fn the_schema_is_printed_as_it_is_committed() {
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../plans/recovery-plan.schema.json");
        assert_eq!(run_line(&["schema"]).1, std::fs::read_to_string(committed).unwrap());
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

    #[test]
    fn what_the_template_lacks_for_a_plan_is_a_warning_at_the_plans_own_line() {
        let place = "      - { ssm_parameter: /healthcare-platform/database/host, region: us-west-2, consumers: [api] }\n";
        let second = place.replace("database/host", "reports/host");
        let file = spoilt("second.yaml", place, &format!("{place}{second}"));
        let (code, out, _) = run_line(&["check", &file, "--format", "json"]);
        assert_eq!(code, 0, "a template of one's own may allow it");
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        let [finding] = answer["findings"].as_array().unwrap().as_slice() else { panic!("{out}") };
        assert_eq!(finding["code"], crate::permissions::TEMPLATE_LACKS_PERMISSION);
        let message = finding["message"].as_str().unwrap();
        assert!(
            message.starts_with(
                "the template's role of update-database-endpoints does not allow ssm:GetParameter, ssm:PutParameter on"
            ),
            "{message}"
        );
        let written = std::fs::read_to_string(&file).unwrap();
        let line = usize::try_from(finding["line"].as_u64().unwrap()).unwrap();
        assert!(written.lines().nth(line - 1).unwrap().contains("/healthcare-platform/reports/host"), "line {line}");
        assert_eq!(run_line(&["permissions", &file]).0, 1);
    }

    #[test]
    fn what_each_role_needs_is_printed_and_compared_with_the_template() {
        let (code, out, errors) = run_line(&["permissions", HEALTHCARE]);
        assert_eq!((code, errors.as_str()), (0, ""));
        assert!(out.ends_with("The template's roles allow exactly this.\n"), "{out}");
        assert!(out.contains("  RecoveryDatabase=healthcare-platform-dr\n"), "{out}");
        let (_, out, _) = run_line(&["permissions", HEALTHCARE, "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        let statements = answer["policies"]["recovery"]["Statement"].as_array().unwrap();
        let promotes = |statement: &&serde_json::Value| statement["Action"] == serde_json::json!(["rds:PromoteReadReplica"]);
        let promotion = statements.iter().find(promotes).unwrap();
        assert_eq!(
            promotion["Resource"],
            serde_json::json!(["arn:aws:rds:us-west-2:123456789012:db:healthcare-platform-dr"])
        );
        assert_eq!(run_line(&["permissions", HEALTHCARE, "--template", "there-is-none.yaml"]).0, 2);
    }
}
