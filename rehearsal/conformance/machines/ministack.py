"""MiniStack's interpreter. It invokes functions of its own, so one is made that hands each invocation to the address that answers, and
the answer or the error back."""

import io
import json
import pathlib
import sys
import zipfile

from loopback import Loopback

from . import execution
from .execution import ACCOUNT, NAME, REGION, ROLE

TRUST = {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}, "Action": "sts:AssumeRole"}
BOOTSTRAP = pathlib.Path(__file__).with_name("bootstrap.py")
EXECUTABLE = 0o755 << 16


def run(endpoint, definition, invoke):
    """Runs the definition once, in an emulator that has nothing else."""
    client = Loopback(endpoint, ACCOUNT).client
    policy = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    client("iam", REGION).create_role(RoleName=NAME, AssumeRolePolicyDocument=policy)
    functions, machines = client("lambda", REGION), client("stepfunctions", REGION)
    variables = {"ANSWERED_AT": invoke}
    made = functions.create_function(
        FunctionName=NAME,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=ROLE,
        Code={"ZipFile": package()},
        Environment={"Variables": variables},
        Timeout=60,
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=NAME)
    seen = execution.run(machines, definition, made["FunctionArn"])
    for machine in machines.list_state_machines()["stateMachines"]:
        machines.delete_state_machine(stateMachineArn=machine["stateMachineArn"])
    functions.delete_function(FunctionName=NAME)
    client("iam", REGION).delete_role(RoleName=NAME)
    return seen


def package():
    """The program that MiniStack starts, for the Python that runs this one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        bootstrap = zipfile.ZipInfo("bootstrap")
        bootstrap.external_attr = EXECUTABLE
        archive.writestr(bootstrap, f"#!{sys.executable}\n{BOOTSTRAP.read_text(encoding='utf-8')}")
    return packed.getvalue()
