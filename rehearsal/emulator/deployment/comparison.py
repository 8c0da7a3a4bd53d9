"""One property of one resource: what the template wants, what the emulator has, and how to mend it."""

import dataclasses
import json
import typing


def canonical(value):
    """A form in which `1` equals `"1"` and `true` equals `"true"`: templates and services differ in that only."""
    if isinstance(value, dict):
        return {str(key): canonical(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [canonical(each) for each in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if value is None else str(value)


def unordered(values):
    """Lists in which the order means nothing."""
    return sorted((canonical(value) for value in values), key=lambda value: json.dumps(value, sort_keys=True))


@dataclasses.dataclass
class Comparison:
    """A wanted and a found value; `mend` writes the wanted one."""

    resource: str
    property: str
    wanted: typing.Any
    found: typing.Any
    mend: typing.Optional[typing.Callable[[], typing.Any]] = None

    def holds(self):
        return canonical(self.wanted) == canonical(self.found)

    def describe(self):
        return {"resource": self.resource, "property": self.property, "wanted": self.wanted, "found": self.found}
