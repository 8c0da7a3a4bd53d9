"""Creates the stack and waits for it."""

import json
import time

from . import CannotDeploy

# What CloudFormation takes inside the request; a longer template has to lie in S3.
LONGEST_BODY = 51_200
POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 120


class StackFailed(CannotDeploy):
    """The stack was not created; the message says which resources failed, and why."""


def create(cloudformation, artifacts, name, template, parameters):
    """Create the stack; return (outputs, physical id of each resource)."""
    body = json.dumps(template)
    source = {"TemplateBody": body}
    if len(body.encode()) > LONGEST_BODY:
        source = {"TemplateURL": artifacts.template_url(body.encode())}
    declared = template.get("Parameters", {})
    unknown = sorted(set(parameters) - set(declared))
    if unknown:
        raise StackFailed(f"the template declares no parameter {', '.join(unknown)}")
    cloudformation.create_stack(
        StackName=name,
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        **source,
    )
    stack = wait(cloudformation, name)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        reasons = "; ".join(failures(cloudformation, name)) or stack.get("StackStatusReason", "no reason given")
        raise StackFailed(f"{stack['StackStatus']}: {reasons}")
    resources = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    return outputs, {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in resources}


def wait(cloudformation, name):
    """The stack as it is once nothing is in progress any more."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        if time.monotonic() > deadline:
            raise StackFailed(f"still {stack['StackStatus']} after {LONGEST_WAIT_SECONDS} s")
        time.sleep(POLL_SECONDS)


def failures(cloudformation, name):
    """Which resources failed, and why."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
    ]
