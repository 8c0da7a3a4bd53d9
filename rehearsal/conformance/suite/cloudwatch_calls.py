"""CloudWatch: the metrics of a replica, and requests that break the rules."""

import datetime

from .call import Call, given, keeping, nothing
from .scene import EAST, REPLICA, SECONDARY, TABLE, WEST

SHAPE = keeping("MetricDataResults[].[Id, Label, StatusCode]")


def query(identifier="lag", *, period=60, label=None, namespace="AWS/RDS", metric="ReplicaLag", **dimensions):
    dimensions = dimensions or {"DBInstanceIdentifier": REPLICA}
    asked = {
        "Namespace": namespace,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    named = {"Label": label} if label else {}
    return {"Id": identifier, "MetricStat": {"Metric": asked, "Period": period, "Stat": "Maximum"}, **named}


def asking(*queries, minutes=30, back=0, **more):
    """The last minutes, by the clock: that of the face runs from the same start, and faster."""

    def parameters(target):
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(minutes=back)
        begins = now - datetime.timedelta(minutes=minutes)
        return {"MetricDataQueries": list(queries), "StartTime": begins, "EndTime": now, **more}

    return parameters


def backwards(target):
    """A time range that ends before it begins."""
    parameters = asking(query())(target)
    return {**parameters, "StartTime": parameters["EndTime"], "EndTime": parameters["StartTime"]}


def whole_minutes(answer, target):
    """Whether every data point is of a whole minute, and which way they are ordered."""
    times = [time for result in answer["MetricDataResults"] for time in result["Timestamps"]]
    order = "newest first" if times == sorted(times, reverse=True) else "oldest first"
    return {
        "any": bool(times),
        "whole minutes": all(time.second == 0 and time.microsecond == 0 for time in times),
        "order": order if len(times) > 1 else "",
    }


def metric_data(name, parameters, keep=nothing, region=WEST):
    return Call(f"cloudwatch-{name}", "cloudwatch", region, "GetMetricData", given(parameters), keep)


def calls():
    yield metric_data("lag-shape", asking(query()), SHAPE)
    yield metric_data("lag-points", asking(query()), whole_minutes)
    yield metric_data("lag-points-oldest-first", asking(query(), ScanBy="TimestampAscending"), whole_minutes)
    yield metric_data("label", asking(query(label="behind")), SHAPE)
    yield metric_data("nobody", asking(query(DBInstanceIdentifier="nobody")), keeping("MetricDataResults[].[Id, Values]"))
    yield metric_data("not-returned", asking({**query(), "ReturnData": False}), SHAPE)
    cut = keeping("{more: NextToken != null, results: MetricDataResults[].[Id, StatusCode, length(Values)]}")
    yield metric_data("cut-off", asking(query(), MaxDatapoints=1), cut)
    yield metric_data("token-not-given-out", asking(query(), NextToken="nonsense"))
    yield metric_data("ends-before-it-begins", backwards)
    yield metric_data("one-id-twice", asking(query(), query()))
    yield metric_data("id-in-capitals", asking(query("Lag")))
    yield metric_data("period-of-90", asking(query(period=90)))
    yield metric_data("no-data-points", asking(query(), MaxDatapoints=0))
    clusters = {"DBClusterIdentifier": SECONDARY}
    for identifier, metric in (("loss", "AuroraGlobalDBRPOLag"), ("behind", "AuroraGlobalDBReplicationLag")):
        yield metric_data(f"cluster-{identifier}", asking(query(identifier, metric=metric, **clusters)), whole_minutes)
    latency = query("latency", namespace="AWS/DynamoDB", metric="ReplicationLatency", TableName=TABLE, ReceivingRegion=WEST)
    yield metric_data("table-latency", asking(latency), whole_minutes, EAST)
    percentile = query()
    percentile["MetricStat"]["Stat"] = "p99"
    yield metric_data("percentile", asking(percentile), SHAPE)
