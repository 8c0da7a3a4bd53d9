//! Metrics that AWS publishes to CloudWatch of what is copied from Region to Region.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::clusters::ClusterKey;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::moments::{between, earlier, floor, later};
use crate::world::{MINUTE, World};

/// CloudWatch keeps data points of a minute for 15 days.
const KEPT: usize = 15 * 24 * 60;

/// A metric of this world.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// `AWS/RDS` `ReplicaLag` of a read replica, in seconds. For PostgreSQL it is the time since the newest
    /// transaction that the replica has replayed, so it grows while the primary is silent.
    ReplicaLag(InstanceKey),
    /// `AWS/DynamoDB` `ReplicationLatency` of a global table, in milliseconds.
    TableLatency {
        /// Where the items are written, and where it is published.
        region: String,
        /// The table.
        table: String,
        /// Where they arrive.
        receiving: String,
    },
    /// `AWS/RDS` `AuroraGlobalDBReplicationLag` of a secondary cluster, in milliseconds.
    ClusterReplicationLag(ClusterKey),
    /// `AWS/RDS` `AuroraGlobalDBRPOLag` of a secondary cluster, in milliseconds.
    ClusterRpoLag(ClusterKey),
    /// `AWS/S3` `ReplicationLatency` of a replication rule, in seconds.
    BucketLatency {
        /// The destination's Region, where it is published.
        region: String,
        /// The bucket that is copied.
        source: String,
        /// The bucket that it is copied to.
        destination: String,
        /// The rule's id.
        rule: String,
    },
    /// `AWS/S3` `OperationsFailedReplication` of a replication rule, a number.
    BucketFailures {
        /// The source's Region, where it is published.
        region: String,
        /// The bucket that is copied.
        source: String,
        /// The bucket that it is copied to.
        destination: String,
        /// The rule's id.
        rule: String,
    },
}

impl Metric {
    /// The Region that it is published in.
    fn region(&self) -> &str {
        match self {
            Self::ReplicaLag(instance) => &instance.region,
            Self::TableLatency { region, .. } | Self::BucketLatency { region, .. } | Self::BucketFailures { region, .. } => {
                region
            }
            Self::ClusterReplicationLag(cluster) | Self::ClusterRpoLag(cluster) => &cluster.region,
        }
    }
}

impl Metric {
    /// What is claimed of where and how it is published; a replica's own lag has facts of its own.
    fn fact(&self) -> Option<Fact> {
        match self {
            Self::ReplicaLag(_) => None,
            Self::TableLatency { .. } => Some(Fact::TableLatencyAtItsSource),
            Self::ClusterReplicationLag(_) | Self::ClusterRpoLag(_) => Some(Fact::ClusterLagAtTheSecondary),
            Self::BucketLatency { .. } => Some(Fact::BucketLatencyAtTheDestination),
            Self::BucketFailures { .. } => Some(Fact::BucketFailuresAtTheSource),
        }
    }
}

/// A metric whose value is the scenario's: what is copied is not modelled, only that it is said how late.
#[derive(Debug, Clone, Default)]
pub(crate) struct Published {
    /// The value of every minute to come; nothing while nothing is copied.
    value: Option<f64>,
    points: VecDeque<Datapoint>,
}

/// One value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Datapoint {
    /// The minute it was taken at.
    pub at: Timestamp,
    /// The value.
    pub value: f64,
}

/// What a replica published while it followed a busy primary, before the world began: a world that begins without any
/// data would look like one that has lost it.
pub(crate) fn steady_history(lag: Duration, start: Timestamp) -> VecDeque<Datapoint> {
    past_minutes(start).map(|at| Datapoint { at, value: lag.as_secs_f64() }).collect()
}

fn past_minutes(until: Timestamp) -> impl Iterator<Item = Timestamp> {
    let newest = floor(until, MINUTE);
    (0..15_u32).rev().map(move |minutes| earlier(newest, MINUTE * minutes))
}

impl World {
    /// The newest value of a metric that can be read, and when it was taken.
    ///
    /// # Errors
    /// What every call may answer.
    pub fn latest(&mut self, metric: &Metric, now: Timestamp) -> Result<Option<Datapoint>, ApiError> {
        let region = metric.region().to_owned();
        self.admit_reader(&region, now)?;
        Ok(self.readable(metric).last())
    }

    /// Has a metric published with this value from now on, or no longer. One that was never published begins with a past, as the
    /// world does.
    ///
    /// The lag of a replica is the model's own: a value that is set for it here is never read.
    pub fn publish(&mut self, metric: Metric, value: Option<f64>, now: Timestamp) {
        self.advance(now);
        let clock = self.clock;
        let fresh = !self.published.contains_key(&metric);
        let published = self.published.entry(metric).or_default();
        published.value = value;
        if let Some(value) = value.filter(|_| fresh) {
            published.points = past_minutes(clock).map(|at| Datapoint { at, value }).collect();
        }
    }

    /// Lets a caller read any number of metrics of a Region, as one call.
    ///
    /// # Errors
    /// What every call may answer.
    pub fn admit_reader(&mut self, region: &str, now: Timestamp) -> Result<(), ApiError> {
        self.advance(now);
        if self.dark.contains(region) {
            self.rely_on(Fact::DarkRegion);
            return Err(ApiError::unavailable(region));
        }
        self.admit_by_rate(region)?;
        self.rely_on(Fact::LagIsSecondsSinceReplay);
        self.rely_on(Fact::LagEveryMinute);
        Ok(())
    }

    /// The values of a metric from `from`, cut down to its minute, until before `until`, oldest first; to be read
    /// once [`World::admit_reader`] has let the caller in.
    pub fn series(&mut self, metric: &Metric, from: Timestamp, until: Timestamp) -> Vec<Datapoint> {
        self.rely_on(Fact::MetricRange);
        let from = floor(from, MINUTE);
        self.readable(metric).filter(|point| point.at >= from && point.at < until).collect()
    }

    fn readable(&self, metric: &Metric) -> impl DoubleEndedIterator<Item = Datapoint> {
        let (now, delay): (Timestamp, Duration) = (self.clock, self.timings.metric_delay);
        let points = match metric {
            Metric::ReplicaLag(instance) => self.instances.get(instance).map(|instance| &instance.lag_samples),
            other => self.published.get(other).map(|published| &published.points),
        };
        let points = points.into_iter().flatten().copied();
        points.filter(move |point| later(point.at, delay) <= now)
    }

    fn sample_published(&mut self) {
        let now = self.clock;
        let mut facts = Vec::new();
        for (metric, published) in &mut self.published {
            facts.push(metric.fact());
            let Some(value) = published.value.filter(|_| !self.dark.contains(metric.region())) else { continue };
            if published.points.len() == KEPT {
                published.points.pop_front();
            }
            published.points.push_back(Datapoint { at: now, value });
        }
        facts.into_iter().flatten().for_each(|fact| self.rely_on(fact));
    }

    /// Takes the minute's value of every replica that runs and can be reached, and of everything else that is published.
    pub(crate) fn sample_metrics(&mut self) {
        self.sample_published();
        let now = self.clock;
        let keys: Vec<InstanceKey> = self.instances.keys().cloned().collect();
        for key in keys {
            let Some(instance) = self.instances.get(&key) else {
                continue;
            };
            if !self.runs(instance) {
                continue;
            }
            let Some(link) = instance.link.as_ref().filter(|link| !link.ended) else {
                continue;
            };
            let (broken, idle) = (link.broken, between(link.replayed, now));
            let value = if broken { -1.0 } else { idle.as_secs_f64() };
            self.rely_on(if broken { Fact::BrokenReplicationReportsMinusOne } else { Fact::LagOfIdlePrimary });
            let Some(instance) = self.instances.get_mut(&key) else {
                continue;
            };
            if instance.lag_samples.len() == KEPT {
                instance.lag_samples.pop_front();
            }
            instance.lag_samples.push_back(Datapoint { at: now, value });
        }
    }
}
