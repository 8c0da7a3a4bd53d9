//! Event to judgement to answer and metrics.

use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::archives::ArchivesJudgement;
use shared::domain::backup::{ProofLevel, judge};
use shared::domain::described::{BackupArchives, BucketSite};
use shared::domain::identifier::{ComponentName, Region};
use shared::domain::observation::Sight;
use shared::domain::plan::{Component, Plan, RdsInstance, SiteName};
use shared::domain::replication::Verdict;
use shared::error::{Code, RecoveryError};
use shared::events::request::BackupRequest;
use shared::ports::{Clock, Databases, FailureKind, Objects, PortError};
use shared::printable::printable;
use shared::telemetry::{Metric, Unit};

use crate::archives::Search;

/// Characters of a name in a payload that an error repeats.
const LONGEST_NAME: usize = 200;

/// The ports of this function: it reads, and changes nothing.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases and their snapshots.
    pub databases: &'a dyn Databases,
    /// Reads archives.
    pub objects: &'a dyn Objects,
    /// When reading has to be over, in real time: the invocation ends soon after.
    pub until: Option<Instant>,
}

/// The answer, and the metrics that go with it.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The answer to the caller.
    pub answer: Value,
    /// Per component: its metrics.
    pub metrics: Vec<(String, Vec<Metric>)>,
}

/// One component's backups, judged.
struct Row {
    component: ComponentName,
    sufficient: bool,
    reason: String,
    shown: Value,
    metrics: Vec<Metric>,
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. A missing, stale or damaged backup is a verdict, not an error.
pub async fn handle(ports: Ports<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let request = shared::events::request::backup_verify(payload)?;
    let now = ports.clock.now();
    let rows = match &request.backup {
        Some(backup) => vec![named(ports, plan, &request, backup).await?],
        None => {
            let chosen = chosen(plan, request.component.as_deref())?;
            let mut rows = Vec::with_capacity(chosen.len());
            for (index, name) in chosen.iter().enumerate() {
                // A large archive must not cost the ones after it their verdict.
                let until = share(ports.until, chosen.len() - index);
                rows.extend(row(Ports { until, ..ports }, plan, name, request.level, now).await);
            }
            rows
        }
    };
    let lacking: Vec<&Row> = rows.iter().filter(|row| !row.sufficient).collect();
    let status = if lacking.is_empty() { "sufficient" } else { "insufficient" };
    let reason = match lacking.as_slice() {
        [] => format!("{} of {} backups are what is required of them", rows.len(), rows.len()),
        lacking => lacking.iter().map(|row| format!("{}: {}", row.component, row.reason)).collect::<Vec<_>>().join("; "),
    };
    let backups: Vec<&Value> = rows.iter().map(|row| &row.shown).collect();
    let answer = json!({"incident_id": null, "status": status, "reason": reason, "backups": backups, "at": now});
    // What was asked of one archive by hand says nothing of whether the component's backups are what they have to be.
    let metrics = match request.backup {
        Some(_) => Vec::new(),
        None => rows.into_iter().map(|row| (row.component.to_string(), row.metrics)).collect(),
    };
    Ok(Checked { answer, metrics })
}

/// The components with backups that a request means.
fn chosen(plan: &Plan, name: Option<&str>) -> Result<Vec<ComponentName>, RecoveryError> {
    let has_backups = |component: &Component| matches!(component, Component::RdsInstance(_) | Component::BackupArchives(_));
    let all: Vec<&ComponentName> =
        plan.components.iter().filter(|(_, component)| has_backups(component)).map(|(name, _)| name).collect();
    let chosen: Vec<ComponentName> =
        all.iter().filter(|known| name.is_none_or(|name| known.as_str() == name)).map(|known| (*known).clone()).collect();
    if chosen.is_empty() {
        let known: Vec<&str> = all.iter().map(|known| known.as_str()).collect();
        let asked = name.map_or_else(|| "every component".to_owned(), |name| printable(name, LONGEST_NAME));
        let message =
            format!("{asked} selects no backups of the plan for {}; it has those of: {}", plan.platform, known.join(", "));
        return Err(RecoveryError::new(Code::ComponentNotInPlan, message));
    }
    Ok(chosen)
}

/// An equal part of the time that is left.
fn share(until: Option<Instant>, of: usize) -> Option<Instant> {
    let (until, now) = (until?, Instant::now());
    let left = until.saturating_duration_since(now);
    Some(now + left / u32::try_from(of.max(1)).unwrap_or(u32::MAX))
}

async fn row(ports: Ports<'_>, plan: &Plan, name: &ComponentName, level: Option<ProofLevel>, now: Timestamp) -> Option<Row> {
    match plan.components.get(name)? {
        Component::RdsInstance(database) => Some(of_database(ports, plan, name, database, level, now).await),
        Component::BackupArchives(archives) => Some(of_archives(ports, plan, name, archives, level, now).await),
        _ => None,
    }
}

fn metric(name: &str, good: bool) -> Metric {
    Metric::new(name, f64::from(u8::from(good)), Unit::Count)
}

async fn of_database(
    ports: Ports<'_>,
    plan: &Plan,
    name: &ComponentName,
    database: &RdsInstance,
    level: Option<ProofLevel>,
    now: Timestamp,
) -> Row {
    let region = plan.region(SiteName::Primary);
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
    let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
    let judged = judge(id.as_str(), &instance, &snapshot, rpo, now);
    let required = level.unwrap_or(ProofLevel::Present);
    let fresh = judged.freshness == Verdict::Within;
    let reached = judged.level.is_some_and(|level| level >= required);
    let reason = match (fresh, reached) {
        (true, false) => format!("{} is required, and of an RDS snapshot no more than present is proven", required.as_str()),
        _ => judged.reason.clone(),
    };
    let mut shown = serde_json::to_value(&judged).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("component".to_owned(), json!(name));
        shown.insert("kind".to_owned(), json!("rds_instance"));
        shown.insert("instance".to_owned(), json!(id));
        shown.insert("region".to_owned(), json!(region));
        shown.insert("required".to_owned(), json!(required));
        shown.insert("sufficient".to_owned(), json!(fresh && reached));
    }
    // Nothing lower can be asked for than what is required.
    let metrics = vec![metric("BackupSufficient", fresh && judged.level.is_some())];
    Row { component: name.clone(), sufficient: fresh && reached, reason, shown, metrics }
}

async fn of_archives(
    ports: Ports<'_>,
    plan: &Plan,
    name: &ComponentName,
    archives: &BackupArchives,
    level: Option<ProofLevel>,
    now: Timestamp,
) -> Row {
    let required = level.unwrap_or_else(|| archives.required());
    let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
    let search = Search { objects: ports.objects, plan, archives, level: required, until: ports.until };
    let judged = search.newest(rpo, now).await;
    let mut metrics = vec![metric("BackupFresh", judged.freshness == Verdict::Within)];
    // A check of less that holds says nothing of what is required; one that does not hold says it of both.
    if required >= archives.required() || !judged.sufficient {
        metrics.push(metric("BackupSufficient", judged.sufficient && required >= archives.required()));
    }
    shown(name, judged, metrics)
}

/// One archive that the payload names, if a place of the plan holds it.
async fn named(ports: Ports<'_>, plan: &Plan, request: &BackupRequest, backup: &str) -> Result<Row, RecoveryError> {
    let Some((name, archives, region, place, key)) = place_of(plan, request.component.as_deref(), backup) else {
        let message = format!(
            "{} is in no place of the plan for {}; name an object below a bucket and prefix of a component of kind backup_archives",
            printable(backup, LONGEST_NAME),
            plan.platform
        );
        return Err(RecoveryError::new(Code::BackupNotInPlan, message));
    };
    let level = request.level.unwrap_or_else(|| archives.required());
    let search = Search { objects: ports.objects, plan, archives, level, until: ports.until };
    Ok(shown(name, search.one(region, place, key).await, Vec::new()))
}

type Place<'a> = (&'a ComponentName, &'a BackupArchives, &'a Region, &'a BucketSite, &'a str);

fn place_of<'a>(plan: &'a Plan, component: Option<&str>, backup: &'a str) -> Option<Place<'a>> {
    let (bucket, key) = backup.strip_prefix("s3://")?.split_once('/')?;
    let asked = plan.components.iter().filter(|(name, _)| component.is_none_or(|asked| name.as_str() == asked));
    for (name, found) in asked {
        let Component::BackupArchives(archives) = found else { continue };
        for (site, place) in archives.places() {
            if place.bucket.as_str() == bucket && key.len() > place.prefix().len() && key.starts_with(place.prefix()) {
                return Some((name, archives, plan.region(site), place, key));
            }
        }
    }
    None
}

fn shown(name: &ComponentName, judged: ArchivesJudgement, metrics: Vec<Metric>) -> Row {
    let mut shown = serde_json::to_value(&judged).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        shown.insert("component".to_owned(), json!(name));
        shown.insert("kind".to_owned(), json!("backup_archives"));
    }
    Row { component: name.clone(), sufficient: judged.sufficient, reason: judged.reason, shown, metrics }
}

fn unseen<T>(error: &PortError) -> Sight<T> {
    if error.kind == FailureKind::NotFound { Sight::Absent } else { Sight::Unreached { reason: error.to_string() } }
}
