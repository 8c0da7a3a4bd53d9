"""How fast encrypted archives are opened: the rows of the bench of `decryption`."""

import re
import subprocess

from .table import Row

# As much as zstd is to reach: opening is not what an archive waits for.
WANTED = 350
LINE = re.compile(r"^(?P<name>age|AWS-Encryption-SDK) +\d+ +(?P<ours>\d+) +(?P<cipher>\d+)$")


def rows(places):
    """A row for each encryption."""
    command = ["cargo", "bench", "--quiet", "-p", "decryption", "--bench", "opening"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the bench ended with {done.returncode}: {done.stderr[-500:]}")
    return of_output(done.stdout)


def of_output(text):
    """The rows of the bench's table."""
    matches = [match for match in map(LINE.match, map(str.strip, text.splitlines())) if match]
    if len(matches) != 2:
        raise RuntimeError(f"the bench's table was not understood: {text[:500]}")
    return [
        Row(
            f"opening an encrypted archive, one core, {match['name'].replace('-', ' ')}",
            f"{int(match['ours']):,} MB/s",
            f"≥ {WANTED} MB/s",
            f"aws-lc's cipher alone: {int(match['cipher']):,} MB/s; ours is {int(match['ours']) / int(match['cipher']):.2f} × as fast",
            int(match["ours"]) >= WANTED,
        )
        for match in matches
    ]
