//! From an HTTP request to the AWS call that it is.

use hyper::body::Bytes;
use hyper::http::request::Parts;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::call::{CallClass, Protocol, STEP_HEADER, StepTag, WireCall, class_of};
use super::cbor;
use super::resource::resource_of;
use super::route53;
use super::routes::{Routed, route};
use super::scope::{Scope, scope_of};

/// Reads a request. Never fails: what cannot be understood is still a call, named by method and path.
pub(crate) fn read(parts: &Parts, body: Bytes, time: Timestamp, real_time: Timestamp) -> WireCall {
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let step = header(parts, STEP_HEADER).and_then(StepTag::parse);
    let Some(Scope { access_key, region, service }) = scope_of(&parts.headers, query) else {
        return unsigned(parts, body, time, real_time, step);
    };
    let service = service_name(&service, path);
    let Understood { protocol, routed, parameters } = understand(parts, &service, path, query, &body);
    let Routed { operation, names } = routed;
    WireCall {
        time,
        real_time,
        class: class_of(&service, &operation),
        resource: resource_of(&service, &operation, &parameters, &names),
        service,
        region,
        operation,
        protocol,
        access_key: Some(access_key),
        step,
        parameters,
        path_parameters: names,
        body,
    }
}

/// Health checks and the emulator's own pages: seen, passed on, nobody's call.
fn unsigned(parts: &Parts, body: Bytes, time: Timestamp, real_time: Timestamp, step: Option<StepTag>) -> WireCall {
    WireCall {
        time,
        real_time,
        service: String::new(),
        region: String::new(),
        operation: format!("{} {}", parts.method, parts.uri.path()),
        protocol: Protocol::Unsigned,
        access_key: None,
        step,
        class: CallClass::Control,
        resource: "*".to_owned(),
        parameters: Value::Null,
        path_parameters: Default::default(),
        body,
    }
}

/// Signing names that differ from the name that policies, plans and reports use.
fn service_name(signed: &str, path: &str) -> String {
    match signed {
        "monitoring" => "cloudwatch",
        "apigateway" if path.starts_with("/v2/") => "apigatewayv2",
        other => other,
    }
    .to_owned()
}

struct Understood {
    protocol: Protocol,
    routed: Routed,
    parameters: Value,
}

fn understand(parts: &Parts, service: &str, path: &str, query: &str, body: &Bytes) -> Understood {
    let operation = |name: &str| Routed { operation: name.to_owned(), names: Default::default() };
    if let Some(name) = rpc_operation(path) {
        let parameters = cbor::decode(body).unwrap_or(Value::Null);
        return Understood { protocol: Protocol::RpcCbor, routed: operation(name), parameters };
    }
    if let Some(target) = header(parts, "x-amz-target") {
        let name = target.rsplit('.').next().unwrap_or(target);
        return Understood { protocol: Protocol::Json, routed: operation(name), parameters: document(body) };
    }
    if let Some((name, fields)) = form(parts, service, query, body) {
        return Understood { protocol: Protocol::Query, routed: operation(&name), parameters: Value::Object(fields) };
    }
    let routed = route(service, parts.method.as_str(), path, query);
    if service == "route53" {
        Understood { protocol: Protocol::RestXml, routed, parameters: route53::parameters(query, body) }
    } else if matches!(service, "s3" | "cloudfront") {
        Understood { protocol: Protocol::RestXml, routed, parameters: Value::Null }
    } else if service == "backup" && body.is_empty() {
        // What a list is narrowed to stands in the query.
        let pairs = form_urlencoded::parse(query.as_bytes());
        let fields = pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
        Understood { protocol: Protocol::RestJson, routed, parameters: Value::Object(fields) }
    } else {
        Understood { protocol: Protocol::RestJson, routed, parameters: document(body) }
    }
}

/// `/service/GraniteServiceVersion20100801/operation/GetMetricData` → `GetMetricData`.
fn rpc_operation(path: &str) -> Option<&str> {
    let (_, operation) = path.strip_prefix("/service/")?.split_once("/operation/")?;
    (!operation.is_empty() && !operation.contains('/')).then_some(operation)
}

/// A form with `Action`, in the body or in the query.
fn form(parts: &Parts, service: &str, query: &str, body: &Bytes) -> Option<(String, Map<String, Value>)> {
    // An object in S3 may look like a form; only its path counts.
    if service == "s3" {
        return None;
    }
    let is_form = header(parts, "content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let in_body: &[u8] = if is_form { body } else { b"" };
    let pairs = form_urlencoded::parse(query.as_bytes()).chain(form_urlencoded::parse(in_body));
    let mut fields: Map<String, Value> =
        pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    let Some(Value::String(action)) = fields.remove("Action") else {
        return None;
    };
    fields.retain(|name, _| name != "Version" && !name.to_ascii_lowercase().starts_with("x-amz-"));
    Some((action, fields))
}

fn document(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or(Value::Null)
}

fn header<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).and_then(|value| value.to_str().ok())
}
