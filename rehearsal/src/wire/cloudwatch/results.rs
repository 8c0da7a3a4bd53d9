//! What is answered.

use std::collections::BTreeMap;
use std::convert::Infallible;

use jiff::Timestamp;
use minicbor::Encoder;
use minicbor::data::IanaTag;
use minicbor::encode::Error;
use rehearsal_world::{ApiError, Datapoint, Fact, World};
use serde_json::{Value, json};

use super::modelled;
use super::query::{MetricStat, Query, Range, Request, ScanBy, Statistic};
use crate::wire::xml::Document;

/// A page of results.
#[derive(Debug)]
pub(super) struct Page {
    results: Vec<QueryResult>,
    next_token: Option<String>,
}

#[derive(Debug)]
struct QueryResult {
    id: String,
    label: String,
    points: Vec<Datapoint>,
    complete: bool,
}

/// Reads the metrics and cuts out the page that the request is at.
pub(super) fn page(world: &mut World, region: &str, request: &Request, range: &Range) -> Result<Page, ApiError> {
    world.rely_on(Fact::MetricOrder);
    world.rely_on(Fact::MetricPages);
    let mut all = Vec::new();
    for query in request.metric_data_queries.iter().filter(|query| query.return_data != Some(false)) {
        let mut points = read(world, region, query, range)?;
        if request.scan_by == ScanBy::TimestampDescending {
            points.reverse();
        }
        let label = query.label.clone().unwrap_or_else(|| query.metric_stat.metric.metric_name.clone());
        all.push(QueryResult { id: query.id.clone(), label, points, complete: true });
    }
    let there_are: usize = all.iter().map(|result| result.points.len()).sum();
    let given = match &request.next_token {
        None => 0,
        Some(token) => position(token).filter(|given| (1..there_are).contains(given)).ok_or_else(invalid_token)?,
    };
    let (mut skip, mut room) = (given, range.most);
    let mut results = Vec::new();
    for mut result in all {
        let had = result.points.len();
        let skipped = skip.min(had);
        skip -= skipped;
        result.points.drain(..skipped);
        let kept = result.points.len().min(room);
        room -= kept;
        result.complete = kept == result.points.len();
        result.points.truncate(kept);
        // A query without any data point is answered once, on the first page.
        if kept > 0 || (had == 0 && given == 0) {
            results.push(result);
        }
    }
    let so_far = given + (range.most - room);
    Ok(Page { results, next_token: (so_far < there_are).then(|| token(so_far)) })
}

/// The data points of one query, oldest first. A metric that nobody publishes has none.
fn read(world: &mut World, region: &str, query: &Query, range: &Range) -> Result<Vec<Datapoint>, ApiError> {
    let stat = &query.metric_stat;
    let Some(modelled) = modelled::find(&stat.metric) else {
        world.rely_on(Fact::UnmodelledIsRefused);
        return Err(ApiError::not_modelled(format_args!(
            "the metric {} of {}",
            stat.metric.metric_name, stat.metric.namespace
        )));
    };
    let in_its_unit = stat.unit.as_deref().is_none_or(|unit| unit == modelled.unit);
    let Some(metric) = modelled.series(region, &stat.metric.dimensions).filter(|_| in_its_unit) else {
        return Ok(Vec::new());
    };
    let points = world.series(&metric, range.from, range.until);
    Ok(by_period(&points, stat))
}

/// One value for each period that has any.
fn by_period(points: &[Datapoint], stat: &MetricStat) -> Vec<Datapoint> {
    let mut periods: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for point in points {
        let begins = point.at.as_second().div_euclid(stat.period) * stat.period;
        periods.entry(begins).or_default().push(point.value);
    }
    periods
        .into_iter()
        .filter_map(|(begins, values)| {
            let at = Timestamp::from_second(begins).ok()?;
            Some(Datapoint { at, value: taken(stat.stat, &values) })
        })
        .collect()
}

fn taken(statistic: Statistic, values: &[f64]) -> f64 {
    // A period holds at most as many values as a metric keeps, which a double counts exactly.
    let count = values.len() as f64;
    let sum: f64 = values.iter().sum();
    match statistic {
        Statistic::Average => sum / count,
        Statistic::Maximum => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Statistic::Minimum => values.iter().copied().fold(f64::INFINITY, f64::min),
        Statistic::SampleCount => count,
        Statistic::Sum => sum,
    }
}

fn token(given: usize) -> String {
    format!("after-{given}")
}

fn position(token: &str) -> Option<usize> {
    token.strip_prefix("after-")?.parse().ok()
}

fn invalid_token() -> ApiError {
    ApiError { code: "InvalidNextToken", ..ApiError::malformed("The next token specified is invalid.") }
}

/// What writing can come to. Into memory it cannot fail, which its type does not say.
pub(super) type Written<T> = Result<T, Error<Infallible>>;

impl Page {
    /// As CBOR.
    pub(super) fn cbor(&self) -> Written<Vec<u8>> {
        let mut encoder = Encoder::new(Vec::new());
        let encoder = &mut encoder;
        encoder.map(if self.next_token.is_some() { 3 } else { 2 })?;
        encoder.str("MetricDataResults")?.array(self.results.len() as u64)?;
        for result in &self.results {
            encoder.map(5)?;
            encoder.str("Id")?.str(&result.id)?;
            encoder.str("Label")?.str(&result.label)?;
            encoder.str("Timestamps")?.array(result.points.len() as u64)?;
            for point in &result.points {
                encoder.tag(IanaTag::Timestamp)?.f64(seconds(point.at))?;
            }
            encoder.str("Values")?.array(result.points.len() as u64)?;
            for point in &result.points {
                encoder.f64(point.value)?;
            }
            encoder.str("StatusCode")?.str(result.status())?;
        }
        encoder.str("Messages")?.array(0)?;
        if let Some(token) = &self.next_token {
            encoder.str("NextToken")?.str(token)?;
        }
        Ok(std::mem::take(encoder.writer_mut()))
    }

    /// As JSON, where a time is a number of seconds.
    pub(super) fn json(&self) -> Vec<u8> {
        let results: Vec<Value> = self
            .results
            .iter()
            .map(|result| {
                let times: Vec<f64> = result.points.iter().map(|point| seconds(point.at)).collect();
                let values: Vec<f64> = result.points.iter().map(|point| point.value).collect();
                json!({
                    "Id": result.id, "Label": result.label, "Timestamps": times, "Values": values,
                    "StatusCode": result.status(),
                })
            })
            .collect();
        let mut document = json!({"MetricDataResults": results, "Messages": []});
        if let Some(token) = &self.next_token {
            document["NextToken"] = json!(token);
        }
        document.to_string().into_bytes()
    }

    /// As the XML of the Query protocol.
    pub(super) fn xml(&self, namespace: &str, request: &str) -> Vec<u8> {
        let mut document = Document::opened("GetMetricDataResponse", namespace);
        document.element("GetMetricDataResult", |page| {
            page.element("MetricDataResults", |results| {
                for result in &self.results {
                    results.element("member", |element| result.write(element));
                }
            });
            page.element("Messages", |_| {});
            page.optional("NextToken", self.next_token.as_deref());
        });
        document.element("ResponseMetadata", |metadata| metadata.text("RequestId", request));
        document.closed("GetMetricDataResponse")
    }
}

impl QueryResult {
    fn status(&self) -> &'static str {
        if self.complete { "Complete" } else { "PartialData" }
    }

    fn write(&self, element: &mut Document) {
        element.text("Id", &self.id);
        element.text("Label", &self.label);
        element.element("Timestamps", |times| {
            for point in &self.points {
                times.text("member", point.at);
            }
        });
        element.element("Values", |values| {
            for point in &self.points {
                values.text("member", point.value);
            }
        });
        element.text("StatusCode", self.status());
    }
}

fn seconds(at: Timestamp) -> f64 {
    // Data points lie on whole seconds, which a double holds exactly.
    at.as_second() as f64
}
