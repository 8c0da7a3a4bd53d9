//! What happens beside a recovery: turns of the watchdog, alarms that come again, people who stop executions.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rehearsal::stage::ClientError;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Drill, DrillError, POLL};
use crate::drill::faults::{Act, Shape, deliveries};

/// Between two turns of the watchdog, in simulated seconds, as its schedule has it.
const WATCHDOG_EVERY_S: f64 = 60.0;

impl Drill {
    /// What happens beside the recovery until it is over: the watchdog, whose schedule a rehearsal's stack does not have, and
    /// people who stop executions. Calls are never given up half-way: the client answers them one after the other.
    pub(super) async fn accompany(&self, ended: watch::Receiver<bool>, begun: watch::Receiver<BTreeSet<String>>) {
        if self.injection.is_empty() {
            return;
        }
        let every = Duration::from_secs_f64(WATCHDOG_EVERY_S / self.situation.speed);
        let (mut last, mut stopped) = (Instant::now(), BTreeSet::new());
        while !*ended.borrow() {
            for (index, fault) in self.injection.faults() {
                if let Act::StopExecution(step) = &fault.act
                    && begun.borrow().contains(step)
                    && !stopped.contains(&index)
                    && self.stop_execution().await.is_ok()
                {
                    stopped.insert(index);
                    self.injection.strike(index, &format!("the execution, after {step} had begun"));
                }
            }
            if last.elapsed() >= every {
                last = Instant::now();
                // Whatever became of it: on the real day the next minute tries again as well.
                let _answer = self.invoke(&json!({"task": "watchdog"})).await;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Stops the incident's execution, as a person does.
    pub(crate) async fn stop_execution(&self) -> Result<(), ClientError> {
        let status = self.invoke(&json!({"command": "status"})).await?;
        let execution = status.get("execution_arn").and_then(Value::as_str);
        let execution = execution.ok_or_else(|| ClientError::Answer("the incident has no execution".to_owned()))?;
        let parameters = json!({"executionArn": execution, "cause": "stopped by hand"});
        self.stage.client.call("stepfunctions", self.platform.region(), "stop_execution", parameters).await.map(drop)
    }

    /// The fault by which the alarm comes again and again, if there is one.
    pub(super) fn alarm_again(&self) -> Option<(usize, &[Shape])> {
        self.injection.faults().find_map(|(index, fault)| match &fault.act {
            Act::AlarmAgain(shapes) => Some((index, shapes.as_slice())),
            _ => None,
        })
    }

    /// Delivers one change of the alarm three times in each shape: side by side, as EventBridge and SNS do, without waiting for an
    /// answer, and once more with somebody who reads the answers.
    pub(super) async fn deliver_again(&self, fault: usize, shapes: &[Shape]) -> Result<(), DrillError> {
        let doing = "deliver the alarm";
        let failed = |source| DrillError::Client { doing, source };
        let now = self.stage.now();
        let events: Vec<_> = shapes.iter().map(|shape| (shape, deliveries::event(&self.platform, *shape, now))).collect();
        for (shape, event) in events.iter().chain(&events) {
            self.deliver(event).await.map_err(failed)?;
            self.injection.strike(fault, &format!("the alarm by {}", shape.as_str()));
        }
        for (shape, event) in &events {
            self.invoke(event).await.map_err(failed)?;
            self.injection.strike(fault, &format!("the alarm by {}", shape.as_str()));
        }
        Ok(())
    }

    /// Hands an event to the function as EventBridge and SNS do: nobody waits for the answer.
    ///
    /// # Errors
    /// When Lambda does not take it.
    pub async fn deliver(&self, event: &Value) -> Result<(), ClientError> {
        let parameters = json!({
            "FunctionName": self.platform.recovery_function(), "InvocationType": "Event", "Payload": event.to_string(),
        });
        self.stage.client.call("lambda", self.platform.region(), "invoke", parameters).await.map(drop)
    }
}
