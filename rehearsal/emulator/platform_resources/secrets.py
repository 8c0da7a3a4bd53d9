"""Secrets whose value is a JSON object: {"region", "name", "value"}.

Each gets a field that no plan names: it shows whether a write leaves the rest of a secret alone. Its value is
a word that must appear in no log and no report.
"""

import hashlib
import json

UNTOUCHED_FIELD = "rehearsal_untouched"


def untouched_value(name):
    """A value that is the same in every run and occurs nowhere else."""
    return "never-shown-" + hashlib.sha256(name.encode()).hexdigest()[:24]


def set_up(loopback, wanted):
    value = {**wanted["value"], UNTOUCHED_FIELD: untouched_value(wanted["name"])}
    loopback.client("secretsmanager", wanted["region"]).create_secret(
        Name=wanted["name"], SecretString=json.dumps(value)
    )


def read(loopback, wanted):
    client = loopback.client("secretsmanager", wanted["region"])
    current = client.get_secret_value(SecretId=wanted["name"])
    return {
        "region": wanted["region"],
        "name": wanted["name"],
        "arn": current["ARN"],
        "version": current["VersionId"],
        "stages": client.describe_secret(SecretId=wanted["name"])["VersionIdsToStages"],
        "value": json.loads(current["SecretString"]),
    }
