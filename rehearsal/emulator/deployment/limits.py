"""What the emulator stores but does not act on: a rehearsal says nothing about it, and its report has to say so."""

ANYTHING = object()

# (type, property or ANYTHING, what a rehearsal does not show)
LIMITS = (
    ("AWS::IAM::Role", "AssumeRolePolicyDocument", "trust policies are not evaluated"),
    (
        "AWS::StepFunctions::StateMachine", "RoleArn",
        "the role of an execution is not enforced; its policies can be evaluated beside the emulator",
    ),
    ("AWS::StepFunctions::StateMachine", "LoggingConfiguration", "no log event is written"),
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration", "no trace is written"),
    (
        "AWS::StepFunctions::StateMachine", ANYTHING,
        "the definition's own TimeoutSeconds is ignored; histories leave out what happens inside a Map",
    ),
    (
        "AWS::Events::Rule", "Targets",
        "a target is tried once: RetryPolicy and DeadLetterConfig have no effect, and its RoleArn is not enforced",
    ),
    ("AWS::Lambda::Permission", ANYTHING, "rules and alarms invoke a function whether or not it permits them to"),
    (
        "AWS::Lambda::Alias", ANYTHING,
        "a function invoked by a state machine or rule through an alias sees its version in the invoked ARN",
    ),
    (
        "AWS::Lambda::EventInvokeConfig", ANYTHING,
        "an event from a rule is not retried and never reaches the failure destination",
    ),
    ("AWS::Lambda::Function", "ReservedConcurrentExecutions", "invocations through an alias are not limited"),
    ("AWS::Lambda::Function", "TracingConfig", "no trace is written"),
    ("AWS::Lambda::Function", "Layers", "layers are not mounted; the plan is read from PlanPath"),
    (
        "AWS::Lambda::Function", "Architectures",
        "functions run as processes of this machine: no memory limit, no frozen environment",
    ),
    ("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification", "a restore gives the present, not the past"),
    ("AWS::DynamoDB::Table", "SSESpecification", "nothing is encrypted"),
    ("AWS::SNS::Topic", "KmsMasterKeyId", "nothing is encrypted, and the key's policy is not evaluated"),
    ("AWS::SQS::QueuePolicy", ANYTHING, "not evaluated"),
    ("AWS::SNS::TopicPolicy", ANYTHING, "not evaluated"),
    ("AWS::CloudWatch::Alarm", ANYTHING, "evaluated by the rehearsal's own reading of the documented rules"),
)

# Properties that the emulator drops, and that no later call can bring back.
DROPPED_PROPERTIES = {
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration"): "the emulator keeps no tracing configuration",
}


def split_known(deployed, differences):
    """Divide the differences into those the emulator is known for, each with its reason, and the others."""
    known, unknown = [], []
    for difference in differences:
        kind = deployed.template["Resources"][difference["resource"]]["Type"]
        reason = DROPPED_PROPERTIES.get((kind, difference["property"]))
        if reason is None:
            unknown.append(difference)
        else:
            what = {"resource": difference["resource"], "type": f"{kind} {difference['property']}", "reason": reason}
            known.append(what)
    return known, unknown


def not_enforced(deployed):
    """The limits that concern this template, each with the resources it concerns."""
    found = []
    kinds = dict(deployed.resources())
    for kind, key, meaning in LIMITS:
        concerned = [
            name
            for name, found_kind in kinds.items()
            if found_kind == kind and (key is ANYTHING or key in deployed.properties(name))
        ]
        if concerned:
            what = kind if key is ANYTHING else f"{kind} {key}"
            found.append({"what": what, "meaning": meaning, "resources": concerned})
    return found
