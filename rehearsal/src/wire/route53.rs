//! Route 53 on the wire: REST with XML before the modelled world.
//!
//! A method and a path name the operation, a query or an XML document holds its parameters, one call of the world is
//! made, an XML document goes out. What the world does not model is refused by name and never ignored.

mod document;
mod elements;
mod request;

use hyper::body::Bytes;
use jiff::Timestamp;
use rehearsal_world::{ApiError, Fact, RecordSetPage, World};
use serde_json::{Map, Value};

use super::answer::WireAnswer;
use super::call::WireCall;
use super::rds::request_id;
use super::xml::{Document, refusal};

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";
const CONTENT_TYPE: &str = "text/xml";
/// The code of what the world does not model.
const UNMODELLED: &str = "ValidationError";

/// What a call says, wherever it says it: in the body's document, or in the query where there is no body. `Null` for a
/// body that is no document of Route 53.
pub(crate) fn parameters(query: &str, body: &Bytes) -> Value {
    if body.is_empty() {
        let fields = form_urlencoded::parse(query.as_bytes());
        return Value::Object(fields.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect());
    }
    document::read(body).unwrap_or(Value::Null)
}

/// Answers one call.
///
/// A control plane that cannot be reached would not answer at all, which is for the caller to play; here it is answered
/// like a service that has failed.
pub fn answer(world: &mut World, call: &WireCall, now: Timestamp) -> WireAnswer {
    world.rely_on(Fact::RestXmlProtocol);
    match dispatch(world, call, now) {
        Ok(result) => {
            let name = format!("{}Response", call.operation);
            let mut document = Document::opened(&name, NAMESPACE);
            document.append(&result);
            WireAnswer::new(200, CONTENT_TYPE, document.closed(&name))
        }
        Err(error) => {
            if error.code == UNMODELLED {
                world.rely_on(Fact::UnmodelledIsRefused);
            }
            let body = refusal(&error, NAMESPACE, &request_id(&call.body, now));
            WireAnswer::new(error.http_status, CONTENT_TYPE, body)
        }
    }
}

fn dispatch(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Document, ApiError> {
    let named = |name: &str| call.path_parameters.get(name).map(String::as_str).unwrap_or_default();
    match call.operation.as_str() {
        "ChangeResourceRecordSets" => {
            let batch = request::change_batch(call)?;
            let change = world.change_resource_record_sets(named("Id"), &batch, now)?;
            Ok(elements::change(&change))
        }
        "GetChange" => world.get_change(named("Id"), now).map(|change| elements::change(&change)),
        "ListResourceRecordSets" => list_record_sets(world, call, named("Id"), now),
        "GetHostedZone" => world.get_hosted_zone(named("Id"), now).map(|zone| elements::zone(&zone)),
        "ListHostedZonesByName" => list_zones(world, call, now),
        "GetHealthCheck" => world.get_health_check(named("HealthCheckId"), now).map(|check| elements::check(&check)),
        "GetHealthCheckStatus" => {
            let reports = world.get_health_check_status(named("HealthCheckId"), now)?;
            Ok(elements::observations(&reports))
        }
        "UpdateHealthCheck" => {
            let update = request::health_check_update(call)?;
            world.update_health_check(named("HealthCheckId"), &update, now).map(|check| elements::check(&check))
        }
        other => Err(ApiError::not_modelled(format_args!("{other} of Route 53"))),
    }
}

fn list_record_sets(world: &mut World, call: &WireCall, zone: &str, now: Timestamp) -> Result<Document, ApiError> {
    let mut query = Query::of(call);
    let page = RecordSetPage {
        name: query.take("name"),
        kind: query.take("type"),
        set_identifier: query.take("identifier"),
        most: query.take_number("maxitems")?,
    };
    query.all_taken(&call.operation)?;
    world.list_resource_record_sets(zone, &page, now).map(|list| elements::record_sets(&list))
}

fn list_zones(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Document, ApiError> {
    let mut query = Query::of(call);
    let (name, zone) = (query.take("dnsname"), query.take("hostedzoneid"));
    let most = query.take_number("maxitems")?;
    query.all_taken(&call.operation)?;
    let list = world.list_hosted_zones_by_name(name.as_deref(), zone.as_deref(), most, now)?;
    Ok(elements::zones(&list, name.as_deref(), zone.as_deref()))
}

/// The fields of a query that nobody has taken yet.
struct Query(Map<String, Value>);

impl Query {
    fn of(call: &WireCall) -> Self {
        Self(call.fields())
    }

    /// An empty field is one that is not there.
    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn take_number(&mut self, name: &str) -> Result<Option<i64>, ApiError> {
        let text = self.take(name);
        text.map(|text| text.parse().map_err(|_| ApiError::invalid_input(format!("{text} is no number for {name}"))))
            .transpose()
    }

    fn all_taken(self, operation: &str) -> Result<(), ApiError> {
        let left = self.0.keys().next();
        left.map_or(Ok(()), |left| Err(ApiError::not_modelled(format_args!("the parameter {left} of {operation}"))))
    }
}

#[cfg(test)]
mod tests;
