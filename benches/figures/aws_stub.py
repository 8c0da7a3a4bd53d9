"""Answers the calls of `replication-check` on loopback, and counts them. The protocols are those that the SDK speaks: RDS's query
protocol with XML, CloudWatch's RPC in CBOR, and DynamoDB's JSON."""

import json
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

INSTANCE = """<DBInstance><DBInstanceIdentifier>{id}</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus>
<Engine>postgres</Engine><MultiAZ>false</MultiAZ><ReadReplicaSourceDBInstanceIdentifier>{source}</ReadReplicaSourceDBInstanceIdentifier>
<Endpoint><Address>{id}.example.us-west-2.rds.amazonaws.com</Address><Port>5432</Port></Endpoint>
<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType><Normal>true</Normal><Status>replicating</Status>
</DBInstanceStatusInfo></StatusInfos></DBInstance>"""

DESCRIBED = """<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult>
<DBInstances>{instances}</DBInstances></DescribeDBInstancesResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>
</DescribeDBInstancesResponse>"""


class Stub(ThreadingHTTPServer):
    """Counts what it answers, by operation, and how long it took to."""

    daemon_threads = True

    def __init__(self, describing=lambda number: 0.0):
        """`describing`: how many seconds the description of a table takes, by how many were described before."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.describing = describing
        self.calls, self.busy, self.lock = {}, 0.0, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def endpoint(self):
        """Where it listens."""
        return "http://127.0.0.1:%d" % self.server_address[1]

    def count(self, operation, seconds):
        """Notes one answer."""
        with self.lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
            self.busy += seconds


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection.setsockopt(6, 1, True)  # TCP_NODELAY: head and body go in two writes

    def do_POST(self):  # noqa: N802, the server's own name
        """Answers a call."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        started = time.perf_counter()
        if "x-amz-target" in self.headers:
            operation = self.headers["x-amz-target"].rsplit(".", 1)[1]
            time.sleep(self.server.describing(self.server.calls.get(operation, 0)))
            self.answer(table(json.loads(body)["TableName"]), "application/x-amz-json-1.0", {})
        elif "/operation/" in self.path:
            operation = self.path.rsplit("/", 1)[1]
            self.answer(metric_data(body), "application/cbor", {"smithy-protocol": "rpc-v2-cbor"})
        else:
            form = parse_qs(body.decode())
            operation = form["Action"][0]
            self.answer(described(form).encode(), "text/xml", {})
        self.server.count(operation, time.perf_counter() - started)

    def answer(self, body, kind, headers):
        """Sends it."""
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def described(form):
    """The instances that were asked for."""
    names = [value for key, (value, *_) in form.items() if key == "DBInstanceIdentifier" or ".Values." in key]
    instances = [INSTANCE.format(id=name, source=name.replace("-dr-", "-prod-")) for name in names]
    return DESCRIBED.format(instances="".join(instances))


def table(name):
    """A table with a replica in the other Region."""
    replicas = [{"RegionName": "us-east-1", "ReplicaStatus": "ACTIVE"}]
    return json.dumps({"Table": {"TableName": name, "TableStatus": "ACTIVE", "Replicas": replicas}}).encode()


def metric_data(body):
    """A lag of one second for every query. The ids are r0, r1, … in one request, so counting them is reading them."""
    queries = body.count(b"MetricStat")
    moment = {"tag": 1, "value": time.time() - 5}
    results = [
        {"Id": f"r{index}", "Label": "ReplicaLag", "Timestamps": [moment], "Values": [1.0], "StatusCode": "Complete"}
        for index in range(queries)
    ]
    return cbor({"MetricDataResults": results, "Messages": []})


def cbor(value):
    """As far as the answer needs it (RFC 8949)."""
    if isinstance(value, dict) and set(value) == {"tag", "value"}:
        return head(6, value["tag"]) + cbor(float(value["value"]))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(cbor(item) for item in value)
    if isinstance(value, str):
        data = value.encode()
        return head(3, len(data)) + data
    return b"\xfb" + struct.pack(">d", value)


def head(major, length):
    """A major type and its length."""
    if length < 24:
        return bytes([major << 5 | length])
    for code, form in ((24, ">B"), (25, ">H"), (26, ">I")):
        if length < 1 << 8 * struct.calcsize(form):
            return bytes([major << 5 | code]) + struct.pack(form, length)
    raise ValueError(length)
