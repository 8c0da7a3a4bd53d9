"""Alarms are evaluated as documented, once a simulated minute.

MiniStack evaluates an alarm only when a datapoint arrives, over all metrics of that name whatever their
dimensions, and never notices missing data. An alarm over an outside-in probe lives from exactly that.
The rules are those of
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
with one simplification: the evaluation range always is two periods longer than the evaluation periods,
as in that page's example; AWS does not publish the length for every alarm.
"""

import datetime
import json
import logging
import threading
import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import private_names
from .alarm_events import timestamp

INTERVAL_SECONDS = 60
# How many periods more than the evaluation periods are looked at for real datapoints.
EXTRA_PERIODS = 2

COMPARISONS = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}

LOG = logging.getLogger("rehearsal.alarms")


def points_of(alarm):
    """The datapoints of exactly the alarm's metric: namespace, name and every dimension."""
    dimensions = {each["Name"]: each["Value"] for each in alarm.get("Dimensions") or []}
    found = []
    for (namespace, name, _), points in cloudwatch._metrics.items():
        if namespace == alarm.get("Namespace") and name == alarm.get("MetricName"):
            found.extend(point for point in list(points) if point.get("Dimensions", {}) == dimensions)
    return found


def datapoints(alarm, points, end):
    """One value for each period of the evaluation range, newest first; None where there is no data."""
    period = alarm["Period"]
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    values = []
    for index in range(alarm["EvaluationPeriods"] + EXTRA_PERIODS):
        until = end - index * period
        inside = [point for point in points if until - period <= point["Timestamp"] < until]
        values.append(cloudwatch._stat_value(cloudwatch._calc_stats(inside), statistic, inside) if inside else None)
    return values


def decide(alarm, values):
    """The state that the values call for; None when the alarm stays as it is."""
    periods = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm") or periods
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    treatment = alarm.get("TreatMissingData") or "missing"
    verdicts = [compare(value, alarm["Threshold"]) for value in values if value is not None][:periods]
    missing = periods - len(verdicts)
    if missing and treatment == "ignore":
        return None
    if missing and treatment == "missing":
        # What exists decides as far as it can; nothing at all is INSUFFICIENT_DATA.
        if not verdicts:
            return "INSUFFICIENT_DATA"
        needed = min(needed, len(verdicts))
    elif missing:
        verdicts += [treatment == "breaching"] * missing
    return "ALARM" if sum(verdicts) >= needed else "OK"


def explain(alarm, values, state):
    """The reason as CloudWatch words its kind: which datapoints, against which threshold."""
    known = [value for value in values if value is not None][: alarm["EvaluationPeriods"]]
    if state == "INSUFFICIENT_DATA":
        return "Insufficient Data: no datapoint was received."
    if not known:
        return (
            f"Threshold Crossed: no datapoints were received for {len(values)} periods "
            f"and missing datapoints were treated as [{'Breaching' if state == 'ALARM' else 'NonBreaching'}]."
        )
    return (
        f"Threshold Crossed: datapoints {known} against {alarm['ComparisonOperator']} {alarm['Threshold']}."
    )


def reason_data(alarm, values, end):
    """The machine-readable reason that accompanies the sentence."""
    period = alarm["Period"]
    periods = alarm["EvaluationPeriods"]
    return json.dumps(
        {
            "version": "1.0",
            "queryDate": timestamp(end),
            "startDate": timestamp(end - periods * period),
            "statistic": alarm.get("ExtendedStatistic") or alarm["Statistic"],
            "period": period,
            "recentDatapoints": [value for value in reversed(values[:periods]) if value is not None],
            "threshold": alarm["Threshold"],
        },
        separators=(",", ":"),
    )


class Evaluator:
    """Evaluates every metric alarm of every account and Region at each simulated minute."""

    def __init__(self, clock):
        self._clock = clock
        self._seen_since = {}

    def run_forever(self):
        while True:
            boundary = (self._clock.now() // INTERVAL_SECONDS + 1) * INTERVAL_SECONDS
            time.sleep(self._clock.real_seconds_until(boundary))
            for (account, region, name), alarm in list(cloudwatch._alarms._data.items()):
                with request_scope(account, region):
                    try:
                        self.evaluate(alarm, boundary)
                    except Exception:
                        LOG.exception("alarm %s of %s in %s could not be evaluated", name, account, region)

    def evaluate(self, alarm, end):
        """Evaluate one alarm over the periods that end at `end`, in its own account and Region."""
        if not alarm.get("MetricName") or alarm.get("ComparisonOperator") not in COMPARISONS:
            return
        values = datapoints(alarm, points_of(alarm), end)
        enough = sum(value is not None for value in values) >= alarm["EvaluationPeriods"]
        # Periods from before the alarm existed are unknown, not missing: a deployment must not raise its own alarms.
        since = self._seen_since.setdefault(alarm["AlarmArn"], end)
        if not enough and end - len(values) * alarm["Period"] < since:
            return
        state = decide(alarm, values)
        if state is None or state == alarm["StateValue"]:
            return
        old_state, reason = alarm["StateValue"], explain(alarm, values, state)
        alarm["StateValue"] = state
        alarm["StateReason"] = reason
        alarm["StateReasonData"] = reason_data(alarm, values, end)
        alarm["StateUpdatedTimestamp"] = int(self._clock.now())
        moment = datetime.datetime.fromtimestamp(self._clock.now(), tz=datetime.timezone.utc)
        LOG.info("alarm %s: %s -> %s at %s: %s", alarm["AlarmName"], old_state, state, moment.isoformat(), reason)
        cloudwatch._record_history(alarm["AlarmName"], old_state, state, reason)
        cloudwatch._dispatch_alarm_actions(alarm, old_state, state, reason)


def apply(clock):
    """Replace the evaluation and start the evaluator's thread."""
    private_names.require_function(cloudwatch, "_evaluate_alarm", ["alarm"])
    private_names.require_function(cloudwatch, "_calc_stats", ["points"])
    private_names.require_function(cloudwatch, "_stat_value", ["stats", "stat_name", "points"])
    private_names.require_function(
        cloudwatch, "_record_history", ["alarm_name", "old_state", "new_state", "reason", "alarm_type", "reason_data"]
    )
    private_names.require_attribute(cloudwatch._alarms, "_data", dict)
    cloudwatch._evaluate_alarm = lambda alarm: None
    threading.Thread(target=Evaluator(clock).run_forever, daemon=True, name="alarm-evaluation").start()
