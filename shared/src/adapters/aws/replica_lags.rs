//! Lag from CloudWatch: 500 replicas a call, so that a thousand replicas cost two calls.

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy};
use jiff::Timestamp;

use super::Clients;
use super::time::{date_time, timestamp};
use crate::adapters::Sending;
use crate::domain::duration::Seconds;
use crate::domain::identifier::{InstanceId, Region};
use crate::domain::observation::LagSample;
use crate::domain::operation::Operation;
use crate::domain::replication::BucketCopy;
use crate::ports::{FailureKind, PortResult, ReplicaLags};

/// A metric that says how far something is behind, in seconds.
#[derive(Debug, Clone, Copy)]
struct LagMetric {
    namespace: &'static str,
    name: &'static str,
}

/// Of a database's replica.
const REPLICA: LagMetric = LagMetric { namespace: "AWS/RDS", name: "ReplicaLag" };
/// Of a rule of S3 replication: published in the destination's Region, and only where replication metrics are on for the rule
/// (S3 user guide, "Using S3 Replication metrics").
const COPY: LagMetric = LagMetric { namespace: "AWS/S3", name: "ReplicationLatency" };
/// RDS and S3 publish a figure a minute.
const PERIOD: i32 = 60;
/// An older figure says nothing about now.
const WINDOW: Seconds = Seconds(600);
/// GetMetricData's limit.
const QUERIES_PER_CALL: usize = 500;
/// Far more than 500 series of ten figures need.
const MOST_PAGES: usize = 20;
/// A lag beyond ten years is not a lag.
const LONGEST_LAG: f64 = 315_360_000.0;

/// [`ReplicaLags`] over CloudWatch.
#[derive(Debug, Clone)]
pub struct CloudWatchLags {
    clients: Clients,
}

impl CloudWatchLags {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl ReplicaLags for CloudWatchLags {
    async fn latest(&self, region: &Region, replicas: &[InstanceId], now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        let of = |replica: &InstanceId| vec![("DBInstanceIdentifier", replica.to_string())];
        self.all(region, REPLICA, replicas.iter().map(of).collect(), now).await
    }

    async fn latest_of_copies(
        &self,
        region: &Region,
        copies: &[BucketCopy],
        now: Timestamp,
    ) -> PortResult<Vec<Option<LagSample>>> {
        let of = |copy: &BucketCopy| {
            vec![
                ("SourceBucket", copy.source.to_string()),
                ("DestinationBucket", copy.destination.to_string()),
                ("RuleId", copy.rule.to_string()),
            ]
        };
        self.all(region, COPY, copies.iter().map(of).collect(), now).await
    }
}

/// What tells one series of a metric from the others.
type Dimensions = Vec<(&'static str, String)>;

impl CloudWatchLags {
    async fn all(
        &self,
        region: &Region,
        metric: LagMetric,
        series: Vec<Dimensions>,
        now: Timestamp,
    ) -> PortResult<Vec<Option<LagSample>>> {
        let operation = Sending::of(Operation::GetMetricData);
        operation.permit(region, &format!("metric:{}/{}", metric.namespace, metric.name))?;
        let mut samples = Vec::with_capacity(series.len());
        for batch in series.chunks(QUERIES_PER_CALL) {
            samples.extend(self.batch(operation, region, metric, batch, now).await?);
        }
        Ok(samples)
    }

    async fn batch(
        &self,
        operation: Sending,
        region: &Region,
        metric: LagMetric,
        series: &[Dimensions],
        now: Timestamp,
    ) -> PortResult<Vec<Option<LagSample>>> {
        let client = self.clients.cloudwatch(region);
        let queries: Vec<MetricDataQuery> =
            series.iter().enumerate().map(|(index, dimensions)| query(index, metric, dimensions)).collect();
        let mut latest: Vec<Option<(Timestamp, f64)>> = vec![None; series.len()];
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(date_time(WINDOW.before(now)))
                .end_time(date_time(now))
                .scan_by(ScanBy::TimestampDescending)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| operation.failed(&error))?;
            for result in page.metric_data_results() {
                let Some(slot) = result.id().and_then(index_of).and_then(|index| latest.get_mut(index)) else {
                    continue;
                };
                let times = result.timestamps().iter().map(timestamp);
                for (time, value) in times.zip(result.values()).filter_map(|(time, value)| Some((time?, *value))) {
                    if slot.is_none_or(|(newest, _)| newest < time) {
                        *slot = Some((time, value));
                    }
                }
            }
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(latest
                    .into_iter()
                    .map(|figure| figure.and_then(|(time, value)| sample(metric, time, value, now)))
                    .collect());
            }
        }
        Err(operation.failure(FailureKind::NoAnswer, "too_many_pages", "the answer does not end"))
    }
}

fn query(index: usize, metric: LagMetric, dimensions: &Dimensions) -> MetricDataQuery {
    let dimensions = dimensions.iter().map(|(name, value)| Dimension::builder().name(*name).value(value).build()).collect();
    let metric =
        Metric::builder().namespace(metric.namespace).metric_name(metric.name).set_dimensions(Some(dimensions)).build();
    // The worst figure of a minute, counted from the minute's start: the loss bound built on it stays an upper bound.
    let stat = MetricStat::builder().metric(metric).period(PERIOD).stat("Maximum").build();
    MetricDataQuery::builder().id(format!("r{index}")).metric_stat(stat).return_data(true).build()
}

fn index_of(id: &str) -> Option<usize> {
    id.strip_prefix('r')?.parse().ok()
}

/// The newest figure as a sample. RDS reports −1 while replication is not active: then there is no lag, and an older figure
/// would only hide that.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn sample(metric: LagMetric, time: Timestamp, value: f64, now: Timestamp) -> Option<LagSample> {
    let usable = value.is_finite() && (0.0..=LONGEST_LAG).contains(&value) && time >= WINDOW.before(now);
    usable.then(|| LagSample {
        lag: Seconds(value.ceil() as u64),
        observed_at: time.min(now),
        source: format!("CloudWatch {} {}", metric.namespace, metric.name),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_finite_figure_of_active_replication_is_a_lag() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let at = |age: u64| Seconds(age).before(now);
        let sample = |time, value, now| sample(REPLICA, time, value, now);
        assert_eq!(sample(at(60), 2.1, now).unwrap().lag, Seconds(3));
        assert_eq!(sample(at(60), 0.0, now).unwrap().observed_at, at(60));
        assert_eq!(sample(Seconds(30).after(now), 1.0, now).unwrap().observed_at, now);
        for (time, value) in [(at(60), -1.0), (at(60), f64::NAN), (at(60), f64::INFINITY), (at(60), 1e30), (at(601), 1.0)] {
            assert_eq!(sample(time, value, now), None, "{value} at {time}");
        }
    }
}
