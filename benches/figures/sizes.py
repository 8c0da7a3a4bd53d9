"""How large the functions are, with the limit of `infra/build`."""

import platform

from .table import Row

FUNCTIONS = ["recovery", "update-database-endpoints", "read-only-toggle", "replication-check", "backup-verify"]
MOST = 10_000_000


def rows(places):
    """A row for each function; of this machine's architecture, which need not be Lambda's."""
    found = []
    for name in FUNCTIONS:
        try:
            size = places.release(name).stat().st_size
        except RuntimeError:
            found.append(Row(f"binary of `{name}`", "not measured: not built in this run", "≤ 10 MB"))
            continue
        found.append(
            Row(
                f"binary of `{name}`, stripped, {platform.machine()}",
                f"{size / 1e6:.1f} MB",
                "≤ 10 MB",
                "",
                size <= MOST,
            )
        )
    return found
