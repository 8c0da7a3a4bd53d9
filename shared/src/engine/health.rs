//! Looks at every health check of the plan, and lets the domain judge each.

use serde::Serialize;

use crate::domain::health::{HealthJudgement, health_checks, judge_health};
use crate::domain::identifier::{ComponentName, HealthCheckId};
use crate::domain::plan::{Plan, SiteName};

use super::hands::sight;
use super::replication::ReplicaPorts;

/// One health check, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedHealth {
    /// The component whose records follow it.
    pub component: ComponentName,
    /// Its id.
    pub health_check: HealthCheckId,
    /// The judgement.
    #[serde(flatten)]
    pub judgement: HealthJudgement,
}

/// Checks what the named component's records follow, or those of every one.
pub async fn check_health(ports: ReplicaPorts<'_>, plan: &Plan, component: Option<&str>) -> Vec<CheckedHealth> {
    let watched = health_checks(plan, component);
    let ids: Vec<HealthCheckId> = watched.iter().map(|(_, id)| id.clone()).collect();
    if ids.is_empty() {
        return Vec::new();
    }
    let views = ports.health.look_at_each(plan.region(SiteName::Recovery), &ids).await;
    let now = ports.clock.now();
    let judged = watched.into_iter().zip(views).map(|((component, health_check), view)| {
        let judgement = judge_health(&health_check, &sight(view), now);
        CheckedHealth { component, health_check, judgement }
    });
    judged.collect()
}
