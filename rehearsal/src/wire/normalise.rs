//! The normal form of a call: what the log keeps of it, and what a prediction is compared with.
//!
//! Secrets, tokens and versions become symbols. What no rule here knows is named but not shown, so that a call nobody
//! thought of cannot put a secret into the log.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::call::{CallClass, WireCall};

/// In place of a secret.
pub const SECRET: &str = "${secret}";
/// In place of an idempotency token.
pub const TOKEN: &str = "${token}";
/// In place of a secret's version.
pub const VERSION: &str = "${version}";
/// In place of a function's revision.
pub const REVISION: &str = "${revision}";
/// In place of an environment variable that is carried over unseen.
pub const KEPT: &str = "${kept}";
/// In place of a value that no rule shows.
pub const HIDDEN: &str = "${hidden}";

/// A call of a step in the form in which predicted and made calls are compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NormalCall {
    /// The step that made it.
    pub step: String,
    /// Its place among the step's mutations, from 1.
    pub ordinal: u32,
    /// The service, by the name under which its calls are signed and its actions stand in policies.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// The Region.
    pub region: String,
    /// What it acts on.
    pub resource: String,
    /// Its parameters, without secrets.
    pub parameters: Value,
}

/// Turns calls into their normal form.
#[derive(Debug, Clone, Default)]
pub struct Normaliser {
    disclosed_variables: BTreeSet<String>,
}

impl Normaliser {
    /// `disclosed_variables` are the environment variables of functions whose values may be shown; every other is kept.
    pub fn new(disclosed_variables: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { disclosed_variables: disclosed_variables.into_iter().map(Into::into).collect() }
    }

    /// The parameters as they may be logged; `Null` for calls of our own machinery.
    pub fn parameters(&self, call: &WireCall) -> Value {
        match call.class {
            CallClass::Control => Value::Null,
            CallClass::Read => Value::Object(read(call)),
            CallClass::Mutation => Value::Object(self.mutation(call)),
        }
    }

    /// The whole normal form of a tagged call.
    pub fn normal(&self, call: &WireCall) -> Option<NormalCall> {
        let tag = call.step.as_ref()?;
        Some(NormalCall {
            step: tag.step.clone(),
            ordinal: tag.ordinal,
            service: policy_prefix(&call.service).to_owned(),
            operation: call.operation.clone(),
            region: call.region.clone(),
            resource: call.resource.clone(),
            parameters: self.parameters(call),
        })
    }

    fn mutation(&self, call: &WireCall) -> Map<String, Value> {
        let fields = call.fields();
        match (call.service.as_str(), call.operation.as_str()) {
            ("rds", _) => without_passwords(fields),
            ("ssm", "PutParameter") => parameter(fields),
            ("secretsmanager", "PutSecretValue") => {
                replaced(fields, &[("SecretString", SECRET), ("SecretBinary", SECRET), ("ClientRequestToken", TOKEN)])
            }
            ("secretsmanager", "UpdateSecretVersionStage") => {
                replaced(fields, &[("MoveToVersionId", VERSION), ("RemoveFromVersionId", VERSION)])
            }
            ("lambda", operation) => self.function(operation, call),
            ("ecs", "UpdateService") | ("apigateway" | "apigatewayv2", "UpdateStage") => fields,
            ("apigatewayv2", "DeleteRouteSettings") => named(call, "routeKey"),
            ("cloudwatch", "DisableAlarmActions" | "EnableAlarmActions" | "SetAlarmState") => fields,
            // Every resolver in the world is told what records say.
            ("route53", "ChangeResourceRecordSets" | "UpdateHealthCheck") => with_names(call, fields),
            _ => with_names(call, hidden(fields)),
        }
    }

    fn function(&self, operation: &str, call: &WireCall) -> Map<String, Value> {
        const SHOWN: [&str; 5] = [
            "UpdateFunctionConfiguration",
            "PublishVersion",
            "UpdateAlias",
            "PutFunctionConcurrency",
            "DeleteFunctionConcurrency",
        ];
        if !SHOWN.contains(&operation) {
            return with_names(call, hidden(call.fields()));
        }
        let mut fields = replaced(call.fields(), &[("RevisionId", REVISION)]);
        if let Some(variables) = fields.get_mut("Environment").and_then(|environment| environment.get_mut("Variables")) {
            match variables {
                Value::Object(variables) => {
                    for (name, value) in variables {
                        if !self.disclosed_variables.contains(name) {
                            *value = KEPT.into();
                        }
                    }
                }
                other => *other = HIDDEN.into(),
            }
        } else if let Some(environment) = fields.get_mut("Environment") {
            *environment = hidden_value(environment);
        }
        with_names(call, fields)
    }
}

/// Both versions of API Gateway are one service to policies, and so to predictions; which API is meant, the resource says.
pub(super) fn policy_prefix(service: &str) -> &str {
    if service == "apigatewayv2" { "apigateway" } else { service }
}

/// One thing that the path names and the resource does not.
fn named(call: &WireCall, name: &str) -> Map<String, Value> {
    call.path_parameters.get(name).map(|value| (name.to_owned(), value.clone().into())).into_iter().collect()
}

/// RDS has several passwords among its fields, and a signed address.
fn without_passwords(mut fields: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in &mut fields {
        if name.contains("Password") || name == "PreSignedUrl" {
            *value = SECRET.into();
        }
    }
    fields
}

/// A parameter's value is shown only where its type says, in this very call, that it is no secret.
fn parameter(fields: Map<String, Value>) -> Map<String, Value> {
    match fields.get("Type").and_then(Value::as_str) {
        Some("String" | "StringList") => fields,
        _ => replaced(fields, &[("Value", SECRET)]),
    }
}

/// Reads carry names and filters. Those of services that a platform is made of are shown.
fn read(call: &WireCall) -> Map<String, Value> {
    const SHOWN: [&str; 10] =
        ["rds", "cloudwatch", "ssm", "secretsmanager", "lambda", "ecs", "apigateway", "apigatewayv2", "backup", "route53"];
    if SHOWN.contains(&call.service.as_str()) {
        with_names(call, without_passwords(call.fields()))
    } else {
        with_names(call, hidden(call.fields()))
    }
}

fn replaced(mut fields: Map<String, Value>, symbols: &[(&str, &str)]) -> Map<String, Value> {
    for (name, symbol) in symbols {
        if let Some(value) = fields.get_mut(*name) {
            *value = (*symbol).into();
        }
    }
    fields
}

fn hidden(fields: Map<String, Value>) -> Map<String, Value> {
    fields.into_iter().map(|(name, _)| (name, HIDDEN.into())).collect()
}

fn hidden_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(hidden(fields.clone())),
        _ => HIDDEN.into(),
    }
}

fn with_names(call: &WireCall, mut fields: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in &call.path_parameters {
        fields.insert(name.clone(), value.clone().into());
    }
    fields
}
