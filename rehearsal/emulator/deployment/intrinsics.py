"""Computes what CloudFormation's functions mean, without asking the emulator.

The check after the deployment and the policies handed to the proxy need the template's own meaning. Reading
it back from the emulator would only show that the emulator agrees with itself.
"""

import re

PARTITION = "aws"
NO_VALUE = object()


class Unresolved(Exception):
    """A function or attribute whose value cannot be computed here."""


def pseudo_parameters(stack, account, region):
    """The values of CloudFormation's own parameters."""
    return {
        "AWS::AccountId": account,
        "AWS::Region": region,
        "AWS::Partition": PARTITION,
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackName": stack,
    }


def parameter_value(kind, value):
    """What a `Ref` to a parameter gives: a list where its type says so."""
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [each.strip() for each in value.split(",")]
    return value


class Resolver:
    """Resolves the functions of one deployed template."""

    def __init__(self, template, parameters, stack, account, region, physical):
        self._resources = template["Resources"]
        self._conditions = template.get("Conditions", {})
        self._account = account
        self._region = region
        self._physical = physical
        declared = template.get("Parameters", {})
        self._parameters = {
            name: parameter_value(about["Type"], parameters.get(name, about.get("Default")))
            for name, about in declared.items()
        }
        self._pseudo = {**pseudo_parameters(stack, account, region), "AWS::NoValue": NO_VALUE}

    def deployed(self, name):
        """Whether the resource's own condition holds."""
        condition = self._resources[name].get("Condition")
        return condition is None or self.condition(condition)

    def condition(self, name):
        """Whether the condition of that name holds."""
        return self._boolean(self._conditions[name])

    def _boolean(self, value):
        (function, argument), = value.items()
        if function == "Condition":
            return self.condition(argument)
        if function == "Fn::Equals":
            left, right = (self.resolve(each) for each in argument)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not self._boolean(argument[0])
        if function == "Fn::And":
            return all(self._boolean(each) for each in argument)
        if function == "Fn::Or":
            return any(self._boolean(each) for each in argument)
        raise Unresolved(f"{function} is no condition")

    def resolve(self, value):
        """The value with every function replaced by what it means."""
        if isinstance(value, list):
            resolved = (self.resolve(each) for each in value)
            return [each for each in resolved if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref" or name == "Condition" and isinstance(argument, str) and argument in self._conditions:
                return self._reference(argument) if name == "Ref" else self.condition(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        resolved = {key: self.resolve(each) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if each is not NO_VALUE}

    def _function(self, name, argument):
        if name == "Fn::GetAtt":
            resource, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
            return self._attribute(resource, attribute)
        if name == "Fn::Sub":
            return self._substitute(argument)
        if name == "Fn::Join":
            return str(argument[0]).join(str(each) for each in self.resolve(argument[1]))
        if name == "Fn::If":
            return self.resolve(argument[1] if self.condition(argument[0]) else argument[2])
        if name == "Fn::Select":
            return self.resolve(argument[1])[int(self.resolve(argument[0]))]
        if name == "Fn::Split":
            return self.resolve(argument[1]).split(argument[0])
        raise Unresolved(name)

    def _substitute(self, argument):
        text, variables = (argument, {}) if isinstance(argument, str) else argument

        def replace(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in variables:
                return str(self.resolve(variables[name]))
            if "." in name:
                return str(self._attribute(*name.split(".", 1)))
            return str(self._reference(name))

        return re.sub(r"\$\{([^}]+)\}", replace, text)

    def _reference(self, name):
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        if name not in self._physical:
            raise Unresolved(f"Ref {name}")
        return self._physical[name]

    def _attribute(self, name, attribute):
        if name not in self._physical:
            raise Unresolved(f"{name}.{attribute}")
        kind, identity = self._resources[name]["Type"], self._physical[name]
        last = re.split(r"[:/]", identity)[-1]
        if (kind, attribute) == ("AWS::Lambda::Version", "Version"):
            return last
        if (kind, attribute) in (("AWS::SQS::Queue", "QueueName"), ("AWS::SNS::Topic", "TopicName"),
                                 ("AWS::StepFunctions::StateMachine", "Name")):
            return last
        if attribute in ("Arn", "TopicArn", "AliasArn"):
            return self._arn(kind, identity, last)
        raise Unresolved(f"{name}.{attribute} of {kind}")

    def _arn(self, kind, identity, last):
        if identity.startswith("arn:"):
            return identity
        formats = {
            "AWS::CloudWatch::Alarm": f"cloudwatch:{self._region}:{self._account}:alarm:{identity}",
            "AWS::DynamoDB::Table": f"dynamodb:{self._region}:{self._account}:table/{identity}",
            "AWS::Events::Rule": f"events:{self._region}:{self._account}:rule/{last}",
            "AWS::IAM::Role": f"iam::{self._account}:role/{identity}",
            "AWS::Lambda::Function": f"lambda:{self._region}:{self._account}:function:{identity}",
            # CloudFormation's attribute ends so, because policies need it so.
            "AWS::Logs::LogGroup": f"logs:{self._region}:{self._account}:log-group:{identity}:*",
            "AWS::SQS::Queue": f"sqs:{self._region}:{self._account}:{last}",
        }
        if kind not in formats:
            raise Unresolved(f"ARN of {kind}")
        return f"arn:{PARTITION}:{formats[kind]}"
