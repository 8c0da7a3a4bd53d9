"""Every change of an alarm's state becomes the event that CloudWatch sends to EventBridge.

MiniStack notifies SNS topics only. The shape is the one documented for single-metric alarms:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import datetime
import json
import threading
import uuid

from ministack.services import cloudwatch, eventbridge

from . import private_names

SOURCE = "aws.cloudwatch"
DETAIL_TYPE = "CloudWatch Alarm State Change"
# The reason CloudWatch shows for an alarm that was never evaluated.
UNCHECKED = "Unchecked: Initial alarm creation"


def timestamp(seconds):
    """The form in which CloudWatch writes times inside an alarm's event: milliseconds, and an offset without colon."""
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


class StateHistory:
    """The last state of each alarm as an event shows it, because an event also carries the state before."""

    def __init__(self, clock):
        self._clock = clock
        self._states = {}
        self._reason_data = {}
        self._lock = threading.Lock()

    def change(self, alarm, old_state, new_state, reason):
        """Record a change and return (state before, state now)."""
        moment = timestamp(self._clock.now())
        state = {"value": new_state, "reason": reason, "timestamp": moment}
        with self._lock:
            previous = self._states.get(alarm["AlarmArn"])
            if previous is None or previous["value"] != old_state:
                previous = {"value": old_state, "reason": UNCHECKED, "timestamp": moment}
            # MiniStack keeps the old data when a new state comes without any: then it describes an earlier state.
            reason_data = alarm.get("StateReasonData")
            if reason_data and reason_data != self._reason_data.get(alarm["AlarmArn"]):
                state["reasonData"] = self._reason_data[alarm["AlarmArn"]] = reason_data
            self._states[alarm["AlarmArn"]] = state
        return previous, state


def configuration(alarm):
    """What the event says of the alarm itself."""
    metric = {
        "dimensions": {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []},
        "name": alarm.get("MetricName"),
        "namespace": alarm.get("Namespace"),
    }
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    metric_stat = {"metric": metric, "period": alarm.get("Period"), "stat": stat}
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))
    described = {"metrics": [{"id": identity, "metricStat": metric_stat, "returnData": True}]}
    if alarm.get("AlarmDescription"):
        described["description"] = alarm["AlarmDescription"]
    return described


def apply(clock):
    """Send the event after the alarm's own actions, on every change of state."""
    act = private_names.require_function(
        cloudwatch, "_dispatch_alarm_actions", ["alarm", "old_state", "new_state", "reason"]
    )
    # AWS alone may use its own source names; this parameter is how MiniStack's services say that they are AWS.
    put_events = private_names.require_function(eventbridge, "_put_events", ["data", "allow_aws_source"])
    history = StateHistory(clock)

    def act_and_send(alarm, old_state, new_state, reason):
        act(alarm, old_state, new_state, reason)
        if old_state == new_state:
            return
        previous, state = history.change(alarm, old_state, new_state, reason)
        detail = {
            "alarmName": alarm["AlarmName"],
            "configuration": configuration(alarm),
            "previousState": previous,
            "state": state,
        }
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Resources": [alarm["AlarmArn"]],
            "Detail": json.dumps(detail),
        }
        put_events({"Entries": [entry]}, allow_aws_source=True)

    cloudwatch._dispatch_alarm_actions = act_and_send
