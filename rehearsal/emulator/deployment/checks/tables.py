"""DynamoDB tables."""

from ..comparison import Comparison, unordered


def table(deployed, name, wanted):
    """Keys, billing, protection, recovery, expiry and encryption of a table."""
    client, identity = deployed.client("dynamodb"), deployed.physical[name]
    found = client.describe_table(TableName=identity)["Table"]
    yield Comparison(name, "KeySchema", wanted["KeySchema"], found["KeySchema"])
    yield Comparison(
        name, "AttributeDefinitions",
        unordered(wanted["AttributeDefinitions"]), unordered(found["AttributeDefinitions"]),
    )
    if "BillingMode" in wanted:
        billing = found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        yield Comparison(name, "BillingMode", wanted["BillingMode"], billing)
    if "DeletionProtectionEnabled" in wanted:
        protected = bool(wanted["DeletionProtectionEnabled"])
        yield Comparison(
            name, "DeletionProtectionEnabled", protected, found.get("DeletionProtectionEnabled", False),
            lambda: client.update_table(TableName=identity, DeletionProtectionEnabled=protected),
        )
    recovery = wanted.get("PointInTimeRecoverySpecification")
    if recovery is not None:
        backups = client.describe_continuous_backups(TableName=identity)["ContinuousBackupsDescription"]
        status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
        yield Comparison(
            name, "PointInTimeRecoverySpecification",
            bool(recovery["PointInTimeRecoveryEnabled"]), status == "ENABLED",
            lambda: client.update_continuous_backups(
                TableName=identity, PointInTimeRecoverySpecification=recovery
            ),
        )
    expiry = wanted.get("TimeToLiveSpecification")
    if expiry is not None:
        status = client.describe_time_to_live(TableName=identity)["TimeToLiveDescription"]
        yield Comparison(
            name, "TimeToLiveSpecification",
            (bool(expiry["Enabled"]), expiry["AttributeName"]),
            (status.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"), status.get("AttributeName")),
            lambda: client.update_time_to_live(TableName=identity, TimeToLiveSpecification=expiry),
        )
    encryption = wanted.get("SSESpecification")
    if encryption is not None:
        enabled = bool(encryption.get("SSEEnabled", False))
        yield Comparison(
            name, "SSESpecification", enabled,
            found.get("SSEDescription", {}).get("Status") in ("ENABLED", "ENABLING"),
            lambda: client.update_table(TableName=identity, SSESpecification={"Enabled": enabled}),
        )
