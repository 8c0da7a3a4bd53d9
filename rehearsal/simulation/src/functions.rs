//! The five functions, invoked as Lambda invokes them.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use shared::domain::step::FunctionName;
use shared::engine::{Invocation, ReplicaPorts};
use shared::error::RecoveryError;

use super::cloud::{Cloud, Interruption, State};
use super::face::{Face, MutationsOf};

tokio::task_local! {
    /// The function whose code runs, for the account of calls.
    pub(crate) static RUNNING: FunctionName;
}

/// The functions' configured timeout.
const TIMEOUT: Duration = Duration::from_secs(15);
/// What a claim outlives its invocation by, as the functions' runtime has it.
const CLAIM_MARGIN: Duration = Duration::from_secs(2);
/// How much time a mutation is begun with at least, as the functions' runtime has it.
const ACT_MARGIN: Duration = Duration::from_secs(11);

/// What came of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Answered(Value),
    /// It answered with an error.
    Failed(RecoveryError),
    /// Its process ended before it could answer.
    Killed,
}

/// The functions, deployed into one account.
#[derive(Debug, Clone)]
pub struct Functions {
    cloud: Arc<Cloud>,
}

impl Functions {
    /// The functions in this account.
    #[must_use]
    pub fn new(cloud: Arc<Cloud>) -> Self {
        Self { cloud }
    }

    /// Invokes one of them through an alias.
    #[must_use]
    pub fn invoke(&self, function: FunctionName, alias: &str, request_id: &str, payload: &Value) -> Outcome {
        let skew = self.cloud.with(|state| {
            state.invocations += 1;
            state.skews.get(&state.invocations).copied().unwrap_or_default()
        });
        let mut work = pin!(self.answer(function, alias, request_id, payload, skew));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let polled = work.as_mut().poll(&mut context);
            let interruption = self.cloud.with(|state| state.interruption.take());
            match polled {
                Poll::Ready(answer) => {
                    // As the history of an execution, and whoever invoked, would have it. Costs nothing where nobody listens.
                    let shown = |answer: &Result<Value, RecoveryError>| match answer {
                        Ok(answer) => answer.to_string(),
                        Err(error) => format!("{}: {}", error.code.as_str(), error.message),
                    };
                    tracing::trace!(function = function.as_str(), alias, %payload, answer = shown(&answer), "invoked");
                    return match answer {
                        Ok(answer) => Outcome::Answered(answer),
                        Err(error) => Outcome::Failed(error),
                    };
                }
                Poll::Pending => match interruption {
                    Some(Interruption::HeldUp) => {}
                    Some(Interruption::Overtaken) => {
                        self.cloud.with(State::stop_executions);
                        let _ = self.invoke(FunctionName::Recovery, "live", request_id, &json!({"task": "watchdog"}));
                        continue;
                    }
                    // Nothing else ever waits: whatever is pending here has no process any more.
                    Some(Interruption::Killed) | None => return Outcome::Killed,
                },
            }
            // Step Functions and Lambda deliver at least once, and now and then twice.
            let _ = self.invoke(function, alias, request_id, payload);
        }
    }

    /// What one of them answers.
    pub(crate) async fn answer(
        &self,
        function: FunctionName,
        alias: &str,
        request_id: &str,
        payload: &Value,
        skew: SignedDuration,
    ) -> Result<Value, RecoveryError> {
        RUNNING.scope(function, self.handle(function, alias, request_id, payload, skew)).await
    }

    async fn handle(
        &self,
        function: FunctionName,
        alias: &str,
        request_id: &str,
        payload: &Value,
        skew: SignedDuration,
    ) -> Result<Value, RecoveryError> {
        let face = Face { cloud: self.cloud.clone(), skew };
        let face = &face;
        let mutations = &MutationsOf { cloud: self.cloud.clone(), function };
        let (plan, region, account, now) = self.cloud.with(|state| {
            let plan = state.plan.clone();
            let (region, account) = (plan.sites.recovery.region.clone(), plan.account.clone());
            (plan, region, account, state.now)
        });
        let invocation = Invocation { claim_until: now + TIMEOUT + CLAIM_MARGIN, act_before: now + (TIMEOUT - ACT_MARGIN) };
        match function {
            FunctionName::Recovery => {
                let ports = recovery_function::handler::Ports {
                    journal: face,
                    clock: face,
                    databases: face,
                    lags: face,
                    probes: face,
                    services: face,
                    mutations,
                    executions: face,
                    notices: face,
                    predictors: face,
                };
                let alias = if alias.is_empty() { String::new() } else { format!(":{alias}") };
                let caller = recovery_function::handler::Caller {
                    request_id: request_id.to_owned(),
                    invoked_arn: format!("arn:aws:lambda:{region}:{account}:function:{}-recovery{alias}", plan.platform),
                    invocation,
                    rehearsal: false,
                };
                recovery_function::handler::handle(ports, &plan, &caller, payload).await
            }
            FunctionName::ReadOnlyToggle => {
                let ports = read_only_toggle_function::handler::Ports {
                    journal: face,
                    clock: face,
                    databases: face,
                    probes: face,
                    holds: face,
                    mutations,
                    changes: face,
                };
                read_only_toggle_function::handler::handle(ports, &plan, invocation, request_id, payload).await
            }
            FunctionName::UpdateDatabaseEndpoints => {
                let ports = update_database_endpoints_function::handler::Ports {
                    journal: face,
                    clock: face,
                    databases: face,
                    places: face,
                    services: face,
                    mutations,
                    changes: face,
                };
                update_database_endpoints_function::handler::handle(ports, &plan, invocation, request_id, payload).await
            }
            FunctionName::ReplicationCheck => {
                let ports = ReplicaPorts {
                    clock: face,
                    databases: face,
                    tables: face,
                    clusters: face,
                    servers: face,
                    rules: face,
                    health: face,
                    lags: face,
                };
                let checked = replication_check_function::handler::handle(ports, &plan, payload).await?;
                Ok(checked.answer)
            }
            FunctionName::BackupVerify => {
                let sizes = self.cloud.with(|state| state.sizes);
                let ports = backup_verify_function::handler::Ports {
                    clock: face,
                    databases: face,
                    backups: face,
                    objects: face,
                    secrets: face,
                    envelope_keys: face,
                    restores: face,
                    restored: face,
                    until: None,
                };
                let checked = backup_verify_function::handler::handle_in_sizes(ports, sizes, &plan, payload).await?;
                Ok(checked.answer)
            }
        }
    }
}
