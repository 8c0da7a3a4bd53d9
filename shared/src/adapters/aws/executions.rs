//! AWS Step Functions: one execution per run of an incident, named by both.

use async_trait::async_trait;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::json;

use super::Clients;
use crate::adapters::Sending;
use crate::config::StateMachineArn;
use crate::domain::identifier::IncidentId;
use crate::domain::operation::Operation;
use crate::ports::{ExecutionState, Executions, FailureKind, PortResult};

/// [`Executions`] of one state machine.
#[derive(Debug, Clone)]
pub struct StateMachineExecutions {
    clients: Clients,
    machine: StateMachineArn,
}

impl StateMachineExecutions {
    /// Of this machine.
    #[must_use]
    pub fn new(clients: Clients, machine: StateMachineArn) -> Self {
        Self { clients, machine }
    }
}

#[async_trait]
impl Executions for StateMachineExecutions {
    async fn start(&self, incident: &IncidentId, run: u32) -> PortResult<String> {
        let operation = Sending::of(Operation::StartExecution);
        let started = self
            .clients
            .sfn(self.machine.region())
            .start_execution()
            .state_machine_arn(self.machine.as_str())
            .name(incident.execution_name(run))
            .input(json!({"incident_id": incident}).to_string())
            .send()
            .await;
        match started {
            Ok(started) => Ok(started.execution_arn().to_owned()),
            // The name is that of the incident and its run, so whoever started it started the same thing.
            Err(error) => match operation.failed(&error) {
                failure if failure.code == "ExecutionAlreadyExists" => Ok(self.machine.execution(incident, run)),
                failure => Err(failure),
            },
        }
    }

    async fn state(&self, incident: &IncidentId, run: u32) -> PortResult<ExecutionState> {
        let operation = Sending::of(Operation::DescribeExecution);
        let described = self
            .clients
            .sfn(self.machine.region())
            .describe_execution()
            .execution_arn(self.machine.execution(incident, run))
            .send()
            .await;
        match described {
            Ok(described) => Ok(match described.status() {
                ExecutionStatus::Running | ExecutionStatus::PendingRedrive => ExecutionState::Running,
                ended => ExecutionState::Ended(ended.as_str().to_owned()),
            }),
            Err(error) => match operation.failed(&error) {
                failure if failure.code == "ExecutionDoesNotExist" => Ok(ExecutionState::Absent),
                failure => Err(failure),
            },
        }
    }

    async fn resume(&self, token: &str) -> PortResult<()> {
        let operation = Sending::of(Operation::SendTaskSuccess);
        let sent = self.clients.sfn(self.machine.region()).send_task_success().task_token(token).output("{}").send().await;
        // The token is a proof in itself: whoever holds it can end the wait.
        match sent.map_err(|error| operation.failed_with_secret(&error)) {
            Ok(_) => Ok(()),
            // The wait is over already: timed out, or answered by an earlier try. The verdict is in the journal.
            Err(failure) if GONE.contains(&failure.code.as_str()) => Ok(()),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

const GONE: [&str; 3] = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];
