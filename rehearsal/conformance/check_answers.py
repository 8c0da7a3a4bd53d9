"""Holds every answer of the wire face against botocore's service models.

    check_answers.py ENDPOINT

Makes the suite's calls and the smallest request of every operation to the face on loopback, provokes each kind of failure, and
prints what was found as one JSON document: flaws, and which operations answered what. Ends with 1 where there is a flaw.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "emulator"))

import botocore.exceptions
import botocore.session
from answers import judge
from answers.recorder import Recorder
from botocore import xform_name
from loopback import Loopback, forget_user_settings
from suite import calls, cloudwatch_calls, failures, probes, protocols, scene, targets
from suite.outcomes import outcome


class Listened:
    """The face's clients, with a recorder at each."""

    def __init__(self, endpoint):
        self._loopback = Loopback(endpoint, scene.ACCOUNT)
        self._clients, self._recorders = {}, []

    def client(self, service, region, protocol=None):
        key = (service, region, protocol)
        if key not in self._clients:
            if protocol:
                client = protocols.cloudwatch(self._loopback.endpoint, region, protocol)
            else:
                client = self._loopback.client(service, region)
            self._clients[key] = client
            self._recorders.append(Recorder(client, judge.flaws))
        return self._clients[key]

    def flaws(self):
        return sorted({flaw for recorder in self._recorders for flaw in recorder.flaws})

    def answered(self):
        merged = {}
        for recorder in self._recorders:
            for operation, codes in recorder.answered.items():
                merged.setdefault(operation, set()).update(codes)
        return merged


def refusal(method, parameters):
    """The error and the status of a call; nothing where it was answered otherwise."""
    try:
        method(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    except botocore.exceptions.BotoCoreError as error:
        return {"Code": type(error).__name__, "Message": str(error)}, 0
    return None


def make_the_suites_calls(face, listened):
    # The face plays no S3: what it passes on to the emulator is that one's answer, which compare.py holds against moto's.
    for call in (call for call in calls.ALL if call.service != "s3"):
        call.before(face)
        outcome(face, call)
    for protocol in protocols.CLOUDWATCH:
        client = listened.client("cloudwatch", scene.WEST, protocol)
        for parameters in (call.parameters(face) for call in cloudwatch_calls.calls()):
            # What asks for nothing of the world's is the emulator's to answer.
            if parameters["MetricDataQueries"]:
                refusal(client.get_metric_data, parameters)


def played(listened):
    """The operations that the face answers itself, by asking for every one that there is."""
    found, session = set(), botocore.session.get_session()
    for service in probes.SERVICES:
        client, model = listened.client(service, scene.EAST), session.get_service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            refused = refusal(getattr(client, xform_name(name)), probes.smallest(shape) if shape else {})
            if refused is None or not probes.is_unplayed(service, refused[0]):
                found.add(name)
    return found


def provoked(face, listened):
    """Failures that were due and did not come."""
    wrong = []
    for due, method, parameters, fits in failures.asked(face, listened.client):
        refused = refusal(method, parameters)
        if refused is None or not fits(*refused):
            wrong.append(f"{due} was due, and {refused} came")
    return wrong


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_answers.py ENDPOINT")
    forget_user_settings()
    listened, face = Listened(sys.argv[1]), targets.face(sys.argv[1])
    face.client = listened.client
    make_the_suites_calls(face, listened)
    playing, missed = played(listened), provoked(face, listened)
    answered = listened.answered()
    succeeded = {operation for operation, codes in answered.items() if "OK" in codes}
    flaws = listened.flaws() + missed
    flaws += [f"{name} is answered, and no call of the suite has it succeed" for name in sorted(playing - succeeded)]
    said = {name: sorted(answered[name]) for name in sorted(playing | succeeded)}
    print(json.dumps({"flaws": flaws, "operations asked for": len(answered), "answered": said}, indent=1))
    sys.exit(1 if flaws else 0)


if __name__ == "__main__":
    main()
