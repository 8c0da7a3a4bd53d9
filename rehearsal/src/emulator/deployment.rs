//! What is deployed, and what the deployment says of itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to deploy.
#[derive(Debug, Clone)]
pub struct DeploymentRequest {
    /// The stack's name.
    pub stack: String,
    /// The Region it is deployed in.
    pub region: String,
    /// The SAM template.
    pub template: PathBuf,
    /// The directory that holds the functions' binaries, each named after its package.
    pub binaries: PathBuf,
    /// The compiled plan, which becomes the contents of the template's layer.
    pub plan: PathBuf,
    /// The template's parameters. `Architecture` is this machine's unless it is given.
    pub parameters: BTreeMap<String, String>,
}

/// A stack in the emulator, and everything about it that is not as it would be in AWS.
#[derive(Debug, Clone, Deserialize)]
pub struct Deployment {
    /// The stack's outputs.
    pub outputs: BTreeMap<String, String>,
    /// The physical id of each resource.
    pub physical_ids: BTreeMap<String, String>,
    /// The policies of each role, by the role's name, with every function of the template resolved.
    pub role_policies: BTreeMap<String, RolePolicies>,
    /// Packages whose binary was too large to upload and runs from where it lies.
    pub linked: Vec<String>,
    /// What could not be deployed.
    pub dropped: Vec<Omission>,
    /// What the emulator dropped silently, and was applied again.
    pub reapplied: Vec<Mended>,
    /// What is not as the template wants it, for no known reason. Anything here is a failure.
    pub differences: Vec<Difference>,
    /// How many properties were read back and found as the template wants them.
    pub held: u64,
    /// Resources that no check reads back.
    pub unverified: Vec<Unverified>,
    /// What the emulator stores but does not act on.
    pub not_enforced: Vec<Limit>,
    /// How long the deployment took, in seconds.
    pub seconds: f64,
}

/// The policies of one role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RolePolicies {
    /// Its name in the template.
    pub resource: String,
    /// Its ARN.
    pub arn: String,
    /// Who may assume it.
    pub trust: Value,
    /// Its inline policies by name.
    pub inline: BTreeMap<String, Value>,
    /// The managed policies attached to it, as ARNs.
    pub managed: Vec<String>,
}

/// Something of the template that is not deployed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Omission {
    /// Its name in the template.
    pub resource: String,
    /// Its type, with the property when only that is missing.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why.
    pub reason: String,
}

/// A property that was applied a second time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mended {
    /// The resource's name in the template.
    pub resource: String,
    /// The property.
    pub property: String,
}

/// A property that is not as the template wants it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Difference {
    /// The resource's name in the template.
    pub resource: String,
    /// The property.
    pub property: String,
    /// What the template wants.
    pub wanted: Value,
    /// What the emulator has.
    pub found: Value,
}

/// A resource that was deployed and not read back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unverified {
    /// Its name in the template.
    pub resource: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Something that a rehearsal does not show.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limit {
    /// The type, or the property of a type.
    pub what: String,
    /// What the emulator does instead.
    pub meaning: String,
    /// The resources concerned.
    pub resources: Vec<String>,
}
