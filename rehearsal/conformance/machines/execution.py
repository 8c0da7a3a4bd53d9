"""One execution, by Step Functions' API."""

import re
import sys
import time

ACCOUNT, REGION, NAME = "123456789012", "us-west-2", "interpreted"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
# Real seconds until an execution is given up. The tests' own are over in a few.
LONGEST = 40
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


def run(client, definition, function):
    """Creates the machine, runs it to its end, and says how it ended."""
    filled = re.sub(r"\$\{\w+\}", function, definition)
    machine = client.create_state_machine(name=NAME, definition=filled, roleArn=ROLE)["stateMachineArn"]
    begun = client.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    given_up = time.monotonic() + LONGEST
    while True:
        described = client.describe_execution(executionArn=begun)
        if described["status"] in ENDED:
            return {name: described.get(name) for name in ("status", "error", "cause", "output")}
        if time.monotonic() > given_up:
            events = client.get_execution_history(executionArn=begun, reverseOrder=True)["events"]
            sys.exit(f"the execution has not ended after {LONGEST} s; its last event is {events[:1]}")
        time.sleep(0.05)
