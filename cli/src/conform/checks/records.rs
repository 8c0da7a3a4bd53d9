//! Rules that Route 53 keeps among the records of a zone. They are seen by there being no record set that breaks them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::sight::{Policy, Record, Sight, ZoneSight};
use super::route53::each_zone;
use super::{Finding, all};

/// Looks for a record set that breaks a rule, among those that the rule is about.
fn each_record(
    sight: &Sight,
    about: &str,
    concerns: impl Fn(&Record) -> bool,
    breaks: impl Fn(&ZoneSight, &Record) -> bool,
) -> Finding {
    each_zone(sight, |zone, records| {
        let concerned: Vec<&Record> = records.iter().filter(|record| concerns(record)).collect();
        match concerned.iter().find(|record| breaks(zone, record)) {
            Some(record) => Finding::Drifts(format!("{} {} breaks it", record.name, record.kind)),
            None if concerned.is_empty() => Finding::NothingToSee(format!("no record set that was seen {about}")),
            None => Finding::Agrees(format!("so with {} record sets", concerned.len())),
        }
    })
}

/// Looks for record sets of one name and type that together break a rule, where the rule is about one of them.
fn each_group(
    sight: &Sight,
    about: &str,
    concerns: impl Fn(&Record) -> bool,
    breaks: impl Fn(&[&Record]) -> bool,
) -> Finding {
    each_zone(sight, |_, records| {
        let mut groups: BTreeMap<(&str, &str), Vec<&Record>> = BTreeMap::new();
        for record in records {
            groups.entry((&record.name, &record.kind)).or_default().push(record);
        }
        groups.retain(|_, group| group.iter().any(|record| concerns(record)));
        match groups.iter().find(|(_, group)| breaks(group)) {
            Some(((name, kind), _)) => Finding::Drifts(format!("the record sets of {name} {kind} break it")),
            None if groups.is_empty() => Finding::NothingToSee(format!("no record set that was seen {about}")),
            None => Finding::Agrees(format!("so with {} names and types", groups.len())),
        }
    })
}

fn is_weighted(record: &Record) -> bool {
    matches!(record.policy, Policy::Weighted(_))
}

fn policy(record: &Record) -> &'static str {
    match record.policy {
        Policy::Simple => "simple",
        Policy::Weighted(_) => "weighted",
        Policy::Failover(_) => "failover",
        Policy::Other(name) => name,
    }
}

pub(super) fn spelling(sight: &Sight) -> Finding {
    // What is none of these is answered as an octal code: a backslash and three digits.
    let plain = |character: char| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || matches!(character, '-' | '_' | '.' | '\\')
    };
    let breaks = |_: &ZoneSight, record: &Record| !record.name.ends_with('.') || !record.name.chars().all(plain);
    each_record(sight, "has a name", |_| true, breaks)
}

pub(super) fn cname_alone(sight: &Sight) -> Finding {
    each_zone(sight, |_, records| {
        let names: BTreeSet<&str> =
            records.iter().filter(|record| record.kind == "CNAME").map(|record| record.name.as_str()).collect();
        match records.iter().find(|record| record.kind != "CNAME" && names.contains(record.name.as_str())) {
            Some(record) => Finding::Drifts(format!("{} has a CNAME and a {}", record.name, record.kind)),
            None if names.is_empty() => Finding::NothingToSee("no record set that was seen is a CNAME".to_owned()),
            None => Finding::Agrees(format!("so with {} names", names.len())),
        }
    })
}

pub(super) fn no_cname_at_apex(sight: &Sight) -> Finding {
    each_record(sight, "is a CNAME", |record| record.kind == "CNAME", |zone, record| record.name == zone.name)
}

pub(super) fn one_policy(sight: &Sight) -> Finding {
    let breaks = |group: &[&Record]| {
        let policies: BTreeSet<&str> = group.iter().map(|record| policy(record)).collect();
        policies.len() > 1 || (group.len() > 1 && policies.contains("simple"))
    };
    each_group(sight, "is there", |_| true, breaks)
}

pub(super) fn set_identifiers(sight: &Sight) -> Finding {
    let routed = |record: &Record| record.policy != Policy::Simple || record.set_identifier.is_some();
    let breaks = |_: &ZoneSight, record: &Record| match &record.set_identifier {
        Some(identifier) => record.policy == Policy::Simple || !(1..=128).contains(&identifier.chars().count()),
        None => true,
    };
    each_record(sight, "has a routing policy", routed, breaks)
}

pub(super) fn weighted_ttl(sight: &Sight) -> Finding {
    let breaks = |group: &[&Record]| group.iter().filter_map(|record| record.ttl).collect::<BTreeSet<i64>>().len() > 1;
    each_group(sight, "is weighted", is_weighted, breaks)
}

pub(super) fn weights(sight: &Sight) -> Finding {
    let breaks = |_: &ZoneSight, record: &Record| match record.policy {
        Policy::Weighted(weight) => !(0..=255).contains(&weight) || (!record.alias && record.values != 1),
        _ => false,
    };
    let each = each_record(sight, "is weighted", is_weighted, breaks);
    all(vec![each, each_group(sight, "is weighted", is_weighted, |group| group.len() > 100)])
}

pub(super) fn failover_pairs(sight: &Sight) -> Finding {
    let concerns = |record: &Record| matches!(record.policy, Policy::Failover(_));
    let breaks = |group: &[&Record]| {
        let of = |wanted: &str| {
            let is = |record: &&&Record| matches!(&record.policy, Policy::Failover(role) if role == wanted);
            group.iter().filter(is).count()
        };
        let (primary, secondary) = (of("PRIMARY"), of("SECONDARY"));
        primary > 1 || secondary > 1 || primary + secondary != group.len()
    };
    each_group(sight, "is for failover", concerns, breaks)
}

pub(super) fn values_or_alias(sight: &Sight) -> Finding {
    let breaks = |_: &ZoneSight, record: &Record| {
        let in_bounds = record.ttl.is_some_and(|ttl| (0..=2_147_483_647).contains(&ttl));
        if record.alias { record.values > 0 || record.ttl.is_some() } else { record.values == 0 || !in_bounds }
    };
    each_record(sight, "is there", |_| true, breaks)
}
