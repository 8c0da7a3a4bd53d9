//! CloudWatch on the wire: `GetMetricData` for the metrics of the modelled world.
//!
//! The SDK for Rust speaks RPC v2 CBOR to CloudWatch: a CBOR map comes in at
//! `/service/GraniteServiceVersion20100801/operation/GetMetricData`, a CBOR map goes out.

mod query;
mod results;

use jiff::Timestamp;
use minicbor::Encoder;
use rehearsal_world::{ApiError, Fact, World};

use query::Request;
use results::{Page, Written};

/// The metrics of RDS.
const NAMESPACE: &str = "AWS/RDS";

/// The one metric that the world takes.
const METRIC: &str = "ReplicaLag";

const CONTENT_TYPE: &str = "application/cbor";

/// Whether a body of `GetMetricData` asks for a metric that RDS publishes, which the world answers for.
#[must_use]
pub fn concerns_the_world(body: &[u8]) -> bool {
    Request::read(body).is_ok_and(|request| request.names(NAMESPACE))
}

/// Answers one call of `operation`: status, content type, body.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play (`World::reachable`);
/// here it is answered like a service that has failed.
pub fn answer(
    world: &mut World,
    region: &str,
    operation: &str,
    body: &[u8],
    now: Timestamp,
) -> (u16, &'static str, Vec<u8>) {
    world.rely_on(Fact::CborProtocol);
    let (status, document) = match get_metric_data(world, region, operation, body, now) {
        Ok(page) => (200, results::encode(&page)),
        Err(error) => (error.http_status, refusal(&error)),
    };
    match document {
        Ok(document) => (status, CONTENT_TYPE, document),
        // An answer that could not be written is a failure of the service, not an empty answer.
        Err(_) => (500, CONTENT_TYPE, Vec::new()),
    }
}

fn get_metric_data(world: &mut World, region: &str, operation: &str, body: &[u8], now: Timestamp) -> Result<Page, ApiError> {
    if operation != "GetMetricData" {
        world.rely_on(Fact::UnknownAction);
        return Err(ApiError::invalid_action(operation, "2010-08-01"));
    }
    let request = Request::read(body)?;
    world.rely_on(Fact::MetricStatistics);
    let range = request.check()?;
    world.admit_reader(region, now)?;
    results::page(world, region, &request, &range)
}

/// An error as RPC v2 CBOR writes it.
fn refusal(error: &ApiError) -> Written<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(2)?;
    encoder.str("__type")?.str(&format!("com.amazonaws.cloudwatch#{}", error.code))?;
    encoder.str("message")?.str(&error.message)?;
    Ok(encoder.into_writer())
}

#[cfg(test)]
mod tests;
