//! What one execution can carry: the longest incident must fit into it.

use crate::domain::assess::{LONGEST_EXECUTION, longest_with};
use crate::domain::duration::Seconds;

use super::super::code;
use super::super::finding::Findings;
use super::steps::{Branch, Scenario};

pub(super) fn check(scenario: &Scenario<'_>, findings: &mut Findings) {
    let Some(head) = &scenario.draft.scenario else { return };
    let budget = |branch: &Branch<'_>| {
        let waves = branch.waves.iter();
        let longest = waves.map(|wave| wave.iter().map(|step| scenario.draft.budget(step.kind)).max().unwrap_or_default());
        longest.fold(Seconds(0), Seconds::plus)
    };
    let longest = scenario.branches.iter().map(budget).max().unwrap_or_default();
    let incident = longest_with(longest, head.approval_timeout);
    if incident > LONGEST_EXECUTION {
        findings.error(
            code::INCIDENT_TOO_LONG,
            scenario.draft.name.mark,
            format!("an incident of this scenario may take {incident}, and its execution ends after {LONGEST_EXECUTION}"),
            "shorten `approval_timeout` or the budgets",
        );
    }
}
