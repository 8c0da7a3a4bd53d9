//! Route 53: what its health checks are, and what their checkers saw.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::Clients;
use super::clients::LOOK;
use super::time::timestamp;
use crate::adapters::Sending;
use crate::domain::health::{CheckerView, HealthCheckView};
use crate::domain::identifier::{HealthCheckId, Region};
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, HealthChecks, PortResult};

/// Route 53 takes five calls a second of an account, whoever makes them, and refuses the rest of everybody's (developer guide,
/// "Quotas", API requests): a check must not be what keeps a recovery from its own. At most two checks a second, then.
const SPACING: Duration = Duration::from_millis(250);
/// No call is begun later: together with the last one's own time it fits into an invocation.
const BUDGET: Duration = Duration::from_secs(8);

/// [`HealthChecks`] over Route 53.
#[derive(Debug, Clone)]
pub struct Route53HealthChecks {
    clients: Clients,
}

impl Route53HealthChecks {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }

    async fn look(&self, region: &Region, check: &HealthCheckId, turns: &mut Turns) -> PortResult<HealthCheckView> {
        let (shown, status) = (Sending::of(Operation::GetHealthCheck), Sending::of(Operation::GetHealthCheckStatus));
        let (client, resource) = (self.clients.route53(region), format!("healthcheck/{check}"));
        shown.permit(region, &resource)?;
        turns.next(shown).await?;
        let asking = async {
            let answer = client.get_health_check().health_check_id(check.as_str()).send().await;
            answer.map_err(|error| shown.failed(&error))
        };
        let answer = shown.within(LOOK, asking).await?;
        let config = answer.health_check().and_then(|found| found.health_check_config());
        let config = config.ok_or_else(|| {
            shown.failure(FailureKind::NoAnswer, "no_configuration", &format!("the answer does not say what {check} is"))
        })?;
        let mut view = HealthCheckView {
            kind: config.r#type().as_str().to_owned(),
            inverted: config.inverted() == Some(true),
            disabled: config.disabled() == Some(true),
            checkers: Vec::new(),
        };
        if view.disabled || !HealthCheckView::has_checkers(&view.kind) {
            return Ok(view);
        }
        status.permit(region, &resource)?;
        turns.next(status).await?;
        let asking = async {
            let answer = client.get_health_check_status().health_check_id(check.as_str()).send().await;
            answer.map_err(|error| status.failed(&error))
        };
        let answer = status.within(LOOK, asking).await?;
        let checkers = answer.health_check_observations().iter().filter_map(|observation| {
            let report = observation.status_report()?;
            Some(CheckerView {
                region: observation.region().map_or_else(String::new, |region| region.as_str().to_owned()),
                healthy: report.status()?.starts_with("Success"),
                checked_at: timestamp(report.checked_time()?)?,
            })
        });
        view.checkers = checkers.collect();
        Ok(view)
    }
}

#[async_trait]
impl HealthChecks for Route53HealthChecks {
    async fn look_at_each(&self, region: &Region, checks: &[HealthCheckId]) -> Vec<PortResult<HealthCheckView>> {
        let mut turns = Turns::begin();
        let mut views = Vec::with_capacity(checks.len());
        for check in checks {
            views.push(self.look(region, check, &mut turns).await);
        }
        views
    }
}

/// When the next call may be made, and until when.
struct Turns {
    spacing: Interval,
    until: Instant,
}

impl Turns {
    fn begin() -> Self {
        let mut spacing = interval(SPACING);
        spacing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { spacing, until: Instant::now() + BUDGET }
    }

    async fn next(&mut self, operation: Sending) -> PortResult<()> {
        self.spacing.tick().await;
        if Instant::now() < self.until {
            return Ok(());
        }
        let message = "it was not its turn in time: Route 53 takes five calls a second of an account; ask for one component";
        Err(operation.failure(FailureKind::NotNow, "no_turn", message))
    }
}
