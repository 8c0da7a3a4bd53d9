//! Event to judgement to answer and metrics.

use serde_json::{Value, json};
use shared::domain::health::{Health, health_checks};
use shared::domain::plan::Plan;
use shared::domain::replication::{ReplicaJudgement, Verdict};
use shared::engine::{CheckedReplica, ReplicaPorts, check_health, check_replication};
use shared::error::RecoveryError;
use shared::telemetry::{Metric, Unit};

/// The answer, and the metrics that go with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The answer to the caller.
    pub answer: Value,
    /// Per component: its metrics.
    pub metrics: Vec<(String, Vec<Metric>)>,
    /// Of all together, where all were looked at.
    pub of_all: Vec<Metric>,
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. Trouble with a replica is its verdict, not an error.
pub async fn handle(ports: ReplicaPorts<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let request = shared::events::request::replication_check(payload)?;
    let component = request.component.as_deref();
    let replicas = async {
        // Records are no replicas, and whoever names them asks for what they follow.
        match component {
            Some(_) if !health_checks(plan, component).is_empty() => Ok(Vec::new()),
            _ => check_replication(ports, plan, component).await,
        }
    };
    let (checked, health) = tokio::join!(replicas, check_health(ports, plan, component));
    let checked = checked?;
    let verdicts = checked.iter().map(|row| row.judgement.rpo);
    let worst = verdicts.chain(health.iter().map(|row| as_verdict(row.judgement.health))).fold(Verdict::Within, worse);
    let count = |verdict| checked.iter().filter(|row| row.judgement.rpo == verdict).count();
    let reason = format!(
        "{} replicas checked: {} within their objective, {} beyond, {} unknown",
        checked.len(),
        count(Verdict::Within),
        count(Verdict::Beyond),
        count(Verdict::Unknown)
    );
    let state = |state| health.iter().filter(|row| row.judgement.health == state).count();
    let reason = format!(
        "{reason}; {} health checks looked at: {} healthy, {} unhealthy, {} unknown",
        health.len(),
        state(Health::Healthy),
        state(Health::Unhealthy),
        state(Health::Unknown)
    );
    let metrics = checked.iter().map(|row| (row.component.to_string(), metrics_of(&row.judgement))).collect();
    let answer = json!({
        "incident_id": null,
        "status": word(worst),
        "reason": reason,
        "replicas": checked,
        "health_checks": health,
        "at": ports.clock.now(),
    });
    // One component says nothing of the others, and must not end an alarm over them.
    let of_all = if request.component.is_none() { vec![outside(&checked)] } else { Vec::new() };
    Ok(Checked { answer, metrics, of_all })
}

/// How many replicas are not known to be within their objectives: for one alarm over as many as there are.
fn outside(checked: &[CheckedReplica]) -> Metric {
    let outside = checked.iter().filter(|row| row.judgement.rpo != Verdict::Within).count();
    Metric::new("ReplicasOutsideObjective", f64::from(u32::try_from(outside).unwrap_or(u32::MAX)), Unit::Count)
}

fn metrics_of(judged: &ReplicaJudgement) -> Vec<Metric> {
    let mut metrics =
        vec![Metric::new("ReplicaWithinObjective", f64::from(u8::from(judged.rpo == Verdict::Within)), Unit::Count)];
    if let Some(lag) = judged.lag_s {
        // Exact for every lag that a replica can have.
        metrics.push(Metric::new("ReplicaLag", f64::from(u32::try_from(lag).unwrap_or(u32::MAX)), Unit::Seconds));
    }
    metrics
}

/// Records that no longer lead to the primary site are beyond what was set out for, as a replica that is late is.
fn as_verdict(health: Health) -> Verdict {
    match health {
        Health::Healthy => Verdict::Within,
        Health::Unhealthy => Verdict::Beyond,
        Health::Unknown => Verdict::Unknown,
    }
}

fn worse(a: Verdict, b: Verdict) -> Verdict {
    match (a, b) {
        (Verdict::Beyond, _) | (_, Verdict::Beyond) => Verdict::Beyond,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        _ => Verdict::Within,
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Within => "within",
        Verdict::Beyond => "beyond",
        Verdict::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use shared::domain::identifier::{ComponentName, Region};

    use super::*;

    fn row(verdict: Verdict) -> CheckedReplica {
        CheckedReplica {
            component: ComponentName::new("lake").unwrap(),
            kind: "s3_data",
            replica: "lake".to_owned(),
            region: Region::new("us-west-2").unwrap(),
            judgement: ReplicaJudgement { rpo: verdict, ..ReplicaJudgement::unknown(String::new()) },
        }
    }

    #[test]
    fn what_is_not_known_counts_like_what_is_beyond_its_objective() {
        let rows = [Verdict::Within, Verdict::Beyond, Verdict::Unknown, Verdict::Within].map(row);
        assert_eq!((outside(&rows).name.as_str(), outside(&rows).value), ("ReplicasOutsideObjective", 2.0));
        assert_eq!(outside(&rows[..1]).value, 0.0);
    }
}
