"""JSON documents. A time is a number of seconds there, and a whole number may stand where a fraction is due."""

from . import value_shapes
from .scalars import flaws_of_value


def flaws(value, shape, path):
    return value_shapes.flaws(value, shape, path, flaws_of_json)


def flaws_of_json(value, shape):
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if shape.type_name == "timestamp":
        return [] if number else [f"{value!r} is no number of seconds"]
    if shape.type_name in ("float", "double") and number:
        return flaws_of_value(float(value), shape)
    return flaws_of_value(value, shape)
