"""Writes the values of pseudo parameters into the conditions of a template.

MiniStack knows `AWS::Region` and its like everywhere but there: a condition that asks for the Region is
always false, and a stack that is armed by Region would deploy disarmed.
"""


def write_into_conditions(template, values):
    """Replace each `Ref` to a pseudo parameter in the conditions by its value."""
    template["Conditions"] = {
        name: replace(condition, values) for name, condition in template.get("Conditions", {}).items()
    }


def replace(value, values):
    """The value with every such `Ref` replaced."""
    if isinstance(value, list):
        return [replace(each, values) for each in value]
    if isinstance(value, dict):
        if len(value) == 1 and value.get("Ref") in values:
            return values[value["Ref"]]
        return {key: replace(each, values) for key, each in value.items()}
    return value
