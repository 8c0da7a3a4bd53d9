//! One AWS call as the wire shows it.

use std::collections::BTreeMap;
use std::fmt;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// The header with which a step marks the calls it makes: `<step>#<ordinal>`.
pub const STEP_HEADER: &str = "x-recovery-step";

/// What a call does to the platform that is being recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallClass {
    /// It changes the platform.
    Mutation,
    /// It only looks.
    Read,
    /// Our own machinery: journal, state machine, notices, telemetry.
    Control,
}

/// How a call is written, and so how its answer has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// A form with `Action`, answered in XML (RDS, SNS, STS).
    Query,
    /// `X-Amz-Target` with a JSON document.
    Json,
    /// `/service/X/operation/Y` with a CBOR document (CloudWatch).
    RpcCbor,
    /// Method and path with a JSON document (Lambda, API Gateway).
    RestJson,
    /// Method and path with an XML document (Route 53, S3).
    RestXml,
    /// No signature: nobody's AWS call.
    Unsigned,
}

/// The step that made a call, and the place of the call among the step's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct StepTag {
    /// The step's name in the plan.
    pub step: String,
    /// 0 for reads; mutations count from 1.
    pub ordinal: u32,
}

impl StepTag {
    /// Reads `<step>#<ordinal>`. A tag that cannot be read is no tag: its call then shows among the unexplained.
    pub fn parse(text: &str) -> Option<Self> {
        let (step, ordinal) = text.trim().rsplit_once('#')?;
        let ordinal = ordinal.parse().ok()?;
        (!step.is_empty()).then(|| Self { step: step.to_owned(), ordinal })
    }
}

impl fmt::Display for StepTag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}#{}", self.step, self.ordinal)
    }
}

/// One call, with its parameters exactly as sent. It may carry secrets: only its normal form goes into the log.
#[derive(Clone)]
pub struct WireCall {
    /// Simulated time of arrival.
    pub time: Timestamp,
    /// Real time of arrival.
    pub real_time: Timestamp,
    /// The service, by its IAM prefix (`rds`, `cloudwatch`, `states`), except that version 2 of API Gateway is
    /// `apigatewayv2`. Empty when unsigned.
    pub service: String,
    /// The Region the call is signed for. Empty when unsigned.
    pub region: String,
    /// The operation's name in the service's model; method and path where none is known.
    pub operation: String,
    /// How it is written.
    pub protocol: Protocol,
    /// The access key's id, as signed.
    pub access_key: Option<String>,
    /// The step that made it, if it says so.
    pub step: Option<StepTag>,
    /// What it does.
    pub class: CallClass,
    /// What it does it to, e.g. `db:orders`; `*` where it names nothing.
    pub resource: String,
    /// The form's fields (without `Action` and `Version`), the body's document, or the query of Route 53. `Null` where the
    /// body is none of these.
    pub parameters: Value,
    /// What the path names, by the model's names (`FunctionName`, `stageName`).
    pub path_parameters: BTreeMap<String, String>,
    /// The body as sent.
    pub body: Bytes,
}

impl WireCall {
    /// One field of the form, or one top-level string of the document.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).and_then(Value::as_str)
    }

    /// `rds:ModifyDBInstance`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }

    /// The parameters as an object; empty where they are none.
    pub fn fields(&self) -> Map<String, Value> {
        self.parameters.as_object().cloned().unwrap_or_default()
    }
}

/// Leaves parameters, body and key out, so that no message of ours can carry a secret.
impl fmt::Debug for WireCall {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WireCall")
            .field("action", &self.action())
            .field("region", &self.region)
            .field("resource", &self.resource)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}

/// The class of an operation.
pub fn class_of(service: &str, operation: &str) -> CallClass {
    const CONTROL: [&str; 8] = ["dynamodb", "states", "sns", "logs", "xray", "sqs", "sts", ""];
    const READ: [&str; 6] = ["Describe", "Get", "List", "Head", "GET ", "HEAD "];
    if CONTROL.contains(&service)
        || (service == "lambda" && operation.starts_with("Invoke"))
        || (service == "cloudwatch" && operation == "PutMetricData")
    {
        CallClass::Control
    } else if READ.iter().any(|prefix| operation.starts_with(prefix)) {
        CallClass::Read
    } else {
        CallClass::Mutation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_step_and_an_ordinal() {
        let tag = |step: &str, ordinal| Some(StepTag { step: step.to_owned(), ordinal });
        for (text, expected) in [
            ("promote#1", tag("promote", 1)),
            ("hold#writes#0", tag("hold#writes", 0)),
            ("promote", None),
            ("#1", None),
            ("promote#-1", None),
            ("promote#one", None),
            ("", None),
        ] {
            assert_eq!(StepTag::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn the_class_follows_from_service_and_operation() {
        use CallClass::{Control, Mutation, Read};
        for (service, operation, expected) in [
            ("rds", "PromoteReadReplica", Mutation),
            ("rds", "DescribeDBInstances", Read),
            ("ssm", "GetParameter", Read),
            ("ecs", "ListServices", Read),
            ("secretsmanager", "PutSecretValue", Mutation),
            ("dynamodb", "PutItem", Control),
            ("dynamodb", "GetItem", Control),
            ("states", "StartExecution", Control),
            ("sns", "Publish", Control),
            ("logs", "PutLogEvents", Control),
            ("xray", "PutTraceSegments", Control),
            ("sqs", "ReceiveMessage", Control),
            ("sts", "GetCallerIdentity", Control),
            ("lambda", "Invoke", Control),
            ("lambda", "UpdateFunctionConfiguration", Mutation),
            ("lambda", "GetFunctionConfiguration", Read),
            ("cloudwatch", "PutMetricData", Control),
            ("cloudwatch", "GetMetricData", Read),
            ("cloudwatch", "DisableAlarmActions", Mutation),
            ("s3", "HeadObject", Read),
            ("someservice", "GET /things", Read),
            ("someservice", "DELETE /things/1", Mutation),
        ] {
            assert_eq!(class_of(service, operation), expected, "{service}:{operation}");
        }
    }
}
