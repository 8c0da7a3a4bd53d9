//! What cannot work while the failing site's Region is gone, and its control planes with it.

use crate::domain::identifier::{ComponentName, Region};
use crate::domain::may::may_of;
use crate::domain::plan::{Condition, Site, Sites};
use crate::domain::planes::{self, Standing};
use crate::domain::step::{PlannedStep, StepKind};

use super::super::code;
use super::super::draft::Draft;
use super::super::finding::{Findings, Severity};
use super::steps::{Scenario, Step};

pub(super) fn check(draft: &Draft, scenario: &Scenario<'_>, findings: &mut Findings) {
    if !scenario.draft.failed_region {
        return;
    }
    let covered = scenario.draft.preauthorised.as_ref().is_some_and(|preauthorised| preauthorised.unproven_fence);
    for branch in &scenario.branches {
        if branch.draft.when == Some(Condition::MultiAzAvailable) {
            findings.warning(
                code::UNREACHABLE_BRANCH,
                branch.draft.mark,
                "this branch is not taken while the Region is gone: nothing there can be described",
                "leave it out of a scenario with `failed_region: true`",
            );
        }
        for step in branch.steps() {
            check_step(draft, &step, covered, findings);
        }
    }
}

fn check_step(draft: &Draft, step: &Step<'_>, covered: bool, findings: &mut Findings) {
    let (Some(primary), Some(recovery)) = (&draft.primary, &draft.recovery) else { return };
    let region = &primary.value;
    let sites = Sites { primary: Site { region: region.clone() }, recovery: Site { region: recovery.value.clone() } };
    let planned = PlannedStep { kind: step.kind, component: step.name.clone() };
    let component = |name: &ComponentName| draft.components.get(name)?.component.as_ref();
    let may = may_of(&sites, &component, &planned);
    let (severity, message, help) = match (planes::standing(step.kind, &may, region.as_str()), step.kind) {
        (Standing::Fails, kind) => fails(kind, step.name, region),
        // Whoever allowed a promotion beside an unfenced primary has allowed for this.
        (Standing::BestEffort, StepKind::Fence | StepKind::HoldWrites) if !covered => {
            best_effort(step.kind, step.name, region)
        }
        _ => return,
    };
    findings.add(severity, code::NEEDS_FAILED_REGION, step.mark, message, help.to_owned());
}

fn fails(kind: StepKind, name: &ComponentName, region: &Region) -> (Severity, String, &'static str) {
    let (message, help) = if kind == StepKind::Repoint {
        (
            format!(
                "an endpoint of {name} is kept in {region} and cannot be written while that Region is gone: after the promotion \
                 the recovery would end stuck"
            ),
            "keep what the recovered clients read in the recovery site, and leave the other place out of this plan",
        )
    } else {
        (
            format!("{name} cannot be failed over within {region} while that Region is gone"),
            "promote the replica instead, or say `failed_region: false`",
        )
    };
    (Severity::Error, message, help)
}

fn best_effort(kind: StepKind, name: &ComponentName, region: &Region) -> (Severity, String, &'static str) {
    let (message, help) = if kind == StepKind::Fence {
        (
            format!(
                "the fence of {name} needs {region}, so it is not proven while that Region is gone, and a person is asked"
            ),
            "pre-authorise `unproven_fence: true` for an automatic recovery, or accept that it waits for approval",
        )
    } else {
        (
            format!("holding writes of {name} needs {region}: while that Region is gone, clients there are not held"),
            "hold writes in the recovery site too, or pre-authorise `unproven_fence: true` if that is accepted",
        )
    };
    (Severity::Warning, message, help)
}
