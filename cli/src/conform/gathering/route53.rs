//! Zones, record sets and health checks.

use std::collections::BTreeSet;

use aws_sdk_route53::types::{HostedZone, ResourceRecordSet, RrType};

use super::super::account::Account;
use super::super::sight::{CheckSight, Policy, Record, Reply, Route53Sight, ZoneSight};
use super::reply;

const LIST_ZONES: &str = "route53:ListHostedZonesByName";
const GET_ZONE: &str = "route53:GetHostedZone";
const LIST_RECORDS: &str = "route53:ListResourceRecordSets";
const GET_CHECK: &str = "route53:GetHealthCheck";
const GET_STATUS: &str = "route53:GetHealthCheckStatus";
/// Zones, and health checks, that are looked into.
const MOST: usize = 5;
/// Pages of 300 record sets of each zone.
const MOST_PAGES: usize = 4;

pub(super) async fn gather(account: &Account) -> Route53Sight {
    let zones = reply(LIST_ZONES, account.route53.list_hosted_zones_by_name().send().await)
        .map(|answer| answer.hosted_zones().to_vec());
    let (mut looked_into, mut type_without_name, mut checks) = (Vec::new(), None, BTreeSet::new());
    if let Reply::Answered(zones) = &zones {
        for zone in zones.iter().take(MOST) {
            looked_into.push(look_into(account, zone, &mut checks).await);
        }
        if let Some(zone) = zones.first() {
            let ask = account.route53.list_resource_record_sets().hosted_zone_id(zone.id()).start_record_type(RrType::A);
            type_without_name = Some(reply(LIST_RECORDS, ask.send().await).map(|_| ()));
        }
    }
    let mut seen = Vec::new();
    for id in checks.into_iter().take(MOST) {
        seen.push(look_at(account, id).await);
    }
    let nothing = "00000000-0000-0000-0000-000000000000";
    Route53Sight {
        zones: zones.map(|zones| zones.into_iter().map(|zone| zone.name).collect()),
        looked_into,
        unknown_zone: reply(GET_ZONE, account.route53.get_hosted_zone().id("Z00000000000000").send().await).map(|_| ()),
        unknown_change: reply("route53:GetChange", account.route53.get_change().id("C00000000000000").send().await)
            .map(|_| ()),
        unknown_check: reply(GET_CHECK, account.route53.get_health_check().health_check_id(nothing).send().await)
            .map(|_| ()),
        type_without_name,
        checks: seen,
    }
}

async fn look_into(account: &Account, zone: &HostedZone, checks: &mut BTreeSet<String>) -> ZoneSight {
    let shown = reply(GET_ZONE, account.route53.get_hosted_zone().id(zone.id()).send().await);
    let private = zone.config().is_some_and(|config| config.private_zone());
    let (mut found, mut largest_page) = (Vec::new(), 0);
    let mut start: Option<(String, Option<RrType>, Option<String>)> = None;
    let mut failed = None;
    for _ in 0..MOST_PAGES {
        let mut ask = account.route53.list_resource_record_sets().hosted_zone_id(zone.id());
        if let Some((name, kind, identifier)) = start.take() {
            ask = ask.start_record_name(name).set_start_record_type(kind).set_start_record_identifier(identifier);
        }
        match reply(LIST_RECORDS, ask.send().await) {
            Reply::Answered(page) => {
                let sets = page.resource_record_sets();
                largest_page = largest_page.max(sets.len());
                checks.extend(sets.iter().filter_map(|set| set.health_check_id().map(str::to_owned)));
                found.extend(sets.iter().map(record));
                let (kind, identifier) =
                    (page.next_record_type().cloned(), page.next_record_identifier().map(str::to_owned));
                start = page.next_record_name().map(|name| (name.to_owned(), kind, identifier));
                if !page.is_truncated() || start.is_none() {
                    break;
                }
            }
            Reply::Refused(refusal) => failed = Some(Reply::Refused(refusal)),
            Reply::Unasked(reason) => failed = Some(Reply::Unasked(reason)),
        }
        if failed.is_some() {
            break;
        }
    }
    ZoneSight {
        name: zone.name().to_owned(),
        private,
        name_servers: shown.map(|zone| zone.delegation_set().map_or(0, |set| set.name_servers().len())),
        records: failed.unwrap_or(Reply::Answered(found)),
        largest_page,
    }
}

fn record(set: &ResourceRecordSet) -> Record {
    Record {
        name: set.name().to_owned(),
        kind: set.r#type().as_str().to_owned(),
        set_identifier: set.set_identifier().map(str::to_owned),
        policy: policy(set),
        ttl: set.ttl(),
        values: set.resource_records().len(),
        alias: set.alias_target().is_some(),
    }
}

fn policy(set: &ResourceRecordSet) -> Policy {
    if let Some(weight) = set.weight() {
        return Policy::Weighted(weight);
    }
    if let Some(role) = set.failover() {
        return Policy::Failover(role.as_str().to_owned());
    }
    let others = [
        (set.region().is_some(), "latency"),
        (set.geo_location().is_some(), "geolocation"),
        (set.geo_proximity_location().is_some(), "geoproximity"),
        (set.cidr_routing_config().is_some(), "IP-based"),
        (set.multi_value_answer() == Some(true), "multivalue answer"),
    ];
    others.into_iter().find(|(is, _)| *is).map_or(Policy::Simple, |(_, name)| Policy::Other(name))
}

async fn look_at(account: &Account, id: String) -> CheckSight {
    let shown = reply(GET_CHECK, account.route53.get_health_check().health_check_id(&id).send().await);
    let status = reply(GET_STATUS, account.route53.get_health_check_status().health_check_id(&id).send().await);
    CheckSight {
        kind: shown.map(|answer| {
            let config = answer.health_check().and_then(|check| check.health_check_config());
            config.map(|config| config.r#type().as_str().to_owned()).unwrap_or_default()
        }),
        status: status.map(|answer| {
            let reports = answer.health_check_observations();
            let placed = reports.iter().all(|report| report.region().is_some() && report.ip_address().is_some());
            (reports.len(), placed)
        }),
        id,
    }
}
