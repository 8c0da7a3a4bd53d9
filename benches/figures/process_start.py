"""From the start of the process to its first request for work: the release binary beside a Python function."""

import sys
from pathlib import Path

from .environment import function_environment
from .runtime_api import RuntimeApi
from .table import Row, median, milliseconds, percentile

RUNS = 30

# What a Python function of the same job does before it asks for work. Ours makes its clients when they are first used.
PYTHON = """
import http.client, os
import boto3
boto3.client("rds"), boto3.client("dynamodb")
http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"]).request("GET", "/2018-06-01/runtime/invocation/next")
import time
time.sleep(60)
"""


def rows(places):
    """The one row."""
    api = RuntimeApi()
    environment = function_environment(api.address, places.plan())
    ours, python = [], []
    for _ in range(RUNS):  # in turn, so that whatever else the machine does strikes both
        ours.append(api.first_poll([str(places.release("recovery"))], environment))
        python.append(api.first_poll([sys.executable, "-c", PYTHON], environment))
    ratio = median(python) / median(ours)
    return [
        Row(
            f"first runtime poll after process start, `recovery` (median of {RUNS})",
            f"{milliseconds(median(ours))}; nine in ten within {milliseconds(percentile(ours, 90))}",
            "≤ 6 ms and ≥ 30 × sooner than Python",
            f"Python {sys.version.split()[0]} that makes two boto3 clients: {milliseconds(median(python))}, {ratio:.0f} × as long",
            median(ours) <= 0.006 and ratio >= 30,
        )
    ]
