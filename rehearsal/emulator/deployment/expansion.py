"""From SAM to plain CloudFormation, offline, by the translator that AWS itself publishes."""

import os

from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from . import CannotDeploy
from .artifacts import read


class InvalidTemplate(CannotDeploy):
    """The template cannot be expanded."""


class BundledPolicies:
    """The translator knows AWS's managed policies by name itself; asking an account for more would need one."""

    def load(self):
        return {}


def expand(template_path, parameters, binaries, plan, artifacts):
    """The template as CloudFormation takes it, its code and definitions uploaded."""
    template = yaml_parse(read(template_path, "template").decode())
    directory = os.path.dirname(os.path.abspath(template_path))
    for name, resource in template["Resources"].items():
        properties = resource.setdefault("Properties", {})
        if resource["Type"] == "AWS::Serverless::Function":
            package = resource.get("Metadata", {}).get("BuildProperties", {}).get("Binary")
            if not package:
                raise InvalidTemplate(f"function {name} names no Metadata.BuildProperties.Binary")
            properties["CodeUri"] = artifacts.function(binaries, package)
        elif resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = artifacts.layer(plan)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            definition = properties.get("DefinitionUri")
            if not isinstance(definition, str) or not definition.endswith(".json"):
                # CloudFormation's own reader of YAML definitions has no counterpart in the emulator.
                raise InvalidTemplate(f"state machine {name} has no DefinitionUri that names a .json file")
            properties["DefinitionUri"] = artifacts.definition(os.path.join(directory, definition))
    try:
        return transform(template, dict(parameters), BundledPolicies())
    except InvalidDocumentException as error:
        causes = "; ".join(cause.message for cause in error.causes)
        raise InvalidTemplate(f"{template_path} cannot be expanded: {causes}") from error
