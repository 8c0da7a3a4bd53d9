//! Answers that do not come from the emulator, in the shape that each protocol expects.

use std::borrow::Cow;

use hyper::StatusCode;
use hyper::body::Bytes;
use minicbor::Encoder;
use serde_json::json;

use super::call::{Protocol, WireCall};

/// An answer: status, headers, body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireAnswer {
    /// The status.
    pub status: u16,
    /// The headers, in order; the proxy adds length and date.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
}

impl WireAnswer {
    /// An answer with one content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body: body.into() }
    }

    /// 200 with an XML document.
    pub fn xml(body: impl Into<Bytes>) -> Self {
        Self::new(200, "text/xml", body)
    }

    /// 200 with a CBOR document, as smithy's rpc-v2 wants it.
    pub fn cbor(body: impl Into<Bytes>) -> Self {
        let mut answer = Self::new(200, "application/cbor", body);
        answer.headers.push(("smithy-protocol".to_owned(), "rpc-v2-cbor".to_owned()));
        answer
    }

    /// A refusal of `call`, in the shape of its protocol.
    pub fn error(call: &WireCall, status: u16, code: &str, message: &str) -> Self {
        let fault = if status >= 500 { "Receiver" } else { "Sender" };
        match call.protocol {
            Protocol::Query => Self::new(status, "text/xml", error_response(call, fault, code, message)),
            Protocol::RestXml if call.service == "s3" => Self::new(
                status,
                "application/xml",
                format!(
                    "<Error><Code>{}</Code><Message>{}</Message><RequestId>{REQUEST_ID}</RequestId></Error>",
                    escaped(code),
                    escaped(message)
                ),
            ),
            Protocol::RestXml => Self::new(status, "text/xml", error_response(call, fault, code, message)),
            Protocol::RpcCbor => {
                // The protocol wants the absolute name of the error's shape here.
                let shape = format!("com.amazonaws.{}#{code}", call.service);
                let mut answer = Self::cbor(error_document(&shape, message));
                answer.status = status;
                answer.with_query_error(call, code, fault)
            }
            Protocol::Json => {
                let document = json!({"__type": code, "message": message}).to_string();
                let kind = format!("application/x-amz-json-{}", json_version(&call.service));
                Self::new(status, &kind, document).with_query_error(call, code, fault)
            }
            Protocol::RestJson | Protocol::Unsigned => {
                let mut answer = Self::new(status, "application/json", json!({"message": message}).to_string());
                answer.headers.push(("x-amzn-errortype".to_owned(), code.to_owned()));
                answer
            }
        }
    }

    /// Services that once spoke the query protocol keep the error codes of that time in a header.
    fn with_query_error(mut self, call: &WireCall, code: &str, fault: &str) -> Self {
        if matches!(call.service.as_str(), "cloudwatch" | "sqs") {
            self.headers.push(("x-amzn-query-error".to_owned(), format!("{code};{fault}")));
        }
        self
    }

    /// "Slow down", as the service says it.
    pub fn throttled(call: &WireCall) -> Self {
        let (status, code) = match (call.protocol, call.service.as_str()) {
            (Protocol::Query | Protocol::RpcCbor, _) | (_, "cloudwatch" | "route53") => (400, "Throttling"),
            (_, "s3") => (503, "SlowDown"),
            (Protocol::RestJson | Protocol::Unsigned, _) => (429, "TooManyRequestsException"),
            (Protocol::Json | Protocol::RestXml, _) => (400, "ThrottlingException"),
        };
        Self::error(call, status, code, "Rate exceeded")
    }

    /// The service fails with this status.
    pub fn server_error(call: &WireCall, status: u16) -> Self {
        let code = match (status, call.service.as_str()) {
            (503, "apigateway") => "ServiceUnavailableException",
            (503, _) => "ServiceUnavailable",
            // The services' own models have these; all others have only what is common to every service.
            (_, "dynamodb" | "ssm") => "InternalServerError",
            (_, "ecs") => "ServerException",
            (_, "lambda") => "ServiceException",
            (_, "secretsmanager") => "InternalServiceError",
            (_, "s3") => "InternalError",
            _ => "InternalFailure",
        };
        Self::error(call, status, code, "The rehearsal made this service fail")
    }

    /// The error code that the answer carries, wherever its protocol puts it.
    pub fn error_code(&self) -> Option<String> {
        if self.status < 400 {
            return None;
        }
        if let Some(code) = self.header("x-amzn-errortype") {
            return Some(short(code));
        }
        if let Ok(document) = serde_json::from_slice::<serde_json::Value>(&self.body) {
            let code = ["__type", "code", "Code"].iter().find_map(|name| document.get(name)?.as_str());
            return code.map(short);
        }
        if let Ok(document) = super::cbor::decode(&self.body) {
            return document.get("__type").and_then(|code| code.as_str()).map(short);
        }
        let text = String::from_utf8_lossy(&self.body);
        let (_, rest) = text.split_once("<Code>")?;
        rest.split_once("</Code>").map(|(code, _)| short(code))
    }

    /// Whether the call had its effect, as far as the answer tells.
    pub fn succeeded(&self) -> bool {
        StatusCode::from_u16(self.status).is_ok_and(|status| status.is_success())
    }

    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// The version of the JSON protocol that a service speaks, as its model says.
fn json_version(service: &str) -> &'static str {
    if matches!(service, "cloudwatch" | "dynamodb" | "states" | "sqs") { "1.0" } else { "1.1" }
}

/// The namespace of a service's documents. Strict readers do not recognise an error outside it.
fn namespace(service: &str) -> Option<&'static str> {
    Some(match service {
        "cloudwatch" => "http://monitoring.amazonaws.com/doc/2010-08-01/",
        "rds" => "http://rds.amazonaws.com/doc/2014-10-31/",
        "route53" => "https://route53.amazonaws.com/doc/2013-04-01/",
        "sns" => "http://sns.amazonaws.com/doc/2010-03-31/",
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        _ => return None,
    })
}

fn error_response(call: &WireCall, fault: &str, code: &str, message: &str) -> String {
    let namespace = namespace(&call.service).map(|address| format!(" xmlns=\"{address}\"")).unwrap_or_default();
    format!(
        "<ErrorResponse{namespace}><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>",
        escaped(code),
        escaped(message)
    )
}

fn error_document(code: &str, message: &str) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // Writing into a vector cannot fail.
    let _infallible = encoder.map(2).and_then(|it| it.str("__type")?.str(code)?.str("message")?.str(message)).map(|_| ());
    encoder.into_writer()
}

/// `com.amazonaws.rds#Throttling:http://…` → `Throttling`. Never long: it goes into the log.
fn short(code: &str) -> String {
    let code = code.rsplit('#').next().unwrap_or(code);
    code.split(':').next().unwrap_or(code).trim().chars().take(100).collect()
}

fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(['<', '>', '&']) {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::requests;
    use serde_json::Value;

    #[test]
    fn throttling_and_failure_speak_the_protocol_of_the_call() {
        let rows = [
            (requests::form("rds", "Action=ModifyDBInstance"), 400, "Throttling", "ServiceUnavailable"),
            (
                requests::target("ssm", "AmazonSSM.PutParameter", Value::Null),
                400,
                "ThrottlingException",
                "ServiceUnavailable",
            ),
            (
                requests::rest("lambda", "GET", "/2015-03-31/functions/f", Value::Null),
                429,
                "TooManyRequestsException",
                "ServiceUnavailable",
            ),
            (
                requests::rest("route53", "GET", "/2013-04-01/hostedzone", Value::Null),
                400,
                "Throttling",
                "ServiceUnavailable",
            ),
            (requests::rest("s3", "GET", "/bucket/key", Value::Null), 503, "SlowDown", "ServiceUnavailable"),
            (
                requests::cbor("monitoring", "/service/GraniteServiceVersion20100801/operation/GetMetricData", b"\xa0"),
                400,
                "Throttling",
                "ServiceUnavailable",
            ),
        ];
        for (wire, status, throttled, failed) in rows {
            let call = wire.call();
            let answer = WireAnswer::throttled(&call);
            assert_eq!((answer.status, answer.error_code().as_deref()), (status, Some(throttled)), "{call:?}");
            let answer = WireAnswer::server_error(&call, 503);
            assert_eq!((answer.status, answer.error_code().as_deref()), (503, Some(failed)), "{call:?}");
        }
    }

    #[test]
    fn a_code_is_found_wherever_it_stands_and_stripped_of_its_origin() {
        for (answer, expected) in [
            (WireAnswer::new(400, "x", r#"{"__type":"com.amazonaws.ssm#ParameterNotFound"}"#), Some("ParameterNotFound")),
            (
                WireAnswer::new(404, "x", "<ErrorResponse><Error><Code>DBInstanceNotFound</Code></Error></ErrorResponse>"),
                Some("DBInstanceNotFound"),
            ),
            (WireAnswer::new(200, "x", r#"{"__type":"not an error"}"#), None),
            (WireAnswer::new(500, "x", "unreadable"), None),
        ] {
            assert_eq!(answer.error_code().as_deref(), expected);
        }
    }
}
