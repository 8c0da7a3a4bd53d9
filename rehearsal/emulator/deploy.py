"""Deploys the recovery stack into the emulator.

Reads one JSON document from standard input:
    {"endpoint": "http://127.0.0.1:4566", "account": "123456789012", "region": "us-west-2", "stack": "recovery",
     "template": "infra/template.yaml", "binaries": "target/debug", "plan": "plan.json",
     "parameters": {"Platform": "…"}}
Writes one JSON document to standard output: the outputs, the physical ids, the policies of every role, what was
left out, mended or still differs, and what the emulator does not enforce. Progress goes to standard error.
"""

import json
import os
import platform
import sys
import time

import botocore.exceptions

from deployment import CannotDeploy
from loopback import Loopback, NotLoopback, forget_user_settings

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def host_architecture():
    """This machine's processor, in Lambda's words."""
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        sys.exit(f"the functions run as processes of this machine, but Lambda knows no processor {machine}")
    return ARCHITECTURES[machine]


def role_policies(deployed):
    """Every role's policies, resolved, under the role's name: what the proxy evaluates where the emulator cannot."""
    from deployment.checks.roles import inline_policies

    policies = {}
    for name, kind in deployed.resources():
        if kind == "AWS::IAM::Role":
            wanted = deployed.wanted(name)
            policies[deployed.physical[name]] = {
                "resource": name,
                "arn": f"arn:aws:iam::{deployed.account}:role/{deployed.physical[name]}",
                "trust": wanted["AssumeRolePolicyDocument"],
                "inline": inline_policies(wanted),
                "managed": wanted.get("ManagedPolicyArns", []),
            }
    return policies


def progress(sentence, since):
    print(f"{time.monotonic() - since:6.2f} s  {sentence}", file=sys.stderr, flush=True)


def deploy(request, since):
    # The translator is imported late: it takes half a second, and a bad request should be refused at once.
    from deployment import artifacts, expansion, intrinsics, limits, omissions, pseudo_parameters, stack, verification

    account, region = request["account"], request["region"]
    loopback = Loopback(request["endpoint"], account)
    os.environ["AWS_DEFAULT_REGION"] = region
    parameters = {"Architecture": host_architecture(), **request.get("parameters", {})}
    store = artifacts.Artifacts(loopback.client("s3", region), region)
    template = expansion.expand(request["template"], parameters, request["binaries"], request["plan"], store)
    omitted = omissions.leave_out(template)
    pseudo_parameters.write_into_conditions(
        template, intrinsics.pseudo_parameters(request["stack"], account, region)
    )
    progress(f"expanded to {len(template['Resources'])} resources, left out {len(omitted)}", since)
    outputs, physical = stack.create(
        loopback.client("cloudformation", region), store, request["stack"], template, parameters
    )
    progress(f"created the stack {request['stack']}", since)
    resolver = intrinsics.Resolver(template, parameters, request["stack"], account, region, physical)
    deployed = verification.Deployed(loopback, account, region, template, resolver, physical)
    mended, still, held = verification.verify(deployed)
    known, differences = limits.split_known(deployed, still)
    progress(f"{held} properties hold, {len(mended)} of them mended; {len(differences)} differ", since)
    return {
        "outputs": outputs,
        "physical_ids": physical,
        "role_policies": role_policies(deployed),
        "linked": store.linked,
        "dropped": omitted + known,
        "reapplied": mended,
        "differences": differences,
        "held": held,
        "unverified": verification.unverified(deployed),
        "not_enforced": limits.not_enforced(deployed),
        "seconds": round(time.monotonic() - since, 2),
    }


def main():
    since = time.monotonic()
    forget_user_settings()
    request = json.load(sys.stdin)
    missing = sorted({"endpoint", "account", "region", "stack", "template", "binaries", "plan"} - set(request))
    if missing:
        sys.exit(f"the request lacks {', '.join(missing)}")
    try:
        answer = deploy(request, since)
    except NotLoopback as error:
        sys.exit(str(error))
    except (CannotDeploy, botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        sys.exit(f"the stack could not be deployed: {error}")
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
