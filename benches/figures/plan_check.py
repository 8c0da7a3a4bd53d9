"""`recoveryctl plan check` of ten thousand components, beside a Python library that only reads the same file."""

import json
import resource
import subprocess
import sys
import time

from .plans import with_components
from .table import Row, median, milliseconds

COUNTS = [1_000, 10_000]
RUNS = 3
PYTHON = "import sys, yaml; yaml.load(open(sys.argv[1]), Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))"


def timed(command):
    """Wall seconds and processor seconds of a command that must end well."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-500:]!r}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def rows(places):
    """A row for each size, and for the development build where there is one."""
    found = []
    for count in COUNTS:
        file = places.scratch(f"{count}-components.yaml")
        file.write_text(with_components(count))
        found.append(measured(places.release("recoveryctl"), file, count, "release build", RUNS, 1.0 if count == 10_000 else None))
    debug = places.debug("recoveryctl")
    if debug.exists():
        found.append(measured(debug, file, COUNTS[-1], "development build", 1, None))
    return found


def measured(program, file, count, build, runs, most):
    """The row of one program and file."""
    ours, python = [], []
    for _ in range(runs):
        ours.append(timed([str(program), "plan", "check", str(file), "--format", "json"]))
        python.append(timed([sys.executable, "-c", PYTHON, str(file)]))
    answer = json.loads(ours[0][2])
    if answer["verdict"] != "accepted":
        raise RuntimeError(f"the plan of {count} components is {answer['verdict']}: {answer['findings'][:2]}")
    wall, busy = median([run[0] for run in ours]), median([run[1] for run in ours])
    beside = median([run[0] for run in python])
    return Row(
        f"`plan check` of {count:,} components, {file.stat().st_size / 1e6:.1f} MB, {build} (median of {runs})",
        f"{milliseconds(wall)}, of which {milliseconds(busy)} on the processor",
        f"≤ {most:.0f} s" if most else "",
        f"PyYAML only reads the file in {milliseconds(beside)}, {beside / wall:.1f} × as long",
        wall <= most if most else None,
    )
