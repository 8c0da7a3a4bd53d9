//! Static stability: which call needs which Region's control plane or data plane, and what is left of a step while a Region is
//! dark.
//!
//! A control plane creates, describes and changes resources; a data plane is what they are for. Control planes fail more easily,
//! and those of services without a Region of their own live in one Region all the same: when it is dark, nobody in the world can
//! edit a Route 53 record, while names go on being answered.
//! Source: AWS Fault Isolation Boundaries, "Control planes and data planes", "Global services" and its appendices
//! (docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/global-services.html).

use serde::Serialize;

use super::call::Permitted;
use super::identifier::Region;
use super::operation::Operation;
use super::step::StepKind;

/// One of the two halves of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Plane {
    /// Creates, describes, changes and lists.
    Control,
    /// Does what the service is for.
    Data,
}

impl Plane {
    /// As printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control plane",
            Self::Data => "data plane",
        }
    }
}

/// What a call needs so that it can be answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Need {
    /// The service's signing name.
    pub service: String,
    /// Its half.
    pub plane: Plane,
    /// The Region that it lives in, which for a service without Regions is not the caller's.
    pub region: String,
}

impl Need {
    /// What this call needs.
    #[must_use]
    pub fn of(call: &Permitted) -> Self {
        let plane = plane(&call.service, &call.operation);
        let home = match plane {
            Plane::Control => global_control_plane(&call.service, call.region.partition()),
            Plane::Data => None,
        };
        Self { service: call.service.clone(), plane, region: home.map_or_else(|| call.region.to_string(), str::to_owned) }
    }
}

/// The operations that belong to a data plane. What is not listed counts as control plane, which is the careful reading.
fn plane(service: &str, operation: &str) -> Plane {
    const DATA: &[(&str, &[&str])] = &[
        ("lambda", &["Invoke"]),
        ("dynamodb", &["GetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems"]),
        ("s3", &["GetObject", "HeadObject", "PutObject", "DeleteObject"]),
        ("sns", &["Publish"]),
        ("states", &["StartExecution", "SendTaskSuccess"]),
        // ARC's cluster endpoints: five Regions, made for the day (API_UpdateRoutingControlState).
        ("route53-recovery-cluster", &["GetRoutingControlState", "UpdateRoutingControlState", "UpdateRoutingControlStates"]),
    ];
    let listed = DATA.iter().any(|(name, operations)| *name == service && operations.contains(&operation));
    if listed { Plane::Data } else { Plane::Control }
}

/// Where the control plane of a service without Regions lives in a partition; `None` for services of a Region, and for partitions
/// of which no source says it.
#[must_use]
pub fn global_control_plane(service: &str, partition: &str) -> Option<&'static str> {
    const HOMES: &[(&str, &str)] = &[
        ("account", "us-east-1"),
        ("cloudfront", "us-east-1"),
        ("globalaccelerator", "us-west-2"),
        ("iam", "us-east-1"),
        ("organizations", "us-east-1"),
        ("route53", "us-east-1"),
        ("route53-recovery-control-config", "us-west-2"),
        ("shield", "us-east-1"),
    ];
    if partition != "aws" {
        return None;
    }
    HOMES.iter().find(|(name, _)| *name == service).map(|(_, home)| *home)
}

/// What runs every step, besides the calls that the step makes itself: all of it in the recovery site, and nothing of it elsewhere.
#[must_use]
pub fn machinery(recovery: &Region) -> Vec<Permitted> {
    let call = |operation: Operation, resource: &str| Permitted::new(operation, recovery, resource);
    vec![
        call(Operation::StartExecution, "the state machine"),
        call(Operation::Invoke, "the five functions"),
        call(Operation::TransactWriteItems, "the journal"),
        call(Operation::Publish, "notices and pages"),
    ]
}

/// What is left of a step while a Region is dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It calls nothing there.
    Whole,
    /// It goes on without what it would have looked at there, and what it then does not know counts as unknown.
    Sightless,
    /// It does what it can reach, and says what it could not.
    BestEffort,
    /// It does not reach its goal.
    Fails,
}

impl Standing {
    /// As printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "works",
            Self::Sightless => "works, without a look there",
            Self::BestEffort => "best effort",
            Self::Fails => "cannot work",
        }
    }
}

/// What is left of a step that may make these calls, while a Region is dark.
#[must_use]
pub fn standing(kind: StepKind, may: &[Permitted], dark: &str) -> Standing {
    if !may.iter().any(|call| Need::of(call).region == dark) {
        return Standing::Whole;
    }
    match kind {
        // Both act on what is there, and nothing else will do. A repoint that cannot write one of its places ends refused, and
        // after a promotion that is the end of the recovery.
        StepKind::ForceFailover | StepKind::Repoint => Standing::Fails,
        StepKind::HoldWrites | StepKind::ResumeWrites | StepKind::Fence => Standing::BestEffort,
        StepKind::Gate | StepKind::Promote | StepKind::Validate => Standing::Sightless,
    }
}

#[cfg(test)]
mod tests;
