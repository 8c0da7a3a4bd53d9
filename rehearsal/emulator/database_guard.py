#!/usr/bin/env python3
"""Ends the PostgreSQL servers of a rehearsal when the rehearsal ends, also when it is killed.

Its argument is the directory below which each server has its files; with a second one, `all`, everything in that directory goes, and
every client that uses its password ends as well. It waits until its standard input closes, ends every
server by the process number in its lock file, and removes the servers' files and backups; what they logged stays.
"""

import os
import pathlib
import shutil
import signal
import sys
import time

LONGEST_WAIT_SECONDS = 3
POLL_SECONDS = 0.02


def state_and_parent(process):
    """From `pid (name) state parent …`; None for one that is gone."""
    try:
        columns = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return columns[0], int(columns[1])


def lives(process):
    found = state_and_parent(process)
    return found is not None and found[0] not in "ZX"


def postmaster(directory):
    """The server's first process; None where no server of this directory runs."""
    try:
        process = int((directory / "postmaster.pid").read_text().split()[0])
        words = pathlib.Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return process if os.fsencode(directory) in words else None


def with_children(parent):
    everybody = [int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()]
    children = [process for process in everybody if (state_and_parent(process) or ("", 0))[1] == parent]
    return [parent, *children]


def strike(processes, blow):
    for process in processes:
        try:
            os.kill(process, blow)
        except ProcessLookupError:
            pass


def end(processes):
    """Ask the first process to end the others, which also frees what the kernel holds for them; then make them."""
    strike(processes, signal.SIGCONT)
    strike(processes[:1], signal.SIGQUIT)
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while any(map(lives, processes)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    strike(filter(lives, processes), signal.SIGKILL)


def clients(directory):
    wanted = b"PGPASSFILE=" + os.fsencode(directory / "passwords")
    for entry in pathlib.Path("/proc").iterdir():
        try:
            variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else ()
        except OSError:
            continue
        if wanted in variables:
            yield int(entry.name)


def main():
    directory = pathlib.Path(sys.argv[1])
    sys.stdin.read()
    clusters = [lock.parent for lock in directory.glob("*/PG_VERSION")]
    for cluster in clusters:
        process = postmaster(cluster)
        if process is not None:
            end(with_children(process))
        shutil.rmtree(cluster, ignore_errors=True)
    shutil.rmtree(directory / "backups", ignore_errors=True)
    if sys.argv[2:] == ["all"]:
        strike(list(clients(directory)), signal.SIGKILL)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
