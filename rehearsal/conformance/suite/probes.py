"""The smallest request of every operation that a service has: what the face answers, and what it refuses by name."""

import datetime

SERVICES = ("rds", "route53")
# How the face says that it does not play something.
UNPLAYED = {"rds": ("InvalidAction", "Could not find operation"), "route53": ("ValidationError", "does not model")}


def smallest(shape):
    """A value of a shape, with nothing in it that is not required."""
    kind, model = shape.type_name, shape._shape_model
    if kind == "structure":
        return {name: smallest(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [smallest(shape.member)] * int(model.get("min", 0))
    if kind == "map":
        return {}
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    if kind in ("integer", "long"):
        return int(model.get("min", 1))
    if kind in ("float", "double"):
        return float(model.get("min", 1))
    if kind == "blob":
        return b"x"
    return (shape.enum or ["x" * max(1, int(model.get("min", 1)))])[0]


def is_unplayed(service, error):
    code, words = UNPLAYED[service]
    return error["Code"] == code and words in error.get("Message", "")
