//! `recoveryctl simulate`: thousands of recoveries in process, with everything going wrong that can.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use shared::domain::identifier::ScenarioName;
use shared::domain::plan::Plan;
use simulation::{Campaign, Case, Fault, Finding, Run, Share, Summary, replay};

/// `recoveryctl simulate`.
///
/// Plays the incidents of the seeds from FROM on, one after the other. Each seed draws a setting, a disaster, who is told, who
/// answers, and what goes wrong: calls whose process dies, whose reply is lost, that come late, twice or stale; outages; returning
/// primaries; second drivers; clocks that are off. After every event eleven invariants are checked, by the world's own truth.
///
/// Ends with 0 when nothing was violated, 1 when something was, 2 when nothing could be played.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// The plan file. Its first database and everything that holds its endpoint or its writes are simulated.
    #[arg(long, default_value = "plans/healthcare-platform.yaml")]
    plan: PathBuf,
    /// The scenario.
    #[arg(long, default_value = "database_failure")]
    scenario: String,
    /// The first seed; without --count and --minutes the only one, told event by event.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds to play.
    #[arg(long)]
    count: Option<u64>,
    /// For how long to play at most.
    #[arg(long)]
    minutes: Option<f64>,
    /// Instead of a seed: an incident as a finding tells it, in JSON. It is told event by event; with --exhaustive, it is the one whose
    /// calls are struck.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["seed", "count"])]
    case: Option<String>,
    /// Instead of random seeds: every fault at every call of an ordinary incident; with 2, every second one after each as well.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2), conflicts_with = "count")]
    exhaustive: Option<u8>,
    /// With --exhaustive: only this fault; repeatable.
    #[arg(long = "fault", value_name = "FAULT", value_parser = fault, requires = "exhaustive")]
    faults: Vec<Fault>,
    /// With --exhaustive 2: of the second faults, try each N-th.
    #[arg(long, value_name = "N", default_value = "1", requires = "exhaustive")]
    every: NonZeroUsize,
    /// With --every N: which N-th, from 0 on. All N parts together are all pairs.
    #[arg(long, value_name = "K", default_value = "0", requires = "every")]
    part: usize,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// Runs it.
#[must_use]
pub fn run(arguments: &SimulateArguments) -> ExitCode {
    let campaign = match campaign(arguments) {
        Ok(campaign) => campaign,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let case = match one_case(arguments) {
        Ok(case) => case,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    // A panic of the code under test is a finding, told with its seed; the default hook would print each of them again.
    std::panic::set_hook(Box::new(|_| {}));
    let (summary, findings) = match (arguments.exhaustive, arguments.count, arguments.minutes) {
        (None, None, None) => return tell_one(arguments, &campaign, &case),
        (Some(at_a_time), _, _) => {
            let faults = if arguments.faults.is_empty() { Fault::ALL.as_slice() } else { &arguments.faults };
            let share = Share { every: arguments.every, part: arguments.part };
            let pairs = (at_a_time == 2).then_some(share);
            campaign.exhaust(&case, faults, pairs, limit(arguments))
        }
        (None, count, _) => {
            let last = count.map_or(u64::MAX, |count| arguments.seed.saturating_add(count).saturating_sub(1));
            campaign.run(arguments.seed, last, limit(arguments))
        }
    };
    let told = match arguments.format {
        Format::Json => json!({
            "incidents": summary.incidents,
            "violations": summary.violations,
            "by_fault": summary.by_fault,
            "by_circumstance": summary.by_circumstance,
            "by_end": summary.by_end,
            "by_invariant": summary.by_invariant,
            "per_minute": summary.per_minute,
            "findings": findings,
        })
        .to_string(),
        Format::Text => text(arguments, &summary, &findings),
    };
    say(&told);
    if summary.incidents == 0 {
        eprintln!("nothing was played: give it more --minutes");
        return ExitCode::from(2);
    }
    ExitCode::from(u8::from(summary.violations > 0))
}

fn limit(arguments: &SimulateArguments) -> Duration {
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3_600);
    let asked = arguments.minutes.and_then(|minutes| Duration::try_from_secs_f64(minutes * 60.0).ok());
    asked.map_or(LONGEST, |asked| asked.min(LONGEST))
}

fn campaign(arguments: &SimulateArguments) -> Result<Campaign, String> {
    let shown = arguments.plan.display();
    let bytes = fs::read(&arguments.plan).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let reading = shared::planfile::read_bytes(&bytes);
    let plan: Plan =
        reading.plan.ok_or_else(|| format!("{shown} has errors; `recoveryctl plan check {shown}` says which"))?;
    let known: Vec<&str> = plan.scenarios.keys().map(ScenarioName::as_str).collect();
    let known = known.join(", ");
    let scenario = plan.scenarios.keys().find(|name| name.as_str() == arguments.scenario).cloned();
    let scenario = scenario.ok_or_else(|| format!("{shown} has no scenario {:?}; it has: {known}", arguments.scenario))?;
    if !plan.triggers.iter().any(|trigger| trigger.scenario == scenario) {
        return Err(format!("no alarm starts {scenario} by {shown}; add a trigger, so that there is something to simulate"));
    }
    Ok(Campaign::of(plan, scenario))
}

/// A fault by its name.
fn fault(name: &str) -> Result<Fault, String> {
    let known = || Fault::ALL.map(Fault::as_str).join(", ");
    Fault::ALL.into_iter().find(|fault| fault.as_str() == name).ok_or_else(|| format!("no fault; there are: {}", known()))
}

/// The incident to tell, or to strike: as it is given, or of this seed. What is struck everywhere is otherwise an ordinary one.
fn one_case(arguments: &SimulateArguments) -> Result<Case, String> {
    match &arguments.case {
        None if arguments.exhaustive.is_some() => Ok(Case::plain(arguments.seed)),
        None => Ok(Case::from_seed(arguments.seed)),
        Some(json) => serde_json::from_str(json)
            .map_err(|error| format!("--case is no incident as a finding tells it: {error}; copy it from there, in quotes")),
    }
}

/// Plays one incident and tells all of it; what it violates is made small, and told as well.
fn tell_one(arguments: &SimulateArguments, campaign: &Campaign, case: &Case) -> ExitCode {
    let (run, finding) = replay(campaign, case);
    match arguments.format {
        Format::Json => say(&json!({"run": run, "finding": finding}).to_string()),
        Format::Text => say(&story(campaign, case, &run, finding.as_ref())),
    }
    ExitCode::from(u8::from(finding.is_some()))
}

fn story(campaign: &Campaign, case: &Case, run: &Run, finding: Option<&Finding>) -> String {
    let mut lines = vec![format!("the incident: {}", one_line(case))];
    match finding {
        None => {
            lines.extend(simulation::play_aloud(campaign, case));
            lines.push(format!("ended: {}; nothing was violated", run.end));
        }
        Some(finding) => {
            lines.push(format!("smallest part that still goes wrong: {}", one_line(&finding.smallest)));
            lines.extend(simulation::play_aloud(campaign, &finding.smallest));
            lines.push("violated:".to_owned());
            lines.extend(finding.violations.iter().map(|violation| format!("  {violation}")));
        }
    }
    lines.join("\n")
}

fn text(arguments: &SimulateArguments, summary: &Summary, findings: &[Finding]) -> String {
    let table = |title: &str, rows: &[(String, u64)]| {
        let rows = rows.iter().map(|(name, count)| format!("  {count:>9} {name}"));
        std::iter::once(title.to_owned()).chain(rows).collect::<Vec<_>>().join("\n")
    };
    let rows = |counts: &std::collections::BTreeMap<String, u64>| -> Vec<(String, u64)> {
        counts.iter().map(|(name, count)| (name.clone(), *count)).collect()
    };
    let mut lines = vec![
        format!(
            "{} incidents, {} of them violated something; {} a minute",
            summary.incidents, summary.violations, summary.per_minute
        ),
        table("how they ended:", &rows(&summary.by_end)),
        table("what struck:", &rows(&summary.by_fault)),
    ];
    for finding in findings {
        lines.push("violated:".to_owned());
        lines.extend(finding.violations.iter().map(|violation| format!("  {violation}")));
        lines.push(format!("  smallest: {}", one_line(&finding.smallest)));
        let which = match arguments.exhaustive {
            None => format!("--seed {}", finding.case.seed),
            Some(_) => format!("--case '{}'", one_line(&finding.smallest)),
        };
        let (plan, scenario) = (arguments.plan.display(), &arguments.scenario);
        lines.push(format!("  again: recoveryctl simulate --plan {plan} --scenario {scenario} {which}"));
    }
    lines.join("\n")
}

fn one_line(case: &Case) -> String {
    serde_json::to_string(case).unwrap_or_default()
}

fn say(text: &str) {
    // A reader that went away is no reason to fail.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
