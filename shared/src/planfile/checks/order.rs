//! The order of steps in a branch, and of branches in a scenario.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::identifier::ComponentName;
use crate::domain::plan::Condition;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::ComponentKind;
use super::super::finding::Findings;
use super::super::tree::Mark;
use super::steps::{Branch, Scenario, Step};

pub(super) fn check(scenario: &Scenario<'_>, findings: &mut Findings) {
    branches(scenario, findings);
    one_database(scenario, findings);
    for branch in &scenario.branches {
        repeated(branch, findings);
        steps(branch, findings);
    }
}

/// Whether every branch can be taken and one always is.
fn branches(scenario: &Scenario<'_>, findings: &mut Findings) {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for branch in &scenario.branches {
        let Some(when) = branch.draft.when else {
            continue;
        };
        let mark = branch.draft.mark;
        if let Some(line) = taken.get(Condition::Otherwise.as_str()) {
            let message = format!("this branch is never taken: `otherwise` in line {line} is taken before it");
            findings.error(code::UNREACHABLE_BRANCH, mark, message, "write it before `otherwise`, or leave it out");
        } else if let Some(line) = taken.get(when.as_str()) {
            let message = format!("this branch is never taken: line {line} has the same condition");
            findings.error(code::UNREACHABLE_BRANCH, mark, message, "put both branches' steps into one of them");
        }
        taken.entry(when.as_str()).or_insert(mark.line);
    }
    if let Some(last) = scenario.branches.last()
        && scenario.branches.iter().all(|branch| branch.draft.when.is_some())
        && !taken.contains_key(Condition::Otherwise.as_str())
    {
        findings.error(
            code::NO_OTHERWISE_BRANCH,
            last.draft.mark,
            "the last branch has a condition, so the scenario may find no branch to take",
            "add a branch with `when: otherwise` at the end",
        );
    }
}

/// An incident is assessed on one database: its condition, its replica and its loss are that one's.
fn one_database(scenario: &Scenario<'_>, findings: &mut Findings) {
    // A step or a kind that could not be read may be the database in question.
    let unknown = |step: Step<'_>| step.component.is_none_or(|component| component.kind.is_none());
    if scenario.branches.iter().any(|branch| !branch.draft.whole) || scenario.steps().any(unknown) {
        return;
    }
    let databases: BTreeSet<&ComponentName> = scenario
        .steps()
        .filter(|step| step.component.is_some_and(|component| component.kind == Some(ComponentKind::RdsInstance)))
        .map(|step| step.name)
        .collect();
    if databases.len() != 1 {
        let names: Vec<&str> = databases.iter().map(|name| name.as_str()).collect();
        let which =
            if names.is_empty() { "no database".to_owned() } else { format!("several databases ({})", names.join(", ")) };
        findings.error(
            code::ONE_DATABASE,
            scenario.draft.name.mark,
            format!("a scenario is assessed on exactly one database, and the steps of this one name {which}"),
            "write one scenario for each database",
        );
    }
}

/// A step remembers what it found under its kind and component, and later steps look it up there: a second one of the same kind
/// would never be asked. A validation is asked by nobody, so it may be repeated.
fn repeated(branch: &Branch<'_>, findings: &mut Findings) {
    let mut first: BTreeMap<(StepKind, &ComponentName), (usize, Mark)> = BTreeMap::new();
    for (wave, steps) in branch.waves.iter().enumerate() {
        for step in steps {
            match first.get(&(step.kind, step.name)) {
                Some((earlier, mark)) if *earlier == wave || step.kind != StepKind::Validate => {
                    findings.error(
                        code::DUPLICATE,
                        step.mark,
                        format!(
                            "{} of {} is listed a second time; first in line {}",
                            step.kind.as_str(),
                            step.name,
                            mark.line
                        ),
                        "list it once in a branch",
                    );
                }
                _ => {
                    first.insert((step.kind, step.name), (wave, step.mark));
                }
            }
        }
    }
}

/// What has happened to one component in the waves so far.
#[derive(Default, Clone, Copy)]
struct Progress {
    held: Option<Mark>,
    fenced: bool,
    gated: bool,
    promoted: bool,
    /// A restoring step that nothing has validated yet.
    unproven: Option<Mark>,
}

fn steps(branch: &Branch<'_>, findings: &mut Findings) {
    let fenced_somewhere: BTreeSet<&ComponentName> =
        branch.steps().filter(|step| step.kind == StepKind::Fence).map(|step| step.name).collect();
    let mut progress: BTreeMap<&ComponentName, Progress> = BTreeMap::new();
    for wave in &branch.waves {
        // Steps of one wave run side by side: none of them comes before another.
        for step in wave {
            let before = progress.get(step.name).copied().unwrap_or_default();
            if step.kind == StepKind::Gate && !before.fenced && fenced_somewhere.contains(step.name) {
                findings.warning(
                    code::GATE_BEFORE_FENCE,
                    step.mark,
                    format!(
                        "the loss of {} is bounded before it is fenced, so writes of meanwhile are not in the bound",
                        step.name
                    ),
                    "write the gate after the fence",
                );
            }
            if branch.draft.whole {
                comes_too_early(step, before, findings);
            }
        }
        for step in wave {
            advance(progress.entry(step.name).or_default(), step);
        }
    }
    if branch.draft.whole {
        for (name, end) in progress {
            left_open(name, end, findings);
        }
    }
}

fn advance(progress: &mut Progress, step: &Step<'_>) {
    match step.kind {
        StepKind::HoldWrites => progress.held = Some(step.mark),
        StepKind::ResumeWrites => progress.held = None,
        StepKind::Fence => progress.fenced = true,
        StepKind::Gate => progress.gated = true,
        StepKind::Promote => {
            progress.promoted = true;
            progress.unproven = Some(step.mark);
        }
        StepKind::ForceFailover => progress.unproven = Some(step.mark),
        StepKind::Validate => progress.unproven = None,
        StepKind::Repoint => {}
    }
}

fn comes_too_early(step: &Step<'_>, before: Progress, findings: &mut Findings) {
    let name = step.name;
    let mut missing = |code: &'static str, message: String, help: String| {
        findings.error(code, step.mark, message, help);
    };
    match step.kind {
        StepKind::Promote => {
            if !before.gated {
                missing(
                    code::PROMOTE_WITHOUT_GATE,
                    format!("{name} is promoted and no step before it bounds the data that is lost"),
                    format!("add `gate: {{ loss_bound: {name} }}` before the promotion, not beside it"),
                );
            }
            if !before.fenced {
                missing(
                    code::PROMOTE_WITHOUT_FENCE,
                    format!("{name} is promoted while its old primary may still take writes"),
                    format!("add `fence: {name}` before the gate, not beside it"),
                );
            }
            if before.held.is_none() {
                findings.warning(
                    code::PROMOTE_WITHOUT_HOLD,
                    step.mark,
                    format!("{name} is promoted while its clients go on writing"),
                    format!("add `hold_writes: {name}` at the beginning: what clients do not write cannot be lost"),
                );
            }
        }
        StepKind::ForceFailover if before.promoted => missing(
            code::FAILOVER_AFTER_PROMOTE,
            format!(
                "{name} is failed over after its replica was promoted: that is the old primary, which nobody uses any more"
            ),
            "leave it out, or write it in a branch of its own with `when: multi_az_available`".to_owned(),
        ),
        StepKind::Repoint if !before.promoted => missing(
            code::REPOINT_BEFORE_PROMOTE,
            format!("clients are sent to the replica of {name} before it is promoted, and it takes no writes"),
            format!("write `promote: {name}` before it, not beside it"),
        ),
        StepKind::ResumeWrites if before.held.is_none() => missing(
            code::RESUME_WITHOUT_HOLD,
            format!("writes of {name} are resumed, and no step before it holds them"),
            format!("add `hold_writes: {name}` at the beginning, or leave this step out"),
        ),
        _ => {}
    }
}

fn left_open(name: &ComponentName, end: Progress, findings: &mut Findings) {
    if let Some(mark) = end.unproven {
        findings.warning(
            code::NOT_VALIDATED,
            mark,
            format!("nothing proves that {name} serves after this step, so the recovery time cannot be measured"),
            format!("add `validate: {name}` after it"),
        );
    }
    if let Some(mark) = end.held {
        findings.warning(
            code::HOLD_NEVER_RESUMED,
            mark,
            format!("writes of {name} stay held after the recovery"),
            format!("add `resume_writes: {name}` at the end, unless a person is to do it"),
        );
    }
}
