"""DynamoDB: global tables, as far as the face has them: describing one, and to when it can be restored."""

from .call import Call, given, keeping, nothing
from .scene import TABLE, WEST

FACTS = keeping("Table.{name: TableName, status: TableStatus, replicas: Replicas[].[RegionName, ReplicaStatus]}")


CONTINUOUS = keeping(
    "ContinuousBackupsDescription.[ContinuousBackupsStatus, PointInTimeRecoveryDescription.PointInTimeRecoveryStatus]"
)


def describe(name, parameters, keep=nothing, region=WEST):
    return Call(f"dynamodb-{name}", "dynamodb", region, "DescribeTable", given(parameters), keep)


def calls():
    yield describe("table", {"TableName": TABLE}, FACTS)
    yield describe("unknown-table", {"TableName": "nobody"})
    yield describe("table-of-another-region", {"TableName": TABLE}, region="eu-west-3")
    yield Call("dynamodb-continuous-backups", "dynamodb", WEST, "DescribeContinuousBackups", given({"TableName": TABLE}), CONTINUOUS)
