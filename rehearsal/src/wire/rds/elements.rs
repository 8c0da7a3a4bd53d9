//! Instances and snapshots as the elements that RDS documents.

use jiff::Timestamp;
use rehearsal_world::{DbInstance, DbSnapshot, GlobalCluster, InstanceStatus, SnapshotStatus};

use super::xml::Document;

const ENGINE: &str = "postgres";
const ENGINE_VERSION: &str = "16.4";
const LICENSE: &str = "postgresql-license";
const STORAGE_TYPE: &str = "gp3";
const STORAGE: &str = "100";
const MASTER: &str = "postgres";

/// The result of a call that changed one instance.
pub(super) fn one_instance(instance: &DbInstance) -> Document {
    let mut result = Document::default();
    result.element("DBInstance", |element| self::instance(element, instance));
    result
}

/// The result of a call that made one snapshot.
pub(super) fn one_snapshot(snapshot: &DbSnapshot, account: &str) -> Document {
    let mut result = Document::default();
    result.element("DBSnapshot", |element| self::snapshot(element, snapshot, account));
    result
}

/// The members of `DBInstance`.
pub(super) fn instance(element: &mut Document, instance: &DbInstance) {
    element.text("DBInstanceIdentifier", &instance.key.identifier);
    element.text("DBInstanceArn", &instance.arn);
    element.text("DbiResourceId", &instance.resource_id);
    element.text("DBInstanceStatus", instance.status.as_str());
    element.text("DBInstanceClass", "db.r6g.large");
    element.text("Engine", ENGINE);
    element.text("EngineVersion", ENGINE_VERSION);
    element.text("LicenseModel", LICENSE);
    element.text("MasterUsername", MASTER);
    // What is not there yet can be reached nowhere and has no age.
    if instance.status != InstanceStatus::Creating {
        element.element("Endpoint", |endpoint| {
            endpoint.text("Address", &instance.endpoint.host);
            endpoint.text("Port", instance.endpoint.port);
        });
        element.text("InstanceCreateTime", time(instance.created));
    }
    element.text("AvailabilityZone", &instance.zone);
    element.optional("SecondaryAvailabilityZone", instance.standby_zone.as_deref());
    element.text("MultiAZ", instance.multi_az);
    element.element("VpcSecurityGroups", |list| {
        for membership in &instance.groups {
            list.element("VpcSecurityGroupMembership", |group| {
                group.text("VpcSecurityGroupId", &membership.group);
                group.text("Status", membership.state.as_str());
            });
        }
    });
    element.element("DBSecurityGroups", |_| {});
    element.text("BackupRetentionPeriod", instance.backup_retention);
    element.text("PreferredBackupWindow", instance.backup_window);
    if let Some(latest) = instance.latest_restorable {
        element.text("LatestRestorableTime", time(latest));
    }
    element.element("PendingModifiedValues", |_| {});
    element.optional("ReadReplicaSourceDBInstanceIdentifier", instance.replica_source.as_deref());
    element.element("ReadReplicaDBInstanceIdentifiers", |list| {
        for replica in &instance.replicas {
            list.text("ReadReplicaDBInstanceIdentifier", replica);
        }
    });
    element.element("StatusInfos", |list| {
        if let Some(replication) = &instance.replication {
            list.element("DBInstanceStatusInfo", |info| {
                info.text("StatusType", "read replication");
                info.text("Status", replication.status.as_str());
                info.text("Normal", replication.status.is_normal());
                info.optional("Message", replication.message.as_deref());
            });
        }
    });
    element.text("AllocatedStorage", STORAGE);
    element.text("StorageType", STORAGE_TYPE);
    element.text("StorageEncrypted", true);
    element.text("PubliclyAccessible", false);
    element.text("AutoMinorVersionUpgrade", true);
    element.text("DeletionProtection", instance.deletion_protection);
    element.text("IAMDatabaseAuthenticationEnabled", false);
    element.text("MonitoringInterval", 0);
}

/// The members of `DBSnapshot`.
pub(super) fn snapshot(element: &mut Document, snapshot: &DbSnapshot, account: &str) {
    element.text("DBSnapshotIdentifier", &snapshot.identifier);
    element.text("DBSnapshotArn", snapshot.arn(account));
    element.text("DBInstanceIdentifier", &snapshot.instance.identifier);
    element.text("SnapshotType", snapshot.kind.as_str());
    element.text("Status", snapshot.status.as_str());
    // RDS gives the time of a snapshot once it has been taken.
    if snapshot.status == SnapshotStatus::Available {
        element.text("SnapshotCreateTime", time(snapshot.created));
    }
    element.text("PercentProgress", if snapshot.status == SnapshotStatus::Available { 100 } else { 0 });
    element.text("Engine", ENGINE);
    element.text("EngineVersion", ENGINE_VERSION);
    element.text("LicenseModel", LICENSE);
    element.text("MasterUsername", MASTER);
    element.text("AllocatedStorage", STORAGE);
    element.text("StorageType", STORAGE_TYPE);
    element.text("Encrypted", snapshot.encrypted);
    if let Some(from) = &snapshot.copied_from {
        element.text("SourceRegion", &from.region);
        let arn = format!("arn:aws:rds:{}:{account}:snapshot:{}", from.region, from.identifier);
        element.text("SourceDBSnapshotIdentifier", arn);
        element.text("OriginalSnapshotCreateTime", time(from.taken));
    }
}

/// The members of `GlobalCluster`. In the list of global clusters and in that of a global cluster's clusters, RDS names the elements
/// alike.
pub(super) fn global_cluster(element: &mut Document, global: &GlobalCluster, account: &str) {
    element.text("GlobalClusterIdentifier", &global.identifier);
    element.text("GlobalClusterArn", global.arn(account));
    element.text("Status", &global.status);
    element.text("Engine", "aurora-postgresql");
    element.text("EngineVersion", ENGINE_VERSION);
    element.text("StorageEncrypted", true);
    element.text("DeletionProtection", true);
    let secondaries: Vec<String> =
        global.members.iter().filter(|member| !member.writer).map(|member| member.arn(account)).collect();
    element.element("GlobalClusterMembers", |list| {
        for member in &global.members {
            list.element("GlobalClusterMember", |cluster| {
                cluster.text("DBClusterArn", member.arn(account));
                cluster.text("IsWriter", member.writer);
                // Of the writer, the clusters that read from it.
                cluster.element("Readers", |readers| {
                    secondaries.iter().filter(|_| member.writer).for_each(|arn| readers.text("member", arn));
                });
                cluster.text("SynchronizationStatus", if member.connected { "connected" } else { "pending-resync" });
            });
        }
    });
}

pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
