//! Every effect that a recovery can have, as data. The same value is decided, journalled, predicted by a dry run and carried out,
//! so that a dry run cannot promise another call than the one that is made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::identifier::{InstanceId, Region, ResourceName, SecurityGroupId, VariableName};
use super::step::RouteSettings;

/// One call that changes something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mutation", rename_all = "snake_case")]
pub enum Mutation {
    /// RDS RebootDBInstance with ForceFailover.
    ForceFailover {
        /// Region.
        region: Region,
        /// Instance.
        instance: InstanceId,
    },
    /// RDS ModifyDBInstance: replace the security groups, at once.
    SetSecurityGroups {
        /// Region.
        region: Region,
        /// Instance.
        instance: InstanceId,
        /// All groups that it then has.
        groups: Vec<SecurityGroupId>,
    },
    /// RDS RebootDBInstance without failover: ends the sessions that a security group change leaves open.
    RebootInstance {
        /// Region.
        region: Region,
        /// Instance.
        instance: InstanceId,
    },
    /// RDS PromoteReadReplica.
    PromoteReplica {
        /// Region.
        region: Region,
        /// The replica.
        instance: InstanceId,
        /// Backup retention in days, which the call would otherwise set to one.
        backup_retention_days: u32,
    },
    /// Systems Manager PutParameter with Overwrite.
    PutParameter {
        /// Region.
        region: Region,
        /// Name.
        name: ResourceName,
        /// The parameter's present type, kept.
        parameter_type: ParameterType,
        /// The new value: a database host.
        value: String,
    },
    /// Systems Manager PutParameter with the value that an earlier version held. The value is read by the adapter and never
    /// written to the journal, because the parameter may be a SecureString.
    RestoreParameter {
        /// Region.
        region: Region,
        /// Name.
        name: ResourceName,
        /// The parameter's present type, kept.
        parameter_type: ParameterType,
        /// The version to restore.
        version: String,
    },
    /// Secrets Manager PutSecretValue under a stage of our own: the new version exists, and nobody reads it yet.
    StageSecretVersion {
        /// Region.
        region: Region,
        /// The secret's name.
        secret: ResourceName,
        /// The one field that changes.
        field: ResourceName,
        /// Its new value: a database host.
        value: String,
        /// The version whose other fields are kept.
        base_version: String,
        /// ClientRequestToken, which becomes the version's id. The same for every try of this effect.
        version: String,
        /// The stage that marks it as ours.
        stage: String,
    },
    /// Secrets Manager UpdateSecretVersionStage: moves AWSCURRENT, and only if it is still where we read it.
    MoveSecretStage {
        /// Region.
        region: Region,
        /// The secret's name.
        secret: ResourceName,
        /// The version that becomes current.
        to_version: String,
        /// The version that must be current now.
        from_version: String,
    },
    /// Lambda UpdateFunctionConfiguration: one variable, under RevisionId, all others kept.
    SetFunctionVariable {
        /// Region.
        region: Region,
        /// Function.
        function: ResourceName,
        /// Variable.
        variable: VariableName,
        /// Its new value; `None` removes it.
        value: Option<String>,
        /// The names of the variables that the function has afterwards besides this one.
        kept: Vec<String>,
    },
    /// ECS UpdateService with forceNewDeployment.
    RestartService {
        /// Region.
        region: Region,
        /// Cluster.
        cluster: ResourceName,
        /// Service.
        service: ResourceName,
    },
    /// API Gateway UpdateStage of a REST API.
    PatchRestStage {
        /// Region.
        region: Region,
        /// API id.
        api: ResourceName,
        /// Stage.
        stage: ResourceName,
        /// Patch operations in order.
        operations: Vec<PatchOperation>,
    },
    /// API Gateway v2 UpdateStage of an HTTP API. The call merges: a route that it does not name keeps its settings, and it can
    /// take none away.
    PutHttpRouteSettings {
        /// Region.
        region: Region,
        /// API id.
        api: ResourceName,
        /// Stage.
        stage: ResourceName,
        /// What is sent, by route key such as `POST /patients`: only the routes that change.
        routes: BTreeMap<String, RouteSettings>,
    },
    /// API Gateway v2 DeleteRouteSettings: the one call that takes settings away, all those of one route.
    DeleteRouteSettings {
        /// Region.
        region: Region,
        /// API id.
        api: ResourceName,
        /// Stage.
        stage: ResourceName,
        /// The route key.
        route: String,
    },
}

/// A Systems Manager parameter's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterType {
    /// Plain text.
    String,
    /// Plain text with commas.
    StringList,
    /// Encrypted: its value is never shown.
    SecureString,
}

impl ParameterType {
    /// As the API writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// One operation of API Gateway's patch list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatchOperation {
    /// `replace` or `remove`.
    pub op: String,
    /// Such as `/~1patients/POST/throttling/rateLimit`.
    pub path: String,
    /// The new value; absent for `remove`.
    pub value: Option<String>,
}

impl Mutation {
    /// Whether the effect makes a replica a primary, which cannot be taken back.
    #[must_use]
    pub fn is_promotion(&self) -> bool {
        matches!(self, Self::PromoteReplica { .. })
    }

    /// What it changes: kind, Region and names. Undo replaces an effect by another on the same. `None` for what stands in nobody's way when
    /// it comes late: a version of a secret that nobody reads yet, a restart.
    #[must_use]
    pub fn changed(&self) -> Option<[&str; 4]> {
        Some(match self {
            Self::ForceFailover { region, instance }
            | Self::SetSecurityGroups { region, instance, .. }
            | Self::RebootInstance { region, instance }
            | Self::PromoteReplica { region, instance, .. } => ["instance", region.as_str(), instance.as_str(), ""],
            Self::PutParameter { region, name, .. } | Self::RestoreParameter { region, name, .. } => {
                ["parameter", region.as_str(), name.as_str(), ""]
            }
            Self::MoveSecretStage { region, secret, .. } => ["secret", region.as_str(), secret.as_str(), ""],
            Self::SetFunctionVariable { region, function, variable, .. } => {
                ["variable", region.as_str(), function.as_str(), variable.as_str()]
            }
            Self::PatchRestStage { region, api, stage, .. }
            | Self::PutHttpRouteSettings { region, api, stage, .. }
            | Self::DeleteRouteSettings { region, api, stage, .. } => {
                ["stage", region.as_str(), api.as_str(), stage.as_str()]
            }
            Self::StageSecretVersion { .. } | Self::RestartService { .. } => return None,
        })
    }
}

/// What a service said when it carried a mutation out: only what later decisions need.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Performed {
    /// The instance's status in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_status: Option<String>,
    /// The version that the write made: a parameter's number, a secret's version id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Performed {
    /// Nothing worth keeping.
    #[must_use]
    pub fn plainly() -> Self {
        Self::default()
    }
}
