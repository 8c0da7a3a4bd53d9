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
use crate::domain::replication::{BucketCopy, FAILED_OPERATIONS, LagSeries};
use crate::ports::{FailureKind, PortResult, ReplicaLags};

/// All of these services publish a figure a minute.
const PERIOD: i32 = 60;
/// Of what is added up over a day: fewer figures than minutes.
const HOUR: i32 = 3_600;
const DAY: Seconds = Seconds(86_400);
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
        let series: Vec<LagSeries> = replicas.iter().cloned().map(LagSeries::Replica).collect();
        self.latest_of(region, &series, now).await
    }

    async fn latest_of(&self, region: &Region, series: &[LagSeries], now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        let operation = Sending::of(Operation::GetMetricData);
        for each in series {
            operation.permit(region, &each.resource())?;
        }
        let mut samples = Vec::with_capacity(series.len());
        for batch in series.chunks(QUERIES_PER_CALL) {
            let queries = batch.iter().map(|series| Query {
                namespace: series.namespace(),
                metric: series.metric(),
                dimensions: series.dimensions(),
                // The worst figure of a minute, counted from the minute's start: the loss bound built on it stays an upper bound.
                statistic: "Maximum",
                period: PERIOD,
            });
            let points = self.points(operation, region, queries, (WINDOW.before(now), now)).await?;
            let newest = |points: Vec<Point>| points.into_iter().max_by_key(|(time, _)| *time);
            let of_batch = batch.iter().zip(points);
            samples.extend(of_batch.map(|(series, points)| sample(series, newest(points)?, now)));
        }
        Ok(samples)
    }

    async fn failed_operations(
        &self,
        region: &Region,
        copies: &[BucketCopy],
        now: Timestamp,
    ) -> PortResult<Vec<Option<u64>>> {
        let operation = Sending::of(Operation::GetMetricData);
        operation.permit(region, FAILED_OPERATIONS)?;
        let mut sums = Vec::with_capacity(copies.len());
        for batch in copies.chunks(QUERIES_PER_CALL) {
            let queries = batch.iter().map(|copy| Query {
                namespace: "AWS/S3",
                metric: "OperationsFailedReplication",
                dimensions: copy.dimensions(),
                statistic: "Sum",
                period: HOUR,
            });
            let points = self.points(operation, region, queries, (DAY.before(now), now)).await?;
            sums.extend(points.into_iter().map(|points| sum(&points)));
        }
        Ok(sums)
    }
}

/// What is asked of one series.
struct Query {
    namespace: &'static str,
    metric: &'static str,
    dimensions: Vec<(&'static str, String)>,
    statistic: &'static str,
    period: i32,
}

/// The beginning of a period, and its figure.
type Point = (Timestamp, f64);

impl CloudWatchLags {
    /// All figures of each query in that time, by one call and as many more as there are pages.
    async fn points(
        &self,
        operation: Sending,
        region: &Region,
        queries: impl Iterator<Item = Query>,
        (from, until): (Timestamp, Timestamp),
    ) -> PortResult<Vec<Vec<Point>>> {
        let client = self.clients.cloudwatch(region);
        let queries: Vec<MetricDataQuery> = queries.enumerate().map(|(index, query)| query.numbered(index)).collect();
        let mut found: Vec<Vec<Point>> = vec![Vec::new(); queries.len()];
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(date_time(from))
                .end_time(date_time(until))
                .scan_by(ScanBy::TimestampDescending)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| operation.failed(&error))?;
            for result in page.metric_data_results() {
                let Some(slot) = result.id().and_then(index_of).and_then(|index| found.get_mut(index)) else {
                    continue;
                };
                let times = result.timestamps().iter().map(timestamp);
                slot.extend(times.zip(result.values()).filter_map(|(time, value)| Some((time?, *value))));
            }
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
        Err(operation.failure(FailureKind::NoAnswer, "too_many_pages", "the answer does not end"))
    }
}

impl Query {
    fn numbered(self, index: usize) -> MetricDataQuery {
        let dimension = |(name, value): (&str, String)| Dimension::builder().name(name).value(value).build();
        let dimensions = self.dimensions.into_iter().map(dimension).collect();
        let metric =
            Metric::builder().namespace(self.namespace).metric_name(self.metric).set_dimensions(Some(dimensions)).build();
        let stat = MetricStat::builder().metric(metric).period(self.period).stat(self.statistic).build();
        MetricDataQuery::builder().id(format!("r{index}")).metric_stat(stat).return_data(true).build()
    }
}

/// What failed in part failed.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn sum(points: &[Point]) -> Option<u64> {
    let figures = points.iter().map(|(_, value)| *value).filter(|value| value.is_finite() && *value >= 0.0);
    figures.reduce(|sum, value| sum + value).map(|sum| sum.ceil() as u64)
}

fn index_of(id: &str) -> Option<usize> {
    id.strip_prefix('r')?.parse().ok()
}

/// The newest figure as a sample. RDS reports −1 while replication is not active: then there is no lag, and an older figure
/// would only hide that.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn sample(series: &LagSeries, (time, value): (Timestamp, f64), now: Timestamp) -> Option<LagSample> {
    let seconds = value * series.seconds_per_unit();
    let usable = seconds.is_finite() && (0.0..=LONGEST_LAG).contains(&seconds) && time >= WINDOW.before(now);
    usable.then(|| LagSample {
        lag: Seconds(seconds.ceil() as u64),
        observed_at: time.min(now),
        source: format!("CloudWatch {} {}", series.namespace(), series.metric()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identifier::{ClusterId, TableName};

    #[test]
    fn only_a_fresh_finite_figure_of_active_replication_is_a_lag() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let at = |age: u64| Seconds(age).before(now);
        let replica = LagSeries::Replica(InstanceId::new("replica").unwrap());
        let sample = |time, value, now| sample(&replica, (time, value), now);
        assert_eq!(sample(at(60), 2.1, now).unwrap().lag, Seconds(3));
        assert_eq!(sample(at(60), 0.0, now).unwrap().observed_at, at(60));
        assert_eq!(sample(Seconds(30).after(now), 1.0, now).unwrap().observed_at, now);
        for (time, value) in [(at(60), -1.0), (at(60), f64::NAN), (at(60), f64::INFINITY), (at(60), 1e30), (at(601), 1.0)] {
            assert_eq!(sample(time, value, now), None, "{value} at {time}");
        }
    }

    #[test]
    fn what_failed_in_every_hour_is_added_up_and_silence_is_no_number() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        assert_eq!(sum(&[(now, 2.0), (now, 0.0), (now, 1.0)]), Some(3));
        assert_eq!(sum(&[(now, 0.0)]), Some(0));
        assert_eq!((sum(&[]), sum(&[(now, f64::NAN)])), (None, None));
    }

    #[test]
    fn milliseconds_become_seconds_and_are_never_rounded_to_less() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let (table, receiving) = (TableName::new("carts").unwrap(), Region::new("us-west-2").unwrap());
        let cluster = ClusterId::new("ledger").unwrap();
        for series in [
            LagSeries::Table { table, receiving },
            LagSeries::ClusterLoss(cluster.clone()),
            LagSeries::ClusterReplication(cluster),
        ] {
            for (milliseconds, seconds) in [(0.0, 0), (0.4, 1), (1_000.0, 1), (1_001.0, 2), (900_000.0, 900)] {
                assert_eq!(sample(&series, (now, milliseconds), now).unwrap().lag, Seconds(seconds), "{milliseconds}");
            }
        }
    }
}
