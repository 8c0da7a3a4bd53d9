//! Looks at every replica of the plan, a page of them at a time, and lets the domain judge each.

use std::collections::BTreeMap;
use std::iter::repeat_with;

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::identifier::{ClusterId, ComponentName, InstanceId, Region, TableName};
use crate::domain::observation::{InstanceView, LagSample, Sight};
use crate::domain::plan::{Component, Plan, SiteName};
use crate::domain::replication::{
    GlobalClusterView, LagSeries, ReplicaJudgement, TableView, judge, judge_cluster, judge_copy, judge_table, replicated,
    series_of,
};
use crate::error::{Code, RecoveryError};
use crate::ports::{Clock, Databases, GlobalClusters, GlobalTables, PortResult, ReplicaLags};

use super::hands::sight;

/// Figures of one call (GetMetricData: 500 queries), so that a call that fails costs the figures of its own replicas only.
const FIGURES: usize = 500;
/// Descriptions under way at a time, where a call describes one thing: enough that a thousand take seconds, few enough that the
/// account's other callers are still answered.
const AT_ONCE: usize = 20;

/// One replica, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedReplica {
    /// The component that it is of.
    pub component: ComponentName,
    /// The component's kind.
    pub kind: &'static str,
    /// Its own name.
    pub replica: String,
    /// Where it is.
    pub region: Region,
    /// The judgement.
    #[serde(flatten)]
    pub judgement: ReplicaJudgement,
}

/// What a check looks through.
#[derive(Clone, Copy)]
pub struct ReplicaPorts<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Describes database instances.
    pub databases: &'a dyn Databases,
    /// Describes DynamoDB's global tables.
    pub tables: &'a dyn GlobalTables,
    /// Describes Aurora's global databases.
    pub clusters: &'a dyn GlobalClusters,
    /// Reads how far they are behind.
    pub lags: &'a dyn ReplicaLags,
}

/// Checks the named component's replica, or every one of the plan, in the plan's order.
///
/// # Errors
/// `component_not_in_plan`. Trouble with a replica is its verdict, not an error.
pub async fn check_replication(
    ports: ReplicaPorts<'_>,
    plan: &Plan,
    component: Option<&str>,
) -> Result<Vec<CheckedReplica>, RecoveryError> {
    let names = replicated(plan, component).map_err(|why| RecoveryError::new(Code::ComponentNotInPlan, why))?;
    let region = plan.region(SiteName::Recovery);
    let asked = ports.clock.now();
    let wanted = Wanted::of(plan, &names);
    let described = join(ports.databases.describe_each(region, &wanted.instances), described(ports, region, &wanted));
    let ((instances, (tables, clusters)), figures) = join(described, figures(ports.lags, plan, &wanted.series, asked)).await;
    // Every instance that was asked for has an answer, whatever an adapter does.
    let unanswered = || Sight::Unreached { reason: "it was not answered for".to_owned() };
    let instances = instances.into_iter().map(sight).chain(repeat_with(unanswered));
    let seen = Seen {
        instances: wanted.instances.into_iter().zip(instances).collect(),
        tables: wanted.tables.into_iter().zip(tables).collect(),
        clusters: wanted.clusters.into_iter().zip(clusters).collect(),
        figures,
        // A figure's age counts as lag, and so does the time that looking took.
        now: ports.clock.now(),
    };
    Ok(names.iter().map(|name| seen.judged(plan, name).unwrap_or_else(|| unjudged(plan, name))).collect())
}

/// A replica that nothing was asked about: never left out, or the others would speak for it.
fn unjudged(plan: &Plan, name: &ComponentName) -> CheckedReplica {
    let reason = format!("{name} was not looked at: this version does not know how its kind replicates");
    CheckedReplica {
        component: name.clone(),
        kind: plan.components.get(name).map_or("", Component::kind),
        replica: name.to_string(),
        region: plan.region(SiteName::Recovery).clone(),
        judgement: ReplicaJudgement::unknown(reason),
    }
}

/// What is to be looked at.
#[derive(Default)]
struct Wanted {
    instances: Vec<InstanceId>,
    tables: Vec<TableName>,
    clusters: Vec<ClusterId>,
    /// By metric, so that one call asks for one metric, in the one Region where it is published.
    series: BTreeMap<String, Vec<LagSeries>>,
}

impl Wanted {
    fn of(plan: &Plan, names: &[ComponentName]) -> Self {
        let mut wanted = Self::default();
        for component in names.iter().filter_map(|name| plan.components.get(name)) {
            match component {
                Component::RdsInstance(database) => wanted.instances.push(database.recovery.id.clone()),
                Component::DynamodbTable(table) => wanted.tables.push(table.table.clone()),
                Component::AuroraGlobalDatabase(database) => wanted.clusters.push(database.global_cluster.clone()),
                _ => {}
            }
            for series in series_of(plan, component) {
                wanted.series.entry(series.resource()).or_default().push(series);
            }
        }
        wanted
    }
}

/// Tables and global databases, so many at a time.
async fn described(
    ports: ReplicaPorts<'_>,
    region: &Region,
    wanted: &Wanted,
) -> (Vec<Sight<TableView>>, Vec<Sight<GlobalClusterView>>) {
    let (mut tables, mut clusters) = (Vec::new(), Vec::new());
    for batch in wanted.tables.chunks(AT_ONCE) {
        tables.extend(join_all(batch.iter().map(|table| ports.tables.describe(region, table))).await.into_iter().map(sight));
    }
    for batch in wanted.clusters.chunks(AT_ONCE) {
        let answers = join_all(batch.iter().map(|cluster| ports.clusters.describe(region, cluster))).await;
        clusters.extend(answers.into_iter().map(sight));
    }
    (tables, clusters)
}

/// The figure of each series, or why there is none.
async fn figures(
    lags: &dyn ReplicaLags,
    plan: &Plan,
    wanted: &BTreeMap<String, Vec<LagSeries>>,
    asked: Timestamp,
) -> BTreeMap<LagSeries, Sight<LagSample>> {
    let of_metric = async |series: &[LagSeries]| {
        let mut figures = Vec::with_capacity(series.len());
        for batch in series.chunks(FIGURES) {
            let Some(first) = batch.first() else { continue };
            let answer = lags.latest_of(plan.region(first.site()), batch, asked).await;
            figures.extend(batch.iter().cloned().zip(sights(batch.len(), answer)));
        }
        figures
    };
    join_all(wanted.values().map(|series| of_metric(series))).await.into_iter().flatten().collect()
}

/// One answer about so many series, for each of them.
fn sights(count: usize, answer: PortResult<Vec<Option<LagSample>>>) -> Vec<Sight<LagSample>> {
    match answer {
        Ok(samples) => {
            let found = |sample: Option<LagSample>| sample.map_or(Sight::Absent, |found| Sight::Found { found });
            samples.into_iter().map(found).chain(repeat_with(|| Sight::Absent)).take(count).collect()
        }
        Err(error) => vec![Sight::Unreached { reason: error.to_string() }; count],
    }
}

/// What there was to see.
struct Seen {
    instances: BTreeMap<InstanceId, Sight<InstanceView>>,
    tables: BTreeMap<TableName, Sight<TableView>>,
    clusters: BTreeMap<ClusterId, Sight<GlobalClusterView>>,
    figures: BTreeMap<LagSeries, Sight<LagSample>>,
    now: Timestamp,
}

impl Seen {
    fn judged(&self, plan: &Plan, name: &ComponentName) -> Option<CheckedReplica> {
        let component = plan.components.get(name)?;
        let (primary, region) = (plan.region(SiteName::Primary), plan.region(SiteName::Recovery));
        let rpo = plan.objectives.get(name).and_then(|objective| objective.rpo);
        let mut figures = series_of(plan, component).into_iter().map(|series| self.figures.get(&series));
        let mut figure = || figures.next().flatten().unwrap_or(&Sight::Absent);
        let (replica, judgement) = match component {
            Component::RdsInstance(database) => {
                let id = &database.recovery.id;
                let instance = self.instances.get(id)?;
                let of = (primary, &database.primary.id);
                (id.to_string(), judge(id.as_str(), of, instance, figure(), rpo, database.max_lag, self.now))
            }
            Component::S3Data(data) => {
                let bucket = data.recovery.bucket.to_string();
                let judgement = judge_copy(&bucket, &data.copied_by, figure(), rpo, self.now);
                (bucket, judgement)
            }
            Component::DynamodbTable(table) => {
                let replica = self.tables.get(&table.table)?;
                let judgement = judge_table(table, (primary, region), replica, figure(), rpo, self.now);
                (table.table.to_string(), judgement)
            }
            Component::AuroraGlobalDatabase(database) => {
                let global = self.clusters.get(&database.global_cluster)?;
                let lags = (figure(), figure());
                (database.recovery.cluster.to_string(), judge_cluster(database, region, global, lags, rpo, self.now))
            }
            _ => return None,
        };
        let (component, kind) = (name.clone(), component.kind());
        Some(CheckedReplica { component, kind, replica, region: region.clone(), judgement })
    }
}

#[cfg(test)]
mod tests;
