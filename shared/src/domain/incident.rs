//! One recovery, from its declaration to its declared end.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::assess::Assessment;
use super::change::{Change, Holders};
use super::duration::Seconds;
use super::identifier::{Digest, Generation, IncidentId, PlatformName, ScenarioName, StepId};
use super::plan::{Plan, SiteName};

/// How a recovery is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Observe and predict; change nothing.
    DryRun,
    /// A rehearsal: only against loopback.
    Drill,
    /// The primary still works: hold writes, wait until the replica has caught up, then switch over.
    Graceful,
    /// The primary does not work: bound the loss and go on.
    Ungraceful,
}

impl Mode {
    /// As written in payloads and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::Drill => "drill",
            Self::Graceful => "graceful",
            Self::Ungraceful => "ungraceful",
        }
    }
}

/// Where an incident is. The last three are declared ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentStatus {
    /// Written to the journal, nothing done yet.
    Declared,
    /// Assessed, steps under way.
    Running,
    /// Every step reached its postcondition.
    Completed,
    /// Something refused before any promotion; what was applied is undone.
    RolledBack,
    /// Undo failed, or a promotion may have happened: the fence stays, and a person has the commands.
    Stuck,
}

impl IncidentStatus {
    /// Whether the incident has ended.
    #[must_use]
    pub fn is_end(self) -> bool {
        matches!(self, Self::Completed | Self::RolledBack | Self::Stuck)
    }

    /// As written in answers and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::RolledBack => "rolled_back",
            Self::Stuck => "stuck",
        }
    }
}

/// Who or what asked for the recovery. Names in payloads are recorded as stated: nothing here has authenticated them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Origin {
    /// An alarm of the plan.
    Alarm {
        /// Its ARN.
        arn: String,
        /// The state it had before.
        previous: Option<String>,
        /// When it changed state.
        changed_at: Timestamp,
        /// Why, in CloudWatch's words.
        reason: String,
    },
    /// An operator's invocation.
    Operator {
        /// The request's id: the payload's, or Lambda's.
        request_id: String,
        /// Who, as stated.
        actor: Option<String>,
        /// Why, as stated.
        reason: Option<String>,
        /// The mode that was asked for, when one was.
        mode: Option<Mode>,
    },
}

impl Origin {
    /// The moment from which the RTO runs: the alarm's state change, or the operator's request (its receipt).
    #[must_use]
    pub fn clock_starts(&self, received_at: Timestamp) -> Timestamp {
        match self {
            Self::Alarm { changed_at, .. } => *changed_at,
            Self::Operator { .. } => received_at,
        }
    }
}

/// The journal's record of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id, and its execution's name.
    pub id: IncidentId,
    /// The platform.
    pub platform: PlatformName,
    /// What is done.
    pub scenario: ScenarioName,
    /// The failing, active site.
    pub failing_site: SiteName,
    /// The one change that it makes, where it is no recovery.
    #[serde(default)]
    pub change: Option<Change>,
    /// How it is meant; decided by assess where the operator left it open.
    pub mode: Option<Mode>,
    /// Where it is.
    pub status: IncidentStatus,
    /// The recovery's number.
    pub generation: Generation,
    /// Who asked.
    pub origin: Origin,
    /// When it was written.
    pub declared_at: Timestamp,
    /// When the RTO's clock started.
    pub clock_started_at: Timestamp,
    /// When it is overdue: then the watchdog ends it.
    pub deadline: Timestamp,
    /// The plan that its steps follow.
    pub plan_digest: Digest,
    /// Its Step Functions execution, once started.
    pub execution_arn: Option<String>,
    /// Since when assess has been looking, in this run and since its last pause: what could not be seen is looked for again for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_since: Option<Timestamp>,
    /// What assess found and chose.
    pub assessment: Option<Assessment>,
    /// The question that waits for a person.
    pub question: Option<Question>,
    /// What persons answered.
    pub verdicts: Vec<Verdict>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it ended so.
    pub end_reason: Option<String>,
    /// The exact commands left to a person.
    pub commands_left: Vec<String>,
    /// Who acknowledged a stuck incident, and when.
    pub acknowledged: Option<(String, Timestamp)>,
    /// Who holds it before its next step.
    #[serde(default)]
    pub pause: Option<Stated>,
    /// Who ended it before its time.
    #[serde(default)]
    pub abort: Option<Stated>,
    /// What persons ordered, the latest [`MOST_ORDERS`] of it; the journal's entries hold all.
    #[serde(default)]
    pub orders: Vec<Order>,
    /// When a person re-opened it after it had ended stuck.
    #[serde(default)]
    pub reopened: Vec<Timestamp>,
    /// Number of journal entries written about the incident itself.
    pub entries: u32,
    /// Digest of the last of them.
    pub head: Option<Digest>,
}

/// How many orders an incident keeps. Each may hold a long reason, and a document of the journal has an end.
pub const MOST_ORDERS: usize = 50;

/// A person's word. Names and reasons are as stated: nothing here has authenticated them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Stated {
    /// What a later notice refers to.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

impl fmt::Display for Stated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("no reason stated");
        write!(formatter, "{} (as stated): {reason}", self.actor)
    }
}

/// What a person can order while an incident runs, or to have a stuck one go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderKind {
    /// Begin nothing.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Try again what was refused or is stuck.
    Retry,
    /// Take a step as done or not needed.
    Skip,
    /// End it: undo, or stop where a promotion may have happened.
    Abort,
}

impl OrderKind {
    /// As written in payloads and entries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Skip => "skip",
            Self::Abort => "abort",
        }
    }
}

/// An order that was obeyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Which.
    pub order: OrderKind,
    /// The step, where it named one.
    pub step: Option<StepId>,
    /// The request's id.
    pub request_id: String,
    /// Who, why and when.
    #[serde(flatten)]
    pub stated: Stated,
    /// What was answered.
    pub answer: String,
}

impl Incident {
    /// Whether the platform is its own: until its declared end, and a stuck one until somebody acknowledges it.
    #[must_use]
    pub fn holds_its_platform(&self) -> bool {
        !self.status.is_end() || (self.status == IncidentStatus::Stuck && self.acknowledged.is_none())
    }

    /// Which of its executions is the present one, 1-based: each re-opening starts another.
    #[must_use]
    pub fn run(&self) -> u32 {
        u32::try_from(self.reopened.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// When the present run began.
    #[must_use]
    pub fn run_since(&self) -> Timestamp {
        self.reopened.last().copied().unwrap_or(self.declared_at)
    }

    /// Whether a person may still have it go on.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        self.status == IncidentStatus::Stuck && self.acknowledged.is_none()
    }

    /// The incident that would be declared, as far as decisions look at it: for predictions.
    #[must_use]
    pub fn imagined(
        plan: &Plan,
        scenario: &ScenarioName,
        origin: Origin,
        assessment: Assessment,
        generation: Generation,
        now: Timestamp,
    ) -> Self {
        Self {
            id: IncidentId::derive(&plan.platform, &["prediction"]),
            platform: plan.platform.clone(),
            scenario: scenario.clone(),
            failing_site: SiteName::Primary,
            change: None,
            mode: Some(assessment.mode),
            status: IncidentStatus::Running,
            generation,
            origin,
            declared_at: now,
            clock_started_at: now,
            deadline: now,
            plan_digest: plan.digest(),
            execution_arn: None,
            looked_since: None,
            assessment: Some(assessment),
            question: None,
            verdicts: Vec::new(),
            ended_at: None,
            end_reason: None,
            commands_left: Vec::new(),
            acknowledged: None,
            pause: None,
            abort: None,
            orders: Vec::new(),
            reopened: Vec::new(),
            entries: 0,
            head: None,
        }
    }
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The step that asks.
    pub step: StepId,
    /// The question, as a sentence.
    pub text: String,
    /// The loss that an approval would allow; `None`: an unknown one.
    pub loss_up_to: Option<Seconds>,
    /// Whether an approval also allows going on without a proven fence.
    pub unproven_fence: bool,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Until when it stands.
    pub stands_until: Timestamp,
    /// The task token that Step Functions waits with, once it has been handed over. It only ends a wait; the verdict decides.
    pub token: Option<String>,
}

impl Question {
    /// What an approver quotes, so that what is approved is what was read.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of_json(&(&self.step, &self.text, self.loss_up_to, self.unproven_fence, self.asked_at))
    }
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The step that asked.
    pub step: StepId,
    /// The question's digest.
    pub digest: Digest,
    /// Yes or no.
    pub approved: bool,
    /// The loss it allows; `None`: an unknown one.
    pub loss_up_to: Option<Seconds>,
    /// Whether it allows going on without a proven fence.
    pub unproven_fence: bool,
    /// Who, as stated.
    pub actor: String,
    /// Why, as stated.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What the journal keeps per platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    /// The last generation given out.
    pub generation: Generation,
    /// The incident that holds the platform, until its declared end (for `stuck`: until it is acknowledged).
    pub active: Option<IncidentId>,
    /// The site that serves.
    pub active_site: SiteName,
    /// Until when only a person may start another recovery.
    pub blocked_until: Option<Timestamp>,
    /// The latest incident, active or ended.
    #[serde(default)]
    pub latest: Option<IncidentId>,
    /// The incidents of which notices may still be due: from the declaration until the watchdog has seen everything go out.
    #[serde(default)]
    pub noticed: BTreeSet<IncidentId>,
    /// The incidents that hold writes and have ended: what each saved is what `read_write` gives back.
    #[serde(default)]
    pub held: Holders,
    /// Who disabled automatic starts; `None`: alarms start recoveries.
    #[serde(default)]
    pub disabled: Option<Disabled>,
}

/// A person's word that alarms start nothing for now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// Who, as stated.
    pub actor: String,
    /// Why, as stated.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

impl fmt::Display for Disabled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or("no reason stated");
        write!(formatter, "{} (as stated) disabled automatic recovery at {}: {reason}", self.actor, self.since)
    }
}

impl Default for PlatformState {
    fn default() -> Self {
        Self {
            generation: Generation(0),
            active: None,
            active_site: SiteName::Primary,
            blocked_until: None,
            latest: None,
            noticed: BTreeSet::new(),
            held: Holders::new(),
            disabled: None,
        }
    }
}

/// After a recovery, alarms start nothing for so long: a flapping signal must not promote twice. The field's usual value
/// (orchestrator's sample configuration: RecoveryPeriodBlockSeconds 3600).
pub const BLOCK_PERIOD: Seconds = Seconds(3_600);
