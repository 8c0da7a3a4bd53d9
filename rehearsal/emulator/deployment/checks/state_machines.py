"""State machines."""

import json
import re

from ..comparison import Comparison, unordered


def state_machine(deployed, name, wanted):
    """Definition with its substitutions, role, type, logging and tracing."""
    client, identity = deployed.client("stepfunctions"), deployed.physical[name]
    found = client.describe_state_machine(stateMachineArn=identity)
    yield Comparison(
        name, "Definition",
        definition(deployed, wanted), json.loads(found["definition"]),
    )
    yield Comparison(name, "RoleArn", wanted["RoleArn"], found["roleArn"])
    if "StateMachineType" in wanted:
        yield Comparison(name, "StateMachineType", wanted["StateMachineType"], found["type"])
    if "LoggingConfiguration" in wanted:
        logging = logging_configuration(wanted["LoggingConfiguration"])
        yield Comparison(
            name, "LoggingConfiguration", logging, found.get("loggingConfiguration"),
            lambda: client.update_state_machine(stateMachineArn=identity, loggingConfiguration=logging),
        )
    if "TracingConfiguration" in wanted:
        tracing = {"enabled": bool(wanted["TracingConfiguration"]["Enabled"])}
        yield Comparison(
            name, "TracingConfiguration", tracing, found.get("tracingConfiguration"),
            lambda: client.update_state_machine(stateMachineArn=identity, tracingConfiguration=tracing),
        )


def definition(deployed, wanted):
    """The definition that was uploaded, its placeholders replaced as CloudFormation replaces them."""
    place = wanted["DefinitionS3Location"]
    uploaded = deployed.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"])["Body"].read().decode()
    substitutions = wanted.get("DefinitionSubstitutions", {})

    def replace(match):
        return substitutions.get(match.group(1), match.group(0))

    return json.loads(re.sub(r"\$\{([A-Za-z0-9]+)\}", replace, uploaded))


def logging_configuration(wanted):
    """CloudFormation's and the service's own name for the same thing differ in their first letters."""
    destinations = [
        {"cloudWatchLogsLogGroup": {"logGroupArn": each["CloudWatchLogsLogGroup"]["LogGroupArn"]}}
        for each in wanted.get("Destinations", [])
    ]
    return {
        "level": wanted.get("Level", "OFF"),
        "includeExecutionData": bool(wanted.get("IncludeExecutionData", False)),
        "destinations": unordered(destinations),
    }
