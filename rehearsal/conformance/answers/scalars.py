"""Values without parts: whether a text or a decoded value is one of the model's type."""

import datetime
import re

TIMESTAMP = re.compile(r"\d{4}-(0\d|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?Z")
INTEGER = re.compile(r"-?\d+")
NUMBERS = {"integer", "long", "float", "double"}


def flaws_of_text(text, shape):
    """What is wrong with the text of an XML element."""
    kind = shape.type_name
    if kind in ("string", "character"):
        return flaws_of_string(text, shape)
    if kind == "boolean":
        return [] if text in ("true", "false") else [f"{text!r} is no truth value"]
    if kind == "timestamp":
        return [] if TIMESTAMP.fullmatch(text) else [f"{text!r} is no time as ISO 8601 writes it in UTC"]
    if kind in ("integer", "long"):
        return flaws_of_number(int(text), shape) if INTEGER.fullmatch(text) else [f"{text!r} is no whole number"]
    if kind in ("float", "double"):
        try:
            return flaws_of_number(float(text), shape)
        except ValueError:
            return [f"{text!r} is no number"]
    return [f"texts of the type {kind} are not understood by this check"]


def flaws_of_value(value, shape):
    """What is wrong with a decoded value of a CBOR document."""
    kind = shape.type_name
    if kind in ("string", "character"):
        return flaws_of_string(value, shape) if isinstance(value, str) else [f"{value!r} is no text"]
    if kind == "boolean":
        return [] if isinstance(value, bool) else [f"{value!r} is no truth value"]
    if kind == "timestamp":
        return [] if isinstance(value, datetime.datetime) else [f"{value!r} carries no tag of a time"]
    if kind in ("integer", "long"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return flaws_of_number(value, shape) if whole else [f"{value!r} is no whole number"]
    if kind in ("float", "double"):
        return flaws_of_number(value, shape) if isinstance(value, float) else [f"{value!r} is no floating-point number"]
    return [f"values of the type {kind} are not understood by this check"]


def flaws_of_string(text, shape):
    enumerated = getattr(shape, "enum", None)
    if enumerated and text not in enumerated:
        return [f"{text!r} is none of the values of {shape.name}: {', '.join(enumerated)}"]
    found = flaws_of_bounds(len(text), shape, f"the length of {text!r}")
    pattern = limits(shape).get("pattern")
    if pattern and not matches(pattern, text):
        found.append(f"{text!r} does not match {pattern}, the pattern of {shape.name}")
    return found


def flaws_of_number(number, shape):
    return flaws_of_bounds(number, shape, str(number))


def flaws_of_bounds(measure, shape, what):
    low, high = limits(shape).get("min"), limits(shape).get("max")
    if (low is not None and measure < low) or (high is not None and measure > high):
        return [f"{what} is not within {low} to {high}, the bounds of {shape.name}"]
    return []


def limits(shape):
    """What the model says of a shape beyond its type. botocore keeps patterns, and hands out only a part of the rest."""
    return shape._shape_model


def matches(pattern, text):
    """Models are written for Java: its names of character classes are put in Python's words."""
    pattern = pattern.replace(r"\p{ASCII}", r"\x00-\x7f").replace(r"[\x00-\x7f]", "[\\x00-\\x7f]")
    try:
        return re.fullmatch(pattern, text, re.ASCII | re.DOTALL) is not None
    except re.error:
        return True
