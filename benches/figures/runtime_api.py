"""Lambda's runtime interface as far as a figure needs it: says when a function asks for work, hands it one invocation, takes the answer."""

import json
import socket
import subprocess
import time
import uuid


class RuntimeApi:
    """Listens on a port of loopback, for one process after the other."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]

    def first_poll(self, command, environment, patience=30):
        """Seconds from the start of the process until its request for the first invocation has arrived. The process is ended."""
        self.listener.settimeout(patience)
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            try:
                connection, _ = self.listener.accept()
            except TimeoutError as error:
                raise RuntimeError(f"{command[0]} asked for nothing within {patience} s") from error
            with connection:
                request = connection.recv(65536)
                polled = time.perf_counter()
            if not request.startswith(b"GET /2018-06-01/runtime/invocation/next "):
                raise RuntimeError(f"{command[0]} asked for something else first: {request[:80]!r}")
            return polled - started
        finally:
            process.kill()
            process.wait()

    def invoke(self, command, environment, payload, patience=120):
        """Runs one invocation. The answer, and the seconds from handing over the payload until it came back."""
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.listener.settimeout(patience)
        handed_over, identity = None, str(uuid.uuid4())
        try:
            while True:
                connection, _ = self.listener.accept()
                # The client keeps its connection, and opens another where it does not.
                with connection:
                    connection.settimeout(patience)
                    while (request := read_request(connection)) is not None:
                        line, body = request
                        if line.startswith("GET ") and handed_over is None:
                            connection.sendall(invocation(identity, payload))
                            handed_over = time.perf_counter()
                        elif line.startswith("POST ") and line.split()[1].endswith(("/response", "/error")):
                            taken = time.perf_counter() - handed_over
                            return line.split()[1].rsplit("/", 1)[1], json.loads(body), taken
                        else:
                            break
        finally:
            process.kill()
            process.wait()


def invocation(identity, payload):
    """The answer to a request for work."""
    body = json.dumps(payload).encode()
    deadline = int((time.time() + 300) * 1000)
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Lambda-Runtime-Aws-Request-Id: {identity}\r\nLambda-Runtime-Deadline-Ms: {deadline}\r\n"
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-west-2:123456789012:function:figure\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def read_request(connection):
    """The request line and the body of the next request; None when the other side has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    if headers.get("transfer-encoding") == "chunked":
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
        return lines[0], dechunked(body)
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(1 << 20)
    return lines[0], body


def dechunked(data):
    """The body of a chunked message."""
    body = b""
    while True:
        size, data = data.split(b"\r\n", 1)
        length = int(size, 16)
        if length == 0:
            return body
        body, data = body + data[:length], data[length + 2 :]
