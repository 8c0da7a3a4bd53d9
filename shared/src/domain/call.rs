//! Calls as the wire sees them, in a normal form in which a prediction and a log can be compared; and the closed set of calls
//! that a step may make at all.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::identifier::{Region, StepId};
use super::mutation::Mutation;
use super::operation::Operation;
use super::step::RouteSettings;

/// A mutation in normal form: idempotency tokens and versions become symbols, secret values are never shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The step that makes it.
    pub step: StepId,
    /// 1-based within the step.
    pub ordinal: u32,
    /// The service's signing name, such as `rds`.
    pub service: String,
    /// Such as `PromoteReadReplica`.
    pub operation: String,
    /// Region.
    pub region: Region,
    /// Such as `db:healthcare-platform-dr`.
    pub resource: String,
    /// The parameters that matter.
    pub parameters: Value,
}

impl Call {
    /// The call that carries this mutation out.
    #[must_use]
    pub fn of(step: &StepId, ordinal: u32, mutation: &Mutation) -> Self {
        let permitted = Permitted::of(mutation);
        Self {
            step: step.clone(),
            ordinal,
            service: permitted.service.to_owned(),
            operation: permitted.operation.to_owned(),
            region: permitted.region,
            resource: permitted.resource,
            parameters: parameters(mutation),
        }
    }
}

/// One member of a step's `may`: an operation on a resource in a Region. Nothing outside the set is ever sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permitted {
    /// The service's signing name.
    pub service: String,
    /// The operation.
    pub operation: String,
    /// Region.
    pub region: Region,
    /// The resource, exact.
    pub resource: String,
}

impl Permitted {
    /// A permission for one operation.
    #[must_use]
    pub fn new(operation: Operation, region: &Region, resource: impl Into<String>) -> Self {
        Self {
            service: operation.service().to_owned(),
            operation: operation.name().to_owned(),
            region: region.clone(),
            resource: resource.into(),
        }
    }

    /// The permission that a mutation needs.
    #[must_use]
    pub fn of(mutation: &Mutation) -> Self {
        let (region, resource) = match mutation {
            Mutation::ForceFailover { region, instance }
            | Mutation::RebootInstance { region, instance }
            | Mutation::SetSecurityGroups { region, instance, .. }
            | Mutation::PromoteReplica { region, instance, .. } => (region, format!("db:{instance}")),
            Mutation::PutParameter { region, name, .. } | Mutation::RestoreParameter { region, name, .. } => {
                (region, format!("parameter{name}"))
            }
            Mutation::StageSecretVersion { region, secret, .. } | Mutation::MoveSecretStage { region, secret, .. } => {
                (region, format!("secret:{secret}"))
            }
            Mutation::SetFunctionVariable { region, function, .. } => (region, format!("function:{function}")),
            Mutation::RestartService { region, cluster, service } => (region, format!("service/{cluster}/{service}")),
            Mutation::PatchRestStage { region, api, stage, .. } => (region, format!("/restapis/{api}/stages/{stage}")),
            Mutation::PutHttpRouteSettings { region, api, stage, .. }
            | Mutation::DeleteRouteSettings { region, api, stage, .. } => (region, format!("/apis/{api}/stages/{stage}")),
        };
        Self::new(Operation::of(mutation), region, resource)
    }
}

impl fmt::Display for Permitted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{} on {} in {}", self.service, self.operation, self.resource, self.region)
    }
}

/// The parameters in normal form, by the names that AWS gives them.
fn parameters(mutation: &Mutation) -> Value {
    match mutation {
        Mutation::ForceFailover { instance, .. } => {
            json!({"DBInstanceIdentifier": instance, "ForceFailover": "true"})
        }
        Mutation::RebootInstance { instance, .. } => json!({"DBInstanceIdentifier": instance}),
        Mutation::SetSecurityGroups { instance, groups, .. } => {
            let mut form = json!({"DBInstanceIdentifier": instance, "ApplyImmediately": "true"});
            for (index, group) in groups.iter().enumerate() {
                form[format!("VpcSecurityGroupIds.VpcSecurityGroupId.{}", index + 1)] = json!(group);
            }
            form
        }
        Mutation::PromoteReplica { instance, backup_retention_days, .. } => {
            json!({"DBInstanceIdentifier": instance, "BackupRetentionPeriod": backup_retention_days.to_string()})
        }
        Mutation::PutParameter { name, parameter_type, value, .. } => {
            let shown = if matches!(parameter_type, super::mutation::ParameterType::SecureString) {
                "${secret}"
            } else {
                value.as_str()
            };
            json!({"Name": name, "Type": parameter_type.as_str(), "Value": shown, "Overwrite": true})
        }
        Mutation::RestoreParameter { name, parameter_type, .. } => {
            json!({"Name": name, "Type": parameter_type.as_str(), "Value": "${secret}", "Overwrite": true})
        }
        Mutation::StageSecretVersion { secret, stage, .. } => json!({
            "SecretId": secret, "ClientRequestToken": "${token}", "SecretString": "${secret}", "VersionStages": [stage],
        }),
        Mutation::MoveSecretStage { secret, .. } => json!({
            "SecretId": secret, "VersionStage": "AWSCURRENT",
            "MoveToVersionId": "${version}", "RemoveFromVersionId": "${version}",
        }),
        Mutation::SetFunctionVariable { function, variable, value, kept, .. } => {
            let mut variables = serde_json::Map::new();
            for name in kept {
                variables.insert(name.clone(), json!("${kept}"));
            }
            if let Some(value) = value {
                variables.insert(variable.to_string(), json!(value));
            }
            json!({"FunctionName": function, "Environment": {"Variables": variables}, "RevisionId": "${revision}"})
        }
        Mutation::RestartService { cluster, service, .. } => {
            json!({"cluster": cluster, "service": service, "forceNewDeployment": true})
        }
        Mutation::PatchRestStage { operations, .. } => {
            let list: Vec<Value> = operations
                .iter()
                .map(|operation| match &operation.value {
                    Some(value) => json!({"op": operation.op, "path": operation.path, "value": value}),
                    None => json!({"op": operation.op, "path": operation.path}),
                })
                .collect();
            json!({"patchOperations": list})
        }
        Mutation::PutHttpRouteSettings { routes, .. } => {
            let settings: serde_json::Map<String, Value> =
                routes.iter().map(|(route, settings)| (route.clone(), route_settings(settings))).collect();
            json!({"routeSettings": settings})
        }
        Mutation::DeleteRouteSettings { route, .. } => json!({"routeKey": route}),
    }
}

/// What of a route's settings is sent; the rest does not appear in the body at all.
fn route_settings(settings: &RouteSettings) -> Value {
    let fields = [
        ("throttlingRateLimit", settings.rate.map(Value::from)),
        ("throttlingBurstLimit", settings.burst.map(Value::from)),
        ("detailedMetricsEnabled", settings.detailed_metrics.map(Value::from)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
