//! Aurora global databases, as far as describing them goes: their data is not modelled.

use jiff::Timestamp;
use serde::Serialize;

use crate::errors::ApiError;
use crate::facts::Fact;
use crate::world::World;

/// A cluster, by its Region and its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ClusterKey {
    /// The Region.
    pub region: String,
    /// The identifier.
    pub identifier: String,
}

impl ClusterKey {
    /// The cluster of that identifier in a Region.
    #[must_use]
    pub fn new(region: &str, identifier: &str) -> Self {
        Self { region: region.to_owned(), identifier: identifier.to_owned() }
    }
}

/// A cluster of a global database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlobalClusterMember {
    /// Which it is.
    pub key: ClusterKey,
    /// Whether it takes the writes.
    pub writer: bool,
    /// Whether it follows the writer.
    pub connected: bool,
}

/// A global database as RDS describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GlobalCluster {
    /// Its identifier.
    pub identifier: String,
    /// Its status.
    pub status: String,
    /// Its clusters, the writer first.
    pub members: Vec<GlobalClusterMember>,
}

impl GlobalCluster {
    /// Its ARN, which has no Region.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:rds::{account}:global-cluster:{}", self.identifier)
    }
}

impl GlobalClusterMember {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:rds:{}:{account}:cluster:{}", self.key.region, self.key.identifier)
    }
}

impl World {
    /// Has a global database: a writer, and a connected secondary cluster.
    pub fn add_global_cluster(&mut self, identifier: &str, writer: ClusterKey, secondary: ClusterKey) {
        self.back_up_clusters(&writer, &secondary);
        let members = vec![
            GlobalClusterMember { key: writer, writer: true, connected: true },
            GlobalClusterMember { key: secondary, writer: false, connected: true },
        ];
        let (identifier, status) = (identifier.to_owned(), "available".to_owned());
        self.global_clusters.insert(identifier.clone(), GlobalCluster { identifier, status, members });
    }

    /// Sets whether a cluster follows the writer of its global database.
    pub fn set_cluster_connected(&mut self, cluster: &ClusterKey, connected: bool) {
        let members = self.global_clusters.values_mut().flat_map(|global| &mut global.members);
        members.filter(|member| member.key == *cluster).for_each(|member| member.connected = connected);
    }

    /// The global databases that have a cluster in a Region, or the named one of them.
    ///
    /// # Errors
    /// `GlobalClusterNotFoundFault`, and what every call may answer.
    pub fn describe_global_clusters(
        &mut self,
        region: &str,
        identifier: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<GlobalCluster>, ApiError> {
        self.admit(region, now)?;
        let here = |global: &&GlobalCluster| global.members.iter().any(|member| member.key.region == region);
        let named = |global: &&GlobalCluster| identifier.is_none_or(|identifier| global.identifier == identifier);
        let found: Vec<GlobalCluster> = self.global_clusters.values().filter(here).filter(named).cloned().collect();
        if let Some(identifier) = identifier.filter(|_| found.is_empty()) {
            self.rely_on(Fact::UnknownGlobalCluster);
            return Err(ApiError::global_cluster_not_found(identifier));
        }
        self.rely_on(Fact::MembersOfAGlobalCluster);
        Ok(found)
    }
}
