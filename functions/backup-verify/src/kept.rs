//! The backups that AWS keeps: looked at in both Regions, several components at a time.

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use serde_json::json;
use shared::domain::backup::{BackupJudgement, ProofLevel, and_elsewhere, judge, judge_kept, sources_of};
use shared::domain::duration::Seconds;
use shared::domain::identifier::ComponentName;
use shared::domain::observation::Sight;
use shared::domain::plan::{Component, Plan, RdsInstance, SiteName};
use shared::domain::replication::Verdict;
use shared::engine::places_of;
use shared::ports::{FailureKind, PortError};

use crate::handler::{Ports, Row, metric};

/// Components under way at a time, each with at most nine calls. DynamoDB lets DescribeContinuousBackups be called ten times a
/// second, and of a table it takes two.
const AT_ONCE: usize = 5;

/// Whether AWS keeps backups of it that can be looked at.
pub(crate) fn is_kept(plan: &Plan, component: &Component) -> bool {
    !sources_of(plan, component).is_empty()
}

/// Looks at those of these components that AWS keeps backups of.
pub(crate) async fn look(
    ports: Ports<'_>,
    plan: &Plan,
    names: &[ComponentName],
    level: Option<ProofLevel>,
    now: Timestamp,
) -> Vec<Row> {
    let named = names.iter().filter_map(|name| Some((name, plan.components.get(name)?)));
    let kept: Vec<(&ComponentName, &Component)> = named.filter(|(_, component)| is_kept(plan, component)).collect();
    let mut rows = Vec::with_capacity(kept.len());
    for batch in kept.chunks(AT_ONCE) {
        rows.extend(join_all(batch.iter().map(|(name, component)| row(ports, plan, name, component, level, now))).await);
    }
    rows
}

async fn row(
    ports: Ports<'_>,
    plan: &Plan,
    name: &ComponentName,
    component: &Component,
    level: Option<ProofLevel>,
    now: Timestamp,
) -> Row {
    let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
    let elsewhere = places_of(ports.backups, plan, component, now);
    let judged = match component {
        Component::RdsInstance(database) => {
            let (own, others) = join(of_instance(ports, plan, database, rpo, now), elsewhere).await;
            and_elsewhere(own, database.primary.id.as_str(), component, &others, rpo, now)
        }
        other => judge_kept(of(other).1, component, &elsewhere.await, rpo, now),
    };
    shown(plan, name, component, judged, level)
}

/// What the instance's own Region keeps of it.
async fn of_instance(
    ports: Ports<'_>,
    plan: &Plan,
    database: &RdsInstance,
    rpo: Option<Seconds>,
    now: Timestamp,
) -> BackupJudgement {
    let (region, id) = (plan.region(SiteName::Primary), &database.primary.id);
    let described = join(ports.databases.describe(region, id), ports.databases.newest_snapshot(region, id)).await;
    let instance = described.0.map_or_else(|error| unseen(&error), |found| Sight::Found { found });
    let snapshot = match described.1 {
        Ok(Some(found)) => Sight::Found { found },
        Ok(None) => Sight::Absent,
        Err(error) => unseen(&error),
    };
    judge(id.as_str(), &instance, &snapshot, rpo, now)
}

/// What a component is called by its service, and what the service calls such a thing.
fn of(component: &Component) -> (&'static str, &str) {
    match component {
        Component::RdsInstance(database) => ("instance", database.primary.id.as_str()),
        Component::AuroraGlobalDatabase(database) => ("cluster", database.primary.cluster.as_str()),
        Component::DynamodbTable(table) => ("table", table.table.as_str()),
        Component::S3Data(data) => ("bucket", data.primary.bucket.as_str()),
        other => ("component", other.kind()),
    }
}

fn shown(
    plan: &Plan,
    name: &ComponentName,
    component: &Component,
    judged: BackupJudgement,
    level: Option<ProofLevel>,
) -> Row {
    let required = level.unwrap_or(ProofLevel::Present);
    let good = judged.freshness == Verdict::Within && judged.findings.is_empty();
    let reached = judged.level.is_some_and(|level| level >= required);
    let reason = match (good, reached) {
        (true, false) => {
            format!("{} is required, and of a backup that AWS keeps no more than present is proven", required.as_str())
        }
        _ => judged.reason.clone(),
    };
    let mut shown = serde_json::to_value(&judged).unwrap_or_default();
    if let Some(shown) = shown.as_object_mut() {
        let (noun, named) = of(component);
        shown.insert("component".to_owned(), json!(name));
        shown.insert("kind".to_owned(), json!(component.kind()));
        shown.insert(noun.to_owned(), json!(named));
        shown.insert("region".to_owned(), json!(plan.region(SiteName::Primary)));
        shown.insert("required".to_owned(), json!(required));
        shown.insert("sufficient".to_owned(), json!(good && reached));
    }
    // Nothing lower can be asked for than what is required.
    let metrics = vec![metric("BackupSufficient", good && judged.level.is_some())];
    Row { component: name.clone(), sufficient: good && reached, reason, shown, metrics, pending: false }
}

fn unseen<T>(error: &PortError) -> Sight<T> {
    if error.kind == FailureKind::NotFound { Sight::Absent } else { Sight::Unreached { reason: error.to_string() } }
}
