//! Route 53's health checks, by the quorum of checkers that Route 53 itself goes by.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::identifier::{ComponentName, HealthCheckId};
use super::observation::Sight;
use super::plan::{Component, Plan};

/// An endpoint is healthy when more than this share of the checkers find it so (Route 53 developer guide, "How Amazon Route 53
/// determines whether a health check is healthy", which reserves the right to change it).
const QUORUM_PERCENT: usize = 18;
/// A checker asks every 10 or 30 seconds: what it last saw longer ago than this says nothing about now.
const FRESH: Seconds = Seconds(300);

/// A health check as GetHealthCheck and GetHealthCheckStatus show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheckView {
    /// Its type, as text: AWS adds types.
    pub kind: String,
    /// Whether it calls healthy what it finds unhealthy, and the other way round.
    pub inverted: bool,
    /// Whether it has stopped looking.
    pub disabled: bool,
    /// What each checker saw last; nothing for a type that has none, and for one that is disabled.
    pub checkers: Vec<CheckerView>,
}

impl HealthCheckView {
    /// Whether it watches an endpoint: only those have checkers.
    #[must_use]
    pub fn has_checkers(kind: &str) -> bool {
        !["CALCULATED", "CLOUDWATCH_METRIC", "RECOVERY_CONTROL"].contains(&kind)
    }
}

/// What a checker saw last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckerView {
    /// The Region that it asks from.
    pub region: String,
    /// Whether the endpoint answered it as it should.
    pub healthy: bool,
    /// When.
    pub checked_at: Timestamp,
}

/// The judgement. Unknown is never good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Route 53 answers with the record.
    Healthy,
    /// It does not.
    Unhealthy,
    /// Nothing usable says.
    Unknown,
}

/// One health check, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthJudgement {
    /// What it is.
    pub health: Health,
    /// How many checkers reported of late.
    pub checkers: usize,
    /// How many of them found the endpoint healthy.
    pub finding_healthy: usize,
    /// When the latest of them looked.
    pub observed_at: Option<Timestamp>,
    /// Why, as a sentence.
    pub reason: String,
}

/// The health checks that a check is about: those of the named component, or of all.
#[must_use]
pub fn health_checks(plan: &Plan, name: Option<&str>) -> Vec<(ComponentName, HealthCheckId)> {
    let mut found = Vec::new();
    for (component, records) in plan.components.iter().filter_map(|(name, component)| match component {
        Component::Route53Records(records) => Some((name, records)),
        _ => None,
    }) {
        if name.is_none_or(|name| component.as_str() == name) {
            found.extend(records.watched_by().map(|check| (component.clone(), check.clone())));
        }
    }
    found
}

/// Judges one health check.
#[must_use]
pub fn judge_health(id: &HealthCheckId, view: &Sight<HealthCheckView>, now: Timestamp) -> HealthJudgement {
    let Sight::Found { found } = view else {
        return unknown(match view {
            Sight::Absent => format!("there is no health check {id}"),
            other => format!("health check {id} could not be looked at: {}", other.why_not()),
        });
    };
    let always = if found.inverted { "unhealthy" } else { "healthy" };
    if found.disabled {
        return unknown(format!(
            "health check {id} is disabled: Route 53 takes it for {always} whatever is true, so nothing fails over by it"
        ));
    }
    if !HealthCheckView::has_checkers(&found.kind) {
        return unknown(format!(
            "health check {id} is of type {}, which no checkers ask; its metric HealthCheckStatus in us-east-1 says how it is",
            found.kind
        ));
    }
    let fresh = found.checkers.iter().filter(|checker| Seconds::between(checker.checked_at, now) <= FRESH);
    let fresh: Vec<&CheckerView> = fresh.collect();
    if fresh.is_empty() {
        return unknown(format!("no checker has reported on health check {id} in the last minutes"));
    }
    let finding_healthy = fresh.iter().filter(|checker| checker.healthy).count();
    let endpoint = finding_healthy * 100 > fresh.len() * QUORUM_PERCENT;
    let health = if endpoint == found.inverted { Health::Unhealthy } else { Health::Healthy };
    let inverted = if found.inverted { "; it is inverted, so a healthy endpoint makes it unhealthy" } else { "" };
    HealthJudgement {
        health,
        checkers: fresh.len(),
        finding_healthy,
        observed_at: fresh.iter().map(|checker| checker.checked_at).max(),
        reason: format!(
            "{finding_healthy} of {} checkers last found the endpoint of health check {id} healthy (more than {QUORUM_PERCENT} % make \
             it so){inverted}",
            fresh.len()
        ),
    }
}

fn unknown(reason: String) -> HealthJudgement {
    HealthJudgement { health: Health::Unknown, checkers: 0, finding_healthy: 0, observed_at: None, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-20T10:10:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    /// So many of so many find it healthy; they looked so many seconds ago.
    fn seen(healthy: usize, of: usize, ago: u64) -> HealthCheckView {
        let checked_at = Seconds(ago).before(now());
        let checker = |number| CheckerView { region: "us-west-1".to_owned(), healthy: number < healthy, checked_at };
        HealthCheckView {
            kind: "HTTPS".to_owned(),
            inverted: false,
            disabled: false,
            checkers: (0..of).map(checker).collect(),
        }
    }

    #[test]
    fn more_than_18_per_cent_of_the_checkers_that_reported_of_late_decide() {
        let id = HealthCheckId::new("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9").unwrap();
        let inverted = |view| HealthCheckView { inverted: true, ..view };
        let of_type = |kind: &str| HealthCheckView { kind: kind.to_owned(), ..seen(0, 0, 0) };
        let mut mixed = seen(0, 8, 301);
        mixed.checkers.extend(seen(1, 1, 10).checkers);
        let found = |view| Sight::Found { found: view };
        let silent = Sight::Unreached { reason: "Rate exceeded".to_owned() };
        let table = [
            ("all", found(seen(16, 16, 10)), Health::Healthy, "16 of 16 checkers last found"),
            ("19 %", found(seen(19, 100, 10)), Health::Healthy, "19 of 100"),
            ("18 %", found(seen(18, 100, 10)), Health::Unhealthy, "18 of 100"),
            ("3 of 16", found(seen(3, 16, 10)), Health::Healthy, "3 of 16"),
            ("2 of 16", found(seen(2, 16, 10)), Health::Unhealthy, "2 of 16"),
            ("none, inverted", found(inverted(seen(0, 16, 10))), Health::Healthy, "it is inverted"),
            ("all, inverted", found(inverted(seen(16, 16, 10))), Health::Unhealthy, "it is inverted"),
            ("all of long ago", found(seen(16, 16, 301)), Health::Unknown, "no checker has reported"),
            ("one of late", found(mixed), Health::Healthy, "1 of 1 checkers"),
            ("no checkers", found(seen(0, 0, 0)), Health::Unknown, "no checker has reported"),
            (
                "disabled",
                found(HealthCheckView { disabled: true, ..seen(16, 16, 10) }),
                Health::Unknown,
                "is disabled: Route 53 takes it for healthy whatever is true",
            ),
            (
                "disabled and inverted",
                found(inverted(HealthCheckView { disabled: true, ..seen(16, 16, 10) })),
                Health::Unknown,
                "takes it for unhealthy",
            ),
            ("of an alarm", found(of_type("CLOUDWATCH_METRIC")), Health::Unknown, "is of type CLOUDWATCH_METRIC"),
            ("of others", found(of_type("CALCULATED")), Health::Unknown, "which no checkers ask"),
            ("of a routing control", found(of_type("RECOVERY_CONTROL")), Health::Unknown, "HealthCheckStatus in us-east-1"),
            ("absent", Sight::Absent, Health::Unknown, "there is no health check 0a1b2c3d"),
            ("not reached", silent, Health::Unknown, "could not be looked at: Rate exceeded"),
        ];
        for (name, view, health, reason) in table {
            let judged = judge_health(&id, &view, now());
            assert_eq!(judged.health, health, "{name}: {judged:?}");
            assert!(judged.reason.contains(reason), "{name}: {}", judged.reason);
            assert_eq!(judged.observed_at.is_some(), health != Health::Unknown, "{name}");
        }
    }
}
