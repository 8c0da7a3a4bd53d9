//! Budgets against recovery time objectives.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::duration::Seconds;
use crate::domain::identifier::ComponentName;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::{Draft, DraftScenario};
use super::super::finding::Findings;
use super::steps::{Branch, Scenario, Step};

pub(super) fn check(draft: &Draft, scenario: &Scenario<'_>, findings: &mut Findings) {
    // What could not be read of a branch takes time too, so only whole ones add up.
    for branch in scenario.branches.iter().filter(|branch| branch.draft.whole) {
        for (name, elapsed) in until_recovered(scenario.draft, branch) {
            let Some(rto) = draft.objectives.get(name).and_then(|objective| objective.rto.as_ref()) else {
                continue;
            };
            if elapsed > rto.value {
                findings.warning(
                    code::OVER_RTO,
                    branch.draft.mark,
                    format!("the budgets of this branch add up to {elapsed} for {name}, beyond its RTO of {}", rto.value),
                    format!(
                        "shorten them under `budgets` ({}), or state the RTO that can be kept",
                        longest(scenario.draft, branch)
                    ),
                );
            }
        }
    }
}

/// How long a branch may take, at the end of the last wave that names a component: for the components that it restores. The
/// others that it names (clients that it validates) were never failing themselves, and their own objective is about the day
/// they do. A wave takes as long as its longest step.
fn until_recovered<'a>(scenario: &DraftScenario, branch: &Branch<'a>) -> BTreeMap<&'a ComponentName, Seconds> {
    let restores = |step: &Step<'_>| matches!(step.kind, StepKind::Promote | StepKind::ForceFailover);
    let any_restored = branch.steps().any(|step| restores(&step));
    let mut elapsed = Seconds(0);
    let mut ends = BTreeMap::new();
    for wave in &branch.waves {
        elapsed = elapsed.plus(wave.iter().map(|step| scenario.budget(step.kind)).max().unwrap_or_default());
        for step in wave {
            ends.insert(step.name, elapsed);
        }
    }
    let restored: BTreeSet<&ComponentName> =
        branch.steps().filter(|step| !any_restored || restores(step)).map(|step| step.name).collect();
    ends.retain(|name, _| restored.contains(name));
    ends
}

/// The budgets that matter most, for the help.
fn longest(scenario: &DraftScenario, branch: &Branch<'_>) -> String {
    let mut budgets: Vec<(Seconds, StepKind)> = branch.steps().map(|step| (scenario.budget(step.kind), step.kind)).collect();
    budgets.sort_by(|left, right| right.cmp(left));
    budgets.dedup();
    let texts: Vec<String> = budgets.iter().take(3).map(|(budget, kind)| format!("{} {budget}", kind.as_str())).collect();
    texts.join(", ")
}
