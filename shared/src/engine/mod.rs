//! The engine: it reads the world through ports, lets the domain decide, journals, and carries out at most one mutation per
//! invocation. It never sleeps: waiting belongs to the state machine.

mod advance;
mod assess;
mod automatic;
mod backups;
mod book;
mod change;
mod command;
mod declare;
mod dry_run;
mod finish;
mod hands;
mod health;
mod notices;
mod orders;
mod replication;
mod report;
mod step;
mod watchdog;

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::domain::change::Change;
use crate::domain::identifier::{IncidentId, StepId};
use crate::domain::incident::Incident;
use crate::domain::plan::{Plan, Scenario};
use crate::error::{Code, RecoveryError};
use crate::ports::{Clock, Journal};

pub use advance::advance;
pub use assess::{assess, situation};
pub use automatic::{Automatic, Switched, automatic, disable, enable};
pub use backups::places_of;
pub use book::{Book, Entry, Versioned};
pub use change::{Changing, check_change, declare_change, undoing};
pub use command::{Acknowledgement, Answer, acknowledge, await_approval, give_verdict, status};
pub use declare::{Declaration, Declared, declare, start};
pub use dry_run::{DryRun, dry_run, predict_part};
pub use hands::Hands;
pub use health::{CheckedHealth, check_health};
pub use notices::{Notice, page};
pub use orders::{Ordered, Ordering, order};
pub use replication::{CheckedReplica, ReplicaPorts, check_replication};
pub use report::report;
pub use step::{StepRequest, run_step};
pub use watchdog::{Watched, watchdog};

/// What every task of the engine needs.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// The journal.
    pub journal: &'a dyn Journal,
    /// The clock.
    pub clock: &'a dyn Clock,
}

impl<'a> Engine<'a> {
    /// The journal as a book.
    #[must_use]
    pub fn book(&self) -> Book<'a> {
        Book::new(self.journal)
    }
}

/// The scenario that an incident follows, in its own copy of the plan.
fn scenario_of<'a>(plan: &'a Plan, incident: &Incident) -> Result<Cow<'a, Scenario>, RecoveryError> {
    let of_change = incident.change.as_ref().and_then(Change::scenario).map(Cow::Owned);
    of_change.or_else(|| plan.scenarios.get(&incident.scenario).map(Cow::Borrowed)).ok_or_else(|| {
        let message = format!("incident {}'s plan lacks its own scenario {}", incident.id, incident.scenario);
        RecoveryError::new(Code::JournalUnreadable, message)
    })
}

/// How much time this invocation has.
#[derive(Debug, Clone, Copy)]
pub struct Invocation {
    /// After this a claim of this invocation is void: its deadline plus a margin.
    pub claim_until: Timestamp,
    /// After this no mutation is begun, because its answer might come too late to be journalled.
    pub act_before: Timestamp,
}

/// How a task left things, for the state machine's Choice states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Come again after `wait_s`.
    InProgress,
    /// Come again at once.
    Again,
    /// A person is asked; wait for the token or `timeout_s`, then come again.
    NeedsApproval,
    /// The task's goal is reached.
    Done,
    /// The step will not reach its postcondition.
    Refused,
    /// The step can neither go on nor be taken back.
    Stuck,
    /// The incident has ended; nothing is left to do.
    Ended,
    /// The incident is paused: the step's loop ends, and `advance` waits for the resume.
    Paused,
    /// It is not this step's turn, whatever an older order said: `advance` knows whose it is.
    NotNext,
    /// Run these steps.
    Run,
    /// Write the report.
    Report,
}

/// The answer of a task to the state machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskAnswer {
    /// The incident.
    pub incident_id: IncidentId,
    /// The step, for step tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// How it left things.
    pub status: TaskStatus,
    /// Why, as a sentence.
    pub reason: String,
    /// When this was said.
    pub at: Timestamp,
    /// Seconds to wait before the next attempt; at least 1, as a Wait state wants it.
    pub wait_s: u64,
    /// Seconds that a question stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u64>,
    /// Steps to run, for `run`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<Value>>,
    /// The declared end, for the report task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<&'static str>,
}

impl TaskAnswer {
    fn new(incident: &IncidentId, status: TaskStatus, reason: impl Into<String>, at: Timestamp) -> Self {
        Self {
            incident_id: incident.clone(),
            step: None,
            status,
            reason: reason.into(),
            at,
            wait_s: 1,
            timeout_s: None,
            steps: None,
            end: None,
        }
    }

    fn of_step(mut self, step: &StepId) -> Self {
        self.step = Some(step.clone());
        self
    }

    fn waiting(mut self, seconds: u64) -> Self {
        self.wait_s = seconds.max(1);
        self
    }
}
