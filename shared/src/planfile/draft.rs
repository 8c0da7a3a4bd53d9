//! The plan while it is being read: typed as far as it could be, with the places that the checks point at. Parts that could not
//! be read are absent, so that one slip does not hide the findings behind it.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::duration::Seconds;
use crate::domain::identifier::{AccountId, ComponentName, PlatformName, Region, ScenarioName};
use crate::domain::non_empty::NonEmpty;
use crate::domain::plan::{Component, Condition, Objective, PLAN_VERSION, Plan, Scenario, Site, SiteName, Sites, Trigger};
use crate::domain::step::StepKind;

use super::fields::Marked;
use super::tree::Mark;

#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) platform: Option<PlatformName>,
    pub(super) account: Option<AccountId>,
    pub(super) primary: Option<Marked<Region>>,
    pub(super) recovery: Option<Marked<Region>>,
    pub(super) objectives: BTreeMap<ComponentName, DraftObjective>,
    pub(super) components: BTreeMap<ComponentName, DraftComponent>,
    pub(super) triggers: Vec<DraftTrigger>,
    pub(super) scenarios: BTreeMap<ScenarioName, DraftScenario>,
}

#[derive(Debug)]
pub(super) struct DraftObjective {
    pub(super) name: Marked<ComponentName>,
    pub(super) rto: Option<Marked<Seconds>>,
    pub(super) rpo: Option<Marked<Seconds>>,
    /// Whether `rpo` is written, readable or not.
    pub(super) rpo_written: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ComponentKind {
    RdsInstance,
    EcsService,
}

impl ComponentKind {
    pub(super) const WORDS: &[(&'static str, Self)] =
        &[("rds_instance", Self::RdsInstance), ("ecs_service", Self::EcsService)];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RdsInstance => "rds_instance",
            Self::EcsService => "ecs_service",
        }
    }

    /// The steps that this kind of component has.
    pub(super) fn steps(self) -> &'static [StepKind] {
        match self {
            Self::RdsInstance => &StepKind::ALL,
            Self::EcsService => &[StepKind::Validate],
        }
    }
}

#[derive(Debug)]
pub(super) struct DraftComponent {
    pub(super) kind: Option<ComponentKind>,
    /// Complete only when every part could be read.
    pub(super) component: Option<Component>,
    /// Whether an isolation security group is named.
    pub(super) isolation_group_written: bool,
    /// Whether no endpoint places, no hold points are written.
    pub(super) endpoints_absent: bool,
    pub(super) holds_absent: bool,
    pub(super) endpoints: Vec<DraftPlace>,
    pub(super) holds: Vec<DraftPlace>,
    /// The resource that the component is, per site, as a label that is equal for equal resources.
    pub(super) resources: Vec<Marked<(SiteName, String)>>,
}

impl DraftComponent {
    pub(super) fn unread(kind: Option<ComponentKind>) -> Self {
        Self {
            kind,
            component: None,
            isolation_group_written: false,
            endpoints_absent: false,
            holds_absent: false,
            endpoints: Vec::new(),
            holds: Vec::new(),
            resources: Vec::new(),
        }
    }
}

/// An endpoint place or hold point.
#[derive(Debug)]
pub(super) struct DraftPlace {
    pub(super) mark: Mark,
    /// What it is called in sentences; equal for equal places. Absent when it could not be read.
    pub(super) label: Option<String>,
    pub(super) region: Option<Marked<Region>>,
    pub(super) consumers: Vec<Marked<ComponentName>>,
    /// How many calls writing it takes.
    pub(super) writes: u64,
}

#[derive(Debug)]
pub(super) struct DraftTrigger {
    pub(super) mark: Mark,
    pub(super) alarm: Option<String>,
    pub(super) site: SiteName,
    pub(super) scenario: Option<Marked<ScenarioName>>,
    pub(super) trigger: Option<Trigger>,
}

#[derive(Debug)]
pub(super) struct DraftScenario {
    pub(super) name: Marked<ScenarioName>,
    pub(super) failed_region: bool,
    pub(super) preauthorised: Option<DraftPreauthorisation>,
    pub(super) budgets: BTreeMap<StepKind, Seconds>,
    pub(super) branches: Vec<DraftBranch>,
    /// Complete but for its branches.
    pub(super) scenario: Option<ScenarioHead>,
}

/// What a scenario has besides its branches.
#[derive(Debug)]
pub(super) struct ScenarioHead {
    pub(super) severity: crate::domain::plan::Severity,
    pub(super) preauthorised: Option<crate::domain::plan::Preauthorisation>,
    pub(super) approval: crate::domain::plan::ApprovalRule,
    pub(super) approval_timeout: Seconds,
}

impl DraftScenario {
    pub(super) fn budget(&self, kind: StepKind) -> Seconds {
        self.budgets.get(&kind).copied().unwrap_or_else(|| kind.default_budget())
    }
}

#[derive(Debug)]
pub(super) struct DraftPreauthorisation {
    pub(super) data_loss_up_to: Option<Marked<Seconds>>,
    pub(super) unproven_fence: bool,
    pub(super) until: Option<Marked<Date>>,
}

#[derive(Debug)]
pub(super) struct DraftBranch {
    /// Where findings about the branch point: its `when`, or its first word.
    pub(super) mark: Mark,
    pub(super) when: Option<Condition>,
    pub(super) waves: Vec<DraftWave>,
    /// Whether every step could be read. What is missing from a branch is only said when it is.
    pub(super) whole: bool,
}

#[derive(Debug)]
pub(super) struct DraftWave {
    pub(super) mark: Mark,
    pub(super) steps: Vec<DraftStep>,
}

#[derive(Debug)]
pub(super) struct DraftStep {
    pub(super) kind: StepKind,
    pub(super) component: ComponentName,
    /// The step's kind, where it is written.
    pub(super) mark: Mark,
    /// The component, where it is written.
    pub(super) component_mark: Mark,
}

impl Draft {
    /// The compiled plan; `None` when a part could not be read. Only meaningful when nothing was found that is an error.
    pub(super) fn lower(self) -> Option<Plan> {
        let site = |region: Option<Marked<Region>>| region.map(|region| Site { region: region.value });
        Some(Plan {
            version: PLAN_VERSION,
            platform: self.platform?,
            account: self.account?,
            sites: Sites { primary: site(self.primary)?, recovery: site(self.recovery)? },
            objectives: self
                .objectives
                .into_iter()
                .map(|(name, objective)| {
                    let rpo = objective.rpo.map(|rpo| rpo.value);
                    Some((name, Objective { rto: objective.rto?.value, rpo }))
                })
                .collect::<Option<_>>()?,
            components: self
                .components
                .into_iter()
                .map(|(name, draft)| Some((name, draft.component?)))
                .collect::<Option<_>>()?,
            triggers: self.triggers.into_iter().map(|draft| draft.trigger).collect::<Option<_>>()?,
            scenarios: self
                .scenarios
                .into_iter()
                .map(|(name, draft)| Some((name, draft.lower()?)))
                .collect::<Option<_>>()?,
        })
    }
}

impl DraftScenario {
    fn lower(self) -> Option<Scenario> {
        let head = self.scenario?;
        let branches = self.branches.into_iter().map(DraftBranch::lower).collect::<Option<Vec<_>>>()?;
        Some(Scenario {
            severity: head.severity,
            failed_region: self.failed_region,
            preauthorised: head.preauthorised,
            approval: head.approval,
            approval_timeout: head.approval_timeout,
            budgets: self.budgets,
            branches: NonEmpty::new(branches).ok()?,
        })
    }
}

impl DraftBranch {
    fn lower(self) -> Option<crate::domain::plan::Branch> {
        let wave = |wave: DraftWave| {
            let step = |step: DraftStep| crate::domain::step::PlannedStep { kind: step.kind, component: step.component };
            NonEmpty::new(wave.steps.into_iter().map(step).collect()).ok()
        };
        let waves = self.waves.into_iter().map(wave).collect::<Option<Vec<_>>>()?;
        Some(crate::domain::plan::Branch { when: self.when?, waves: NonEmpty::new(waves).ok()? })
    }
}
