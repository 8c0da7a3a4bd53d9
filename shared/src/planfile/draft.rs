//! The plan while it is being read: typed as far as it could be, with the places that the checks point at. Parts that could not
//! be read are absent, so that one slip does not hide the findings behind it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::domain::alerts::Alerts;
use crate::domain::described::{RecordType, Routing};
use crate::domain::duration::Seconds;
use crate::domain::identifier::{
    AccountId, AlertName, ComponentName, DomainName, KmsKeyArn, PlatformName, Region, ScenarioName,
};
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
    pub(super) alerts: Option<DraftAlerts>,
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
    LoadBalancer,
    Route53Records,
    CloudfrontDistribution,
    S3Data,
    DynamodbTable,
    AuroraGlobalDatabase,
    Postgresql,
    BackupArchives,
}

impl ComponentKind {
    pub(super) const WORDS: &[(&'static str, Self)] = &[
        ("rds_instance", Self::RdsInstance),
        ("ecs_service", Self::EcsService),
        ("load_balancer", Self::LoadBalancer),
        ("route53_records", Self::Route53Records),
        ("cloudfront_distribution", Self::CloudfrontDistribution),
        ("s3_data", Self::S3Data),
        ("dynamodb_table", Self::DynamodbTable),
        ("aurora_global_database", Self::AuroraGlobalDatabase),
        ("postgresql", Self::Postgresql),
        ("backup_archives", Self::BackupArchives),
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RdsInstance => "rds_instance",
            Self::EcsService => "ecs_service",
            Self::LoadBalancer => "load_balancer",
            Self::Route53Records => "route53_records",
            Self::CloudfrontDistribution => "cloudfront_distribution",
            Self::S3Data => "s3_data",
            Self::DynamodbTable => "dynamodb_table",
            Self::AuroraGlobalDatabase => "aurora_global_database",
            Self::Postgresql => "postgresql",
            Self::BackupArchives => "backup_archives",
        }
    }

    /// The steps that this kind of component has; none where a plan only describes it.
    pub(super) fn steps(self) -> &'static [StepKind] {
        match self {
            Self::RdsInstance => &StepKind::ALL,
            Self::EcsService => &[StepKind::Validate],
            Self::LoadBalancer
            | Self::Route53Records
            | Self::CloudfrontDistribution
            | Self::S3Data
            | Self::DynamodbTable
            | Self::AuroraGlobalDatabase
            | Self::Postgresql
            | Self::BackupArchives => &[],
        }
    }

    /// Whether it keeps data that a recovery may lose.
    pub(super) fn holds_data(self) -> bool {
        matches!(
            self,
            Self::RdsInstance | Self::S3Data | Self::DynamodbTable | Self::AuroraGlobalDatabase | Self::Postgresql
        )
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
    /// The other components that it names, and which kinds they may be of.
    pub(super) names: Vec<DraftReference>,
    /// Record sets.
    pub(super) records: Vec<DraftRecord>,
    /// How often its copy or archive is made, and where that is written.
    pub(super) every: Option<Marked<Seconds>>,
    /// Without it, sending clients to the other site needs a control plane: the field that is missing, and where to write it.
    pub(super) without_switch: Option<WithoutSwitch>,
    /// Archives without a copy in the recovery site.
    pub(super) without_copy: Option<Mark>,
    /// A vault of AWS Backup without a copy in the recovery site, and where its vaults are written.
    pub(super) vault_without_copy: Option<Mark>,
    /// A restore test, where no vault of the recovery site holds what would be restored.
    pub(super) restored_from_nowhere: Option<Mark>,
    /// Where connections are said not to be encrypted.
    pub(super) without_tls: Option<Mark>,
    /// The keys of KMS that open it, in the recovery site.
    pub(super) opening_keys: Vec<Marked<KmsKeyArn>>,
    /// The keys of KMS under which it is kept, by site.
    pub(super) keys: Vec<(SiteName, Marked<KmsKeyArn>)>,
}

/// A component that another one names.
#[derive(Debug)]
pub(super) struct DraftReference {
    pub(super) name: Marked<ComponentName>,
    /// What it must be of.
    pub(super) kinds: &'static [ComponentKind],
}

/// A record set: its name, type and routing.
#[derive(Debug)]
pub(super) struct DraftRecord {
    pub(super) name: DomainName,
    pub(super) record_type: RecordType,
    pub(super) routing: Marked<Routing>,
}

/// Traffic that only a control plane can move.
#[derive(Debug)]
pub(super) struct WithoutSwitch {
    pub(super) mark: Mark,
    /// The field that would spare it.
    pub(super) field: &'static str,
    /// The call that moves traffic instead, as `service:operation`.
    pub(super) service: &'static str,
    pub(super) operation: &'static str,
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
            names: Vec::new(),
            records: Vec::new(),
            every: None,
            without_switch: None,
            without_copy: None,
            vault_without_copy: None,
            restored_from_nowhere: None,
            without_tls: None,
            opening_keys: Vec::new(),
            keys: Vec::new(),
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
    /// Where reads are said to be stopped although some may go on.
    pub(super) reads_go_on: Option<Mark>,
}

/// Who is told.
#[derive(Debug, Default)]
pub(super) struct DraftAlerts {
    pub(super) channels: BTreeSet<AlertName>,
    pub(super) escalations: BTreeMap<AlertName, Vec<DraftLevel>>,
    /// Escalations that incidents and alarms take.
    pub(super) taken: Vec<Marked<AlertName>>,
    /// The alarms that people are told of.
    pub(super) alarms: Vec<Marked<String>>,
    /// Complete only when every part could be read.
    pub(super) alerts: Option<Alerts>,
}

/// A level of an escalation.
#[derive(Debug)]
pub(super) struct DraftLevel {
    pub(super) after: Option<Marked<Seconds>>,
    pub(super) channels: Vec<Marked<AlertName>>,
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
            alerts: match self.alerts {
                Some(draft) => Some(draft.alerts?),
                None => None,
            },
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
