"""RDS: describing, changing, promoting, making, restoring, and everything that is refused."""

import datetime

from . import waiting
from .call import Call, given, keeping, nothing
from .scene import CLIENTS_GROUP, EAST, GLOBAL_CLUSTER, INSTANCE, ISOLATION_GROUP, PRIMARY, PRIMARY_ARN, REPLICA, WEST, WRITER

FACTS = (
    "DBInstances[0].[DBInstanceIdentifier, DBInstanceArn, DBInstanceStatus, Engine, DBInstanceClass, MultiAZ, "
    "BackupRetentionPeriod, PreferredBackupWindow, Endpoint.Port, VpcSecurityGroups[].[VpcSecurityGroupId, Status], "
    "StorageEncrypted, DeletionProtection]"
)
NAMES = keeping("DBInstances[].DBInstanceIdentifier")
STATUS = keeping("DBInstance.DBInstanceStatus")
MADE = keeping("DBInstance.[DBInstanceStatus, ReadReplicaSourceDBInstanceIdentifier, BackupRetentionPeriod, MultiAZ, DeletionProtection]")
GROUPS = keeping("DBInstance.VpcSecurityGroups[].[VpcSecurityGroupId, Status] | sort_by(@, &[0])")
REPLICATION = (
    "DBInstances[0].{source: ReadReplicaSourceDBInstanceIdentifier, replicas: ReadReplicaDBInstanceIdentifiers, "
    "status: StatusInfos[].[StatusType, Status, Normal], restorable: LatestRestorableTime != null}"
)
SNAPSHOTS = keeping("{names: DBSnapshots[].DBSnapshotIdentifier | [0:2], more: Marker != null, count: length(DBSnapshots)}")
SNAPSHOT = keeping("DBSnapshots[0].[DBSnapshotIdentifier, DBInstanceIdentifier, SnapshotType, Status, PercentProgress, Encrypted]")


def rds(name, region, operation, parameters, keep=nothing, **more):
    return Call(f"rds-{name}", "rds", region, operation, given(parameters), keep, **more)


def first_page(answer, target):
    target.marker = answer.get("Marker")
    return SNAPSHOTS(answer, target)


ready = waiting.instance(EAST, PRIMARY)
replica_ready = waiting.instance(WEST, REPLICA)


def describing():
    yield rds("describe", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY}, keeping(FACTS))
    yield rds("describe-in-capitals", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY.upper()}, NAMES)
    yield rds("describe-by-arn", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY_ARN}, NAMES)
    yield rds("describe-all", EAST, "DescribeDBInstances", {}, NAMES)
    yield rds("describe-nothing-there", "ap-south-1", "DescribeDBInstances", {}, NAMES)
    yield rds("describe-unknown", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": "nobody"})
    yield rds("describe-other-region", WEST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY})
    yield rds("describe-page-of-20", EAST, "DescribeDBInstances", {"MaxRecords": 20}, NAMES)
    yield rds("describe-page-too-small", EAST, "DescribeDBInstances", {"MaxRecords": 19})
    yield rds("describe-page-too-large", EAST, "DescribeDBInstances", {"MaxRecords": 101})
    engine = [{"Name": "engine", "Values": ["postgres"]}]
    yield rds("describe-filtered", EAST, "DescribeDBInstances", {"Filters": engine}, NAMES)
    yield rds("describe-primary-replication", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY}, keeping(REPLICATION))
    yield rds("describe-replica", WEST, "DescribeDBInstances", {"DBInstanceIdentifier": REPLICA}, keeping(REPLICATION))


def global_clusters():
    facts = (
        "GlobalClusters[0].{id: GlobalClusterIdentifier, status: Status, "
        "members: GlobalClusterMembers[].[DBClusterArn, IsWriter, SynchronizationStatus]}"
    )
    named = {"GlobalClusterIdentifier": GLOBAL_CLUSTER}
    yield rds("global-cluster", WEST, "DescribeGlobalClusters", named, keeping(facts))
    yield rds("global-clusters", EAST, "DescribeGlobalClusters", {}, keeping("GlobalClusters[].GlobalClusterIdentifier"))
    yield rds("global-cluster-unknown", WEST, "DescribeGlobalClusters", {"GlobalClusterIdentifier": "nobody"})
    writer = {"DBClusterIdentifier": WRITER}
    kept = keeping("DBInstanceAutomatedBackups[].[DBInstanceIdentifier, Status, Region]")
    yield rds("automated-backups", EAST, "DescribeDBInstanceAutomatedBackups", {"DBInstanceIdentifier": PRIMARY}, kept)
    yield rds("cluster", EAST, "DescribeDBClusters", writer, keeping("DBClusters[].DBClusterIdentifier"))
    # Only that there is a list: whether a cluster has a snapshot as soon as it is made is nobody's promise.
    yield rds("cluster-snapshots", EAST, "DescribeDBClusterSnapshots", writer, keeping("type(DBClusterSnapshots)"))


def snapshots():
    yield rds("snapshots-page", EAST, "DescribeDBSnapshots", {"SnapshotType": "manual", "MaxRecords": 20}, first_page)
    following = lambda target: {"SnapshotType": "manual", "MaxRecords": 20, **({"Marker": target.marker} if target.marker else {})}
    yield rds("snapshots-next-page", EAST, "DescribeDBSnapshots", following, SNAPSHOTS)
    yield rds("snapshots-page-too-small", EAST, "DescribeDBSnapshots", {"MaxRecords": 19})
    yield rds("snapshot", EAST, "DescribeDBSnapshots", {"DBSnapshotIdentifier": "manual-07"}, SNAPSHOT)
    yield rds("snapshots-of-instance", EAST, "DescribeDBSnapshots", {"DBInstanceIdentifier": PRIMARY, "SnapshotType": "manual"}, SNAPSHOTS)
    yield rds("snapshots-of-nobody", EAST, "DescribeDBSnapshots", {"DBInstanceIdentifier": "nobody"}, SNAPSHOTS)
    yield rds("snapshot-unknown", EAST, "DescribeDBSnapshots", {"DBSnapshotIdentifier": "nothing"})
    yield rds("snapshots-unknown-type", EAST, "DescribeDBSnapshots", {"SnapshotType": "imaginary"})
    yield rds("snapshots-shared", EAST, "DescribeDBSnapshots", {"SnapshotType": "shared"}, SNAPSHOTS)


def modifying():
    groups = lambda *ids: {"DBInstanceIdentifier": PRIMARY, "VpcSecurityGroupIds": list(ids), "ApplyImmediately": True}
    yield rds("modify-unknown", EAST, "ModifyDBInstance", {**groups(CLIENTS_GROUP), "DBInstanceIdentifier": "nobody"})
    yield rds("modify-nothing", EAST, "ModifyDBInstance", {"DBInstanceIdentifier": PRIMARY})
    yield rds("modify-unknown-group", EAST, "ModifyDBInstance", groups("sg-00000bad"))
    yield rds("modify-groups", EAST, "ModifyDBInstance", groups(ISOLATION_GROUP), GROUPS, before=ready)
    yield rds("modify-same-groups", EAST, "ModifyDBInstance", groups(ISOLATION_GROUP), GROUPS, before=ready)
    yield rds("modify-groups-back", EAST, "ModifyDBInstance", groups(CLIENTS_GROUP), before=ready)
    protection = {"DBInstanceIdentifier": PRIMARY, "DeletionProtection": False}
    yield rds("modify-another-setting", EAST, "ModifyDBInstance", protection, before=ready)


def rebooting():
    yield rds("reboot-unknown", EAST, "RebootDBInstance", {"DBInstanceIdentifier": "nobody"})
    failover = {"DBInstanceIdentifier": PRIMARY, "ForceFailover": True}
    yield rds("reboot-failover-without-standby", EAST, "RebootDBInstance", failover, before=ready)
    yield rds("reboot", EAST, "RebootDBInstance", {"DBInstanceIdentifier": PRIMARY}, STATUS, before=ready)
    yield rds("reboot-again", EAST, "RebootDBInstance", {"DBInstanceIdentifier": PRIMARY})


def promoting():
    replica = {"DBInstanceIdentifier": REPLICA}
    yield rds("promote-unknown", WEST, "PromoteReadReplica", {"DBInstanceIdentifier": "nobody"})
    yield rds("promote-primary", EAST, "PromoteReadReplica", {"DBInstanceIdentifier": PRIMARY}, before=ready)
    yield rds("promote-retention-too-long", WEST, "PromoteReadReplica", {**replica, "BackupRetentionPeriod": 36})
    yield rds("promote-window-too-short", WEST, "PromoteReadReplica", {**replica, "PreferredBackupWindow": "03:00-03:10"})
    yield rds("promote", WEST, "PromoteReadReplica", {**replica, "BackupRetentionPeriod": 5}, STATUS, before=replica_ready)
    yield rds("promote-again", WEST, "PromoteReadReplica", replica)
    kept = keeping("DBInstances[0].[BackupRetentionPeriod, ReadReplicaSourceDBInstanceIdentifier, StatusInfos]")
    yield rds("describe-promoted", WEST, "DescribeDBInstances", replica, kept, before=waiting.promoted)
    yield rds("describe-former-source", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY}, keeping(REPLICATION))


def creating():
    """What this world holds from the start and takes from nobody."""
    other = {**INSTANCE, "DBInstanceIdentifier": "another"}
    yield rds("create", EAST, "CreateDBInstance", other)
    yield rds("create-again", EAST, "CreateDBInstance", other)
    yield rds("delete", EAST, "DeleteDBInstance", {"DBInstanceIdentifier": "another", "SkipFinalSnapshot": True})
    yield rds("delete-unknown", EAST, "DeleteDBInstance", {"DBInstanceIdentifier": "nobody", "SkipFinalSnapshot": True})


def replicating():
    of = lambda source, name="orders-second", **more: {"DBInstanceIdentifier": name, "SourceDBInstanceIdentifier": source, **more}
    create = "CreateDBInstanceReadReplica"
    yield rds("create-replica-of-unknown", EAST, create, of("nobody"))
    yield rds("create-replica-of-nothing", EAST, create, {"DBInstanceIdentifier": "orders-second"})
    yield rds("create-replica-with-a-bad-name", EAST, create, of(PRIMARY, "1st"), before=ready)
    yield rds("create-replica", EAST, create, of(PRIMARY), MADE, before=ready)
    yield rds("create-replica-again", EAST, create, of(PRIMARY))
    yield rds("create-replica-of-another-region-by-name", WEST, create, of(PRIMARY, "orders-west"))
    yield rds("create-replica-across-regions-without-key", WEST, create, of(PRIMARY_ARN, "orders-west"))
    key = {"KmsKeyId": "alias/aws/rds"}
    yield rds("create-replica-across-regions", WEST, create, of(PRIMARY_ARN, "orders-third", **key), MADE, before=ready)
    listed = keeping("length(DBInstances[0].ReadReplicaDBInstanceIdentifiers)")
    yield rds("describe-source-of-more-replicas", EAST, "DescribeDBInstances", {"DBInstanceIdentifier": PRIMARY}, listed)


def restoring():
    taken = lambda name, instance=PRIMARY: {"DBInstanceIdentifier": instance, "DBSnapshotIdentifier": name}
    yield rds("create-snapshot-of-unknown", EAST, "CreateDBSnapshot", taken("one-more", "nobody"))
    yield rds("create-snapshot-with-a-bad-name", EAST, "CreateDBSnapshot", taken("one_more"), before=ready)
    kept = keeping("DBSnapshot.[DBSnapshotIdentifier, DBInstanceIdentifier, SnapshotType, Status, PercentProgress]")
    yield rds("create-snapshot", EAST, "CreateDBSnapshot", taken("one-more"), kept, before=ready)
    yield rds("create-snapshot-again", EAST, "CreateDBSnapshot", taken("one-more"))
    yield rds("snapshot-created", EAST, "DescribeDBSnapshots", {"DBSnapshotIdentifier": "one-more"}, SNAPSHOT, before=ready)
    restore = "RestoreDBInstanceFromDBSnapshot"
    restored = {"DBInstanceIdentifier": "restored", "DBSnapshotIdentifier": "one-more"}
    yield rds("restore-snapshot-unknown", EAST, restore, {**restored, "DBSnapshotIdentifier": "nothing"})
    yield rds("restore-snapshot-to-a-name-in-use", EAST, restore, {**restored, "DBInstanceIdentifier": PRIMARY})
    yield rds("restore-snapshot", EAST, restore, restored, MADE)
    yield rds("restore-snapshot-of-another-region", WEST, restore, restored)
    rewind = "RestoreDBInstanceToPointInTime"
    rewound = {"SourceDBInstanceIdentifier": PRIMARY, "TargetDBInstanceIdentifier": "rewound"}
    latest = {**rewound, "UseLatestRestorableTime": True}
    future = datetime.datetime(2099, 1, 1, tzinfo=datetime.timezone.utc)
    yield rds("restore-to-no-time", EAST, rewind, rewound)
    yield rds("restore-to-two-times", EAST, rewind, {**latest, "RestoreTime": future})
    yield rds("restore-to-the-future", EAST, rewind, {**rewound, "RestoreTime": future})
    yield rds("restore-to-point-in-time-of-unknown", EAST, rewind, {**latest, "SourceDBInstanceIdentifier": "nobody"})
    yield rds("restore-to-point-in-time-of-replica", EAST, rewind, {**latest, "SourceDBInstanceIdentifier": "orders-second"})
    yield rds("restore-to-point-in-time", EAST, rewind, latest, MADE)
    yield rds("restore-to-point-in-time-again", EAST, rewind, latest)


def calls():
    for part in (describing, global_clusters, snapshots, modifying, rebooting, promoting, creating, replicating, restoring):
        yield from part()
