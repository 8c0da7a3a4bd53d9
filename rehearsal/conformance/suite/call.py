"""One call of the suite."""

from dataclasses import dataclass
from typing import Any, Callable

import jmespath
from botocore import xform_name


@dataclass(frozen=True)
class Call:
    """A call, and what of its answer is compared: the part that a recovery decides by."""

    name: str
    service: str
    region: str
    operation: str
    parameters: Callable[[Any], dict]
    keep: Callable[[dict, Any], Any]
    before: Callable[[Any], None] = lambda target: None

    @property
    def method(self):
        return xform_name(self.operation)

    @property
    def action(self):
        return f"{self.service}:{self.operation}"


def keeping(expression):
    """Keeps what a JMESPath expression finds."""
    compiled = jmespath.compile(expression)
    return lambda answer, target: compiled.search(answer)


def nothing(answer, target):
    """Only whether the call was taken counts."""
    return "taken"


def given(parameters):
    """Parameters as they stand, or made for the stand-in that is asked."""
    return parameters if callable(parameters) else lambda target: parameters
