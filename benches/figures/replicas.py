"""`replication-check` of 10, 100 and 1,000 replicas: the release binary, invoked as Lambda would, against a stub on loopback."""

import subprocess

from .aws_stub import Stub
from .environment import function_environment
from .plans import with_replicas
from .runtime_api import RuntimeApi
from .table import Row, milliseconds

COUNTS = [10, 100, 1_000]
LONGEST = 5.0


def rows(places):
    """A row for each number of replicas."""
    return [measured(places, count) for count in COUNTS]


def checked(places, name, plan, stub):
    """What the function answers to a check of this plan's everything, and the seconds that it took."""
    source, directory = places.scratch(f"{name}.yaml"), places.scratch(name)
    source.write_text(plan)
    build = [str(places.release("recoveryctl")), "plan", "build", str(source), "--output-directory", str(directory)]
    subprocess.run(build, check=True, capture_output=True)
    api = RuntimeApi()
    environment = function_environment(api.address, directory / "figure.json", stub.endpoint)
    kind, answer, taken = api.invoke([str(places.release("replication-check"))], environment, {})
    stub.shutdown()
    if kind != "response":
        raise RuntimeError(f"{name}: {kind} {str(answer)[:500]}")
    return answer, taken


def measured(places, count):
    """The row of one number."""
    stub = Stub()
    answer, taken = checked(places, f"{count}-replicas", with_replicas(count), stub)
    if answer["status"] != "within" or len(answer["replicas"]) != count:
        raise RuntimeError(f"{count} replicas: {str(answer)[:500]}")
    calls = sum(stub.calls.values())
    by_operation = ", ".join(f"{number:,} {operation}" for operation, number in sorted(stub.calls.items()))
    pages = -(-count // 100) + -(-count // 500)
    return Row(
        f"`replication-check`, {count:,} replicas, stub on loopback",
        f"{calls:,} calls ({by_operation}) in {milliseconds(taken)}",
        f"calls grow with pages (here {pages}), not with replicas" + ("; ≤ 5 s" if count == 1_000 else ""),
        f"the stub itself took {milliseconds(stub.busy)} of that",
        taken <= LONGEST and calls <= 2 * pages,
    )
