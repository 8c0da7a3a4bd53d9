"""What every stand-in holds before the suite begins. The wire face is given it by the test that starts it."""

EAST, WEST = "us-east-1", "us-west-2"
ACCOUNT = "123456789012"
PRIMARY, REPLICA = "orders", "orders-dr"
PRIMARY_ARN = f"arn:aws:rds:{EAST}:{ACCOUNT}:db:{PRIMARY}"
CLIENTS_GROUP, ISOLATION_GROUP = "sg-0c11e475", "sg-0150a7ed"
ZONE = "example.com."
TABLE, GLOBAL_CLUSTER, WRITER, SECONDARY = "carts", "ledger", "ledger-east", "ledger-west"
VAULT = "kept"
LAKE, LAKE_COPY = "data-lake", "data-lake-dr"
# A restore test and a restore by hand, of which only AWS and the face know anything: nobody else plays restore jobs.
RESTORE_TEST, RESTORE_BY_HAND = (f"{number:08X}-789B-01CD-2A34-4567A08901FD" for number in (1, 2))
SNAPSHOTS = 25

# Regions of the face that are prepared to refuse: the other stand-ins do not know such a thing.
THROTTLED, DARK = "eu-west-1", "eu-central-1"

INSTANCE = {
    "DBInstanceIdentifier": PRIMARY,
    "DBInstanceClass": "db.r6g.large",
    "Engine": "postgres",
    "AllocatedStorage": 100,
    "MasterUsername": "postgres",
    "MasterUserPassword": "not-a-secret-1",
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "03:00-03:30",
    "VpcSecurityGroupIds": [CLIENTS_GROUP],
}
ENDPOINT_CHECK = {
    "Type": "HTTPS",
    "FullyQualifiedDomainName": "east.example.com",
    "Port": 443,
    "ResourcePath": "/health",
    "RequestInterval": 30,
    "FailureThreshold": 3,
}

# Where the proxy before the face breaks calls, as the test that starts it has told it: Regions, and zones of Route 53, which has no
# Regions. The status says what kind of failure it is.
BROKEN = {"ap-northeast-1": 400, "ap-northeast-2": 503, "ap-northeast-3": 500}
BROKEN_ZONES = {"throttled": 400, "unavailable": 503, "failing": 500}
