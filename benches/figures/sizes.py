"""How large the functions are."""

import platform

from .table import Row

FUNCTIONS = ["recovery", "update-database-endpoints", "read-only-toggle", "replication-check", "backup-verify"]
MOST = 10_000_000


def is_arm():
    """Whether this machine is of the architecture that the functions are deployed for."""
    return platform.machine() in ("aarch64", "arm64")


def rows(places):
    """A row for each function; of this machine's architecture, which need not be Lambda's."""
    found = []
    for name in FUNCTIONS:
        try:
            size = places.release(name).stat().st_size
        except RuntimeError:
            found.append(Row(f"binary of `{name}`", "not measured: not built in this run", "≤ 10 MB on arm64"))
            continue
        found.append(
            Row(
                f"binary of `{name}`, stripped, {platform.machine()}",
                f"{size / 1e6:.1f} MB",
                "≤ 10 MB on arm64",
                "" if is_arm() else "arm64 not measured here",
                size <= MOST if is_arm() else None,
            )
        )
    return found
