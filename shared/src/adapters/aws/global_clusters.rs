//! Aurora: what a global database is.

use async_trait::async_trait;
use aws_sdk_rds::types::GlobalClusterMember;

use super::Clients;
use crate::adapters::Sending;
use crate::domain::identifier::{ClusterId, Region};
use crate::domain::operation::Operation;
use crate::domain::replication::{ClusterMember, GlobalClusterView};
use crate::ports::{FailureKind, GlobalClusters, PortResult};

/// [`GlobalClusters`] over RDS.
#[derive(Debug, Clone)]
pub struct RdsGlobalClusters {
    clients: Clients,
}

impl RdsGlobalClusters {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl GlobalClusters for RdsGlobalClusters {
    async fn describe(&self, region: &Region, cluster: &ClusterId) -> PortResult<GlobalClusterView> {
        let operation = Sending::of(Operation::DescribeGlobalClusters);
        operation.permit(region, &format!("global-cluster:{cluster}"))?;
        let request = self.clients.rds(region).describe_global_clusters().global_cluster_identifier(cluster.as_str());
        let answer = request.send().await.map_err(|error| operation.failed(&error))?;
        let found = answer.global_clusters().iter();
        let mut found = found.filter(|found| found.global_cluster_identifier() == Some(cluster.as_str()));
        let Some(found) = found.next() else {
            return Err(if answer.global_clusters().is_empty() {
                operation.failure(
                    FailureKind::NotFound,
                    "GlobalClusterNotFoundFault",
                    &format!("there is no global cluster {cluster}"),
                )
            } else {
                operation.failure(FailureKind::NoAnswer, "other_cluster", &format!("the answer is not about {cluster}"))
            });
        };
        let members = found.global_cluster_members().iter().filter_map(member).collect();
        Ok(GlobalClusterView { status: found.status().unwrap_or("without a status").to_owned(), members })
    }
}

fn member(found: &GlobalClusterMember) -> Option<ClusterMember> {
    Some(ClusterMember {
        arn: found.db_cluster_arn()?.to_owned(),
        writer: found.is_writer() == Some(true),
        synchronization: found.synchronization_status().map(|status| status.as_str().to_owned()),
    })
}
