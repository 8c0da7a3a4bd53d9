//! ECS services: a forced deployment starts new tasks, and new tasks read their configuration anew.

use std::time::Duration;

use jiff::Timestamp;
use shared::domain::observation::ServiceView;

/// How long a rollout takes.
const ROLLOUT: Duration = Duration::from_secs(20);

/// A service of one task definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcsService {
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks that run; a rolling deployment keeps as many.
    pub running: u32,
    /// How many deployments there have been.
    pub deployments: u32,
    /// When the last one is through.
    pub rolled_out: Timestamp,
    /// The database host that the tasks of the last deployment read when they started.
    pub host: String,
}

impl EcsService {
    pub(crate) fn view(&self, now: Timestamp) -> ServiceView {
        let rollout = if now < self.rolled_out { "IN_PROGRESS" } else { "COMPLETED" };
        ServiceView {
            desired: self.desired,
            running: self.running,
            deployment: format!("ecs-svc/{:019}", self.deployments),
            rollout: Some(rollout.to_owned()),
        }
    }

    pub(crate) fn restart(&mut self, host: String, now: Timestamp) {
        self.deployments += 1;
        self.rolled_out = now + ROLLOUT;
        self.host = host;
    }
}
