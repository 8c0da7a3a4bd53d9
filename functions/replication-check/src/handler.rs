//! Event to judgement to answer and metrics.

use serde_json::{Value, json};
use shared::domain::identifier::InstanceId;
use shared::domain::observation::Sight;
use shared::domain::plan::{Plan, SiteName};
use shared::domain::replication::{ReplicaJudgement, Verdict, judge};
use shared::error::{Code, RecoveryError};
use shared::ports::{Clock, Databases, FailureKind, ReplicaLags};
use shared::telemetry::{Metric, Unit};

/// The ports of this function: it reads, and changes nothing.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases.
    pub databases: &'a dyn Databases,
    /// Reads replica lag.
    pub lags: &'a dyn ReplicaLags,
}

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
pub async fn handle(ports: Ports<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let request = shared::events::request::replication_check(payload)?;
    let names = shared::domain::plan::databases_named(plan, request.component.as_deref())
        .map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?;
    let region = plan.region(SiteName::Recovery);
    let now = ports.clock.now();
    let databases: Vec<_> =
        names.iter().filter_map(|name| plan.rds_instance(name).map(|database| (name, database))).collect();
    // A page of each has room for a hundred replicas and more: asked for one by one, a thousand would take two thousand calls.
    let ids: Vec<InstanceId> = databases.iter().map(|(_, database)| database.recovery.id.clone()).collect();
    let lags = ports.lags.latest(region, &ids, now).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the replicas' lag could not be read");
        Vec::new()
    });
    let mut seen = ports.databases.describe_each(region, &ids).await.into_iter();
    let (mut replicas, mut metrics, mut worst) = (Vec::new(), Vec::new(), Verdict::Within);
    for (index, (name, database)) in databases.into_iter().enumerate() {
        let id = &database.recovery.id;
        // Every instance that was asked for has an answer, whatever an adapter does.
        let replica = match seen.next() {
            None => Sight::Unreached { reason: "it was not answered for".to_owned() },
            Some(Ok(found)) => Sight::Found { found },
            Some(Err(error)) if error.kind == FailureKind::NotFound => Sight::Absent,
            Some(Err(error)) => Sight::Unreached { reason: error.to_string() },
        };
        let lag = lags.get(index).and_then(Option::as_ref);
        let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
        let judged = judge(id.as_str(), &replica, lag, rpo, database.max_lag, now);
        worst = worse(worst, judged.rpo);
        metrics.push((name.to_string(), metrics_of(&judged)));
        let mut row = serde_json::to_value(&judged).unwrap_or_default();
        if let Some(row) = row.as_object_mut() {
            row.insert("component".to_owned(), json!(name));
            row.insert("replica".to_owned(), json!(id));
            row.insert("region".to_owned(), json!(region));
        }
        replicas.push(row);
    }
    let reason = format!("{} replicas checked; the worst verdict is {}", replicas.len(), word(worst));
    let answer = json!({"incident_id": null, "status": word(worst), "reason": reason, "replicas": replicas, "at": now});
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
