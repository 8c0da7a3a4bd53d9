"""Rows, and the table that is made of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure. `reached` is None where nothing was to be reached, or nothing was measured."""

    what: str
    measured: str
    wanted: str = ""
    baseline: str = ""
    reached: bool | None = None


def verdict(row):
    """How the row ended, in a word."""
    return {True: "yes", False: "**no**", None: ""}[row.reached]


def markdown(rows):
    """The table."""
    lines = ["| what | measured | to reach | beside it, in the same run | reached |", "|---|---|---|---|---|"]
    for row in rows:
        cells = [row.what, row.measured, row.wanted, row.baseline, verdict(row)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def median(values):
    """The middle of the values, the lower of two."""
    return sorted(values)[(len(values) - 1) // 2]


def percentile(values, part):
    """The value that `part` of a hundred do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * part // 100) - 1)]


def milliseconds(seconds):
    """A time as people read it."""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
