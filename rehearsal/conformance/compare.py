"""Makes the suite's calls to the wire face, MiniStack and moto, and holds the differences against differences.toml.

    compare.py FACE MINISTACK [--print-rows]

A difference without a row, a row whose difference is gone, and a row that says something else than what was seen are findings;
they are printed, one a line, and end the program with 1. With --print-rows it prints the rows that are missing, to be completed.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "emulator"))

from loopback import forget_user_settings
from suite import calls, targets
from suite.differences import findings, missing_rows, rows
from suite.outcomes import outcome

TABLE = pathlib.Path(__file__).parent / "differences.toml"


def seen(target):
    """What came of each call."""
    outcomes = {}
    for call in calls.ALL:
        call.before(target)
        outcomes[call.name] = outcome(target, call)
    return outcomes


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--print-rows"]
    if len(arguments) != 2:
        sys.exit("usage: compare.py FACE MINISTACK [--print-rows]")
    forget_user_settings()
    outcomes = {"face": seen(targets.face(arguments[0])), "ministack": seen(targets.ministack(arguments[1]))}
    with targets.moto_in_process() as moto:
        outcomes["moto"] = seen(moto)
    if "--print-rows" in sys.argv:
        print(missing_rows(calls.ALL, outcomes, rows(TABLE)))
        return
    found = findings(calls.ALL, outcomes, rows(TABLE))
    alike = sum(len({outcomes[name][call.name] for name in outcomes}) == 1 for call in calls.ALL)
    print(json.dumps({"calls": len(calls.ALL), "alike": alike, "findings": found}, indent=1))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
