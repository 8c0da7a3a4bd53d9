#!/usr/bin/env python3
"""The platform's write probe, as a Lambda function: writes one row through the database that it is told.

The recovery invokes it with {"host", "port"}, in a rehearsal those of the listener, and expects {"written": true}.
"""

import json
import os
import socket
import subprocess
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
LONGEST_WAIT_SECONDS = 2


def write(host, port):
    """By psql where the rehearsal has real databases, otherwise in the words of the model."""
    if "PSQL" in os.environ:
        return write_row(host, port)
    with socket.create_connection((host, port), timeout=LONGEST_WAIT_SECONDS) as connection:
        connection.sendall(b"write\n")
        return connection.makefile().readline().startswith("committed")


def write_row(host, port):
    command = [os.environ["PSQL"], "--no-psqlrc", "--no-password", "--username", "postgres", "--dbname", "postgres"]
    command += ["--host", host, "--port", str(port), "--command", "INSERT INTO writes DEFAULT VALUES"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_WAIT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise OSError("no answer") from error
    if done.returncode != 0:
        raise OSError(done.stderr.decode().strip())
    return True


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
