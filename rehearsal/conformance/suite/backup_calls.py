"""AWS Backup: what a vault holds, and what came of a restore test."""

from .call import Call, given, keeping, nothing
from .scene import ACCOUNT, RESTORE_BY_HAND, RESTORE_TEST, TABLE, VAULT, WEST

# The others make no recovery points of what they do not back up.
LISTED = keeping("RecoveryPoints[].[ResourceArn, Status]")
TESTED = keeping(
    "[Status, ResourceType, ends_with(CreatedResourceArn, ':db:awsbackup-restore-test-1'), CreatedBy.RestoreTestingPlanArn != null,"
    " ValidationStatus, ValidationStatusMessage]"
)


def recovery_points(name, vault, keep=nothing, region=WEST, **more):
    parameters = given({"BackupVaultName": vault, **more})
    return Call(f"backup-{name}", "backup", region, "ListRecoveryPointsByBackupVault", parameters, keep)


def of_table(table):
    return f"arn:aws:dynamodb:{WEST}:{ACCOUNT}:table/{table}"


def restore_job(name, job, keep=nothing):
    return Call(f"backup-{name}", "backup", WEST, "DescribeRestoreJob", given({"RestoreJobId": job}), keep)


def validation(name, job, status, **more):
    parameters = given({"RestoreJobId": job, "ValidationStatus": status, **more})
    return Call(f"backup-{name}", "backup", WEST, "PutRestoreValidationResult", parameters, nothing)


def calls():
    yield recovery_points("recovery-points", VAULT, LISTED)
    yield recovery_points("recovery-points-of-a-table", VAULT, LISTED, ByResourceArn=of_table(TABLE))
    yield recovery_points("recovery-points-of-nothing", VAULT, LISTED, ByResourceArn=of_table("nobody"))
    yield recovery_points("vault-of-another-region", VAULT, region="eu-west-3")
    yield restore_job("restore-job", RESTORE_TEST, TESTED)
    yield restore_job("restore-job-unknown", "0BADC0DE-789B-01CD-2A34-4567A08901FD")
    yield validation("validation-of-an-unknown-job", "0BADC0DE-789B-01CD-2A34-4567A08901FD", "SUCCESSFUL")
    yield validation("validation-of-another-word", RESTORE_TEST, "SOUND")
    yield validation("validation-of-a-restore-by-hand", RESTORE_BY_HAND, "SUCCESSFUL")
    yield validation("validation", RESTORE_TEST, "FAILED", ValidationStatusMessage="orders has no rows")
    yield restore_job("restore-job-validated", RESTORE_TEST, TESTED)
    yield validation("validation-again", RESTORE_TEST, "SUCCESSFUL")
