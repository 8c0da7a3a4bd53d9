//! Metrics that RDS publishes to CloudWatch.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

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
}

impl Metric {
    fn instance(&self) -> &InstanceKey {
        match self {
            Self::ReplicaLag(instance) => instance,
        }
    }
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
    let newest = floor(start, MINUTE);
    (0..15_u32).rev().map(|minutes| Datapoint { at: earlier(newest, MINUTE * minutes), value: lag.as_secs_f64() }).collect()
}

impl World {
    /// The newest value of a metric that can be read, and when it was taken.
    ///
    /// # Errors
    /// What every call may answer.
    pub fn latest(&mut self, metric: &Metric, now: Timestamp) -> Result<Option<Datapoint>, ApiError> {
        let region = metric.instance().region.clone();
        self.admit_reader(&region, now)?;
        Ok(self.readable(metric).last())
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
        self.instances
            .get(metric.instance())
            .into_iter()
            .flat_map(|instance| instance.lag_samples.iter().copied())
            .filter(move |point| later(point.at, delay) <= now)
    }

    /// Takes the minute's value of every replica that runs and can be reached.
    pub(crate) fn sample_metrics(&mut self) {
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
