//! The series of figures that say how far something is behind: how CloudWatch names each, and in which Region it is published.

use crate::domain::described::{CopiedBy, S3Data};
use crate::domain::identifier::{BucketName, ClusterId, InstanceId, Region, ResourceName, TableName};
use crate::domain::plan::{Component, Plan, SiteName};

/// A rule of S3 replication, as its metrics name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketCopy {
    /// The bucket that is copied.
    pub source: BucketName,
    /// The bucket that it is copied to.
    pub destination: BucketName,
    /// The rule's id.
    pub rule: ResourceName,
}

impl BucketCopy {
    /// What tells the rule's series from those of others.
    #[must_use]
    pub fn dimensions(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SourceBucket", self.source.to_string()),
            ("DestinationBucket", self.destination.to_string()),
            ("RuleId", self.rule.to_string()),
        ]
    }
}

/// One series of figures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum LagSeries {
    /// Of an RDS read replica.
    Replica(InstanceId),
    /// Of a rule of S3 replication. There are none unless replication metrics are on for the rule (S3 user guide, "Monitoring
    /// replication with metrics").
    Copy(BucketCopy),
    /// Of a replica of a DynamoDB global table. There are none while nothing is written.
    Table {
        /// The table.
        table: TableName,
        /// The replica's Region.
        receiving: Region,
    },
    /// Of an Aurora global database's secondary cluster: all that is written.
    ClusterReplication(ClusterId),
    /// Of the same: what users have committed. Aurora MySQL publishes it from versions 2.12.0 and 3.04.0 on.
    ClusterLoss(ClusterId),
}

impl LagSeries {
    /// CloudWatch's namespace.
    #[must_use]
    pub const fn namespace(&self) -> &'static str {
        match self {
            Self::Replica(_) | Self::ClusterReplication(_) | Self::ClusterLoss(_) => "AWS/RDS",
            Self::Copy(_) => "AWS/S3",
            Self::Table { .. } => "AWS/DynamoDB",
        }
    }

    /// The metric's name.
    #[must_use]
    pub const fn metric(&self) -> &'static str {
        match self {
            Self::Replica(_) => "ReplicaLag",
            Self::Copy(_) | Self::Table { .. } => "ReplicationLatency",
            Self::ClusterReplication(_) => "AuroraGlobalDBReplicationLag",
            Self::ClusterLoss(_) => "AuroraGlobalDBRPOLag",
        }
    }

    /// What one of its figures is in seconds: RDS and S3 publish seconds, DynamoDB and Aurora milliseconds.
    #[must_use]
    pub const fn seconds_per_unit(&self) -> f64 {
        match self {
            Self::Replica(_) | Self::Copy(_) => 1.0,
            Self::Table { .. } | Self::ClusterReplication(_) | Self::ClusterLoss(_) => 0.001,
        }
    }

    /// What tells it from the metric's other series.
    #[must_use]
    pub fn dimensions(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Replica(replica) => vec![("DBInstanceIdentifier", replica.to_string())],
            Self::Copy(copy) => copy.dimensions(),
            Self::Table { table, receiving } => {
                vec![("TableName", table.to_string()), ("ReceivingRegion", receiving.to_string())]
            }
            Self::ClusterReplication(cluster) | Self::ClusterLoss(cluster) => {
                vec![("DBClusterIdentifier", cluster.to_string())]
            }
        }
    }

    /// The site in whose Region it is published. Only DynamoDB publishes at the source: `ReplicationLatency` is emitted there for
    /// each receiving Region.
    #[must_use]
    pub const fn site(&self) -> SiteName {
        match self {
            Self::Table { .. } => SiteName::Primary,
            Self::Replica(_) | Self::Copy(_) | Self::ClusterReplication(_) | Self::ClusterLoss(_) => SiteName::Recovery,
        }
    }

    /// The metric as permissions name it.
    #[must_use]
    pub fn resource(&self) -> String {
        format!("metric:{}/{}", self.namespace(), self.metric())
    }
}

/// The rule of S3 replication that copies a component, where one does.
#[must_use]
pub fn copy_of(component: &Component) -> Option<BucketCopy> {
    match component {
        Component::S3Data(data) => copy_of_data(data),
        _ => None,
    }
}

pub(super) fn copy_of_data(data: &S3Data) -> Option<BucketCopy> {
    match &data.copied_by {
        CopiedBy::ReplicationRule { id } => Some(BucketCopy {
            source: data.primary.bucket.clone(),
            destination: data.recovery.bucket.clone(),
            rule: id.clone(),
        }),
        CopiedBy::BackupVault { .. } => None,
    }
}

/// The metric of operations that a rule of S3 replication gave up, as permissions name it. S3 publishes it in the Region of the source
/// bucket, unlike the rule's latency (S3 user guide, "Using S3 Replication metrics").
pub const FAILED_OPERATIONS: &str = "metric:AWS/S3/OperationsFailedReplication";

/// The series that say how far a component's replica is behind; none for a component that has none.
#[must_use]
pub fn series_of(plan: &Plan, component: &Component) -> Vec<LagSeries> {
    match component {
        Component::RdsInstance(database) => vec![LagSeries::Replica(database.recovery.id.clone())],
        Component::S3Data(_) => copy_of(component).map(LagSeries::Copy).into_iter().collect(),
        Component::DynamodbTable(table) => {
            vec![LagSeries::Table { table: table.table.clone(), receiving: plan.region(SiteName::Recovery).clone() }]
        }
        Component::AuroraGlobalDatabase(database) => {
            let cluster = &database.recovery.cluster;
            vec![LagSeries::ClusterLoss(cluster.clone()), LagSeries::ClusterReplication(cluster.clone())]
        }
        // The servers are asked themselves.
        Component::Postgresql(_) => Vec::new(),
        Component::EcsService(_)
        | Component::LoadBalancer(_)
        | Component::Route53Records(_)
        | Component::CloudfrontDistribution(_)
        | Component::BackupArchives(_) => Vec::new(),
    }
}
