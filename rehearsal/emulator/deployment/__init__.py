"""Deploys the real SAM template into the emulator, and says openly what did not survive that."""


class CannotDeploy(Exception):
    """The template cannot be deployed, for a reason that a person can act on."""
