"""Compares the deployed stack with the template, mends what was dropped, and compares again."""

import botocore.exceptions

from .checks import BY_TYPE
from .comparison import Comparison
from .intrinsics import Unresolved


class Deployed:
    """A deployed template, as the checks see it."""

    def __init__(self, loopback, account, region, template, resolver, physical):
        self._loopback = loopback
        self.account = account
        self._region = region
        self._resolver = resolver
        self.template = template
        self.physical = physical

    def client(self, service):
        """The client of a service in the stack's Region."""
        return self._loopback.client(service, self._region)

    def wanted(self, name):
        """The resource's properties, resolved."""
        return self._resolver.resolve(self.properties(name))

    def properties(self, name):
        """The resource's properties as the template writes them."""
        return self.template["Resources"][name].get("Properties", {})

    def name_of(self, kind, identity):
        """The name, in the template, of the resource with that physical id."""
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == kind and self.physical.get(name) == identity:
                return name
        return None

    def resources(self):
        """(name, type) of every resource whose condition holds."""
        for name, resource in sorted(self.template["Resources"].items()):
            if self._resolver.deployed(name):
                yield name, resource["Type"]


def comparisons(deployed):
    """Every comparison that can be made; one that cannot be made is one that does not hold."""
    found = []
    for name, kind in deployed.resources():
        if name not in deployed.physical:
            found.append(Comparison(name, "deployed", True, False))
        elif kind in BY_TYPE:
            try:
                found.extend(BY_TYPE[kind](deployed, name, deployed.wanted(name)))
            except (botocore.exceptions.ClientError, Unresolved, KeyError) as error:
                found.append(Comparison(name, "readable", True, f"{type(error).__name__}: {error}"))
    return found


def verify(deployed):
    """Mend what differs and can be mended; return (what was mended, what still differs, how many comparisons held)."""
    mended = []
    for comparison in comparisons(deployed):
        if not comparison.holds() and comparison.mend is not None:
            comparison.mend()
            mended.append({"resource": comparison.resource, "property": comparison.property})
    after = comparisons(deployed)
    still = [comparison.describe() for comparison in after if not comparison.holds()]
    keys = {(each["resource"], each["property"]) for each in still}
    mended = [each for each in mended if (each["resource"], each["property"]) not in keys]
    return mended, still, len(after) - len(still)


def unverified(deployed):
    """Resources of types that no check reads back."""
    return [{"resource": name, "type": kind} for name, kind in deployed.resources() if kind not in BY_TYPE]
