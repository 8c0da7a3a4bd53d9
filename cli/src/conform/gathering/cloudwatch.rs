//! Metrics. Ten minutes of one metric, four times, and a few requests that break a rule.

use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataOutput;
use aws_sdk_cloudwatch::operation::get_metric_data::builders::GetMetricDataFluentBuilder;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat, ScanBy, StatusCode};
use jiff::Timestamp;

use super::super::account::Account;
use super::super::sight::{CloudWatchSight, LagSight};
use super::reply;

const ACTION: &str = "cloudwatch:GetMetricData";
const MINUTE: i64 = 60;
/// Whoever has no replica asks about this one: the rules are the same.
const NOBODY: &str = "recoveryctl-conform-is-not-there";

pub(super) async fn gather(account: &Account, replica: Option<&str>) -> CloudWatchSight {
    let whose = replica.unwrap_or(NOBODY);
    let refused = async |request: GetMetricDataFluentBuilder| reply(ACTION, request.send().await).map(|_| ());
    let once = || query(whose, "lag", 60);
    let twice = asking(account).metric_data_queries(once()).metric_data_queries(once());
    CloudWatchSight {
        lag: match replica {
            Some(replica) => Some(lag(account, replica).await),
            None => None,
        },
        one_id_twice: refused(twice).await,
        id_in_capitals: refused(asking(account).metric_data_queries(query(whose, "Lag", 60))).await,
        period_of_90: refused(asking(account).metric_data_queries(query(whose, "lag", 90))).await,
        token_not_given_out: refused(asking(account).metric_data_queries(once()).next_token("not-given-out")).await,
    }
}

/// From half past a minute, ten minutes ago, to a whole minute some minutes ago, when the metrics of that time have arrived.
fn range() -> (i64, i64) {
    let until = Timestamp::now().as_second().div_euclid(MINUTE) * MINUTE - 5 * MINUTE;
    (until - 10 * MINUTE + MINUTE / 2, until)
}

fn asking(account: &Account) -> GetMetricDataFluentBuilder {
    let (from, until) = range();
    account.cloudwatch.get_metric_data().start_time(DateTime::from_secs(from)).end_time(DateTime::from_secs(until))
}

fn query(instance: &str, id: &str, period: i32) -> MetricDataQuery {
    let dimension = Dimension::builder().name("DBInstanceIdentifier").value(instance).build();
    let metric = Metric::builder().namespace("AWS/RDS").metric_name("ReplicaLag").dimensions(dimension).build();
    let stat = MetricStat::builder().metric(metric).period(period).stat("Maximum").build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

async fn lag(account: &Account, replica: &str) -> LagSight {
    let (from, until) = range();
    let ask = || asking(account).metric_data_queries(query(replica, "lag", 60));
    let cut = ask().max_datapoints(1).send().await;
    LagSight {
        from,
        until,
        times: reply(ACTION, ask().send().await).map(|answer| times(&answer)),
        ascending: reply(ACTION, ask().scan_by(ScanBy::TimestampAscending).send().await).map(|answer| times(&answer)),
        cut: reply(ACTION, cut).map(|answer| {
            let partial =
                answer.metric_data_results().iter().any(|result| result.status_code() == Some(&StatusCode::PartialData));
            (times(&answer).len(), partial, answer.next_token().is_some())
        }),
    }
}

fn times(answer: &GetMetricDataOutput) -> Vec<i64> {
    answer.metric_data_results().iter().flat_map(|result| result.timestamps()).map(DateTime::secs).collect()
}
