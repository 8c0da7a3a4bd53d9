//! CloudWatch on the wire: `GetMetricData` for the metrics of the modelled world.
//!
//! Three protocols lead here. The SDK for Rust speaks RPC v2 CBOR, boto3 speaks JSON, older clients the Query protocol; each is
//! answered in its own.

mod form;
mod modelled;
mod query;
mod results;

use jiff::Timestamp;
use rehearsal_world::{ApiError, Fact, World};

use super::answer::WireAnswer;
use super::call::{Protocol, WireCall};
use super::rds::request_id;
use super::xml::refusal;
use query::Request;
use results::Page;

/// Of the documents of the Query protocol.
const XML_NAMESPACE: &str = "http://monitoring.amazonaws.com/doc/2010-08-01/";

/// Whether a call of `GetMetricData` asks for a metric that RDS, DynamoDB or S3 publishes, which the world answers for. It does so even for one
/// that it cannot read: whoever asks for what is not modelled is to be told, and not to be answered by somebody else.
#[must_use]
pub fn concerns_the_world(call: &WireCall) -> bool {
    modelled::namespaces().any(|namespace| query::names(call, namespace))
}

/// Answers one call.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play (`World::reachable`);
/// here it is answered like a service that has failed.
pub fn answer(world: &mut World, call: &WireCall, now: Timestamp) -> WireAnswer {
    world.rely_on(match call.protocol {
        Protocol::RpcCbor => Fact::CborProtocol,
        _ => Fact::JsonAndQueryProtocols,
    });
    let page = match get_metric_data(world, call, now) {
        Ok(page) => page,
        Err(error) if call.protocol == Protocol::Query => {
            let body = refusal(&error, XML_NAMESPACE, &request_id(&call.body, now));
            return WireAnswer::new(error.http_status, "text/xml", body);
        }
        Err(error) => return WireAnswer::error(call, error.http_status, error.code, &error.message),
    };
    match call.protocol {
        Protocol::Query => WireAnswer::xml(page.xml(XML_NAMESPACE, &request_id(&call.body, now))),
        Protocol::RpcCbor => match page.cbor() {
            Ok(document) => WireAnswer::cbor(document),
            // An answer that could not be written is a failure of the service, not an empty answer.
            Err(_) => WireAnswer::server_error(call, 500),
        },
        _ => WireAnswer::new(200, "application/x-amz-json-1.0", page.json()),
    }
}

fn get_metric_data(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Page, ApiError> {
    if call.operation != "GetMetricData" {
        world.rely_on(Fact::UnknownAction);
        return Err(ApiError::invalid_action(&call.operation, "2010-08-01"));
    }
    let request = Request::of(call)?;
    world.rely_on(Fact::MetricStatistics);
    let range = request.check()?;
    world.admit_reader(&call.region, now)?;
    results::page(world, &call.region, &request, &range)
}

#[cfg(test)]
mod tests;
