//! What RDS, Aurora, DynamoDB and AWS Backup keep to restore from: each list to its end, whatever the status of its entries.

use std::future::Future;

use async_trait::async_trait;
use aws_sdk_backup::types::RecoveryPointByBackupVault;
use aws_sdk_rds::types::{DbClusterSnapshot, DbInstanceAutomatedBackup, DbSnapshot, Filter};

use super::Clients;
use super::clients::OPERATION;
use super::time::timestamp;
use crate::adapters::Sending;
use crate::domain::backup::{BackupSource, KeptView};
use crate::domain::identifier::{ClusterId, InstanceId, Region, ResourceName, TableName};
use crate::domain::operation::Operation;
use crate::ports::{Backups, FailureKind, PortResult};

/// Pages of a hundred: more than a thousand backups of one thing are not an answer.
const MOST_PAGES: usize = 10;

/// [`Backups`] over the services themselves.
#[derive(Debug, Clone)]
pub struct ServiceBackups {
    clients: Clients,
}

impl ServiceBackups {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Backups for ServiceBackups {
    async fn kept(&self, region: &Region, source: &BackupSource) -> PortResult<Vec<KeptView>> {
        let operation = sending(source);
        operation.permit(region, &source.resource())?;
        let asked = Asked { clients: &self.clients, region, operation };
        // All pages together have the time of one call.
        operation
            .within(OPERATION, async {
                match source {
                    BackupSource::ReplicatedBackups { instance, .. } => asked.automated_backups(instance).await,
                    BackupSource::CopiedSnapshots { instance, .. } => asked.snapshots(instance).await,
                    BackupSource::Cluster(cluster) => asked.cluster(cluster).await,
                    BackupSource::ClusterSnapshots { cluster, .. } => asked.cluster_snapshots(cluster).await,
                    BackupSource::Table(table) => asked.table(table).await,
                    BackupSource::Vault { vault, resource } => asked.vault(vault, resource).await,
                }
            })
            .await
    }
}

fn sending(source: &BackupSource) -> Sending {
    match source {
        BackupSource::ReplicatedBackups { .. } => Sending::of(Operation::DescribeAutomatedBackups),
        BackupSource::CopiedSnapshots { .. } => Sending::of(Operation::DescribeSnapshots),
        BackupSource::Cluster(_) => Sending::of(Operation::DescribeClusters),
        BackupSource::ClusterSnapshots { .. } => Sending::of(Operation::DescribeClusterSnapshots),
        BackupSource::Table(_) => Sending::of(Operation::DescribeContinuousBackups),
        BackupSource::Vault { .. } => Sending::of(Operation::ListRecoveryPoints),
    }
}

/// One list that is asked for.
struct Asked<'a> {
    clients: &'a Clients,
    region: &'a Region,
    operation: Sending,
}

/// A page's entries, and where the next page begins.
type Page = (Vec<KeptView>, Option<String>);

impl Asked<'_> {
    /// Every page, one after the other.
    async fn pages<F: Future<Output = PortResult<Page>>>(
        &self,
        page: impl Fn(Option<String>) -> F,
    ) -> PortResult<Vec<KeptView>> {
        let (mut kept, mut next) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let (entries, following) = page(next).await?;
            kept.extend(entries);
            next = following.filter(|next| !next.is_empty());
            if next.is_none() {
                return Ok(kept);
            }
        }
        Err(self.operation.failure(FailureKind::NoAnswer, "too_many_pages", "the list of backups does not end"))
    }

    async fn automated_backups(&self, instance: &InstanceId) -> PortResult<Vec<KeptView>> {
        let client = self.clients.rds(self.region);
        // By filter: the parameter takes only instances that exist, and this one is in another Region.
        let filter = Filter::builder().name("db-instance-id").values(instance.as_str()).build();
        let found = self.pages(|marker| {
            let request = client.describe_db_instance_automated_backups().filters(filter.clone()).set_marker(marker);
            async move {
                let page = request.send().await.map_err(|error| self.operation.failed(&error))?;
                let entries = page.db_instance_automated_backups().iter().filter_map(automated_backup).collect();
                Ok((entries, page.marker().map(str::to_owned)))
            }
        });
        or_none(found.await)
    }

    async fn snapshots(&self, instance: &InstanceId) -> PortResult<Vec<KeptView>> {
        let client = self.clients.rds(self.region);
        // Both automated and manual ones: a copy is manual. Those that AWS Backup manages are the vault's.
        let found = self.pages(|marker| {
            let request = client.describe_db_snapshots().db_instance_identifier(instance.as_str()).set_marker(marker);
            async move {
                let page = request.send().await.map_err(|error| self.operation.failed(&error))?;
                Ok((page.db_snapshots().iter().filter_map(snapshot).collect(), page.marker().map(str::to_owned)))
            }
        });
        or_none(found.await)
    }

    async fn cluster(&self, cluster: &ClusterId) -> PortResult<Vec<KeptView>> {
        let request = self.clients.rds(self.region).describe_db_clusters().db_cluster_identifier(cluster.as_str());
        let page = request.send().await.map_err(|error| self.operation.failed(&error))?;
        let found = page.db_clusters().iter().find(|found| found.db_cluster_identifier() == Some(cluster.as_str()));
        let Some(found) = found else {
            let other = !page.db_clusters().is_empty();
            let (kind, code) = if other {
                (FailureKind::NoAnswer, "other_cluster")
            } else {
                (FailureKind::NotFound, "DBClusterNotFoundFault")
            };
            return Err(self.operation.failure(kind, code, &format!("the answer is not about {cluster}")));
        };
        Ok(vec![KeptView {
            id: cluster.to_string(),
            of: cluster.to_string(),
            origin: Some(self.region.to_string()),
            status: found.status().unwrap_or("without a status").to_owned(),
            holds_until: found.latest_restorable_time().and_then(timestamp),
            encrypted: found.storage_encrypted(),
            copied_from: None,
        }])
    }

    async fn cluster_snapshots(&self, cluster: &ClusterId) -> PortResult<Vec<KeptView>> {
        let client = self.clients.rds(self.region);
        let found = self.pages(|marker| {
            let request = client.describe_db_cluster_snapshots().db_cluster_identifier(cluster.as_str()).set_marker(marker);
            async move {
                let page = request.send().await.map_err(|error| self.operation.failed(&error))?;
                let found = page.db_cluster_snapshots().iter();
                let entries = found.filter_map(|found| cluster_snapshot(found, self.region)).collect();
                Ok((entries, page.marker().map(str::to_owned)))
            }
        });
        or_none(found.await)
    }

    async fn table(&self, table: &TableName) -> PortResult<Vec<KeptView>> {
        let request = self.clients.dynamodb(self.region).describe_continuous_backups().table_name(table.as_str());
        let answer = request.send().await.map_err(|error| self.operation.failed(&error))?;
        let found = answer.continuous_backups_description();
        let recovery = found.and_then(|found| found.point_in_time_recovery_description());
        let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status());
        Ok(vec![KeptView {
            id: table.to_string(),
            of: table.to_string(),
            origin: Some(self.region.to_string()),
            status: status.map_or("without a status", |status| status.as_str()).to_owned(),
            holds_until: recovery.and_then(|recovery| recovery.latest_restorable_date_time()).and_then(timestamp),
            // All of DynamoDB is, and its backups with it (developer guide, "DynamoDB encryption at rest").
            encrypted: Some(true),
            copied_from: None,
        }])
    }

    async fn vault(&self, vault: &ResourceName, resource: &str) -> PortResult<Vec<KeptView>> {
        let client = self.clients.backup(self.region);
        self.pages(|token| {
            let request = client.list_recovery_points_by_backup_vault().backup_vault_name(vault.as_str());
            let request = request.by_resource_arn(resource).set_next_token(token);
            async move {
                let page = request.send().await.map_err(|error| self.operation.failed(&error))?;
                Ok((
                    page.recovery_points().iter().filter_map(recovery_point).collect(),
                    page.next_token().map(str::to_owned),
                ))
            }
        })
        .await
    }
}

/// A list of what is kept of something: that there is none is an answer, however RDS says it.
fn or_none(found: PortResult<Vec<KeptView>>) -> PortResult<Vec<KeptView>> {
    match found {
        Err(error) if error.kind == FailureKind::NotFound => Ok(Vec::new()),
        found => found,
    }
}

fn automated_backup(found: &DbInstanceAutomatedBackup) -> Option<KeptView> {
    let id = found.db_instance_automated_backups_arn().or_else(|| found.dbi_resource_id())?;
    Some(KeptView {
        id: id.to_owned(),
        of: found.db_instance_identifier()?.to_owned(),
        origin: found.region().map(str::to_owned),
        status: found.status().unwrap_or("without a status").to_owned(),
        holds_until: found.restore_window().and_then(|window| window.latest_time()).and_then(timestamp),
        encrypted: found.encrypted(),
        copied_from: None,
    })
}

fn snapshot(found: &DbSnapshot) -> Option<KeptView> {
    // SnapshotCreateTime of a copy is when it was copied, and of what was taken here both are the same.
    let copied = found.source_db_snapshot_identifier().is_some_and(|source| !source.is_empty());
    let taken = found.original_snapshot_create_time().or_else(|| found.snapshot_create_time().filter(|_| !copied));
    Some(KeptView {
        id: found.db_snapshot_identifier()?.to_owned(),
        of: found.db_instance_identifier()?.to_owned(),
        origin: found.source_region().map(str::to_owned),
        status: found.status().unwrap_or("without a status").to_owned(),
        holds_until: taken.and_then(timestamp),
        encrypted: found.encrypted(),
        copied_from: None,
    })
}

fn cluster_snapshot(found: &DbClusterSnapshot, region: &Region) -> Option<KeptView> {
    let source = found.source_db_cluster_snapshot_arn().filter(|source| !source.is_empty());
    // Of a copy only its source says where the cluster is: the fourth part of an ARN.
    let origin = source.map_or(Some(region.as_str()), |source| source.split(':').nth(3));
    Some(KeptView {
        id: found.db_cluster_snapshot_identifier()?.to_owned(),
        of: found.db_cluster_identifier()?.to_owned(),
        origin: origin.map(str::to_owned),
        status: found.status().unwrap_or("without a status").to_owned(),
        holds_until: found.snapshot_create_time().and_then(timestamp),
        encrypted: found.storage_encrypted(),
        copied_from: source.map(str::to_owned),
    })
}

/// A copy keeps the creation date of what it was copied from (developer guide, "Copy a backup").
fn recovery_point(found: &RecoveryPointByBackupVault) -> Option<KeptView> {
    Some(KeptView {
        id: found.recovery_point_arn()?.to_owned(),
        of: found.resource_arn()?.to_owned(),
        origin: None,
        status: found.status().map_or("without a status", |status| status.as_str()).to_owned(),
        holds_until: found.creation_date().and_then(timestamp),
        encrypted: Some(found.is_encrypted()),
        copied_from: None,
    })
}
