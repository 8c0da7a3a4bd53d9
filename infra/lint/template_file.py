"""Reads the SAM template without a CloudFormation library: short tags become their long forms."""

import yaml


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def parse(text):
    """The template as plain dictionaries and lists."""
    return yaml.load(text, Loader=_Loader)


def resources_of_type(template, resource_type):
    """Logical name and properties of every resource of that type, with the Globals of functions merged in."""
    defaults = template.get("Globals", {}).get("Function", {}) if resource_type == "AWS::Serverless::Function" else {}
    return {
        name: {**defaults, **resource.get("Properties", {})}
        for name, resource in template.get("Resources", {}).items()
        if resource.get("Type") == resource_type
    }
