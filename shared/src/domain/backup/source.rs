//! The lists of what AWS keeps to restore a component from: which there are, and which of their entries count.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::described::CopiedBy;
use crate::domain::identifier::{ClusterId, InstanceId, Region, ResourceName, TableName};
use crate::domain::operation::Operation;
use crate::domain::plan::{Component, Plan, SiteName};

use super::declared::ManagedBackups;

/// One list, as one service answers it in one Region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum BackupSource {
    /// RDS: automated backups of an instance of another Region, replicated to this one.
    ReplicatedBackups {
        /// The instance.
        instance: InstanceId,
        /// Its Region.
        origin: Region,
    },
    /// RDS: snapshots of an instance of another Region, copied to this one.
    CopiedSnapshots {
        /// The instance.
        instance: InstanceId,
        /// Its Region.
        origin: Region,
    },
    /// Aurora: the continuous backup of a cluster.
    Cluster(ClusterId),
    /// Aurora: snapshots of a cluster, taken in this Region or copied to it.
    ClusterSnapshots {
        /// The cluster.
        cluster: ClusterId,
        /// Its Region.
        origin: Region,
    },
    /// DynamoDB: point-in-time recovery of a table.
    Table(TableName),
    /// AWS Backup: recovery points of one resource in a vault.
    Vault {
        /// The vault.
        vault: ResourceName,
        /// The ARN of what they are of. A copy in another Region keeps it.
        resource: String,
    },
}

/// An entry of such a list, in its service's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptView {
    /// Its name.
    pub id: String,
    /// What it is a backup of.
    pub of: String,
    /// The Region of that, where the service says.
    pub origin: Option<String>,
    /// How it is.
    pub status: String,
    /// The newest moment that it holds.
    pub holds_until: Option<Timestamp>,
    /// Whether it is encrypted at rest, where the service says.
    pub encrypted: Option<bool>,
    /// What it was copied from, where the service dates a copy by when it was copied.
    pub copied_from: Option<String>,
}

impl BackupSource {
    /// What asks for it.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::ReplicatedBackups { .. } => Operation::DescribeAutomatedBackups,
            Self::CopiedSnapshots { .. } => Operation::DescribeSnapshots,
            Self::Cluster(_) => Operation::DescribeClusters,
            Self::ClusterSnapshots { .. } => Operation::DescribeClusterSnapshots,
            Self::Table(_) => Operation::DescribeContinuousBackups,
            Self::Vault { .. } => Operation::ListRecoveryPoints,
        }
    }

    /// The resource that permissions name.
    #[must_use]
    pub fn resource(&self) -> String {
        match self {
            Self::ReplicatedBackups { instance, .. } | Self::CopiedSnapshots { instance, .. } => format!("db:{instance}"),
            Self::Cluster(cluster) | Self::ClusterSnapshots { cluster, .. } => format!("cluster:{cluster}"),
            Self::Table(table) => format!("table/{table}"),
            Self::Vault { vault, .. } => format!("backup-vault:{vault}"),
        }
    }

    /// What one of its entries is called in sentences.
    #[must_use]
    pub const fn entry(&self) -> &'static str {
        match self {
            Self::ReplicatedBackups { .. } => "replicated automated backup",
            Self::CopiedSnapshots { .. } => "copied snapshot",
            Self::Cluster(_) => "continuous backup",
            Self::ClusterSnapshots { .. } => "snapshot",
            Self::Table(_) => "point-in-time recovery",
            Self::Vault { .. } => "recovery point",
        }
    }

    /// Whether an entry is of what was asked for. Identifiers are unique in a Region only, so that an instance here may have the
    /// name of the one there.
    #[must_use]
    pub fn is_of(&self, entry: &KeptView) -> bool {
        let of = |name: &str| entry.of.eq_ignore_ascii_case(name);
        let from = |region: &Region| entry.origin.as_deref() == Some(region.as_str());
        match self {
            Self::ReplicatedBackups { instance, origin } | Self::CopiedSnapshots { instance, origin } => {
                of(instance.as_str()) && from(origin)
            }
            Self::ClusterSnapshots { cluster, origin } => of(cluster.as_str()) && from(origin),
            Self::Cluster(cluster) => of(cluster.as_str()),
            Self::Table(table) => entry.of == table.as_str(),
            Self::Vault { resource, .. } => entry.of == *resource,
        }
    }

    /// Whether an entry of this status can be restored from. A status that nobody has told us of is of no use.
    #[must_use]
    pub fn counts(&self, status: &str) -> bool {
        match self {
            // RDS API reference, DBInstanceAutomatedBackup; `replicating` is what the user guide shows of one in another Region.
            // Of a `retained` one the instance is gone or the replication was stopped.
            Self::ReplicatedBackups { .. } => ["active", "replicating"].contains(&status),
            Self::CopiedSnapshots { .. } | Self::ClusterSnapshots { .. } => status == "available",
            // A cluster in any of its many statuses has its backups, except where it goes with them or its key is gone.
            Self::Cluster(_) => status != "deleting" && !status.starts_with("inaccessible-encryption-credentials"),
            Self::Table(_) => status == "ENABLED",
            // AWS Backup developer guide, "Recovery point status": PARTIAL, EXPIRED, DELETING, STOPPED and CREATING are others.
            Self::Vault { .. } => ["COMPLETED", "AVAILABLE"].contains(&status),
        }
    }
}

/// Where a list is looked for, and of what vault where it is one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAt {
    /// The site in whose Region it is asked for.
    pub site: SiteName,
    /// The list.
    pub source: BackupSource,
}

/// Every list that is looked at for a component; none for one of which AWS keeps no backups that this version looks at.
#[must_use]
pub fn sources_of(plan: &Plan, component: &Component) -> Vec<SourceAt> {
    use SiteName::{Primary, Recovery};
    let origin = plan.region(Primary);
    let mut found = Vec::new();
    let mut add = |site, source| found.push(SourceAt { site, source });
    match component {
        Component::RdsInstance(database) => {
            let (instance, origin) = (database.primary.id.clone(), origin.clone());
            add(Recovery, BackupSource::ReplicatedBackups { instance: instance.clone(), origin: origin.clone() });
            add(Recovery, BackupSource::CopiedSnapshots { instance, origin });
        }
        Component::AuroraGlobalDatabase(database) => {
            let (writer, reader) = (&database.primary.cluster, &database.recovery.cluster);
            let snapshots = |cluster: &ClusterId, origin: &Region| BackupSource::ClusterSnapshots {
                cluster: cluster.clone(),
                origin: origin.clone(),
            };
            add(Primary, BackupSource::Cluster(writer.clone()));
            add(Primary, snapshots(writer, origin));
            add(Recovery, BackupSource::Cluster(reader.clone()));
            add(Recovery, snapshots(reader, plan.region(Recovery)));
            add(Recovery, snapshots(writer, origin));
        }
        Component::DynamodbTable(table) => {
            for site in [Primary, Recovery] {
                add(site, BackupSource::Table(table.table.clone()));
            }
        }
        Component::S3Data(data) => {
            if let CopiedBy::BackupVault { vault, .. } = &data.copied_by {
                let resource = protected(plan, component);
                add(Recovery, BackupSource::Vault { vault: vault.clone(), resource });
            }
        }
        Component::EcsService(_)
        | Component::LoadBalancer(_)
        | Component::Route53Records(_)
        | Component::CloudfrontDistribution(_)
        | Component::Postgresql(_)
        | Component::BackupArchives(_) => {}
    }
    if let Some(vaults) = declared_of(component).and_then(|declared| declared.vaults.as_ref()) {
        for (site, vault) in vaults.each() {
            let resource = protected(plan, component);
            found.push(SourceAt { site, source: BackupSource::Vault { vault: vault.clone(), resource } });
        }
    }
    found
}

/// What the plan requires of the backups that AWS keeps of a component.
#[must_use]
pub fn declared_of(component: &Component) -> Option<&ManagedBackups> {
    match component {
        Component::RdsInstance(database) => database.backups.as_ref(),
        Component::DynamodbTable(table) => table.backups.as_ref(),
        Component::AuroraGlobalDatabase(database) => database.backups.as_ref(),
        _ => None,
    }
}

/// The ARN under which AWS Backup protects a component in the primary site; empty for one that it does not.
#[must_use]
pub fn protected(plan: &Plan, component: &Component) -> String {
    let region = plan.region(SiteName::Primary);
    let (partition, account) = (region.partition(), &plan.account);
    match component {
        Component::RdsInstance(database) => format!("arn:{partition}:rds:{region}:{account}:db:{}", database.primary.id),
        Component::AuroraGlobalDatabase(database) => {
            format!("arn:{partition}:rds:{region}:{account}:cluster:{}", database.primary.cluster)
        }
        Component::DynamodbTable(table) => format!("arn:{partition}:dynamodb:{region}:{account}:table/{}", table.table),
        Component::S3Data(data) => format!("arn:{partition}:s3:::{}", data.primary.bucket),
        _ => String::new(),
    }
}
