"""How many incidents a minute are simulated."""

import json
import subprocess

from .table import Row


def rows(places):
    """The one row: a minute of it."""
    command = [str(places.release("recoveryctl")), "simulate", "--minutes", "1", "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    answer = json.loads(done.stdout)
    rate, violations = answer["per_minute"], answer["violations"]
    return [
        Row(
            "simulated incidents a minute, `simulate --minutes 1`",
            f"{rate:,.0f}; {violations} violations",
            "≥ 10,000 on two cores",
            "",
            rate >= 10_000 and not violations,
        )
    ]
