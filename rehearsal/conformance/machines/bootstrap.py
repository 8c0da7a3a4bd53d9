"""A function whose invocations are answered elsewhere, by Lambda's Runtime API: its errors keep their names."""

import os
import urllib.request

RUNTIME = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
ANSWERED_AT = f"{os.environ['ANSWERED_AT']}/2015-03-31/functions/{os.environ['AWS_LAMBDA_FUNCTION_NAME']}/invocations"

while True:
    with urllib.request.urlopen(f"{RUNTIME}/next") as invocation:
        request, payload = invocation.headers["Lambda-Runtime-Aws-Request-Id"], invocation.read()
    with urllib.request.urlopen(urllib.request.Request(ANSWERED_AT, data=payload, method="POST")) as answered:
        outcome = "error" if answered.headers["X-Amz-Function-Error"] else "response"
        answer = answered.read()
    urllib.request.urlopen(urllib.request.Request(f"{RUNTIME}/{request}/{outcome}", data=answer, method="POST")).close()
