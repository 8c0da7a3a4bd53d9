//! Event to judgement to answer and metrics.

use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::archives::ArchivesJudgement;
use shared::domain::backup::ProofLevel;
use shared::domain::described::{BackupArchives, BucketSite};
use shared::domain::identifier::ComponentName;
use shared::domain::plan::{Component, Plan, SiteName};
use shared::domain::replication::Verdict;
use shared::error::{Code, RecoveryError};
use shared::events::request::BackupRequest;
use shared::ports::{Backups, Clock, Databases, EnvelopeKeys, Objects, RestoreJobs, RestoredDatabases, Secrets};
use shared::printable::printable;
use shared::telemetry::{Metric, Unit};

use crate::archives::{Reading, Search};
use crate::kept::{is_kept, look};
use crate::pieces::Sizes;
use crate::restore_job;

/// Characters of a name in a payload that an error repeats.
pub(crate) const LONGEST_NAME: usize = 200;

/// The ports of this function: it reads, and changes nothing but the validation results of restore tests.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes databases and their snapshots.
    pub databases: &'a dyn Databases,
    /// Lists what AWS keeps to restore from.
    pub backups: &'a dyn Backups,
    /// Reads archives.
    pub objects: &'a dyn Objects,
    /// Holds what opens archives that are encrypted.
    pub secrets: &'a dyn Secrets,
    /// Unwraps the data keys of those whose data keys KMS wraps.
    pub envelope_keys: &'a dyn EnvelopeKeys,
    /// Looks at restore jobs, and validates those of restore tests.
    pub restores: &'a dyn RestoreJobs,
    /// Asks what was restored.
    pub restored: &'a dyn RestoredDatabases,
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
pub(crate) struct Row {
    pub(crate) component: ComponentName,
    pub(crate) sufficient: bool,
    pub(crate) reason: String,
    pub(crate) shown: Value,
    pub(crate) metrics: Vec<Metric>,
    /// Whether it was not read, because pieces of it are next.
    pub(crate) pending: bool,
}

/// Handles one payload.
///
/// # Errors
/// A [`RecoveryError`] with a stable code. A missing, stale or damaged backup is a verdict, not an error.
pub async fn handle(ports: Ports<'_>, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    handle_in_sizes(ports, Sizes::default(), plan, payload).await
}

/// As [`handle`], with other sizes of what one invocation reads.
///
/// # Errors
/// As [`handle`].
pub async fn handle_in_sizes(
    ports: Ports<'_>,
    sizes: Sizes,
    plan: &Plan,
    payload: &Value,
) -> Result<Checked, RecoveryError> {
    if payload.get("task").is_some() {
        return crate::tasks::handle(ports, sizes, plan, payload).await;
    }
    if let Some(change) = shared::events::restore_job::read(payload) {
        return restore_job::answer(ports, plan, &change?).await;
    }
    let request = shared::events::request::backup_verify(payload)?;
    let now = ports.clock.now();
    let rows = match &request.backup {
        Some(backup) => vec![named(ports, plan, &request, backup).await?],
        None => rows_of(ports, plan, request.component.as_deref(), request.level, None, now).await?.0,
    };
    let (status, reason) = status_of(&rows.iter().collect::<Vec<_>>());
    let backups: Vec<&Value> = rows.iter().map(|row| &row.shown).collect();
    let answer = json!({"incident_id": null, "status": status, "reason": reason, "backups": backups, "at": now});
    // What was asked of one archive by hand says nothing of whether the component's backups are what they have to be.
    let metrics = match request.backup {
        Some(_) => Vec::new(),
        None => rows.into_iter().map(|row| (row.component.to_string(), row.metrics)).collect(),
    };
    Ok(Checked { answer, metrics })
}

/// The verdict on these backups, and why.
pub(crate) fn status_of(rows: &[&Row]) -> (&'static str, String) {
    let lacking: Vec<&&Row> = rows.iter().filter(|row| !row.sufficient).collect();
    match lacking.as_slice() {
        [] => ("sufficient", format!("{} of {} backups are what is required of them", rows.len(), rows.len())),
        lacking => {
            let reasons: Vec<String> = lacking.iter().map(|row| format!("{}: {}", row.component, row.reason)).collect();
            ("insufficient", reasons.join("; "))
        }
    }
}

/// Judges the backups of a component, or of all. Archives larger than one invocation reads are not read, and named.
pub(crate) async fn rows_of(
    ports: Ports<'_>,
    plan: &Plan,
    component: Option<&str>,
    level: Option<ProofLevel>,
    up_to: Option<Sizes>,
    now: Timestamp,
) -> Result<(Vec<Row>, Vec<(ComponentName, String)>), RecoveryError> {
    let chosen = chosen(plan, component)?;
    let mut rows = look(ports, plan, &chosen, level, now).await;
    let mut large = Vec::new();
    let read: Vec<_> = chosen.iter().filter_map(|name| Some((name, archives_of(plan, name)?))).collect();
    for (index, (name, archives)) in read.iter().enumerate() {
        // A large archive must not cost the ones after it their verdict.
        let until = share(ports.until, read.len() - index);
        let required = level.unwrap_or_else(|| archives.required());
        let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
        let reading =
            up_to.map_or(Reading::AtOnce, |sizes| Reading::UpTo(Sizes { whole: sizes.whole / read.len() as u64, ..sizes }));
        let Ports { objects, secrets, envelope_keys, .. } = ports;
        let search = Search { objects, secrets, envelope_keys, plan, archives, level: required, until, reading };
        let (judged, pending) = search.newest(rpo, now).await;
        if let Some(archive) = judged.archive.clone().filter(|_| pending) {
            large.push(((*name).clone(), archive));
        }
        let mut row = archives_row(name, archives, required, judged);
        if pending {
            row.pending = true;
            row.metrics.retain(|metric| metric.name == "BackupFresh");
        }
        rows.push(row);
    }
    rows.sort_by(|one, other| one.component.cmp(&other.component));
    Ok((rows, large))
}

/// The components with backups that a request means.
fn chosen(plan: &Plan, name: Option<&str>) -> Result<Vec<ComponentName>, RecoveryError> {
    let has_backups = |component: &Component| matches!(component, Component::BackupArchives(_)) || is_kept(plan, component);
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

fn archives_of<'a>(plan: &'a Plan, name: &ComponentName) -> Option<&'a BackupArchives> {
    match plan.components.get(name)? {
        Component::BackupArchives(archives) => Some(archives),
        _ => None,
    }
}

pub(crate) fn metric(name: &str, good: bool) -> Metric {
    Metric::new(name, f64::from(u8::from(good)), Unit::Count)
}

/// What an archive of a component was judged to be, with its metrics.
pub(crate) fn archives_row(
    name: &ComponentName,
    archives: &BackupArchives,
    required: ProofLevel,
    judged: ArchivesJudgement,
) -> Row {
    let mut metrics = vec![metric("BackupFresh", judged.freshness == Verdict::Within)];
    // A check of less that holds says nothing of what is required; one that does not hold says it of both.
    if required >= archives.required() || !judged.sufficient {
        metrics.push(metric("BackupSufficient", judged.sufficient && required >= archives.required()));
    }
    shown(name, judged, metrics)
}

/// One archive that the payload names, if a place of the plan holds it.
async fn named(ports: Ports<'_>, plan: &Plan, request: &BackupRequest, backup: &str) -> Result<Row, RecoveryError> {
    let Some((name, archives, site, place, key)) = place_of(plan, request.component.as_deref(), backup) else {
        let message = format!(
            "{} is in no place of the plan for {}; name an object below a bucket and prefix of a component of kind backup_archives",
            printable(backup, LONGEST_NAME),
            plan.platform
        );
        return Err(RecoveryError::new(Code::BackupNotInPlan, message));
    };
    let level = request.level.unwrap_or_else(|| archives.required());
    let Ports { objects, secrets, envelope_keys, until, .. } = ports;
    let search = Search { objects, secrets, envelope_keys, plan, archives, level, until, reading: Reading::AtOnce };
    Ok(shown(name, search.one(site, place, key).await, Vec::new()))
}

pub(crate) type Place<'a> = (&'a ComponentName, &'a BackupArchives, SiteName, &'a BucketSite, &'a str);

pub(crate) fn place_of<'a>(plan: &'a Plan, component: Option<&str>, backup: &'a str) -> Option<Place<'a>> {
    let (bucket, key) = backup.strip_prefix("s3://")?.split_once('/')?;
    let asked = plan.components.iter().filter(|(name, _)| component.is_none_or(|asked| name.as_str() == asked));
    for (name, found) in asked {
        let Component::BackupArchives(archives) = found else { continue };
        for (site, place) in archives.places() {
            if place.bucket.as_str() == bucket && key.len() > place.prefix().len() && key.starts_with(place.prefix()) {
                return Some((name, archives, site, place, key));
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
    Row { component: name.clone(), sufficient: judged.sufficient, reason: judged.reason, shown, metrics, pending: false }
}
