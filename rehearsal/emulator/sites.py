"""Sets the platform's own resources of both Regions up in the emulator, or reads them back.

    sites.py set-up     creates what the description names, then reads it
    sites.py read       reads what the description names

Reads one JSON document from standard input:
    {"endpoint": "http://127.0.0.1:4566", "account": "123456789012",
     "parameters": [{"region", "name", "type", "value"}],
     "secrets":    [{"region", "name", "value": {…}}],
     "functions":  [{"region", "name", "environment": {…}}],
     "services":   [{"region", "cluster", "service"}],
     "rest_apis":  [{"region", "id", "stage", "methods": ["POST /patients"]}],
     "http_apis":  [{"region", "id", "stage", "routes": ["POST /patients"]}],
     "topics":     [{"region", "name"}],
     "objects":    [{"region", "bucket", "key", "content": base 64}]}
Writes one JSON document to standard output, with the same keys and each resource as it is now.
"""

import json
import sys

import botocore.exceptions

from loopback import Loopback, NotLoopback, forget_user_settings
from platform_resources import KINDS, functions

COMMANDS = ("set-up", "read")
CONNECTION = ("endpoint", "account")


def set_up(loopback, description):
    """Create everything; then wait for what is not ready at once."""
    for kind, module in KINDS.items():
        for wanted in description.get(kind, []):
            module.set_up(loopback, wanted)
    for wanted in description.get("functions", []):
        functions.settle(loopback, wanted)


def read(loopback, description):
    """Everything as it is now."""
    return {kind: [module.read(loopback, each) for each in description.get(kind, [])] for kind, module in KINDS.items()}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in COMMANDS:
        sys.exit(f"usage: sites.py {'|'.join(COMMANDS)} < description.json")
    forget_user_settings()
    description = json.load(sys.stdin)
    unknown = sorted(set(description) - set(KINDS) - set(CONNECTION))
    if unknown:
        sys.exit(f"the description names kinds of resources that are not known here: {', '.join(unknown)}")
    try:
        loopback = Loopback(description["endpoint"], description["account"])
        if sys.argv[1] == "set-up":
            set_up(loopback, description)
        answer = read(loopback, description)
    except KeyError as error:
        sys.exit(f"the description lacks {error}")
    except NotLoopback as error:
        sys.exit(str(error))
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, functions.NotActive) as error:
        sys.exit(f"the platform's resources: {error}")
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
