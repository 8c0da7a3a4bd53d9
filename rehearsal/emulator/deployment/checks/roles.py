"""IAM roles."""

from ..comparison import Comparison, unordered


def role(deployed, name, wanted):
    """Trust, inline policies and attached policies."""
    client, identity = deployed.client("iam"), deployed.physical[name]
    found = client.get_role(RoleName=identity)["Role"]
    yield Comparison(
        name, "AssumeRolePolicyDocument", wanted["AssumeRolePolicyDocument"], found["AssumeRolePolicyDocument"]
    )
    inline = {
        policy: client.get_role_policy(RoleName=identity, PolicyName=policy)["PolicyDocument"]
        for policy in client.list_role_policies(RoleName=identity)["PolicyNames"]
    }
    yield Comparison(name, "Policies", inline_policies(wanted), inline)
    attached = client.list_attached_role_policies(RoleName=identity)["AttachedPolicies"]
    yield Comparison(
        name, "ManagedPolicyArns",
        unordered(wanted.get("ManagedPolicyArns", [])), unordered(each["PolicyArn"] for each in attached),
    )


def inline_policies(wanted):
    """The template's inline policies by name."""
    return {policy["PolicyName"]: policy["PolicyDocument"] for policy in wanted.get("Policies", [])}
