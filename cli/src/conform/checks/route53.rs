//! Facts about zones, lists and health checks.

use super::super::sight::{CheckSight, Record, Sight, ZoneSight};
use super::{Finding, all, answered, refused};

/// Looks into each zone that was looked into.
pub(super) fn each_zone(sight: &Sight, judge: impl Fn(&ZoneSight, &[Record]) -> Finding) -> Finding {
    if let Err(finding) = answered(&sight.route53.zones) {
        return finding;
    }
    if sight.route53.looked_into.is_empty() {
        return Finding::NothingToSee("the account has no hosted zone".to_owned());
    }
    let look = |zone: &ZoneSight| match answered(&zone.records) {
        Ok(records) => judge(zone, records),
        Err(finding) => finding,
    };
    all(sight.route53.looked_into.iter().map(look).collect())
}

pub(super) fn apex(sight: &Sight) -> Finding {
    each_zone(sight, |zone, records| {
        let has = |kind: &str| records.iter().any(|record| record.name == zone.name && record.kind == kind);
        if let Some(kind) = ["NS", "SOA"].into_iter().find(|kind| !has(kind)) {
            return Finding::Drifts(format!("{} has no {kind} record set at its apex", zone.name));
        }
        match answered(&zone.name_servers) {
            // A private zone has no delegation set.
            Ok(count) if !zone.private && *count != 4 => Finding::Drifts(format!("{} has {count} name servers", zone.name)),
            Ok(_) => Finding::Agrees("NS and SOA at the apex, four name servers".to_owned()),
            Err(finding) => finding,
        }
    })
}

pub(super) fn unknown_zone(sight: &Sight) -> Finding {
    refused(&sight.route53.unknown_zone, "NoSuchHostedZone", 404)
}

pub(super) fn unknown_change(sight: &Sight) -> Finding {
    refused(&sight.route53.unknown_change, "NoSuchChange", 404)
}

pub(super) fn unknown_check(sight: &Sight) -> Finding {
    refused(&sight.route53.unknown_check, "NoSuchHealthCheck", 404)
}

/// A name as lists are ordered by it: the labels from behind, each with its dot, and every octal code as the character that it is.
fn reversed(name: &str) -> Vec<u8> {
    name.trim_end_matches('.').rsplit('.').flat_map(|label| [decoded(label), vec![b'.']].concat()).collect()
}

/// `\052` is an asterisk.
fn decoded(label: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), label.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..3).filter(|_| *first == b'\\').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

pub(super) fn record_order(sight: &Sight) -> Finding {
    each_zone(sight, |zone, records| {
        let key = |record: &Record| (reversed(&record.name), record.kind.clone(), record.set_identifier.clone());
        match records.windows(2).find(|pair| key(&pair[0]) > key(&pair[1])) {
            Some(pair) => {
                let [one, next] = [&pair[0], &pair[1]].map(|record| format!("{} {}", record.name, record.kind));
                Finding::Drifts(format!("in {}, {one} comes before {next}", zone.name))
            }
            None => Finding::Agrees(format!("so with {} record sets", records.len())),
        }
    })
}

pub(super) fn record_pages(sight: &Sight) -> Finding {
    let pages = each_zone(sight, |zone, _| {
        if zone.largest_page > 300 {
            return Finding::Drifts(format!("a page of {} has {} record sets", zone.name, zone.largest_page));
        }
        Finding::Agrees("no page has more than 300 record sets, and a type without a name is refused".to_owned())
    });
    match &sight.route53.type_without_name {
        Some(reply) => all(vec![pages, refused(reply, "InvalidInput", 400)]),
        None => pages,
    }
}

pub(super) fn zone_order(sight: &Sight) -> Finding {
    let zones = match answered(&sight.route53.zones) {
        Ok(zones) => zones,
        Err(finding) => return finding,
    };
    if zones.len() > 100 {
        return Finding::Drifts(format!("a page has {} zones", zones.len()));
    }
    match zones.windows(2).find(|pair| reversed(&pair[0]) > reversed(&pair[1])) {
        Some(pair) => Finding::Drifts(format!("{} comes before {}", pair[0], pair[1])),
        None if zones.len() < 2 => Finding::NothingToSee("fewer than two hosted zones have no order".to_owned()),
        None => Finding::Agrees(format!("so with {} zones", zones.len())),
    }
}

/// Looks at each health check of a kind that was seen.
fn each_check(sight: &Sight, of_endpoints: bool, judge: impl Fn(&CheckSight) -> Finding) -> Finding {
    if let Err(finding) = answered(&sight.route53.zones) {
        return finding;
    }
    let mut findings = Vec::new();
    for check in &sight.route53.checks {
        match answered(&check.kind) {
            Ok(kind) if is_of_endpoint(kind) == of_endpoints => findings.push(judge(check)),
            Ok(_) => {}
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        let kind = if of_endpoints { "watches an endpoint" } else { "watches an alarm or other checks" };
        return Finding::NothingToSee(format!("no record set that was seen has a health check that {kind}"));
    }
    all(findings)
}

fn is_of_endpoint(kind: &str) -> bool {
    !matches!(kind, "CALCULATED" | "CLOUDWATCH_METRIC" | "RECOVERY_CONTROL")
}

pub(super) fn observations(sight: &Sight) -> Finding {
    each_check(sight, true, |check| match answered(&check.status) {
        Ok((0, _)) => Finding::Drifts(format!("no checker reports on {}", check.id)),
        Ok((_, false)) => Finding::Drifts(format!("a report on {} is without Region or address", check.id)),
        Ok((reports, true)) => Finding::Agrees(format!("{reports} checkers report, with Region and address")),
        Err(finding) => finding,
    })
}

pub(super) fn status_of_endpoints(sight: &Sight) -> Finding {
    each_check(sight, false, |check| refused(&check.status.clone().map(|_| ()), "InvalidInput", 400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_from_behind_and_by_what_their_codes_mean() {
        assert_eq!(reversed("www.example.com."), b"com.example.www.");
        assert_eq!(reversed("\\052.example.com."), b"com.example.*.");
        assert_eq!(decoded("\\05"), b"\\05");
        let ascending =
            ["example.com.", "\\052.example.com.", "a-b.example.com.", "a.example.com.", "z.example.com.", "a.example.net."];
        assert!(ascending.map(reversed).is_sorted());
    }
}
