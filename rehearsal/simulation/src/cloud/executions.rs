//! Step Functions, as far as the functions call it: executions by name, and task tokens.

use jiff::Timestamp;
use shared::domain::identifier::IncidentId;
use shared::ports::ExecutionState;

use super::State;

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutionRecord {
    /// The incident in its input.
    pub incident: IncidentId,
    /// When it was started.
    pub started_at: Timestamp,
    /// Whether the state machine has taken its first step.
    pub(crate) begun: bool,
    /// How it ended, once it has.
    pub ended: Option<String>,
}

impl State {
    /// StartExecution: a name that is taken already means that this execution was started before.
    pub(crate) fn start_execution(&mut self, name: &str, incident: &IncidentId) -> String {
        let record = ExecutionRecord { incident: incident.clone(), started_at: self.now, begun: false, ended: None };
        self.executions.entry(name.to_owned()).or_insert(record);
        self.execution_arn(name)
    }

    pub(crate) fn execution_state(&self, name: &str) -> ExecutionState {
        match self.executions.get(name) {
            None => ExecutionState::Absent,
            Some(ExecutionRecord { ended: None, .. }) => ExecutionState::Running,
            Some(ExecutionRecord { ended: Some(how), .. }) => ExecutionState::Ended(how.clone()),
        }
    }

    /// Every execution that runs is stopped from outside.
    pub(crate) fn stop_executions(&mut self) {
        for record in self.executions.values_mut() {
            record.ended.get_or_insert_with(|| "ABORTED".to_owned());
        }
    }

    fn execution_arn(&self, name: &str) -> String {
        let (region, account) = (&self.plan.sites.recovery.region, &self.plan.account);
        format!("arn:aws:states:{region}:{account}:execution:{}-recovery:{name}", self.plan.platform)
    }
}
