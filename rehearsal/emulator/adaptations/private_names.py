"""Checks that a name which the rehearsal replaces still is what it was written against."""

import importlib.metadata
import inspect


class ChangedPrivateName(Exception):
    """MiniStack is not the release these adaptations were written against."""


def require_release(package, release):
    """Refuse any other release of `package` than the pinned one."""
    installed = importlib.metadata.version(package)
    if installed != release:
        raise ChangedPrivateName(
            f"{package} {installed} is installed, but the rehearsal replaces private names of {package} {release}: "
            "install what requirements.txt pins"
        )


def require_function(module, name, parameters):
    """The function `module.name`, refused when its parameters are not exactly `parameters`."""
    function = getattr(module, name, None)
    if not callable(function):
        raise ChangedPrivateName(f"{module.__name__} has no function {name} any more")
    found = list(inspect.signature(function).parameters)
    if found != parameters:
        raise ChangedPrivateName(
            f"{module.__name__}.{name} takes ({', '.join(found)}), but ({', '.join(parameters)}) is expected"
        )
    return function


def require_attribute(module, name, kind):
    """The attribute `module.name`, refused when it is not a `kind`."""
    value = getattr(module, name, None)
    if not isinstance(value, kind):
        raise ChangedPrivateName(f"{module.__name__}.{name} is not a {kind.__name__} any more")
    return value
