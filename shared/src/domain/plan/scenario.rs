//! What the plan does in one kind of disaster, and what it may do without asking.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::duration::Seconds;
use crate::domain::non_empty::NonEmpty;
use crate::domain::step::{PlannedStep, StepKind};

/// What to do in one kind of disaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// How bad it is.
    pub severity: Severity,
    /// Whether the failing site's Region is taken to be gone: what needs it is then best effort.
    pub failed_region: bool,
    /// What may be done without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preauthorised: Option<Preauthorisation>,
    /// Whether a person is asked in any case.
    pub approval: ApprovalRule,
    /// How long a question to a person stands.
    pub approval_timeout: Seconds,
    /// How long a step may take from its first attempt, where it differs from the kind's own budget.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub budgets: BTreeMap<StepKind, Seconds>,
    /// What is done, by what is found. The first branch that applies is taken.
    pub branches: NonEmpty<Branch>,
}

impl Scenario {
    /// How long a step of this kind may take in this scenario.
    #[must_use]
    pub fn budget(&self, kind: StepKind) -> Seconds {
        self.budgets.get(&kind).copied().unwrap_or_else(|| kind.default_budget())
    }
}

/// How bad a scenario is, by the runbook's classification (share of users affected).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Complete outage: more than half of the users.
    Sev0,
    /// Major: a quarter to a half.
    Sev1,
    /// Minor: 5 to 25 in a hundred.
    Sev2,
    /// Not critical.
    Sev3,
}

impl Severity {
    /// As written in a plan.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sev0 => "sev0",
            Self::Sev1 => "sev1",
            Self::Sev2 => "sev2",
            Self::Sev3 => "sev3",
        }
    }
}

/// Whether a person is asked before a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalRule {
    /// Only where the consent rule asks (design §2.6).
    WhenNeeded,
    /// Always.
    Required,
}

/// What a named person allowed in advance, until a last day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preauthorisation {
    /// The largest loss that may be taken without asking.
    pub data_loss_up_to: Seconds,
    /// Whether a promotion may go on although the old primary is not proven fenced.
    pub unproven_fence: bool,
    /// Who allowed it.
    pub by: String,
    /// The last day, UTC, on which it holds.
    pub until: Date,
}

/// One way through a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// When it is taken.
    pub when: Condition,
    /// Its waves in order; the steps of one wave run side by side.
    pub waves: NonEmpty<NonEmpty<PlannedStep>>,
}

/// When a branch is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// Describe says that the branch's database is Multi-AZ and `available`.
    MultiAzAvailable,
    /// None of the branches before it.
    Otherwise,
}

impl Condition {
    /// As written in a plan.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MultiAzAvailable => "multi_az_available",
            Self::Otherwise => "otherwise",
        }
    }
}
