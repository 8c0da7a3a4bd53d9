//! How plans and what is wrong with them are printed, for people and for programs.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use shared::domain::call::{Call, Permitted};
use shared::domain::duration::Seconds;
use shared::domain::identifier::{ComponentName, Digest, ScenarioName, StepId};
use shared::domain::may;
use shared::domain::plan::{ApprovalRule, Branch, Condition, Plan, Preauthorisation, Scenario, Severity as Gravity};
use shared::domain::planes::{self, Need, Standing};
use shared::domain::predict::StepPrediction;
use shared::domain::step::{FunctionName, PlannedStep, StepKind};
use shared::planfile::{Finding, Severity, Verdict};

mod graphical;

/// What the steps of a branch (by index) will call in the topology that the plan declares; empty for a branch that this topology
/// does not take.
pub(crate) type Forecast = fn(&Plan, &ScenarioName, usize, Timestamp) -> Vec<StepPrediction>;

/// The widest part of a line that is shown.
const WIDEST: usize = 120;

/// How findings are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// For a terminal: lines, colours where it has them.
    Graphical,
    /// For a file, a pipe, a log.
    Plain,
}

/// Findings with their lines, as compilers print them.
pub(crate) fn diagnostics(name: &str, text: &str, findings: &[Finding], drawing: Drawing) -> String {
    let lines = lines(text);
    match drawing {
        Drawing::Graphical => graphical::draw(name, &lines, findings),
        Drawing::Plain => plain(name, &lines, findings),
    }
}

fn plain(name: &str, lines: &[&str], findings: &[Finding]) -> String {
    let mut output = String::new();
    for finding in findings {
        let Finding { code, severity, message, line, column, help, .. } = finding;
        let gutter = " ".repeat(line.to_string().len());
        let _ = writeln!(output, "{}[{code}]: {message}", severity.as_str());
        let _ = writeln!(output, "{gutter}--> {name}:{line}:{column}");
        if let Some(source) = lines.get(line.saturating_sub(1)) {
            let Excerpt { text, indent, width } = excerpt(source, *column, finding.width);
            let _ = writeln!(output, "{gutter} |");
            let _ = writeln!(output, "{line} | {text}");
            let _ = writeln!(output, "{gutter} | {}{}", " ".repeat(indent), "^".repeat(width));
        }
        if !help.is_empty() {
            let _ = writeln!(output, "{gutter} = help: {help}");
        }
        output.push('\n');
    }
    output
}

/// YAML's line breaks, so that line numbers mean the same here as in the findings.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = rest.find(['\n', '\r']) {
        lines.push(&rest[..end]);
        rest = &rest[end..];
        rest = rest.strip_prefix("\r\n").unwrap_or_else(|| &rest[1..]);
    }
    lines.push(rest);
    lines
}

struct Excerpt {
    text: String,
    /// Characters before the underlined part.
    indent: usize,
    /// Characters underlined.
    width: usize,
}

/// The part of a line around a column, without anything that would move a terminal's cursor.
fn excerpt(line: &str, column: usize, width: usize) -> Excerpt {
    let printable = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() || is_direction(c) => '\u{fffd}',
        c => c,
    };
    let all: Vec<char> = line.chars().map(printable).collect();
    let at = column.saturating_sub(1).min(all.len());
    let start = if all.len() <= WIDEST { 0 } else { at.saturating_sub(WIDEST / 2) };
    let end = all.len().min(start + WIDEST);
    let mut text = String::new();
    let mut indent = at - start;
    if start > 0 {
        text.push('…');
        indent += 1;
    }
    text.extend(all.get(start..end).unwrap_or_default());
    if end < all.len() {
        text.push('…');
    }
    Excerpt { text: text.trim_end().to_owned(), indent, width: width.min(end - at).max(1) }
}

/// Characters that reorder the ones around them: a line must not look like another one.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The last line of a check.
pub(crate) fn summary(name: &str, verdict: Verdict, findings: &[Finding], digest: Option<&Digest>) -> String {
    let count = |severity: Severity, word: &str| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        format!("{count} {word}{}", if count == 1 { "" } else { "s" })
    };
    let counts = format!("{}, {}", count(Severity::Error, "error"), count(Severity::Warning, "warning"));
    match (verdict, digest) {
        (Verdict::Unreadable, _) => format!("{name}: cannot be read as a plan\n"),
        (Verdict::Accepted, Some(digest)) if findings.is_empty() => format!("{name}: no findings, digest {digest}\n"),
        (Verdict::Accepted, Some(digest)) => format!("{name}: {counts}, digest {digest}\n"),
        _ => format!("{name}: {counts}\n"),
    }
}

/// The result of a check for programs.
pub(crate) fn check_json(name: &str, verdict: Verdict, findings: &[Finding], digest: Option<&Digest>) -> String {
    let verdict = match verdict {
        Verdict::Accepted => "accepted",
        Verdict::Refused => "refused",
        Verdict::Unreadable => "unreadable",
    };
    line(&json!({ "file": name, "verdict": verdict, "digest": digest, "findings": findings }))
}

fn line(value: &impl Serialize) -> String {
    // Our own types have string keys only, so serialisation cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// A scenario as `plan show` prints it. Text and JSON are made from this one value, so that they cannot tell two stories.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    platform: &'a str,
    digest: Digest,
    scenario: &'a ScenarioName,
    severity: Gravity,
    failed_region: bool,
    /// The Region that `while_dark` is about.
    dark_region: String,
    approval: ApprovalRule,
    approval_timeout_s: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    preauthorised: Option<&'a Preauthorisation>,
    branches: Vec<ShownBranch<'a>>,
    /// What runs every step.
    machinery: Vec<Permitted>,
}

#[derive(Debug, Serialize)]
struct ShownBranch<'a> {
    when: Condition,
    /// How long it takes at most: a wave as long as its longest step.
    budget_s: Seconds,
    waves: Vec<Vec<ShownStep<'a>>>,
}

#[derive(Debug, Serialize)]
struct ShownStep<'a> {
    step: StepId,
    kind: StepKind,
    component: &'a ComponentName,
    function: FunctionName,
    phase: &'static str,
    budget_s: Seconds,
    may: Vec<Permitted>,
    /// Whose control and data planes the calls need.
    needs: Vec<Need>,
    /// What is left of the step while the Region is dark.
    while_dark: Standing,
    /// Absent where the declared topology does not come to this step.
    #[serde(skip_serializing_if = "Option::is_none")]
    will: Option<Vec<Call>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
}

impl<'a> Shown<'a> {
    /// Everything there is to show of a scenario.
    pub(crate) fn of(
        plan: &'a Plan,
        name: &'a ScenarioName,
        scenario: &'a Scenario,
        forecast: Forecast,
        dark: &str,
    ) -> Self {
        let branch =
            |(index, branch)| ShownBranch::of(plan, scenario, branch, forecast(plan, name, index, Timestamp::now()), dark);
        Self {
            platform: plan.platform.as_str(),
            digest: plan.digest(),
            scenario: name,
            severity: scenario.severity,
            failed_region: scenario.failed_region,
            dark_region: dark.to_owned(),
            approval: scenario.approval,
            approval_timeout_s: scenario.approval_timeout,
            preauthorised: scenario.preauthorised.as_ref(),
            branches: scenario.branches.iter().enumerate().map(branch).collect(),
            machinery: planes::machinery(&plan.sites.recovery.region),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        line(self)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut output = String::new();
        let severity = match self.severity {
            Gravity::Sev0 => "SEV-0",
            Gravity::Sev1 => "SEV-1",
            Gravity::Sev2 => "SEV-2",
            Gravity::Sev3 => "SEV-3",
        };
        let _ = writeln!(output, "{}: {} ({severity})", self.platform, self.scenario);
        let _ = writeln!(output, "plan digest {}", self.digest);
        if self.failed_region {
            let _ = writeln!(output, "the primary site's Region is taken to be gone: what needs it is best effort");
        }
        let asks = match self.approval {
            ApprovalRule::WhenNeeded => {
                "a person is asked where the loss is greater than allowed or the fence is not proven"
            }
            ApprovalRule::Required => "a person is always asked before a promotion",
        };
        let _ = writeln!(output, "{asks}; the question stands for {}", self.approval_timeout_s);
        if let Some(Preauthorisation { data_loss_up_to, unproven_fence, by, until }) = self.preauthorised {
            let fence = if *unproven_fence { ", also while the fence is not proven" } else { "" };
            let _ = writeln!(output, "allowed in advance by {by} until {until}: a loss of up to {data_loss_up_to}{fence}");
        }
        for (index, branch) in self.branches.iter().enumerate() {
            branch.write(index + 1, &mut output);
        }
        self.write_stability(&mut output);
        output
    }
}

impl Shown<'_> {
    /// Static stability: whose planes each step needs, and what is left of it while a Region is dark.
    fn write_stability(&self, output: &mut String) {
        let dark = &self.dark_region;
        let _ = writeln!(output, "\nWhat each step needs, and what is left of it while {dark} is dark\n");
        for (index, branch) in self.branches.iter().enumerate() {
            let _ = writeln!(output, "  Branch {}", index + 1);
            for step in branch.waves.iter().flatten() {
                let mut needs: Vec<String> = step
                    .needs
                    .iter()
                    .map(|need| format!("{} {} in {}", need.service, need.plane.as_str(), need.region))
                    .collect();
                needs.dedup();
                let first = if needs.is_empty() { "nothing of AWS".to_owned() } else { needs.remove(0) };
                let _ = writeln!(output, "    {:<34} {:<28} {first}", step.step.as_str(), step.while_dark.as_str());
                for need in needs {
                    let _ = writeln!(output, "    {:<34} {:<28} {need}", "", "");
                }
            }
        }
        let _ = writeln!(output, "  Every step is run by");
        for call in &self.machinery {
            let need = Need::of(call);
            let left = if need.region == *dark { "cannot work" } else { "works" };
            let _ = writeln!(
                output,
                "    {:<34} {left:<28} {} {} in {}",
                call.resource,
                need.service,
                need.plane.as_str(),
                need.region
            );
        }
    }
}

impl<'a> ShownBranch<'a> {
    fn of(plan: &Plan, scenario: &Scenario, branch: &'a Branch, predictions: Vec<StepPrediction>, dark: &str) -> Self {
        let mut waves = Vec::new();
        let mut budget = Seconds(0);
        for (index, wave) in branch.waves.iter().enumerate() {
            let steps: Vec<ShownStep<'a>> =
                wave.iter().map(|step| ShownStep::of(plan, scenario, index + 1, step, &predictions, dark)).collect();
            budget = budget.plus(steps.iter().map(|step| step.budget_s).max().unwrap_or_default());
            waves.push(steps);
        }
        Self { when: branch.when, budget_s: budget, waves }
    }

    fn write(&self, number: usize, output: &mut String) {
        let when = match self.when {
            Condition::Otherwise => "otherwise".to_owned(),
            condition => format!("when {}", condition.as_str()),
        };
        let _ = writeln!(output, "\nBranch {number}, {when}: at most {}", self.budget_s);
        for (index, wave) in self.waves.iter().enumerate() {
            let together = if wave.len() > 1 { ", side by side" } else { "" };
            let _ = writeln!(output, "\n  Wave {}{together}", index + 1);
            for step in wave {
                step.write(output);
            }
        }
    }
}

impl<'a> ShownStep<'a> {
    fn of(
        plan: &Plan,
        scenario: &Scenario,
        wave: usize,
        step: &'a PlannedStep,
        predictions: &[StepPrediction],
        dark: &str,
    ) -> Self {
        let id = step.id(wave);
        let may = may::may(plan, step);
        let mut needs: Vec<Need> = may.iter().map(Need::of).collect();
        needs.sort();
        needs.dedup();
        let prediction = predictions.iter().find(|prediction| prediction.step == id);
        Self {
            kind: step.kind,
            component: &step.component,
            function: step.kind.function(),
            phase: step.kind.phase(),
            budget_s: scenario.budget(step.kind),
            while_dark: planes::standing(step.kind, &may, dark),
            needs,
            may,
            will: prediction.map(|prediction| prediction.will.clone()),
            outcome: prediction.map(|prediction| prediction.outcome.clone()),
            step: id,
        }
    }

    fn write(&self, output: &mut String) {
        let _ = writeln!(
            output,
            "    {}  ({}, function {}, at most {})",
            self.step,
            self.phase,
            self.function.as_str(),
            self.budget_s
        );
        for (index, permitted) in self.may.iter().enumerate() {
            let label = if index == 0 { "may " } else { "    " };
            let _ = writeln!(output, "      {label} {permitted}");
        }
        let Some(will) = &self.will else {
            return;
        };
        if will.is_empty() {
            let _ = writeln!(output, "      will change nothing");
        }
        for (index, call) in will.iter().enumerate() {
            let label = if index == 0 { "will" } else { "    " };
            let Call { ordinal, service, operation, region, resource, parameters, .. } = call;
            let _ =
                writeln!(output, "      {label} {ordinal}. {service}:{operation} on {resource} in {region} {parameters}");
        }
        if let Some(outcome) = &self.outcome {
            let _ = writeln!(output, "      then {outcome}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: usize, column: usize, width: usize) -> Finding {
        Finding {
            code: "unknown_component",
            severity: Severity::Error,
            message: "the plan has no component \"apo\"".to_owned(),
            line,
            column,
            help: "did you mean `api`?".to_owned(),
            expected: None,
            nearest: Some("api".to_owned()),
            width,
        }
    }

    #[test]
    fn a_finding_is_printed_with_its_line_an_underline_and_help() {
        let text = "version: 1\nconsumers: [apo]\n";
        let expected = "\
error[unknown_component]: the plan has no component \"apo\"
 --> plan.yaml:2:13
  |
2 | consumers: [apo]
  |             ^^^
  = help: did you mean `api`?

";
        assert_eq!(diagnostics("plan.yaml", text, &[finding(2, 13, 3)], Drawing::Plain), expected);
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = format!("{}apo{}", "x".repeat(500), "y".repeat(500));
        let printed = diagnostics("plan.yaml", &text, &[finding(1, 501, 3)], Drawing::Plain);
        let lines: Vec<&str> = printed.lines().collect();
        let source = lines[3].strip_prefix("1 | ").unwrap();
        let underline = lines[4].strip_prefix("  | ").unwrap();
        assert!(source.chars().count() <= WIDEST + 2, "{source}");
        let start = underline.find('^').unwrap();
        assert_eq!(source.chars().skip(start).take(3).collect::<String>(), "apo");
    }

    #[test]
    fn a_line_cannot_move_the_cursor_or_turn_the_text_round() {
        let text = "a: \u{1b}[2J\u{202e}apo\tb";
        let printed = diagnostics("plan.yaml", text, &[finding(1, 9, 3)], Drawing::Plain);
        assert!(!printed.contains('\u{1b}') && !printed.contains('\u{202e}') && !printed.contains('\t'), "{printed:?}");
        assert!(printed.contains("        ^^^"), "{printed}");
    }

    #[test]
    fn a_place_outside_the_text_is_printed_without_a_line() {
        for (line, column) in [(7, 1), (1, 99), (0, 0)] {
            let printed = diagnostics("plan.yaml", "short", &[finding(line, column, 500)], Drawing::Plain);
            assert!(printed.contains(&format!("plan.yaml:{line}:{column}")), "{printed}");
        }
    }

    #[test]
    fn lines_break_where_yaml_breaks_them() {
        assert_eq!(lines("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
        assert_eq!(lines(""), [""]);
        assert_eq!(lines("a\n"), ["a", ""]);
    }
}
