//! Event to judgement to answer and metrics.

use serde_json::{Value, json};
use shared::domain::backup::judge;
use shared::domain::observation::Sight;
use shared::domain::plan::{Plan, SiteName};
use shared::domain::replication::Verdict;
use shared::error::{Code, RecoveryError};
use shared::ports::{Clock, Databases, FailureKind, PortError};
use shared::telemetry::{Metric, Unit};

/// The ports of this function: it reads, and changes nothing.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases and their snapshots.
    pub databases: &'a dyn Databases,
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
/// A [`RecoveryError`] with a stable code. A missing or stale backup is a verdict, not an error.
pub async fn handle(ports: Ports<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let request = shared::events::request::backup_verify(payload)?;
    let names = shared::domain::plan::databases_named(plan, request.component.as_deref())
        .map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?;
    let region = plan.region(SiteName::Primary);
    let now = ports.clock.now();
    let (mut backups, mut metrics, mut sufficient) = (Vec::new(), Vec::new(), true);
    for name in names {
        let Some(database) = plan.rds_instance(&name) else { continue };
        let id = &database.primary.id;
        let instance = match ports.databases.describe(region, id).await {
            Ok(found) => Sight::Found { found },
            Err(error) => unseen(&error),
        };
        let snapshot = match ports.databases.newest_snapshot(region, id).await {
            Ok(Some(found)) => Sight::Found { found },
            Ok(None) => Sight::Absent,
            Err(error) => unseen(&error),
        };
        let rpo = plan.objectives.get(&name).and_then(|objective| objective.rpo);
        let judged = judge(id.as_str(), &instance, &snapshot, rpo, now);
        let good = judged.freshness == Verdict::Within;
        sufficient &= good;
        metrics.push((name.to_string(), vec![Metric::new("BackupSufficient", f64::from(u8::from(good)), Unit::Count)]));
        let mut row = serde_json::to_value(&judged).unwrap_or_default();
        if let Some(row) = row.as_object_mut() {
            row.insert("component".to_owned(), json!(name));
            row.insert("instance".to_owned(), json!(id));
            row.insert("region".to_owned(), json!(region));
        }
        backups.push(row);
    }
    let status = if sufficient { "sufficient" } else { "insufficient" };
    let reason = format!("{} backups judged at proof level `present`: {status}", backups.len());
    let answer = json!({"incident_id": null, "status": status, "reason": reason, "backups": backups, "at": now});
    Ok(Checked { answer, metrics })
}

fn unseen<T>(error: &PortError) -> Sight<T> {
    if error.kind == FailureKind::NotFound { Sight::Absent } else { Sight::Unreached { reason: error.to_string() } }
}
