"""The three stand-ins. None of them is ever AWS: two are on loopback, the third is inside this process."""

import contextlib

import boto3
import botocore.config
import botocore.exceptions
import moto
from loopback import Loopback

from . import scene


class Target:
    """A stand-in, and the names that it has given to things."""

    def __init__(self, name, client):
        self.name = name
        self.client = client
        self.zone = None
        self.endpoint_check = None
        self.calculated_check = None
        self.replica_made = False
        self.change = None
        self.marker = None

    def names(self):
        """What stands in for the names that only this stand-in has."""
        given = {"zone": self.zone, "endpoint check": self.endpoint_check, "calculated check": self.calculated_check}
        return {value: f"<{name}>" for name, value in given.items() if value}


def face(endpoint):
    target = Target("face", Loopback(endpoint, scene.ACCOUNT).client)
    target.zone, target.replica_made = "Z0CONFORMANCE", True
    target.endpoint_check, target.calculated_check = "check-endpoint", "check-calculated"
    return target


def ministack(endpoint):
    return prepared(Target("ministack", Loopback(endpoint, scene.ACCOUNT).client))


@contextlib.contextmanager
def moto_in_process():
    """moto answers before anything is sent; a client that it does not catch has no credentials and no address to go to."""
    with moto.mock_aws(config={"core": {"reset_boto3_session": True}}):
        clients = {}

        def client(service, region):
            if (service, region) not in clients:
                config = botocore.config.Config(retries={"total_max_attempts": 1})
                clients[service, region] = boto3.client(service, region_name=region, config=config)
            return clients[service, region]

        yield prepared(Target("moto", client))


def prepared(target):
    """Gives a stand-in the things that the face has from the start."""
    east, west = target.client("rds", scene.EAST), target.client("rds", scene.WEST)
    east.create_db_instance(**scene.INSTANCE)
    try:
        west.create_db_instance_read_replica(
            DBInstanceIdentifier=scene.REPLICA, SourceDBInstanceIdentifier=scene.PRIMARY_ARN
        )
        target.replica_made = True
    except botocore.exceptions.ClientError:
        # A stand-in without replicas across Regions has an instance of that name, so that the rest can be asked.
        west.create_db_instance(**{**scene.INSTANCE, "DBInstanceIdentifier": scene.REPLICA})
    for number in range(1, scene.SNAPSHOTS + 1):
        east.create_db_snapshot(DBInstanceIdentifier=scene.PRIMARY, DBSnapshotIdentifier=f"manual-{number:02}")
    add_global_data(target)
    dns = target.client("route53", scene.EAST)
    for name in (scene.ZONE, "example.net."):
        made = dns.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]["Id"].rpartition("/")[2]
        target.zone = target.zone or made
    check = dns.create_health_check(CallerReference="endpoint", HealthCheckConfig=scene.ENDPOINT_CHECK)
    target.endpoint_check = check["HealthCheck"]["Id"]
    calculated = {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": [target.endpoint_check]}
    check = dns.create_health_check(CallerReference="calculated", HealthCheckConfig=calculated)
    target.calculated_check = check["HealthCheck"]["Id"]
    return target


def add_global_data(target):
    """A global table, a global database and a vault, as far as a stand-in knows such things."""
    west = target.client("dynamodb", scene.WEST)
    taken(
        west.create_table,
        TableName=scene.TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    taken(west.update_table, TableName=scene.TABLE, ReplicaUpdates=[{"Create": {"RegionName": scene.EAST}}])
    points = {"PointInTimeRecoveryEnabled": True}
    taken(west.update_continuous_backups, TableName=scene.TABLE, PointInTimeRecoverySpecification=points)
    taken(target.client("backup", scene.WEST).create_backup_vault, BackupVaultName=scene.VAULT)
    rds = target.client("rds", scene.EAST)
    taken(rds.create_global_cluster, GlobalClusterIdentifier=scene.GLOBAL_CLUSTER, Engine="aurora-postgresql")
    cluster = {"Engine": "aurora-postgresql", "GlobalClusterIdentifier": scene.GLOBAL_CLUSTER}
    login = {"MasterUsername": "postgres", "MasterUserPassword": "not-a-secret-1"}
    taken(rds.create_db_cluster, DBClusterIdentifier=scene.WRITER, **cluster, **login)
    taken(target.client("rds", scene.WEST).create_db_cluster, DBClusterIdentifier=scene.SECONDARY, **cluster)


def taken(operation, **parameters):
    """Makes a call that a stand-in may not know: what it then lacks is a difference of the suite's own calls."""
    with contextlib.suppress(botocore.exceptions.ClientError):
        operation(**parameters)
