"""AWS Backup: what a vault holds."""

from .call import Call, given, keeping, nothing
from .scene import VAULT, WEST

# What is in a vault only AWS, or the face, decides: the others make no recovery points of what they do not back up.
LISTED = keeping("type(RecoveryPoints)")


def recovery_points(name, vault, keep=nothing, region=WEST, **more):
    parameters = given({"BackupVaultName": vault, **more})
    return Call(f"backup-{name}", "backup", region, "ListRecoveryPointsByBackupVault", parameters, keep)


def calls():
    yield recovery_points("recovery-points", VAULT, LISTED)
    yield recovery_points("recovery-points-of-a-table", VAULT, LISTED, ByResourceArn="arn:aws:dynamodb:us-west-2:123456789012:table/nobody")
    yield recovery_points("vault-of-another-region", VAULT, region="eu-west-3")
