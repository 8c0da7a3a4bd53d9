//! Answers as the elements that Route 53 documents.

use jiff::Timestamp;
use rehearsal_world::{
    ChangeInfo, Content, HealthCheck, HealthCheckKind, HealthObservation, HostedZone, HostedZoneList, RecordSet,
    RecordSetList, Routing,
};

use crate::wire::xml::Document;

/// The result of `ChangeResourceRecordSets` and of `GetChange`.
pub(super) fn change(change: &ChangeInfo) -> Document {
    let mut result = Document::default();
    result.element("ChangeInfo", |info| {
        info.text("Id", format_args!("/change/{}", change.id));
        info.text("Status", change.status.as_str());
        info.text("SubmittedAt", time(change.submitted));
        info.optional("Comment", change.comment.as_deref());
    });
    result
}

/// The result of `ListResourceRecordSets`.
pub(super) fn record_sets(list: &RecordSetList) -> Document {
    let mut result = Document::default();
    result.element("ResourceRecordSets", |sets| {
        for set in &list.items {
            sets.element("ResourceRecordSet", |element| record_set(element, set));
        }
    });
    result.text("IsTruncated", list.next.is_some());
    if let Some(next) = &list.next {
        result.text("NextRecordName", &next.name);
        result.text("NextRecordType", next.kind);
        result.optional("NextRecordIdentifier", next.set_identifier.as_deref());
    }
    result.text("MaxItems", list.most);
    result
}

fn record_set(element: &mut Document, set: &RecordSet) {
    element.text("Name", &set.key.name);
    element.text("Type", set.key.kind);
    element.optional("SetIdentifier", set.key.set_identifier.as_deref());
    match set.routing {
        Routing::Simple => {}
        Routing::Weighted(weight) => element.text("Weight", weight),
        Routing::Failover(role) => element.text("Failover", role.as_str()),
    }
    match &set.content {
        Content::Records { ttl, values } => {
            element.text("TTL", ttl);
            element.element("ResourceRecords", |records| {
                for value in values {
                    records.element("ResourceRecord", |record| record.text("Value", value));
                }
            });
        }
        Content::Alias(target) => element.element("AliasTarget", |alias| {
            alias.text("HostedZoneId", &target.hosted_zone);
            alias.text("DNSName", &target.name);
            alias.text("EvaluateTargetHealth", target.evaluate_target_health);
        }),
    }
    element.optional("HealthCheckId", set.health_check.as_deref());
}

/// The result of `GetHostedZone`.
pub(super) fn zone(zone: &HostedZone) -> Document {
    let mut result = Document::default();
    result.element("HostedZone", |element| self::hosted_zone(element, zone));
    result.element("DelegationSet", |set| {
        set.element("NameServers", |servers| {
            for server in &zone.name_servers {
                servers.text("NameServer", server);
            }
        });
    });
    result
}

/// The result of `ListHostedZonesByName`, which repeats what it was asked for.
pub(super) fn zones(list: &HostedZoneList, name: Option<&str>, zone: Option<&str>) -> Document {
    let mut result = Document::default();
    result.element("HostedZones", |zones| {
        for zone in &list.items {
            zones.element("HostedZone", |element| hosted_zone(element, zone));
        }
    });
    result.optional("DNSName", name);
    result.optional("HostedZoneId", zone);
    result.text("IsTruncated", list.next.is_some());
    if let Some(next) = &list.next {
        result.text("NextDNSName", &next.name);
        result.text("NextHostedZoneId", &next.id);
    }
    result.text("MaxItems", list.most);
    result
}

fn hosted_zone(element: &mut Document, zone: &HostedZone) {
    element.text("Id", format_args!("/hostedzone/{}", zone.id));
    element.text("Name", &zone.name);
    element.text("CallerReference", format_args!("rehearsal-{}", zone.id));
    element.element("Config", |config| config.text("PrivateZone", false));
    element.text("ResourceRecordSetCount", zone.record_sets);
}

/// The result of `GetHealthCheck` and of `UpdateHealthCheck`.
pub(super) fn check(check: &HealthCheck) -> Document {
    let mut result = Document::default();
    result.element("HealthCheck", |element| {
        element.text("Id", &check.id);
        element.text("CallerReference", format_args!("rehearsal-{}", check.id));
        element.element("HealthCheckConfig", |config| health_check_config(config, check));
        element.text("HealthCheckVersion", check.version);
    });
    result
}

fn health_check_config(element: &mut Document, check: &HealthCheck) {
    match &check.config.kind {
        HealthCheckKind::Endpoint(endpoint) => {
            if let Some(address) = endpoint.address {
                element.text("IPAddress", address);
            }
            element.text("Port", endpoint.port);
            element.text("Type", endpoint.protocol.as_str());
            element.optional("ResourcePath", endpoint.path.as_deref());
            element.optional("FullyQualifiedDomainName", endpoint.host.as_deref());
            element.text("RequestInterval", endpoint.interval);
            element.text("FailureThreshold", endpoint.failure_threshold);
            element.text("MeasureLatency", false);
        }
        HealthCheckKind::Alarm(_) => element.text("Type", "CLOUDWATCH_METRIC"),
        HealthCheckKind::Calculated(_) => element.text("Type", "CALCULATED"),
    }
    element.text("Inverted", check.config.inverted);
    element.text("Disabled", check.config.disabled);
    match &check.config.kind {
        HealthCheckKind::Endpoint(_) => {}
        HealthCheckKind::Alarm(alarm) => {
            element.element("AlarmIdentifier", |identifier| {
                identifier.text("Region", &alarm.alarm.region);
                identifier.text("Name", &alarm.alarm.name);
            });
            element.text("InsufficientDataHealthStatus", alarm.insufficient_data.as_str());
        }
        HealthCheckKind::Calculated(calculated) => {
            element.text("HealthThreshold", calculated.threshold);
            element.element("ChildHealthChecks", |children| {
                for child in &calculated.children {
                    children.text("ChildHealthCheck", child);
                }
            });
        }
    }
}

/// The result of `GetHealthCheckStatus`.
pub(super) fn observations(reports: &[HealthObservation]) -> Document {
    let mut result = Document::default();
    result.element("HealthCheckObservations", |observations| {
        for report in reports {
            observations.element("HealthCheckObservation", |observation| {
                observation.text("Region", &report.region);
                observation.text("IPAddress", report.address);
                observation.element("StatusReport", |status| {
                    status.text("Status", &report.status);
                    status.text("CheckedTime", time(report.checked));
                });
            });
        }
    });
    result
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
