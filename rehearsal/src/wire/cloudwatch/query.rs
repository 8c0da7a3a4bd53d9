//! What a caller asks for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rehearsal_world::ApiError;
use serde::Deserialize;
use serde_json::Value;

use super::form;
use crate::wire::call::{Protocol, WireCall};
use crate::wire::cbor;

/// Longer than 500 queries with every member at its longest likely length.
const LONGEST: usize = 1024 * 1024;

/// As many queries as one call may make.
const MOST_QUERIES: usize = 500;

/// As many data points as one answer may hold.
const MOST_POINTS: usize = 100_800;

/// The members of `GetMetricData`. A member that is not known here is refused, not ignored.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Request {
    pub(super) metric_data_queries: Vec<Query>,
    start_time: f64,
    end_time: f64,
    pub(super) next_token: Option<String>,
    #[serde(default)]
    pub(super) scan_by: ScanBy,
    max_datapoints: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum ScanBy {
    #[default]
    TimestampDescending,
    TimestampAscending,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Query {
    pub(super) id: String,
    pub(super) metric_stat: MetricStat,
    pub(super) label: Option<String>,
    pub(super) return_data: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricStat {
    pub(super) metric: MetricName,
    pub(super) period: i64,
    pub(super) stat: Statistic,
    pub(super) unit: Option<String>,
}

/// The statistics that the world can take; CloudWatch has more, which are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Statistic {
    Average,
    Maximum,
    Minimum,
    SampleCount,
    Sum,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MetricName {
    pub(super) namespace: String,
    pub(super) metric_name: String,
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Dimension {
    pub(super) name: String,
    pub(super) value: String,
}

/// What a request that keeps the rules covers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) most: usize,
}

/// Whether a call asks for a metric of a namespace, wherever in the request, and whatever else is wrong with it.
pub(super) fn names(call: &WireCall, namespace: &str) -> bool {
    fn within(value: &Value, namespace: &str) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, member)| (name == "Namespace" && member == namespace) || within(member, namespace)),
            Value::Array(items) => items.iter().any(|item| within(item, namespace)),
            _ => false,
        }
    }
    document(call).is_ok_and(|document| within(&document, namespace))
}

fn document(call: &WireCall) -> Result<Value, ApiError> {
    if call.body.len() > LONGEST {
        return Err(ApiError::malformed("The request is too long."));
    }
    match call.protocol {
        Protocol::RpcCbor => cbor::decode(&call.body).map_err(|error| ApiError::malformed(error.to_string())),
        Protocol::Query => form::document(&call.fields()),
        _ => Ok(call.parameters.clone()),
    }
}

impl Request {
    /// Reads a call, in whichever protocol it came.
    pub(super) fn of(call: &WireCall) -> Result<Self, ApiError> {
        serde_json::from_value(document(call)?)
            .map_err(|error| ApiError::malformed(format!("The request cannot be read: {error}.")))
    }

    /// Holds the request to the rules of the service.
    pub(super) fn check(&self) -> Result<Range, ApiError> {
        if self.metric_data_queries.is_empty() || self.metric_data_queries.len() > MOST_QUERIES {
            return Err(ApiError::malformed(format!("The request must make 1 to {MOST_QUERIES} queries.")));
        }
        let mut ids = BTreeSet::new();
        for query in &self.metric_data_queries {
            if !is_id(&query.id) {
                return Err(ApiError::malformed(format!("{:?} is no id of a query.", query.id)));
            }
            if !ids.insert(query.id.as_str()) {
                return Err(ApiError::malformed(format!("The id {} is given twice.", query.id)));
            }
            if query.metric_stat.period <= 0 || query.metric_stat.period % 60 != 0 {
                return Err(ApiError::malformed(format!(
                    "The period {} is not a positive multiple of 60.",
                    query.metric_stat.period
                )));
            }
        }
        let (from, until) = (instant(self.start_time)?, instant(self.end_time)?);
        if from >= until {
            return Err(ApiError::malformed("The parameter StartTime must be less than the parameter EndTime."));
        }
        let most = match self.max_datapoints {
            None => MOST_POINTS,
            Some(most) => usize::try_from(most)
                .ok()
                .filter(|most| (1..=MOST_POINTS).contains(most))
                .ok_or_else(|| ApiError::invalid_value(format!("MaxDatapoints cannot be {most}.")))?,
        };
        Ok(Range { from, until, most })
    }
}

fn is_id(id: &str) -> bool {
    id.len() <= 255
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

fn instant(seconds: f64) -> Result<Timestamp, ApiError> {
    // A conversion that does not fit ends at the ends of i64, and those are no instants.
    let milliseconds = (seconds * 1_000.0).round() as i64;
    Timestamp::from_millisecond(milliseconds).map_err(|_| ApiError::malformed(format!("{seconds} is no time.")))
}
