//! What the state machine asks when archives may be too large for one invocation: check everything, divide one archive, read a
//! piece of it, read on, put the pieces together. Each answer is small; what is large stays in S3.

use jiff::Timestamp;
use pgdump::Piece;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::domain::archives::ArchivesJudgement;
use shared::domain::described::{BackupArchives, BucketSite};
use shared::domain::identifier::ComponentName;
use shared::domain::plan::{Plan, SiteName};
use shared::error::{Code, RecoveryError};
use shared::events::strictly;
use shared::printable::printable;

use crate::archives::{Reading, Search};
use crate::directories::PieceOfDirectory;
use crate::handler::{Checked, LONGEST_NAME, Ports, Row, archives_row, place_of, rows_of, status_of};
use crate::pieces::{Gathered, HandedOn, Part, Sizes};

/// Characters of the reasons that go through the state machine from one archive to the next.
const LONGEST_REASON: usize = 2_000;

/// What the state machine asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case", deny_unknown_fields)]
enum Task {
    /// Verifies every backup, and says which archives are too large to be read in one invocation.
    Check {},
    /// Divides the first of these archives.
    Divide { left: Vec<Large> },
    /// Reads a piece of an archive.
    Piece { component: String, backup: String, etag: String, piece: u32 },
    /// Reads on where the invocation before stopped.
    ReadOn { component: String, backup: String, etag: String, piece: u32, course: Value, stored: Value },
    /// Puts the pieces together.
    Combine(Box<Combine>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Combine {
    component: String,
    backup: String,
    etag: String,
    /// The pieces that were to be read.
    pieces: Vec<u32>,
    /// Why there are none.
    refused: Option<String>,
    /// What came of them, in any order. Of one that could not be read: anything else.
    results: Vec<Value>,
    /// The archives that come next.
    left: Vec<Large>,
    /// What the backups before this one are.
    status: String,
    /// Why.
    reason: String,
}

/// An archive that is too large for one invocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Large {
    component: String,
    backup: String,
}

/// An archive that the plan has a place for.
struct Found<'a> {
    name: &'a ComponentName,
    archives: &'a BackupArchives,
    site: SiteName,
    place: &'a BucketSite,
    key: &'a str,
}

/// Handles a task of the state machine.
pub(crate) async fn handle(ports: Ports<'_>, sizes: Sizes, plan: &Plan, payload: &Value) -> Result<Checked, RecoveryError> {
    let now = ports.clock.now();
    match strictly(payload, "a task of backup-verify")? {
        Task::Check {} => check(ports, sizes, plan, now).await,
        Task::Divide { left } => divide(ports, sizes, plan, &left).await.map(answered),
        Task::Piece { component, backup, etag, piece } => {
            let found = found(plan, &component, &backup)?;
            read(ports, sizes, plan, &found, &Part { key: found.key, etag: &etag, piece }, None).await
        }
        Task::ReadOn { component, backup, etag, piece, course, stored } => {
            let found = found(plan, &component, &backup)?;
            let before = HandedOn { course, stored };
            read(ports, sizes, plan, &found, &Part { key: found.key, etag: &etag, piece }, Some(before)).await
        }
        Task::Combine(asked) => combine(ports, sizes, plan, *asked, now).await,
    }
}

fn answered(answer: Value) -> Checked {
    Checked { answer, metrics: Vec::new() }
}

async fn read(
    ports: Ports<'_>,
    sizes: Sizes,
    plan: &Plan,
    found: &Found<'_>,
    part: &Part<'_>,
    before: Option<HandedOn>,
) -> Result<Checked, RecoveryError> {
    let search = search(ports, plan, found, Reading::AtOnce);
    search.piece(sizes, found.site, found.place, part, before).await.map(answered)
}

async fn check(ports: Ports<'_>, sizes: Sizes, plan: &Plan, now: Timestamp) -> Result<Checked, RecoveryError> {
    let (rows, large) = rows_of(ports, plan, None, None, Some(sizes), now).await?;
    // Those that are read in pieces have their say later; what was listed of them counts now.
    let told: Vec<&Row> = rows.iter().filter(|row| !row.is_pending()).collect();
    let (status, reason) = status_of(&told);
    let left: Vec<Large> =
        large.into_iter().map(|(component, backup)| Large { component: component.to_string(), backup }).collect();
    let answer = json!({
        "incident_id": null,
        "status": status,
        "reason": printable(&reason, LONGEST_REASON),
        "left": left,
        "at": now,
    });
    Ok(Checked { answer, metrics: rows.into_iter().map(|row| (row.component.to_string(), row.metrics)).collect() })
}

async fn divide(ports: Ports<'_>, sizes: Sizes, plan: &Plan, left: &[Large]) -> Result<Value, RecoveryError> {
    let (first, rest) = left
        .split_first()
        .ok_or_else(|| RecoveryError::new(Code::PayloadUnreadable, "there is no archive left to divide"))?;
    let found = found(plan, &first.component, &first.backup)?;
    let divided = search(ports, plan, &found, Reading::AtOnce).divide(sizes, found.site, found.place, found.key).await;
    Ok(json!({
        "incident_id": null,
        "status": "divided",
        "component": first.component,
        "backup": first.backup,
        "etag": divided.etag,
        "pieces": (0..divided.pieces).collect::<Vec<u32>>(),
        "refused": divided.refused,
        "left": rest,
    }))
}

async fn combine(
    ports: Ports<'_>,
    sizes: Sizes,
    plan: &Plan,
    asked: Combine,
    now: Timestamp,
) -> Result<Checked, RecoveryError> {
    let found = found(plan, &asked.component, &asked.backup)?;
    // Where nothing can be decoded in pieces and one invocation is enough, this is the one.
    let at_once = asked.pieces.is_empty() && asked.refused.is_none();
    let gathered = Gathered {
        backup: asked.backup.clone(),
        etag: asked.etag,
        refused: asked.refused,
        at_once,
        pieces: asked.results.iter().filter_map(|result| Piece::deserialize(&result["answer"]["piece"]).ok()).collect(),
        of_directory: asked.results.iter().filter_map(|result| PieceOfDirectory::told(&result["answer"])).collect(),
        sizes,
    };
    let search = search(ports, plan, &found, Reading::Gathered(&gathered));
    let rpo = plan.objectives.get(found.name).and_then(|objective| objective.rpo);
    let judged: ArchivesJudgement = search.newest(rpo, now).await.0;
    let mut row = archives_row(found.name, found.archives, search.level, judged);
    // That it is fresh was said when the check began.
    row.metrics.retain(|metric| metric.name != "BackupFresh");
    let (own, reason) = status_of(&[&row]);
    let before = asked.status == "sufficient";
    let status = if before && own == "sufficient" { "sufficient" } else { "insufficient" };
    let reason = if before { reason } else { format!("{}; {reason}", asked.reason) };
    let answer = json!({
        "incident_id": null,
        "status": status,
        "reason": printable(&reason, LONGEST_REASON),
        "backups": [row.shown],
        "left": asked.left,
        "at": now,
    });
    Ok(Checked { answer, metrics: vec![(row.component.to_string(), row.metrics)] })
}

fn search<'a>(ports: Ports<'a>, plan: &'a Plan, found: &Found<'a>, reading: Reading<'a>) -> Search<'a> {
    let Ports { objects, secrets, envelope_keys, until, .. } = ports;
    let archives = found.archives;
    Search { objects, secrets, envelope_keys, plan, archives, level: archives.required(), until, reading }
}

/// The archive that a task names, if a place of the plan holds it.
fn found<'a>(plan: &'a Plan, component: &str, backup: &'a str) -> Result<Found<'a>, RecoveryError> {
    let place = place_of(plan, Some(component), backup);
    let (name, archives, site, place, key) = place.ok_or_else(|| {
        let message = format!(
            "{} is in no place of the plan for {}: the plan has changed since this verification began; it begins again with the \
             next",
            printable(backup, LONGEST_NAME),
            plan.platform
        );
        RecoveryError::new(Code::BackupNotInPlan, message)
    })?;
    Ok(Found { name, archives, site, place, key })
}

impl Row {
    /// Whether it is read in pieces next, and what is known by now is good.
    fn is_pending(&self) -> bool {
        self.pending && self.metrics.iter().all(|metric| metric.value > 0.0)
    }
}
