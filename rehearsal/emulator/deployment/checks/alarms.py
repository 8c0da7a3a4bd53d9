"""CloudWatch alarms over one metric."""

from ..comparison import Comparison, unordered

SIMPLE = (
    "ActionsEnabled",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "EvaluationPeriods",
    "MetricName",
    "Namespace",
    "Period",
    "Statistic",
    "Threshold",
    "TreatMissingData",
)


def alarm(deployed, name, wanted):
    """Everything that decides when the alarm changes, and what it does then."""
    identity = deployed.physical[name]
    alarms = deployed.client("cloudwatch").describe_alarms(AlarmNames=[identity])["MetricAlarms"]
    found = alarms[0] if alarms else {}
    for key in SIMPLE:
        if key in wanted:
            yield Comparison(name, key, wanted[key], found.get(key))
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        if key in wanted:
            yield Comparison(name, key, wanted[key], found.get(key))
    yield Comparison(
        name, "Dimensions", unordered(wanted.get("Dimensions", [])), unordered(found.get("Dimensions", []))
    )
