//! What cannot work while the failing site's Region is gone, and its control planes with it.

use crate::domain::plan::Condition;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::{Draft, DraftPlace};
use super::super::finding::Findings;
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
    let region = draft.primary.as_ref().map_or("the primary site's Region", |region| region.value.as_str());
    let there = |places: &[DraftPlace]| {
        places.iter().any(|place| match (&place.region, &draft.primary) {
            (Some(place), Some(primary)) => place.value == primary.value,
            _ => false,
        })
    };
    let name = step.name;
    match step.kind {
        StepKind::ForceFailover => findings.error(
            code::NEEDS_FAILED_REGION,
            step.mark,
            format!("{name} cannot be failed over within {region} while that Region is gone"),
            "promote the replica instead, or say `failed_region: false`",
        ),
        StepKind::Fence if !covered => findings.warning(
            code::NEEDS_FAILED_REGION,
            step.mark,
            format!(
                "the fence of {name} needs {region}, so it is not proven while that Region is gone, and a person is asked"
            ),
            "pre-authorise `unproven_fence: true` for an automatic recovery, or accept that it waits for approval",
        ),
        StepKind::HoldWrites if !covered && step.component.is_some_and(|component| there(&component.holds)) => {
            findings.warning(
                code::NEEDS_FAILED_REGION,
                step.mark,
                format!("holding writes of {name} needs {region}: while that Region is gone, clients there are not held"),
                "hold writes in the recovery site too, or pre-authorise `unproven_fence: true` if that is accepted",
            );
        }
        StepKind::Repoint if step.component.is_some_and(|component| there(&component.endpoints)) => findings.warning(
            code::NEEDS_FAILED_REGION,
            step.mark,
            format!("an endpoint of {name} is kept in {region} and cannot be written while that Region is gone"),
            "keep what the recovered clients read in the recovery site",
        ),
        _ => {}
    }
}
