"""Our own time in each invocation of a drill, on the wire: what the functions took besides the calls that they waited for. The drill is
that of the release build, which has the functions' release builds recover."""

import json
import re
import subprocess

from .table import Row, median, percentile

LINE = re.compile(r'\{.*"own_ms".*\}')


def rows(places):
    """The one row: a drill of the plan that is committed."""
    runs = places.target / "rehearsal" / "runs"
    before = set(runs.glob("*"))
    done = subprocess.run([str(places.release("recoveryctl")), "drill"], capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the drill ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    logs = [path / "functions.log" for path in set(runs.glob("*")) - before if (path / "functions.log").exists()]
    own, outbound = of_log("".join(path.read_text() for path in logs))
    worst = percentile(own, 99)
    return [
        Row(
            f"our own time in an invocation on the wire: handler minus outbound calls ({len(own)} of a drill)",
            f"p99 {worst:.1f} ms; median {median(own):.1f} ms",
            "p99 ≤ 20 ms",
            f"outbound calls: median {median(outbound):.1f} ms, p99 {percentile(outbound, 99):.1f} ms",
            worst <= 20,
        )
    ]


def of_log(text):
    """The milliseconds of our own and of calls, of every invocation that was logged."""
    lines = [json.loads(found) for found in LINE.findall(text)]
    if not lines:
        raise RuntimeError("the functions logged no time: functions.log holds no line with own_ms")
    return [line["own_ms"] for line in lines], [line["outbound_ms"] for line in lines]
