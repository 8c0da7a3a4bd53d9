#!/usr/bin/env python3
"""The platform's write probe, as a Lambda function: writes one row through the database that it is told.

The recovery invokes it with {"host", "port"}, in a rehearsal those of the listener, and expects {"written": true}.
"""

import json
import os
import socket
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
LONGEST_WAIT_SECONDS = 2


def write(host, port):
    with socket.create_connection((host, port), timeout=LONGEST_WAIT_SECONDS) as connection:
        connection.sendall(b"write\n")
        return connection.makefile().readline().startswith("committed")


def serve():
    while True:
        with urllib.request.urlopen(f"{RUNTIME}/next") as invocation:
            request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
            asked = json.load(invocation)
        try:
            answer = {"written": write(asked["host"], asked["port"])}
        except OSError as error:
            answer = {"written": False, "reason": str(error)}
        body = json.dumps(answer).encode()
        urllib.request.urlopen(f"{RUNTIME}/{request_id}/response", data=body).close()


if __name__ == "__main__":
    serve()
