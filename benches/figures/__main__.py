"""Measures, prints the table, and writes it to docs/figures.md unless only some rows were asked for."""

import argparse
import datetime
import importlib
import sys
from dataclasses import replace
from pathlib import Path

from .machine import described, is_busy
from .places import Places
from .table import Row, markdown

MODULES = ["process_start", "sizes", "own_time", "plan_check", "replicas", "tables", "records", "archives", "encryption", "simulation"]

PAGE = """# Figures

Measured by `benches/run` on {day}, on: {machine}.

What stands beside a figure was measured in the same run, in turn with it; a ratio says more than a time of a machine that one does
not know. "To reach" is what the project set out for. A figure that is not reached says so; on a machine that was busy with other
things when it began, it has no verdict.

{table}
"""


def judged(rows, busy):
    """What a busy machine did not reach says nothing about the program: such rows are left without a verdict."""
    return [replace(row, reached=None) if busy and row.reached is False else row for row in rows]


def main():
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(prog="benches/run", description=__doc__)
    parser.add_argument("--target", default="target", help=argparse.SUPPRESS)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"only these: {', '.join(MODULES)}")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - set(MODULES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(MODULES)}")
    places, machine, busy, found, broken = Places(arguments.target), described(), is_busy(), [], False
    for name in arguments.rows or MODULES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            found += importlib.import_module(f"figures.{name}").rows(places)
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            found.append(Row(f"`{name}`", "not measured in this run"))
            broken = True
    table = markdown(judged(found, busy))
    print(table)
    if not arguments.rows:
        day = datetime.datetime.now(datetime.timezone.utc).date()
        Path("docs/figures.md").write_text(PAGE.format(day=day, machine=machine, table=table.rstrip()))
        print("docs/figures.md is written", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
