"""Route 53: zones, batches of changes, lists, health checks."""

from . import waiting
from .call import Call, given, keeping, nothing
from .scene import EAST, ENDPOINT_CHECK, ZONE

RECORDS = keeping(
    "{records: ResourceRecordSets[].[Name, Type, SetIdentifier, TTL, Weight, Failover, ResourceRecords[].Value], more: IsTruncated}"
)
NAMES = keeping("ResourceRecordSets[].[Name, Type, SetIdentifier]")


def dns(name, operation, parameters, keep=nothing, **more):
    return Call(f"route53-{name}", "route53", EAST, operation, given(parameters), keep, **more)


def record(name, *values, kind="A", ttl=60, **more):
    return {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": [{"Value": value} for value in values], **more}


def weighted(name, identifier, weight, *values, **more):
    return record(name, *values, SetIdentifier=identifier, Weight=weight, **more)


def submitted(answer, target):
    """The change is asked for later; its name and its time are this stand-in's own."""
    target.change = answer["ChangeInfo"]["Id"].rpartition("/")[2]
    return answer["ChangeInfo"]["Status"]


def change(name, *changes, keep=submitted, zone=None, **more):
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": set} for action, set in changes]}
    parameters = lambda target: {"HostedZoneId": zone or target.zone, "ChangeBatch": batch}
    return dns(f"change-{name}", "ChangeResourceRecordSets", parameters, keep, **more)


def listing(name, keep=RECORDS, **query):
    return dns(f"list-{name}", "ListResourceRecordSets", lambda target: {"HostedZoneId": target.zone, **query}, keep)


def zones():
    kept = keeping("[HostedZone.Name, HostedZone.Config.PrivateZone, HostedZone.ResourceRecordSetCount, length(DelegationSet.NameServers)]")
    yield dns("zone", "GetHostedZone", lambda target: {"Id": target.zone}, kept)
    yield dns("zone-unknown", "GetHostedZone", {"Id": "Z00000000000"})
    names = keeping("{names: HostedZones[].Name, more: IsTruncated, next: NextDNSName}")
    yield dns("zones-by-name", "ListHostedZonesByName", {}, names)
    yield dns("zones-by-name-from", "ListHostedZonesByName", {"DNSName": "example.net"}, names)
    yield dns("zones-by-name-page", "ListHostedZonesByName", {"MaxItems": "1"}, names)
    yield dns("zones-by-id-alone", "ListHostedZonesByName", lambda target: {"HostedZoneId": target.zone})
    apex = keeping("ResourceRecordSets[].[Name, Type, TTL, length(ResourceRecords)]")
    yield listing("new-zone", apex)
    yield dns("list-unknown-zone", "ListResourceRecordSets", {"HostedZoneId": "Z00000000000"})


def changing():
    yield change("create", ("CREATE", record("app.example.com", "192.0.2.1")))
    in_sync = lambda target: {"Id": target.change}
    yield dns("change-in-sync", "GetChange", in_sync, keeping("ChangeInfo.Status"), before=waiting.in_sync)
    yield dns("change-unknown", "GetChange", {"Id": "C00000000000"})
    yield change("create-again", ("CREATE", record("app.example.com", "192.0.2.2")))
    yield change("upsert", ("UPSERT", record("APP.example.com.", "192.0.2.3")))
    yield listing("one-name", StartRecordName="app.example.com", StartRecordType="A", MaxItems="1")
    yield change("delete-other-value", ("DELETE", record("app.example.com", "192.0.2.99")))
    yield change("delete-other-ttl", ("DELETE", record("app.example.com", "192.0.2.3", ttl=61)))
    yield change("delete-missing", ("DELETE", record("missing.example.com", "192.0.2.1")))
    good, foreign = record("good.example.com", "192.0.2.4"), record("www.example.org", "192.0.2.4")
    yield change("outside-zone", ("CREATE", good), ("CREATE", foreign))
    yield listing("batch-is-atomic", NAMES, StartRecordName="good.example.com", MaxItems="1")
    yield change("one-name-twice", ("UPSERT", good), ("UPSERT", good))
    made_anew = (("DELETE", record("app.example.com", "192.0.2.3")), ("CREATE", record("app.example.com", "192.0.2.5")))
    yield change("delete-and-create", *made_anew)
    yield change("unknown-zone", ("CREATE", good), zone="Z00000000000")
    yield change("too-many-values", ("CREATE", record("many.example.com", *(f"10.0.{n // 250}.{n % 250}" for n in range(1001)))))


def records():
    yield change("cname-beside-others", ("CREATE", record("app.example.com", "other.example.com", kind="CNAME")))
    yield change("cname-at-apex", ("CREATE", record(ZONE, "other.example.com", kind="CNAME")))
    yield change("bad-address", ("CREATE", record("bad.example.com", "300.0.0.1")))
    yield change("text-without-quotation-marks", ("CREATE", record("text.example.com", "v=1", kind="TXT")))
    yield change("text", ("CREATE", record("text.example.com", '"v=1"', kind="TXT")))
    yield change("value-twice", ("CREATE", record("twice.example.com", "192.0.2.1", "192.0.2.1")))
    yield change("ttl-missing", ("CREATE", {"Name": "x.example.com", "Type": "A", "ResourceRecords": [{"Value": "192.0.2.1"}]}))
    yield change("wildcard", ("CREATE", record("*.example.com", "192.0.2.6")))
    yield change("apex-name-servers-deleted", ("DELETE", record(ZONE, "ns-1.example.", kind="NS", ttl=172800)))
    alias = {"HostedZoneId": "<zone>", "DNSName": "nowhere.example.com", "EvaluateTargetHealth": False}
    aliased = lambda target: {
        "HostedZoneId": target.zone,
        "ChangeBatch": {
            "Changes": [
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": {
                        "Name": "alias.example.com",
                        "Type": "A",
                        "AliasTarget": {**alias, "HostedZoneId": target.zone},
                    },
                }
            ]
        },
    }
    yield dns("change-alias-to-nothing", "ChangeResourceRecordSets", aliased)


def routing():
    east, west = weighted("w.example.com", "east", 100, "192.0.2.1"), weighted("w.example.com", "west", 0, "192.0.2.2")
    yield change("weighted", ("CREATE", east), ("CREATE", west))
    yield change("simple-beside-weighted", ("CREATE", record("w.example.com", "192.0.2.3")))
    yield change("weight-256", ("CREATE", weighted("w.example.com", "third", 256, "192.0.2.3")))
    yield change("weighted-two-values", ("CREATE", weighted("w.example.com", "third", 1, "192.0.2.3", "192.0.2.4")))
    yield change("weighted-other-ttl", ("CREATE", weighted("w.example.com", "third", 1, "192.0.2.3", ttl=300)))
    yield change("weighted-shifted", ("UPSERT", {**east, "Weight": 0}), ("UPSERT", {**west, "Weight": 100}))
    yield listing("weighted", StartRecordName="w.example.com", StartRecordType="A", MaxItems="2")
    yield change("identifier-without-policy", ("CREATE", record("i.example.com", "192.0.2.1", SetIdentifier="i")))
    yield change("policy-without-identifier", ("CREATE", record("i.example.com", "192.0.2.1", Weight=1)))
    primary = record("f.example.com", "192.0.2.1", SetIdentifier="p", Failover="PRIMARY")
    unknown = {**primary, "HealthCheckId": "00000000-0000-0000-0000-000000000000"}
    yield change("unknown-health-check", ("CREATE", unknown))
    checked = lambda target: {
        "HostedZoneId": target.zone,
        "ChangeBatch": {
            "Changes": [
                {"Action": "CREATE", "ResourceRecordSet": {**primary, "HealthCheckId": target.endpoint_check}},
                {
                    "Action": "CREATE",
                    "ResourceRecordSet": record("f.example.com", "192.0.2.2", SetIdentifier="s", Failover="SECONDARY"),
                },
            ]
        },
    }
    yield dns("change-failover-pair", "ChangeResourceRecordSets", checked, submitted)
    second = record("f.example.com", "192.0.2.3", SetIdentifier="p2", Failover="PRIMARY")
    yield change("second-primary", ("CREATE", second))


def lists():
    yield listing("all", NAMES)
    page = keeping("{records: ResourceRecordSets[].[Name, Type], more: IsTruncated, next: [NextRecordName, NextRecordType, NextRecordIdentifier]}")
    yield listing("page", page, MaxItems="3")
    yield listing("page-cut-in-a-group", page, StartRecordName="f.example.com", MaxItems="1")
    yield listing("type-without-name", nothing, StartRecordType="A")
    yield listing("identifier-without-type", nothing, StartRecordName="w.example.com", StartRecordIdentifier="west")
    yield listing("no-items", nothing, MaxItems="0")
    yield change("delete", ("DELETE", record("*.example.com", "192.0.2.6")))


def health_checks():
    endpoint, calculated = lambda target: {"HealthCheckId": target.endpoint_check}, lambda target: {"HealthCheckId": target.calculated_check}
    kept = keeping(
        "HealthCheck.[HealthCheckVersion, HealthCheckConfig.[Type, FullyQualifiedDomainName, Port, ResourcePath, RequestInterval, "
        "FailureThreshold, MeasureLatency, Inverted, Disabled]]"
    )
    yield dns("health-check", "GetHealthCheck", endpoint, kept)
    kept_calculated = keeping("HealthCheck.HealthCheckConfig.[Type, HealthThreshold, ChildHealthChecks, Inverted]")
    yield dns("health-check-calculated", "GetHealthCheck", calculated, kept_calculated)
    unknown = {"HealthCheckId": "00000000-0000-0000-0000-000000000000"}
    yield dns("health-check-unknown", "GetHealthCheck", unknown)
    reported = keeping("length(HealthCheckObservations) > `1`")
    yield dns("health-check-status", "GetHealthCheckStatus", endpoint, reported)
    yield dns("health-check-status-calculated", "GetHealthCheckStatus", calculated, reported)
    yield dns("health-check-status-unknown", "GetHealthCheckStatus", unknown)
    stale = lambda target: {**endpoint(target), "HealthCheckVersion": 99, "Inverted": True}
    yield dns("health-check-update-other-version", "UpdateHealthCheck", stale)
    inverted = lambda target: {**endpoint(target), "Inverted": True}
    set_to = keeping("HealthCheck.[HealthCheckVersion, HealthCheckConfig.Inverted, HealthCheckConfig.Disabled]")
    yield dns("health-check-inverted", "UpdateHealthCheck", inverted, set_to)
    disabled = lambda target: {**endpoint(target), "Inverted": False, "Disabled": True}
    yield dns("health-check-disabled", "UpdateHealthCheck", disabled, set_to)
    threshold = lambda target: {**endpoint(target), "HealthThreshold": 2}
    yield dns("health-check-threshold-of-endpoint", "UpdateHealthCheck", threshold)
    counted = lambda target: {**calculated(target), "HealthThreshold": 2}
    yield dns("health-check-threshold", "UpdateHealthCheck", counted, keeping("HealthCheck.HealthCheckConfig.HealthThreshold"))
    yield dns("health-check-update-unknown", "UpdateHealthCheck", {**unknown, "Inverted": True})


def making():
    """What this world holds from the start and takes from nobody."""
    yield dns("create-zone", "CreateHostedZone", {"Name": "example.info", "CallerReference": "conformance"})
    yield dns("create-health-check", "CreateHealthCheck", {"CallerReference": "another", "HealthCheckConfig": ENDPOINT_CHECK})
    yield dns("delete-health-check-unknown", "DeleteHealthCheck", {"HealthCheckId": "00000000-0000-0000-0000-000000000000"})


def calls():
    for part in (zones, changing, records, routing, lists, health_checks, making):
        yield from part()
