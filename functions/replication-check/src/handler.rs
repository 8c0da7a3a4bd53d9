//! Event to judgement to answer and metrics.

use serde_json::{Value, json};
use shared::domain::plan::Plan;
use shared::domain::replication::{ReplicaJudgement, Verdict};
use shared::engine::{ReplicaPorts, check_replication};
use shared::error::RecoveryError;
use shared::telemetry::{Metric, Unit};

/// The answer, and the metrics that go with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The answer to the caller.
    pub answer: Value,
    /// Per component: its metrics.
    pub metrics: Vec<(String, Vec<Metric>)>,
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. Trouble with a replica is its verdict, not an error.
pub async fn handle(ports: ReplicaPorts<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let request = shared::events::request::replication_check(payload)?;
    let checked = check_replication(ports, plan, request.component.as_deref()).await?;
    let worst = checked.iter().fold(Verdict::Within, |worst, row| worse(worst, row.judgement.rpo));
    let count = |verdict| checked.iter().filter(|row| row.judgement.rpo == verdict).count();
    let reason = format!(
        "{} replicas checked: {} within their objective, {} beyond, {} unknown",
        checked.len(),
        count(Verdict::Within),
        count(Verdict::Beyond),
        count(Verdict::Unknown)
    );
    let metrics = checked.iter().map(|row| (row.component.to_string(), metrics_of(&row.judgement))).collect();
    let answer = json!({
        "incident_id": null,
        "status": word(worst),
        "reason": reason,
        "replicas": checked,
        "at": ports.clock.now(),
    });
    Ok(Checked { answer, metrics })
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
