//! What aliases outside their zone lead to.

use std::net::IpAddr;

use serde::Serialize;

/// An AWS resource with a name of its own that an alias may lead to: a load balancer, say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AliasResource {
    /// The zone that AWS keeps its name in.
    pub hosted_zone: String,
    /// The addresses that its name has.
    pub addresses: Vec<IpAddr>,
    /// Whether AWS takes it to be healthy.
    pub healthy: bool,
}

/// How long the answer of an alias to such a resource may be remembered, in seconds.
pub(crate) const RESOURCE_TTL: u32 = 60;
