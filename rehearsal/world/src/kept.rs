//! What AWS keeps to restore from besides an instance's own snapshots: automated backups replicated to another Region, copied
//! snapshots, the backups of clusters and tables, recovery points in vaults. They are listed; restoring from them is not modelled.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::backups::{DbSnapshot, SnapshotStatus, SnapshotType};
use crate::calls::{Page, PageRequest};
use crate::clusters::ClusterKey;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::moments::earlier;
use crate::replication::CommitNumber;
use crate::world::{MINUTE, World};

/// How far behind DynamoDB's newest restorable moment typically is.
const TABLE_BEHIND: Duration = Duration::from_secs(5 * 60);

/// What a snapshot in one Region was copied from in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedFrom {
    /// The Region.
    pub region: String,
    /// The snapshot there.
    pub identifier: String,
    /// When that was taken.
    pub taken: Timestamp,
}

/// Automated backups of an instance, as RDS describes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AutomatedBackup {
    /// The ARN of replicated ones.
    pub arn: Option<String>,
    /// The instance.
    pub instance: InstanceKey,
    /// How they are, in the words of RDS.
    pub status: String,
    /// The newest moment that they can be restored to.
    pub latest: Option<Timestamp>,
    /// Whether they are encrypted.
    pub encrypted: bool,
}

/// Automated backups that are replicated to another Region.
#[derive(Debug, Clone)]
pub(crate) struct ReplicatedBackup {
    to: String,
    source: InstanceKey,
    status: String,
    behind: Duration,
    encrypted: bool,
}

/// A cluster as RDS describes it, as far as its backups go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedCluster {
    /// Which it is.
    pub key: ClusterKey,
    /// Its status.
    pub status: String,
    /// The newest moment that it can be restored to.
    pub latest: Option<Timestamp>,
    /// Whether its storage is encrypted.
    pub encrypted: bool,
}

/// What is kept of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterBackup {
    status: String,
    behind: Option<Duration>,
    encrypted: bool,
}

/// A snapshot of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterSnapshot {
    /// Its Region.
    pub region: String,
    /// Its identifier.
    pub identifier: String,
    /// The identifier of the cluster.
    pub cluster: String,
    /// How it is, in the words of RDS.
    pub status: String,
    /// When it was made here.
    pub created: Timestamp,
    /// The ARN of what it was copied from.
    pub source: Option<String>,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

/// Point-in-time recovery of a table in one Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContinuousBackups {
    /// Whether it is on.
    pub enabled: bool,
    /// The newest moment that the table can be restored to, while it is.
    pub latest: Option<Timestamp>,
}

/// A recovery point of AWS Backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecoveryPoint {
    /// Its ARN.
    pub arn: String,
    /// The ARN of what it is of.
    pub resource: String,
    /// How it is, in the words of AWS Backup.
    pub status: String,
    /// When it was created; of a copy, when what it was copied from was.
    pub created: Timestamp,
    /// Whether it is encrypted.
    pub encrypted: bool,
}

impl World {
    /// Has an instance's automated backups replicated to another Region, behind by so much.
    pub fn replicate_backups(&mut self, source: &InstanceKey, to: &str, behind: Duration) {
        let (to, source, status) = (to.to_owned(), source.clone(), "replicating".to_owned());
        self.replicated_backups.push(ReplicatedBackup { to, source, status, behind, encrypted: true });
    }

    /// Sets how replicated backups are, and whether they are encrypted.
    pub fn set_replicated_backups(&mut self, source: &InstanceKey, status: &str, behind: Duration, encrypted: bool) {
        for found in self.replicated_backups.iter_mut().filter(|found| found.source == *source) {
            status.clone_into(&mut found.status);
            (found.behind, found.encrypted) = (behind, encrypted);
        }
    }

    /// The automated backups that a Region has of its own instances and of those that are replicated to it, or those of one instance.
    ///
    /// # Errors
    /// What every call may answer.
    pub fn describe_db_instance_automated_backups(
        &mut self,
        region: &str,
        instance: Option<&str>,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<AutomatedBackup>, ApiError> {
        self.admit(region, now)?;
        self.rely_on(Fact::ReplicatedAutomatedBackups);
        let own = self.instances.values().filter(|found| found.key.region == region && found.backup_retention > 0);
        let mut shown: Vec<AutomatedBackup> = own
            .map(|found| AutomatedBackup {
                arn: None,
                instance: found.key.clone(),
                status: "active".to_owned(),
                latest: found.latest_restorable,
                encrypted: true,
            })
            .collect();
        for found in self.replicated_backups.iter().filter(|found| found.to == region) {
            let latest = self.instances.get(&found.source).and_then(|source| source.latest_restorable);
            let name = format!("ab-{}", found.source.identifier);
            shown.push(AutomatedBackup {
                arn: Some(format!("arn:aws:rds:{region}:{}:auto-backup:{name}", self.account)),
                instance: found.source.clone(),
                status: found.status.clone(),
                latest: latest.map(|latest| earlier(latest, found.behind)),
                encrypted: found.encrypted,
            });
        }
        shown.retain(|backup| instance.is_none_or(|name| backup.instance.identifier.eq_ignore_ascii_case(name)));
        shown.sort_by(|one, other| one.instance.cmp(&other.instance));
        self.page_of(shown, page, |backup| &backup.instance.identifier)
    }

    /// Has a snapshot in a Region that was copied there.
    pub fn add_copied_snapshot(
        &mut self,
        region: &str,
        identifier: &str,
        instance: &InstanceKey,
        taken: Timestamp,
        encrypted: bool,
    ) {
        let from = CopiedFrom { region: instance.region.clone(), identifier: format!("{identifier}-source"), taken };
        self.snapshots.push(DbSnapshot {
            identifier: identifier.to_ascii_lowercase(),
            instance: InstanceKey::new(region, &instance.identifier),
            kind: SnapshotType::Manual,
            status: SnapshotStatus::Available,
            created: self.clock,
            holds: CommitNumber::default(),
            encrypted,
            copied_from: Some(from),
            made: true,
        });
    }

    /// Sets what is kept of a cluster: its status, how far behind the newest moment is that it can be restored to, and whether it is
    /// encrypted.
    pub fn set_cluster_backup(&mut self, cluster: &ClusterKey, status: &str, behind: Option<Duration>, encrypted: bool) {
        let status = status.to_owned();
        self.cluster_backups.insert(cluster.clone(), ClusterBackup { status, behind, encrypted });
    }

    /// The named cluster of a Region.
    ///
    /// # Errors
    /// `DBClusterNotFoundFault`, and what every call may answer.
    pub fn describe_db_cluster(
        &mut self,
        region: &str,
        identifier: &str,
        now: Timestamp,
    ) -> Result<DescribedCluster, ApiError> {
        self.admit(region, now)?;
        let key = ClusterKey::new(region, &identifier.to_ascii_lowercase());
        let Some(found) = self.cluster_backups.get(&key).cloned() else {
            self.rely_on(Fact::UnknownCluster);
            return Err(ApiError::cluster_not_found(identifier));
        };
        self.rely_on(Fact::RestorableCluster);
        let latest = found.behind.map(|behind| earlier(self.clock, behind));
        Ok(DescribedCluster { key, status: found.status, latest, encrypted: found.encrypted })
    }

    /// Has a snapshot of a cluster.
    pub fn add_cluster_snapshot(&mut self, snapshot: ClusterSnapshot) {
        self.cluster_snapshots.push(snapshot);
    }

    /// The snapshots that a Region has of a cluster, taken in it or copied to it.
    ///
    /// # Errors
    /// What every call may answer.
    pub fn describe_db_cluster_snapshots(
        &mut self,
        region: &str,
        cluster: &str,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<ClusterSnapshot>, ApiError> {
        self.admit(region, now)?;
        self.rely_on(Fact::CopiedClusterSnapshots);
        let here = self.cluster_snapshots.iter().filter(|snapshot| snapshot.region == region);
        let of = |snapshot: &&ClusterSnapshot| snapshot.cluster.eq_ignore_ascii_case(cluster);
        let mut shown: Vec<ClusterSnapshot> = here.filter(of).cloned().collect();
        shown.sort_by(|one, other| one.identifier.cmp(&other.identifier));
        self.page_of(shown, page, |snapshot| &snapshot.identifier)
    }

    /// Turns point-in-time recovery of a table on or off in a Region.
    pub fn set_table_recovery(&mut self, name: &str, region: &str, enabled: bool) {
        self.unrecoverable.retain(|(table, at)| table != name || at != region);
        if !enabled {
            self.unrecoverable.insert((name.to_owned(), region.to_owned()));
        }
    }

    /// Point-in-time recovery of a table in a Region.
    ///
    /// # Errors
    /// `TableNotFoundException`, and what every call may answer.
    pub fn describe_continuous_backups(
        &mut self,
        region: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<ContinuousBackups, ApiError> {
        self.admit(region, now)?;
        if !self.tables.get(name).is_some_and(|table| table.is_in(region)) {
            self.rely_on(Fact::ContinuousBackupsOfNoTable);
            return Err(ApiError::no_such_table(name));
        }
        self.rely_on(Fact::ContinuousBackupsOfATable);
        let enabled = !self.unrecoverable.contains(&(name.to_owned(), region.to_owned()));
        let latest = enabled.then(|| earlier(self.clock, TABLE_BEHIND));
        Ok(ContinuousBackups { enabled, latest })
    }

    /// Has an empty vault in a Region.
    pub fn add_vault(&mut self, region: &str, name: &str) {
        self.vaults.entry((region.to_owned(), name.to_owned())).or_default();
    }

    /// Whether the world has a vault of that name, in whatever Region.
    #[must_use]
    pub fn has_vault(&self, name: &str) -> bool {
        self.vaults.keys().any(|(_, vault)| vault == name)
    }

    /// Puts a recovery point into a vault, which is there from then on.
    pub fn add_recovery_point(&mut self, region: &str, vault: &str, point: RecoveryPoint) {
        self.vaults.entry((region.to_owned(), vault.to_owned())).or_default().push(point);
    }

    /// Changes the recovery points of a vault.
    pub fn change_recovery_points(&mut self, region: &str, vault: &str, change: impl FnOnce(&mut Vec<RecoveryPoint>)) {
        if let Some(points) = self.vaults.get_mut(&(region.to_owned(), vault.to_owned())) {
            change(points);
        }
    }

    /// The recovery points of a vault, of whatever status, or those of one resource.
    ///
    /// # Errors
    /// `ResourceNotFoundException` for a vault that is not there, and what every call may answer.
    pub fn list_recovery_points(
        &mut self,
        region: &str,
        vault: &str,
        resource: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<RecoveryPoint>, ApiError> {
        self.admit(region, now)?;
        let Some(points) = self.vaults.get(&(region.to_owned(), vault.to_owned())) else {
            self.rely_on(Fact::UnknownVault);
            return Err(ApiError::vault_not_found(vault));
        };
        let of = |point: &&RecoveryPoint| resource.is_none_or(|resource| point.resource == resource);
        let found = points.iter().filter(of).cloned().collect();
        self.rely_on(Fact::RecoveryPointsOfAVault);
        Ok(found)
    }

    /// What is kept of a global database from its first day: the writer is backed up continuously.
    pub(crate) fn back_up_clusters(&mut self, writer: &ClusterKey, secondary: &ClusterKey) {
        self.set_cluster_backup(writer, "available", Some(MINUTE * 5), true);
        self.set_cluster_backup(secondary, "available", None, true);
    }
}
