"""`replication-check` of 1,000 DynamoDB global tables, each described by a call of its own: the release binary against a stub on loopback
whose answers take 20 ms, and every tenth 100 ms."""

from . import replicas
from .aws_stub import Stub
from .plans import with_tables
from .table import Row, milliseconds

COUNT = 1_000
LONGEST = 5.0
USUAL, SLOW, EVERY = 0.02, 0.1, 10


def rows(places):
    """One row."""
    stub = Stub(describing=lambda number: SLOW if number % EVERY == 0 else USUAL)
    answer, taken = replicas.checked(places, f"{COUNT}-tables", with_tables(COUNT), stub)
    if answer["status"] != "within" or len(answer["replicas"]) != COUNT + 1:
        raise RuntimeError(f"{COUNT} tables: {str(answer)[:500]}")
    waiting = COUNT * USUAL + COUNT / EVERY * (SLOW - USUAL)
    by_operation = ", ".join(f"{number:,} {operation}" for operation, number in sorted(stub.calls.items()))
    return [
        Row(
            f"`replication-check`, {COUNT:,} global tables, stub on loopback that takes its time",
            f"{by_operation} in {milliseconds(taken)}",
            "≤ 5 s",
            f"one after the other the stub's waits alone are {milliseconds(waiting)}",
            taken <= LONGEST,
        )
    ]
