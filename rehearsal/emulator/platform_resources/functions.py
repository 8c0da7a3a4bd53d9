"""Lambda functions of the platform: {"region", "name", "environment"} and perhaps "program".

Mostly only their configuration matters: a recovery rewrites it and never invokes them. Each gets a variable that no
plan names, which shows whether a write leaves the rest of an environment alone. One with a program is invoked: the
write probe.
"""

import io
import json
import pathlib
import time
import zipfile

UNTOUCHED_VARIABLE = "REHEARSAL_UNTOUCHED"
ROLE = "rehearsal-platform-functions"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
# What a description can name as a function's program.
PROGRAMS = {"write_probe": "write_probe.py"}
POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 15


class NotActive(Exception):
    """A function did not become active."""


def program(wanted):
    """The function's program; one that ends at once where none is named, because Lambda refuses a function without."""
    if "program" not in wanted:
        return "#!/bin/sh\nexit 1\n"
    directory = pathlib.Path(__file__).resolve().parent.parent
    return (directory / PROGRAMS[wanted["program"]]).read_text()


def code(text):
    """A package with this program as its bootstrap."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, text)
    return buffer.getvalue()


def role(loopback, region):
    """The role of these functions; Lambda refuses a function whose role does not exist."""
    client = loopback.client("iam", region)
    try:
        client.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    except client.exceptions.EntityAlreadyExistsException:
        pass
    return f"arn:aws:iam::{loopback.account}:role/{ROLE}"


def set_up(loopback, wanted):
    client = loopback.client("lambda", wanted["region"])
    client.create_function(
        FunctionName=wanted["name"],
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role(loopback, wanted["region"]),
        Code={"ZipFile": code(program(wanted))},
        Environment={"Variables": {**wanted["environment"], UNTOUCHED_VARIABLE: "left alone"}},
    )


def settle(loopback, wanted):
    """Wait until the function can be changed."""
    client = loopback.client("lambda", wanted["region"])
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        found = client.get_function_configuration(FunctionName=wanted["name"])
        if found["State"] == "Active" and found.get("LastUpdateStatus", "Successful") == "Successful":
            return
        if time.monotonic() > deadline:
            raise NotActive(f"function {wanted['name']} still is {found['State']} after {LONGEST_WAIT_SECONDS} s")
        time.sleep(POLL_SECONDS)


def read(loopback, wanted):
    found = loopback.client("lambda", wanted["region"]).get_function_configuration(FunctionName=wanted["name"])
    return {
        "region": wanted["region"],
        "name": wanted["name"],
        "environment": found.get("Environment", {}).get("Variables", {}),
        "revision": found["RevisionId"],
        "role": found["Role"],
        "timeout": found["Timeout"],
        "memory": found["MemorySize"],
    }
