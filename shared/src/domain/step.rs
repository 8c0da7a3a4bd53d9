//! Steps: what a plan lists, and the record that the journal keeps of each in one incident.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::identifier::{ComponentName, Digest, StepId};
use super::loss_bound::{FenceProof, LossBound};
use super::mutation::{Mutation, Performed};

/// What a step does. One kind is one file under `domain/decide`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Fail a Multi-AZ instance over to its standby.
    ForceFailover,
    /// Hold writes back at the clients; advisory.
    HoldWrites,
    /// Isolate the old primary so that it cannot take writes.
    Fence,
    /// Bound the data loss and get consent for it.
    Gate,
    /// Make the replica a primary. One way.
    Promote,
    /// Write the new endpoint to every place where clients read it, and have them reread it.
    Repoint,
    /// Prove that a component serves.
    Validate,
    /// Let writes through again, exactly as before the hold.
    ResumeWrites,
}

impl StepKind {
    /// Every kind, in the order in which a recovery usually meets them.
    pub const ALL: [Self; 8] = [
        Self::ForceFailover,
        Self::HoldWrites,
        Self::Fence,
        Self::Gate,
        Self::Promote,
        Self::Repoint,
        Self::Validate,
        Self::ResumeWrites,
    ];

    /// As written in plans, step ids and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ForceFailover => "force_failover",
            Self::HoldWrites => "hold_writes",
            Self::Fence => "fence",
            Self::Gate => "gate",
            Self::Promote => "promote",
            Self::Repoint => "repoint",
            Self::Validate => "validate",
            Self::ResumeWrites => "resume_writes",
        }
    }

    /// The function whose role can make this step's calls.
    #[must_use]
    pub fn function(self) -> FunctionName {
        match self {
            Self::HoldWrites | Self::ResumeWrites | Self::Fence => FunctionName::ReadOnlyToggle,
            Self::Repoint => FunctionName::UpdateDatabaseEndpoints,
            Self::ForceFailover | Self::Gate | Self::Promote | Self::Validate => FunctionName::Recovery,
        }
    }

    /// The label that notices and reports group steps under.
    #[must_use]
    pub fn phase(self) -> &'static str {
        match self {
            Self::HoldWrites | Self::Fence => "contain",
            Self::ForceFailover | Self::Gate | Self::Promote => "restore",
            Self::Repoint => "redirect",
            Self::Validate => "validate",
            Self::ResumeWrites => "resume",
        }
    }

    /// How long a step of this kind may take unless the scenario says otherwise. Our own figures, not AWS's: RDS publishes no
    /// times for a reboot or a promotion beyond "several minutes or longer", and together they stay within a 30-minute RTO.
    #[must_use]
    pub fn default_budget(self) -> Seconds {
        Seconds(match self {
            Self::ForceFailover => 10 * 60,
            Self::HoldWrites => 90,
            Self::Fence => 5 * 60,
            Self::Gate => 2 * 60,
            Self::Promote => 12 * 60,
            Self::Repoint => 3 * 60,
            Self::Validate => 210,
            // Long enough for an attempt that died: its claim runs out, and what it sent is given time to show.
            Self::ResumeWrites => 3 * 60,
        })
    }
}

/// The five functions, by the name of their binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FunctionName {
    /// Entry for alarms and operators; assess, recovery steps, report, watchdog.
    Recovery,
    /// Writes endpoints.
    UpdateDatabaseEndpoints,
    /// Holds, resumes and fences writes.
    ReadOnlyToggle,
    /// Role and lag of replicas.
    ReplicationCheck,
    /// Backups.
    BackupVerify,
}

impl FunctionName {
    /// The binary's name, which is also what the state machine's Choice compares.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::UpdateDatabaseEndpoints => "update-database-endpoints",
            Self::ReadOnlyToggle => "read-only-toggle",
            Self::ReplicationCheck => "replication-check",
            Self::BackupVerify => "backup-verify",
        }
    }
}

/// A step as the plan lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// What it does.
    pub kind: StepKind,
    /// To what.
    pub component: ComponentName,
}

impl PlannedStep {
    /// The step's id at this position (1-based wave number) of its branch.
    #[must_use]
    pub fn id(&self, wave: usize) -> StepId {
        StepId::at(wave, self.kind.as_str(), &self.component)
    }
}

/// Which way a step is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Forward.
    #[default]
    Apply,
    /// Backward over what was applied.
    Undo,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Its postcondition holds.
    Done,
    /// It did not reach its postcondition and will not.
    Refused,
    /// It cannot go on, and what it did cannot be taken back.
    Stuck,
    /// Being taken back.
    Undoing,
    /// Taken back.
    Undone,
    /// Taken as done, or as not needed, on a person's word.
    Skipped,
}

impl StepStatus {
    /// Whether no further attempt in this direction will change anything.
    #[must_use]
    pub fn is_settled(self, direction: Direction) -> bool {
        match direction {
            Direction::Apply => !matches!(self, Self::Pending | Self::Running),
            Direction::Undo => matches!(self, Self::Undone | Self::Stuck),
        }
    }
}

/// The journal's record of one step of one incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Its id.
    pub id: StepId,
    /// What it does to what.
    pub step: PlannedStep,
    /// Its wave, 1-based.
    pub wave: usize,
    /// Where it is.
    pub status: StepStatus,
    /// Counts invocations that claimed it. An older attempt can write nothing any more.
    pub attempt: u32,
    /// Until when the present attempt holds it.
    pub claimed_until: Option<Timestamp>,
    /// First attempt.
    pub started_at: Option<Timestamp>,
    /// Which way it was last run.
    #[serde(default)]
    pub direction: Direction,
    /// Since when it has been working in this direction; a pause moves it, and a person's retry begins anew.
    #[serde(default)]
    pub working_since: Option<Timestamp>,
    /// Until when it may take, undo included separately.
    pub deadline: Option<Timestamp>,
    /// When it settled.
    pub ended_at: Option<Timestamp>,
    /// The latest reason sentence.
    pub reason: String,
    /// Every effect that was tried, with its outcome once known.
    pub effects: Vec<Effect>,
    /// What later attempts and undo must know.
    pub memory: Memory,
    /// Number of journal entries written for it.
    pub entries: u32,
    /// Digest of the last entry: each entry holds the one before.
    pub head: Option<Digest>,
}

impl StepRecord {
    /// A step that has not begun.
    #[must_use]
    pub fn pending(wave: usize, step: PlannedStep) -> Self {
        Self {
            id: step.id(wave),
            memory: Memory::default(),
            step,
            wave,
            status: StepStatus::Pending,
            attempt: 0,
            claimed_until: None,
            started_at: None,
            direction: Direction::Apply,
            working_since: None,
            deadline: None,
            ended_at: None,
            reason: String::new(),
            effects: Vec::new(),
            entries: 0,
            head: None,
        }
    }

    /// Whether an effect of this step may have promoted an instance. Only an answer that says "refused" clears it: an intent
    /// whose outcome is unknown counts as promoted (design §2.3).
    #[must_use]
    pub fn may_have_promoted(&self) -> bool {
        let promotes = |effect: &Effect| {
            effect.mutation.is_promotion() && !matches!(effect.outcome, Some(EffectOutcome::Refused { .. }))
        };
        self.memory.found_promoted || self.effects.iter().any(promotes)
    }

    /// Whether an attempt wrote down what it is about to do and not yet what came of it.
    #[must_use]
    pub fn has_open_intent(&self) -> bool {
        self.effects.iter().any(|effect| effect.outcome.is_none())
    }

    /// Whether an effect may have changed something.
    #[must_use]
    pub fn may_have_changed_something(&self) -> bool {
        self.effects.iter().any(|effect| !matches!(effect.outcome, Some(EffectOutcome::Refused { .. })))
    }

    /// The ordinal of the next effect, 1-based.
    #[must_use]
    pub fn next_ordinal(&self) -> u32 {
        u32::try_from(self.effects.len()).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// One effect: the intent, written before the call, and its outcome, written after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// 1-based within the step.
    pub ordinal: u32,
    /// Forward or backward.
    pub direction: Direction,
    /// What was tried.
    pub mutation: Mutation,
    /// When the intent was written.
    pub intended_at: Timestamp,
    /// What came of it; `None` until known.
    pub outcome: Option<EffectOutcome>,
}

/// How long an applied change may take to show in a describe call. RDS keeps calling an instance `available` for a while after
/// it has accepted a promotion or a reboot.
pub const SETTLING_TIME: Seconds = Seconds(60);
/// How long a call that was not answered may stay unseen: its request on its way, then describe calls that lag behind, and the look
/// itself. It is sent again after [`SETTLING_TIME`] already, because whatever is sent again sets what it set before, or is refused the
/// second time; only who takes it back has to be sure.
pub const LONGEST_UNSEEN: Seconds = Seconds(120);

impl Effect {
    /// Whether it was not answered, and may still take effect, or have done so without showing.
    #[must_use]
    pub fn may_come_after(&self, now: Timestamp) -> bool {
        let unanswered = matches!(self.outcome, None | Some(EffectOutcome::Unknown { .. }));
        unanswered && Seconds::between(self.intended_at, now) < LONGEST_UNSEEN
    }

    /// Whether it took effect, and describe calls may not show it yet.
    #[must_use]
    pub fn may_not_show(&self, now: Timestamp) -> bool {
        matches!(self.outcome, Some(EffectOutcome::Applied { .. }))
            && Seconds::between(self.intended_at, now) < SETTLING_TIME
    }
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum EffectOutcome {
    /// The service said yes.
    Applied {
        /// When the answer came.
        at: Timestamp,
        /// What it said.
        performed: Performed,
    },
    /// The service said no, so nothing changed.
    Refused {
        /// When the answer came.
        at: Timestamp,
        /// The service's error code.
        code: String,
        /// The service's message.
        message: String,
        /// Whether the same call may succeed later.
        retryable: bool,
    },
    /// No answer came: only the world can tell.
    Unknown {
        /// When that was noticed.
        at: Timestamp,
        /// What is known.
        message: String,
    },
}

/// What a step remembers between attempts. One struct for all kinds keeps the journal's form flat; each kind writes only its
/// own part.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Holds: what each point held before, by index in the plan; absent where nothing was changed.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<usize, SavedHold>,
    /// Points, places or instances that could not be reached, with the reason, and how often that was tried.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unreached: BTreeMap<String, Unreached>,
    /// Fence: what it found and did.
    #[serde(skip_serializing_if = "FenceMemory::is_empty")]
    pub fence: FenceMemory,
    /// Gate and promote: the bound at the last decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_bound: Option<LossBound>,
    /// Promote and force_failover: what was seen before the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<InstanceBefore>,
    /// Force_failover: whether the instance was seen restarting.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub failover_seen: bool,
    /// Gate and promote: the replica was found standing alone although this recovery did not promote it. Somebody else did, and
    /// that counts as a promotion.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub found_promoted: bool,
    /// Promote: the endpoint host of the promoted instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promoted_host: Option<String>,
    /// Repoint: what each place held before, by index in the plan.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<usize, SavedPlace>,
    /// Repoint: the ordinal of the first effect after each place was seen to hold what was written to it, by its label and the way. A
    /// write that was not answered may have taken effect at any time before that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seen_written: BTreeMap<String, u32>,
    /// Repoint: the deployment of each consumer before its restart.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub deployments: BTreeMap<String, String>,
    /// Notes for the report: what a person should know although it did not stop the step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How often something could not be reached, and why the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// Attempts.
    pub times: u32,
    /// The last reason.
    pub reason: String,
}

/// What a hold point held before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "point", rename_all = "snake_case")]
pub enum SavedHold {
    /// Throttling per method key of a REST API, `None` where the method had no setting of its own.
    Throttles {
        /// By method key in the plan's form, such as `POST /patients`.
        by_method: BTreeMap<String, Option<Throttle>>,
    },
    /// Settings per route of an HTTP API, `None` where the route had none.
    Routes {
        /// By route key, such as `POST /patients`.
        by_route: BTreeMap<String, Option<RouteSettings>>,
    },
    /// A variable's value, `None` where it did not exist.
    Variable {
        /// The value.
        value: Option<String>,
    },
}

/// API Gateway throttling of one method.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    /// Steady requests a second.
    pub rate: f64,
    /// Burst.
    pub burst: i32,
}

impl Eq for Throttle {}

/// The settings of one route of an HTTP API: all that such a route can have. What is absent is not set on the route.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RouteSettings {
    /// Steady requests a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// Burst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst: Option<i32>,
    /// Whether the route has metrics of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed_metrics: Option<bool>,
}

impl Eq for RouteSettings {}

/// What the fence step found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FenceMemory {
    /// Whether a probe reached the instance before it was isolated. Without it a later silence proves nothing.
    pub reached_before: bool,
    /// Where it takes connections, for a look at it when it cannot be described any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<(String, u16)>,
    /// Its security groups before.
    pub previous_groups: Option<Vec<String>>,
    /// Since when every look has found it isolated. Whoever gets in while it is not needs another reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolated_since: Option<Timestamp>,
    /// Whether a reboot after the isolation was seen under way.
    pub reboot_seen: bool,
    /// The proof, once there is one.
    pub proof: Option<FenceProof>,
}

impl FenceMemory {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An instance before it was failed over or promoted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceBefore {
    /// Its Availability Zone.
    pub availability_zone: Option<String>,
    /// The instance it replicated from.
    pub source: Option<String>,
}

/// What an endpoint place held before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlace {
    /// The value, where it is no secret.
    pub value: Option<String>,
    /// The version that held it: a parameter's number, a secret's version id; `None` for a Lambda variable.
    pub version: Option<String>,
}
