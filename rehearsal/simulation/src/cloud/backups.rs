//! What AWS keeps to restore from: the rehearsal's world, spoken to in the ports' words.

use rehearsal_world::{AutomatedBackup, ClusterSnapshot, DbSnapshot, PageRequest, RecoveryPoint, SnapshotSelection};
use shared::domain::backup::{BackupSource, KeptView};
use shared::ports::PortResult;

use super::State;
use super::databases::port_error;

impl State {
    /// The entries of one list.
    pub(crate) fn kept(&mut self, region: &str, source: &BackupSource) -> PortResult<Vec<KeptView>> {
        let (now, page) = (self.now, PageRequest::default());
        let world = &mut self.world;
        let found = match source {
            BackupSource::ReplicatedBackups { instance, .. } => world
                .describe_db_instance_automated_backups(region, Some(instance.as_str()), &page, now)
                .map(|page| page.items.into_iter().map(automated_backup).collect()),
            BackupSource::CopiedSnapshots { instance, .. } => {
                let selection = SnapshotSelection { instance: Some(instance.to_string()), ..SnapshotSelection::default() };
                world
                    .describe_db_snapshots(region, &selection, &page, now)
                    .map(|page| page.items.into_iter().map(snapshot).collect())
            }
            BackupSource::Cluster(cluster) => world.describe_db_cluster(region, cluster.as_str(), now).map(|found| {
                vec![KeptView {
                    holds_until: found.latest,
                    encrypted: Some(found.encrypted),
                    ..entry(cluster.as_str(), cluster.as_str(), region, &found.status)
                }]
            }),
            BackupSource::ClusterSnapshots { cluster, .. } => world
                .describe_db_cluster_snapshots(region, cluster.as_str(), &page, now)
                .map(|page| page.items.into_iter().map(cluster_snapshot).collect()),
            BackupSource::Table(table) => world.describe_continuous_backups(region, table.as_str(), now).map(|found| {
                let status = if found.enabled { "ENABLED" } else { "DISABLED" };
                vec![KeptView {
                    holds_until: found.latest,
                    encrypted: Some(true),
                    ..entry(table.as_str(), table.as_str(), region, status)
                }]
            }),
            BackupSource::Vault { vault, resource } => world
                .list_recovery_points(region, vault.as_str(), Some(resource), now)
                .map(|points| points.into_iter().map(recovery_point).collect()),
        };
        let operation = source.operation();
        found.map_err(|error| port_error((operation.service(), operation.name()), &error))
    }
}

fn entry(id: &str, of: &str, region: &str, status: &str) -> KeptView {
    KeptView {
        id: id.to_owned(),
        of: of.to_owned(),
        origin: Some(region.to_owned()),
        status: status.to_owned(),
        holds_until: None,
        encrypted: None,
        copied_from: None,
    }
}

fn automated_backup(found: AutomatedBackup) -> KeptView {
    let id = found.arn.unwrap_or_else(|| format!("ab-{}", found.instance.identifier));
    KeptView {
        holds_until: found.latest,
        encrypted: Some(found.encrypted),
        ..entry(&id, &found.instance.identifier, &found.instance.region, &found.status)
    }
}

fn snapshot(found: DbSnapshot) -> KeptView {
    let (region, taken) = match found.copied_from {
        Some(from) => (from.region, from.taken),
        None => (found.instance.region.clone(), found.created),
    };
    KeptView {
        holds_until: Some(taken),
        encrypted: Some(found.encrypted),
        ..entry(&found.identifier, &found.instance.identifier, &region, found.status.as_str())
    }
}

fn cluster_snapshot(found: ClusterSnapshot) -> KeptView {
    let origin = found.source.as_ref().and_then(|source| source.split(':').nth(3)).unwrap_or(&found.region);
    KeptView {
        holds_until: Some(found.created),
        encrypted: Some(found.encrypted),
        copied_from: found.source.clone(),
        ..entry(&found.identifier, &found.cluster, origin, &found.status)
    }
}

fn recovery_point(found: RecoveryPoint) -> KeptView {
    KeptView {
        origin: None,
        holds_until: Some(found.created),
        encrypted: Some(found.encrypted),
        ..entry(&found.arn, &found.resource, "", &found.status)
    }
}
