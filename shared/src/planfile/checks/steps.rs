//! The steps of a scenario with the components they name, and what is wrong with a step by itself.

use std::collections::BTreeSet;

use crate::domain::identifier::ComponentName;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::{ComponentKind, Draft, DraftBranch, DraftComponent, DraftScenario, DraftStep};
use super::super::finding::{Findings, one_of};
use super::super::tree::Mark;
use super::find_component;

/// A scenario whose steps know their components.
pub(super) struct Scenario<'a> {
    pub(super) draft: &'a DraftScenario,
    pub(super) branches: Vec<Branch<'a>>,
}

pub(super) struct Branch<'a> {
    pub(super) draft: &'a DraftBranch,
    pub(super) waves: Vec<Vec<Step<'a>>>,
}

#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub(super) kind: StepKind,
    pub(super) name: &'a ComponentName,
    /// Absent when the plan has none of that name, or none that could be read.
    pub(super) component: Option<&'a DraftComponent>,
    pub(super) mark: Mark,
}

impl<'a> Scenario<'a> {
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'a>> + '_ {
        self.branches.iter().flat_map(Branch::steps)
    }
}

impl<'a> Branch<'a> {
    pub(super) fn steps(&self) -> impl Iterator<Item = Step<'a>> + '_ {
        self.waves.iter().flatten().copied()
    }
}

pub(super) fn resolve<'a>(draft: &'a Draft, scenario: &'a DraftScenario, findings: &mut Findings) -> Scenario<'a> {
    let mut without_objective = BTreeSet::new();
    let mut branches = Vec::with_capacity(scenario.branches.len());
    for branch in &scenario.branches {
        let mut waves = Vec::with_capacity(branch.waves.len());
        for wave in &branch.waves {
            let mut steps = Vec::with_capacity(wave.steps.len());
            for written in &wave.steps {
                let found = find_component(draft, &written.component, written.component_mark, findings);
                let name = found.map_or(&written.component, |(name, _)| name);
                let component = found.map(|(_, component)| component);
                if let Some(component) = component {
                    step_fits(written, name, component, findings);
                    if !draft.objectives.is_empty() && !draft.objectives.contains_key(name) && without_objective.insert(name)
                    {
                        findings.error(
                            code::MISSING_OBJECTIVE,
                            written.component_mark,
                            format!("scenario {} recovers {name}, which has no objective", scenario.name.value),
                            format!("add `{name}: {{ rto: … }}` under `objectives`: a recovery is measured against it"),
                        );
                    }
                }
                steps.push(Step { kind: written.kind, name, component, mark: written.mark });
            }
            waves.push(steps);
        }
        branches.push(Branch { draft: branch, waves });
    }
    Scenario { draft: scenario, branches }
}

fn step_fits(step: &DraftStep, name: &ComponentName, component: &DraftComponent, findings: &mut Findings) {
    let Some(kind) = component.kind else {
        return;
    };
    if kind.steps().is_empty() {
        findings.error(
            code::COMPONENT_WITHOUT_STEPS,
            step.component_mark,
            format!("{name} is of kind {}, and no step of this version acts on that kind", kind.as_str()),
            "leave the step out, and do by hand what it was to do: this version only describes and shows such components",
        );
        return;
    }
    if !kind.steps().contains(&step.kind) {
        let steps = one_of(kind.steps().iter().map(|kind| kind.as_str()));
        findings
            .error(
                code::STEP_NOT_APPLICABLE,
                step.mark,
                format!("{name} is of kind {}, which has no step {}", kind.as_str(), step.kind.as_str()),
                format!("the steps of {} are: {steps}", kind.as_str()),
            )
            .expected(steps);
        return;
    }
    if kind != ComponentKind::RdsInstance {
        return;
    }
    let nothing = match step.kind {
        StepKind::HoldWrites | StepKind::ResumeWrites if component.holds_absent => Some("holds"),
        StepKind::Repoint if component.endpoints_absent => Some("endpoints"),
        _ => None,
    };
    if let Some(field) = nothing {
        findings.error(
            code::STEP_SELECTS_NOTHING,
            step.mark,
            format!("{} of {name} selects nothing: the component has no `{field}`", step.kind.as_str()),
            format!("list them under `components.{name}.{field}`, or leave the step out"),
        );
    }
    if step.kind == StepKind::Fence && !component.isolation_group_written {
        findings.error(
            code::FENCE_WITHOUT_ISOLATION_GROUP,
            step.mark,
            format!("{name} cannot be fenced: its primary names no `isolation_security_group`"),
            "make a security group that lets nobody in, in advance, and name it there",
        );
    }
}
