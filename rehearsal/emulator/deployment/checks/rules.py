"""EventBridge rules and their targets."""

import json

from ..comparison import Comparison


def rule(deployed, name, wanted):
    """Pattern or schedule, state, and every target."""
    client, identity = deployed.client("events"), deployed.physical[name].split("|")[-1]
    found = client.describe_rule(Name=identity)
    pattern = json.loads(found["EventPattern"]) if found.get("EventPattern") else None
    yield Comparison(name, "EventPattern", wanted.get("EventPattern"), pattern)
    schedule = found.get("ScheduleExpression") or None
    yield Comparison(name, "ScheduleExpression", wanted.get("ScheduleExpression"), schedule)
    yield Comparison(name, "State", wanted.get("State", "ENABLED"), found["State"])
    targets = {each["Id"]: each for each in client.list_targets_by_rule(Rule=identity)["Targets"]}
    for each in wanted.get("Targets", []):
        there = targets.get(each["Id"], {})
        shown = {key: there.get(key) for key in each}
        yield Comparison(name, f"Targets.{each['Id']}", each, shown)
