"""moto's interpreter, which comes from LocalStack's. moto answers every call before anything is sent, but for Lambda's, which go to
the address that answers for the function."""

import os
import re
import time

import boto3
import moto
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl

from . import execution
from .execution import ACCOUNT, NAME, REGION

SETTINGS = {
    "core": {"reset_boto3_session": True, "passthrough": {"services": ["lambda"]}},
    "stepfunctions": {"execute_state_machine": True},
}
# A percentage is any number for AWS; moto's grammar refuses one that is written without a fraction.
WHOLE_PERCENTAGE = re.compile(r'"ToleratedFailurePercentage":\s*\d+(?![\d.])')


class Sleeping:
    """Stands in for the module `time` where a retry waits: it waits a part of it, and keeps the whole."""

    def __init__(self, speed):
        self.speed = speed
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        time.sleep(seconds / self.speed)


def run(definition, invoke, speed):
    """Runs the definition once. `pauses` are those before retries, in seconds of the definition."""
    os.environ["AWS_ENDPOINT_URL_LAMBDA"] = invoke
    if not hasattr(retrier_decl.time, "sleep"):
        raise ImportError("moto's retries do not wait by the module time any more")
    retrier_decl.time = sleeping = Sleeping(speed)
    with moto.mock_aws(config=SETTINGS):
        client = boto3.client("stepfunctions", region_name=REGION)
        function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"
        seen = execution.run(client, WHOLE_PERCENTAGE.sub(r"\g<0>.0", definition), function)
    return {**seen, "pauses": sleeping.slept}
