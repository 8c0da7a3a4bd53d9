"""Functions, their versions, aliases, asynchronous configurations and permissions."""

import json

from ..comparison import Comparison, unordered

SIMPLE = ("Description", "Handler", "MemorySize", "Role", "Runtime", "Timeout")


def function(deployed, name, wanted):
    """The unpublished function."""
    client, identity = deployed.client("lambda"), deployed.physical[name]
    found = client.get_function_configuration(FunctionName=identity)
    yield from configuration(name, wanted, found)
    if "ReservedConcurrentExecutions" in wanted:
        reserved = int(wanted["ReservedConcurrentExecutions"])
        yield Comparison(
            name, "ReservedConcurrentExecutions", reserved,
            client.get_function_concurrency(FunctionName=identity).get("ReservedConcurrentExecutions"),
            lambda: client.put_function_concurrency(FunctionName=identity, ReservedConcurrentExecutions=reserved),
        )
    if "DeadLetterConfig" in wanted:
        target = {"TargetArn": wanted["DeadLetterConfig"]["TargetArn"]}
        yield Comparison(
            name, "DeadLetterConfig", target, found.get("DeadLetterConfig"),
            lambda: client.update_function_configuration(FunctionName=identity, DeadLetterConfig=target),
        )


def configuration(name, wanted, found):
    """What a function and its published versions have in common."""
    for key in SIMPLE:
        if key in wanted:
            yield Comparison(name, key, wanted[key], found.get(key))
    if "Architectures" in wanted:
        yield Comparison(name, "Architectures", wanted["Architectures"], found.get("Architectures"))
    if "Environment" in wanted:
        variables = found.get("Environment", {}).get("Variables", {})
        yield Comparison(name, "Environment", wanted["Environment"].get("Variables", {}), variables)
    if "TracingConfig" in wanted:
        yield Comparison(name, "TracingConfig", wanted["TracingConfig"], found.get("TracingConfig"))
    if "Layers" in wanted:
        yield Comparison(name, "Layers", wanted["Layers"], [layer["Arn"] for layer in found.get("Layers", [])])
    group = wanted.get("LoggingConfig", {}).get("LogGroup")
    if group is not None:
        yield Comparison(name, "LoggingConfig.LogGroup", group, found.get("LoggingConfig", {}).get("LogGroup"))


def version(deployed, name, wanted):
    """A published version: it has to be what the function was."""
    identity = deployed.physical[name]
    found = deployed.client("lambda").get_function_configuration(FunctionName=identity)
    owner = deployed.name_of("AWS::Lambda::Function", wanted["FunctionName"])
    if owner is not None:
        yield from configuration(name, deployed.wanted(owner), found)


def alias(deployed, name, wanted):
    """An alias and the version it points to."""
    found = deployed.client("lambda").get_alias(FunctionName=wanted["FunctionName"], Name=wanted["Name"])
    yield Comparison(name, "FunctionVersion", wanted["FunctionVersion"], found["FunctionVersion"])


def event_invoke_config(deployed, name, wanted):
    """What happens to asynchronous invocations that fail."""
    found = deployed.client("lambda").get_function_event_invoke_config(
        FunctionName=wanted["FunctionName"], Qualifier=wanted["Qualifier"]
    )
    for key in ("MaximumRetryAttempts", "MaximumEventAgeInSeconds"):
        if key in wanted:
            yield Comparison(name, key, wanted[key], found.get(key))
    destination = wanted.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if destination is not None:
        found_destination = found.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        yield Comparison(name, "DestinationConfig.OnFailure", destination, found_destination)


def permission(deployed, name, wanted):
    """Who may invoke: a statement of the policy on the function or on one of its aliases."""
    identity, _, qualifier = wanted["FunctionName"].partition(":function:")[2].partition(":")
    arguments = {"FunctionName": identity or wanted["FunctionName"]}
    if qualifier:
        arguments["Qualifier"] = qualifier
    policy = json.loads(deployed.client("lambda").get_policy(**arguments)["Policy"])
    statements = [
        (each.get("Action"), principal(each), source(each, "ArnLike", "AWS:SourceArn"),
         source(each, "StringEquals", "AWS:SourceAccount"))
        for each in policy["Statement"]
    ]
    statement = (wanted["Action"], wanted["Principal"], wanted.get("SourceArn"), wanted.get("SourceAccount"))
    present = [each for each in unordered(statements) if each == unordered([statement])[0]]
    yield Comparison(name, "Statement", [statement], present[:1])


def principal(statement):
    """The service or account that a statement names."""
    named = statement.get("Principal")
    return next(iter(named.values())) if isinstance(named, dict) else named


def source(statement, operator, key):
    """The value of a condition, whatever the case of its key."""
    conditions = statement.get("Condition", {}).get(operator, {})
    return next((value for name, value in conditions.items() if name.lower() == key.lower()), None)
