"""Waits until a stand-in has finished what it began. The face takes its (accelerated) time, the others none."""

import time

from . import scene

LONGEST = 30.0


def until(ready, what):
    deadline = time.monotonic() + LONGEST
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} is not there after {LONGEST} s")
        time.sleep(0.02)


def instance(region, identifier):
    """Until the instance is available and nothing about it is on its way."""

    def wait(target):
        def settled():
            found = target.client("rds", region).describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
            groups = {group.get("Status") for group in found.get("VpcSecurityGroups", [])}
            return found["DBInstanceStatus"] == "available" and groups <= {"active"}

        until(settled, f"{identifier} available on {target.name}")

    return wait


def promoted(target):
    """Until the replica is an instance of its own, where the stand-in makes that of it at all."""
    if target.name == "face":
        describe = target.client("rds", scene.WEST).describe_db_instances
        until(
            lambda: "ReadReplicaSourceDBInstanceIdentifier"
            not in describe(DBInstanceIdentifier=scene.REPLICA)["DBInstances"][0],
            "the promoted replica",
        )
    instance(scene.WEST, scene.REPLICA)(target)


def in_sync(target):
    """Until the last change is on every name server."""
    if target.change:
        get = target.client("route53", scene.EAST).get_change
        until(lambda: get(Id=target.change)["ChangeInfo"]["Status"] == "INSYNC", f"the change on {target.name}")
