//! An instance as describe calls show it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::config::BackupWindow;
use crate::facts::Fact;
use crate::groups::GroupMembership;
use crate::identifiers::{Endpoint, InstanceKey};
use crate::instances::Instance;
use crate::moments::between;
use crate::status::{InstanceStatus, ReplicationStatus};
use crate::world::World;

/// What RDS says of a database instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DbInstance {
    /// Region and identifier.
    pub key: InstanceKey,
    /// The Amazon Resource Name.
    pub arn: String,
    /// The identifier for life.
    pub resource_id: String,
    /// What it is doing.
    pub status: InstanceStatus,
    /// Where clients reach it.
    pub endpoint: Endpoint,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it has a standby in another zone.
    pub multi_az: bool,
    /// The zone it is said to run in.
    pub zone: String,
    /// The zone its standby is said to be in.
    pub standby_zone: Option<String>,
    /// Its security groups.
    pub groups: Vec<GroupMembership>,
    /// Whether it is protected from deletion.
    pub deletion_protection: bool,
    /// For how many days automated backups are kept; 0 for none.
    pub backup_retention: u8,
    /// When it is backed up.
    pub backup_window: BackupWindow,
    /// The latest moment to which it could be restored.
    pub latest_restorable: Option<Timestamp>,
    /// What it replicates from: an identifier in its own Region, an ARN in another.
    pub replica_source: Option<String>,
    /// What replicates from it, named in the same way.
    pub replicas: Vec<String>,
    /// How its replication stands, for a replica.
    pub replication: Option<ReplicationInfo>,
}

/// The replication of a replica, as RDS reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplicationInfo {
    /// How it stands.
    pub status: ReplicationStatus,
    /// Why, where it stands badly.
    pub message: Option<String>,
}

impl World {
    /// Every instance as it is, whoever could ask for it or not: for people who watch a rehearsal. No fact is relied on by
    /// watching.
    pub fn watch_instances(&mut self, now: Timestamp) -> Vec<DbInstance> {
        self.advance(now);
        self.instances.values().map(|instance| self.show(instance)).collect()
    }

    /// How far a replica is behind: the time since the newest commit that it has replayed. Nothing for an instance that
    /// follows none any more.
    pub fn watch_lag(&mut self, replica: &InstanceKey, now: Timestamp) -> Option<Duration> {
        self.advance(now);
        let link = self.instances.get(replica)?.link.as_ref().filter(|link| !link.ended)?;
        Some(between(link.replayed, self.clock))
    }

    /// Shows one instance as it is now.
    pub(crate) fn show(&self, instance: &Instance) -> DbInstance {
        let link = instance.link.as_ref();
        DbInstance {
            key: instance.key.clone(),
            arn: instance.arn.clone(),
            resource_id: instance.resource_id.clone(),
            status: instance.status,
            endpoint: instance.endpoint.clone(),
            created: instance.created,
            multi_az: instance.reported_zones.standby.is_some(),
            zone: instance.reported_zones.zone.clone(),
            standby_zone: instance.reported_zones.standby.clone(),
            groups: instance.groups.memberships().to_vec(),
            deletion_protection: instance.deletion_protection,
            backup_retention: instance.backup_retention,
            backup_window: instance.backup_window,
            latest_restorable: instance.latest_restorable,
            replica_source: link.map(|link| self.name_for(&instance.key.region, &link.source)),
            replicas: self
                .instances
                .values()
                .filter(|other| other.link.as_ref().is_some_and(|link| link.source == instance.key))
                .map(|other| self.name_for(&instance.key.region, &other.key))
                .collect(),
            // Of what is not there yet there is nothing to report.
            replication: link.filter(|_| instance.making.is_none()).map(|link| {
                let status = link.status(self.clock, self.timings.replication_error);
                let message = (!status.is_normal()).then(|| "Replication has stopped.".to_owned());
                ReplicationInfo { status, message }
            }),
        }
    }

    /// Shows every instance of a Region, in the order of their identifiers.
    pub(crate) fn show_region(&mut self, region: &str) -> Vec<DbInstance> {
        let shown: Vec<DbInstance> = self
            .instances
            .values()
            .filter(|instance| instance.key.region == region)
            .map(|instance| self.show(instance))
            .collect();
        for instance in &shown {
            self.rely_on_what_is_shown(instance);
        }
        shown
    }

    pub(crate) fn rely_on_what_is_shown(&mut self, instance: &DbInstance) {
        self.rely_on(Fact::StatusesAreDocumented);
        self.rely_on(Fact::EndpointNames);
        if instance.latest_restorable.is_some() {
            self.rely_on(Fact::RestorableEveryFiveMinutes);
        }
        if instance.replica_source.is_some() {
            self.rely_on(Fact::SourceInAnotherRegionIsAnArn);
        }
        if !instance.replicas.is_empty() {
            self.rely_on(Fact::ReplicaInAnotherRegionIsAnArn);
        }
        match instance.replication.as_ref().map(|replication| replication.status) {
            Some(ReplicationStatus::Replicating) => self.rely_on(Fact::ReplicationStatuses),
            Some(ReplicationStatus::Error) => self.rely_on(Fact::StalledReplicationBecomesAnError),
            Some(ReplicationStatus::Terminated) => self.rely_on(Fact::ReplicationGivenUpAfterThirtyDays),
            None => {}
        }
    }

    /// How an instance is named to someone in `region`.
    fn name_for(&self, region: &str, key: &InstanceKey) -> String {
        if key.region == region { key.identifier.clone() } else { key.arn(&self.account) }
    }
}
