//! Looks at every replica of the plan, a page of them at a time, and lets the domain judge each.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::repeat_with;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join, join_all};
use futures_util::stream;
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::described::Postgresql;
use crate::domain::identifier::{BucketName, ClusterId, ComponentName, InstanceId, Region, TableName};
use crate::domain::observation::{InstanceView, LagSample, Sight};
use crate::domain::plan::{Component, Plan, SiteName};
use crate::domain::replication::{
    BucketCopy, GlobalClusterView, LagSeries, PairView, ReplicaJudgement, RuleView, TableView, copy_of, judge,
    judge_cluster, judge_copy, judge_standby, judge_table, replicated, series_of,
};
use crate::error::{Code, RecoveryError};
use crate::ports::{
    Clock, Databases, GlobalClusters, GlobalTables, HealthChecks, PortResult, PostgresqlServers, ReplicaLags,
    ReplicationRules,
};

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
    /// Asks PostgreSQL servers themselves.
    pub servers: &'a dyn PostgresqlServers,
    /// Reads the rules by which buckets are replicated.
    pub rules: &'a dyn ReplicationRules,
    /// Looks at Route 53's health checks.
    pub health: &'a dyn HealthChecks,
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
    // A bucket is asked about once, however many of its rules the plan names.
    let sources: Vec<BucketName> =
        wanted.copies.iter().map(|copy| copy.source.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    let rules = ports.rules.of_each(plan.region(SiteName::Primary), &sources);
    let failures = join(failures(ports.lags, plan, &wanted.copies, asked), rules);
    let figures = join(figures(ports.lags, plan, &wanted.series, asked), failures);
    let asked_themselves = join(standbys(ports, region, &wanted.standbys), figures);
    let ((instances, (tables, clusters)), (standbys, (figures, (failures, rules)))) =
        join(described, asked_themselves).await;
    let instances = answers(instances);
    let seen = Seen {
        instances: wanted.instances.into_iter().zip(instances).collect(),
        tables: wanted.tables.into_iter().zip(tables).collect(),
        clusters: wanted.clusters.into_iter().zip(clusters).collect(),
        standbys,
        figures,
        failures,
        rules: sources.into_iter().zip(answers(rules)).collect(),
        // A figure's age counts as lag, and so does the time that looking took.
        now: ports.clock.now(),
    };
    Ok(names.iter().map(|name| seen.judged(plan, name).unwrap_or_else(|| unjudged(plan, name))).collect())
}

/// The answers, and as many more as there are things that were asked for, whatever an adapter does.
fn answers<T>(given: Vec<PortResult<T>>) -> impl Iterator<Item = Sight<T>> {
    let unanswered = || Sight::Unreached { reason: "it was not answered for".to_owned() };
    given.into_iter().map(sight).chain(repeat_with(unanswered))
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
    standbys: Vec<(ComponentName, Postgresql)>,
    copies: Vec<BucketCopy>,
    /// By metric, so that one call asks for one metric, in the one Region where it is published.
    series: BTreeMap<String, Vec<LagSeries>>,
}

impl Wanted {
    fn of(plan: &Plan, names: &[ComponentName]) -> Self {
        let mut wanted = Self::default();
        for (name, component) in names.iter().filter_map(|name| Some((name, plan.components.get(name)?))) {
            match component {
                Component::RdsInstance(database) => wanted.instances.push(database.recovery.id.clone()),
                Component::DynamodbTable(table) => wanted.tables.push(table.table.clone()),
                Component::AuroraGlobalDatabase(database) => wanted.clusters.push(database.global_cluster.clone()),
                Component::Postgresql(database) => wanted.standbys.push((name.clone(), database.clone())),
                _ => {}
            }
            wanted.copies.extend(copy_of(component));
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
    let tables = wanted.tables.iter().map(|table| ports.tables.describe(region, table)).collect();
    let clusters = wanted.clusters.iter().map(|cluster| ports.clusters.describe(region, cluster)).collect();
    let (tables, clusters) = join(so_many_at_a_time(tables), so_many_at_a_time(clusters)).await;
    (tables.into_iter().map(sight).collect(), clusters.into_iter().map(sight).collect())
}

/// The answers in order. The next call begins as soon as one ends: a slow one holds up none but itself.
async fn so_many_at_a_time<T>(calls: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(calls).buffered(AT_ONCE).collect().await
}

/// Standbys beside their primaries, so many at a time, each with the moment at which it was seen.
async fn standbys(
    ports: ReplicaPorts<'_>,
    region: &Region,
    wanted: &[(ComponentName, Postgresql)],
) -> BTreeMap<ComponentName, (PairView, Timestamp)> {
    let looks = wanted.iter().map(|wanted| look(ports, region, wanted)).collect();
    so_many_at_a_time(looks).await.into_iter().collect()
}

fn look<'a>(
    ports: ReplicaPorts<'a>,
    region: &'a Region,
    (name, database): &'a (ComponentName, Postgresql),
) -> BoxFuture<'a, (ComponentName, (PairView, Timestamp))> {
    Box::pin(async move { (name.clone(), (ports.servers.look(region, database).await, ports.clock.now())) })
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

/// What each rule gave up, or why that is not known.
async fn failures(
    lags: &dyn ReplicaLags,
    plan: &Plan,
    copies: &[BucketCopy],
    asked: Timestamp,
) -> BTreeMap<BucketCopy, Sight<u64>> {
    let mut failures = BTreeMap::new();
    for batch in copies.chunks(FIGURES) {
        let answer = lags.failed_operations(plan.region(SiteName::Primary), batch, asked).await;
        failures.extend(batch.iter().cloned().zip(sights(batch.len(), answer)));
    }
    failures
}

/// One answer about so many series, for each of them.
fn sights<T: Clone>(count: usize, answer: PortResult<Vec<Option<T>>>) -> Vec<Sight<T>> {
    match answer {
        Ok(samples) => {
            let found = |sample: Option<T>| sample.map_or(Sight::Absent, |found| Sight::Found { found });
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
    standbys: BTreeMap<ComponentName, (PairView, Timestamp)>,
    figures: BTreeMap<LagSeries, Sight<LagSample>>,
    failures: BTreeMap<BucketCopy, Sight<u64>>,
    rules: BTreeMap<BucketName, Sight<Vec<RuleView>>>,
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
                let failed = copy_of(component).and_then(|copy| self.failures.get(&copy)).unwrap_or(&Sight::Absent);
                // Of what AWS Backup copies there is no rule to look at.
                let rules = self.rules.get(&data.primary.bucket).unwrap_or(&Sight::Absent);
                let judgement = judge_copy(data, rules, figure(), failed, rpo, self.now);
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
            Component::Postgresql(database) => {
                let (pair, seen) = self.standbys.get(name)?;
                (database.recovery.to_string(), judge_standby(database, pair, rpo, *seen, self.now))
            }
            _ => return None,
        };
        let (component, kind) = (name.clone(), component.kind());
        Some(CheckedReplica { component, kind, replica, region: region.clone(), judgement })
    }
}

#[cfg(test)]
mod tests;
