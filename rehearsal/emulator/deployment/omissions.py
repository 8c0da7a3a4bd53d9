"""What the emulator cannot deploy is left out, by name and in the open."""

from . import CannotDeploy

# Types that MiniStack refuses, and with them the whole stack.
UNKNOWN_TYPES = {
    "AWS::ARCRegionSwitch::Plan",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::RDS::GlobalCluster",
    "AWS::Route53::HealthCheck",
    "AWS::Route53RecoveryControl::Cluster",
    "AWS::Route53RecoveryControl::ControlPanel",
    "AWS::Route53RecoveryControl::RoutingControl",
    "AWS::Route53RecoveryControl::SafetyRule",
    "AWS::SSM::Document",
    "AWS::StepFunctions::StateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion",
    "AWS::Synthetics::Canary",
}
# A rehearsal without one of these would rehearse something else.
INDISPENSABLE_TYPES = {
    "AWS::DynamoDB::Table",
    "AWS::Events::Rule",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Function",
    "AWS::StepFunctions::StateMachine",
}


class CannotRehearse(CannotDeploy):
    """Something that a rehearsal is about cannot be deployed."""


def refers_to(value, name):
    """Whether a part of the template refers to the resource of that name."""
    if isinstance(value, list):
        return any(refers_to(each, name) for each in value)
    if not isinstance(value, dict):
        return False
    if value.get("Ref") == name:
        return True
    attribute = value.get("Fn::GetAtt")
    if attribute is not None:
        target = attribute[0] if isinstance(attribute, list) else attribute.split(".")[0]
        if target == name:
            return True
    substitution = value.get("Fn::Sub")
    if substitution is not None:
        text = substitution[0] if isinstance(substitution, list) else substitution
        if "${" + name + "}" in text or "${" + name + "." in text:
            return True
    return any(refers_to(each, name) for each in value.values())


def why_unknown(resource):
    """Why the emulator refuses a resource; None when it does not."""
    if resource["Type"] in UNKNOWN_TYPES:
        return f"the emulator does not know {resource['Type']}"
    if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource.get("Properties", {}):
        return "the emulator does not know alarms over metric math"
    return None


def leave_out(template):
    """Remove what cannot be deployed and what refers to it; return what was removed, and why."""
    resources, outputs = template["Resources"], template.get("Outputs", {})
    reasons = {name: reason for name, resource in resources.items() if (reason := why_unknown(resource))}
    waiting = list(reasons)
    while waiting:
        gone = waiting.pop()
        for name, resource in resources.items():
            if name not in reasons and refers_to(resource.get("Properties", {}), gone):
                reasons[name] = f"it refers to {gone}"
                waiting.append(name)
    omitted = []
    for name, reason in sorted(reasons.items()):
        kind = resources[name]["Type"]
        if kind in INDISPENSABLE_TYPES:
            raise CannotRehearse(f"{name} ({kind}) cannot be deployed into the emulator: {reason}")
        omitted.append({"resource": name, "type": kind, "reason": reason})
        del resources[name]
    for resource in resources.values():
        needed = resource.get("DependsOn")
        if needed is not None:
            needed = [needed] if isinstance(needed, str) else needed
            resource["DependsOn"] = [name for name in needed if name not in reasons]
    for output in [name for name, value in outputs.items() if any(refers_to(value, gone) for gone in reasons)]:
        omitted.append({"resource": output, "type": "Output", "reason": "it refers to what was left out"})
        del outputs[output]
    return omitted
