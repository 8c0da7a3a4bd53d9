//! What must hold among the record sets of a zone, whatever a batch does.

use super::flaw::Flaw;
use super::name::DnsName;
use super::record::{Content, RecordSet, RecordType, Routing};
use super::zone::{Records, Zone, group, of_name};
use crate::facts::Fact;

/// The most weighted record sets of one name and type.
const MOST_WEIGHTED: usize = 100;

/// What is wrong with a record set that a batch would leave behind, in the words of Route 53.
pub(crate) fn flaws(zone: &Zone, after: &Records, set: &RecordSet) -> Vec<Flaw> {
    let (name, kind) = (&set.key.name, set.key.kind);
    if !name.lies_within(&zone.name) {
        let text = format!("RRSet with DNS name {name} is not permitted in zone {}", zone.name);
        return vec![Flaw::new(Fact::NamesLieWithinZone, text)];
    }
    if kind == RecordType::Cname && *name == zone.name {
        let text = format!("RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {}", zone.name);
        return vec![Flaw::new(Fact::NoCnameAtApex, text)];
    }
    beside(zone, after, set).into_iter().chain(within_group(after, set)).collect()
}

/// A CNAME stands alone at its name.
fn beside(zone: &Zone, after: &Records, set: &RecordSet) -> Option<Flaw> {
    let (name, kind) = (&set.key.name, set.key.kind);
    let others = of_name(after, name).filter(|other| other.key.kind != kind);
    let conflicting = |other: &RecordSet| kind == RecordType::Cname || other.key.kind == RecordType::Cname;
    others.into_iter().find(|other| conflicting(other))?;
    let text = if kind == RecordType::Cname {
        format!(
            "RRSet of type CNAME with DNS name {name} is not permitted as it conflicts with other records with the same DNS \
             name in zone {}",
            zone.name
        )
    } else {
        format!(
            "RRSet of type {kind} with DNS name {name} is not permitted because a conflicting RRSet of type CNAME with the \
             same DNS name already exists in zone {}",
            zone.name
        )
    };
    Some(Flaw::new(Fact::CnameStandsAlone, text))
}

/// The record sets of one name and type have one routing policy, and keep its rules.
fn within_group(after: &Records, set: &RecordSet) -> Option<Flaw> {
    let (name, kind) = (&set.key.name, set.key.kind);
    let group = group(after, name, kind);
    let others = || group.iter().filter(|other| other.key != set.key);
    let refused = |fact, why: String| {
        let identifier = set.key.set_identifier.as_deref().map(|text| format!(", SetIdentifier {text}")).unwrap_or_default();
        Flaw::new(fact, format!("RRSet with DNS name {name}, type {kind}{identifier} cannot be created as {why}"))
    };
    let mixed = |what: &str| refused(Fact::RoutingPoliciesDoNotMix, format!("{what} with the same name and type."));
    match set.routing {
        Routing::Simple => others().next().map(|_| mixed("other RRSets exist")),
        Routing::Weighted(_) => {
            let different = |other: &RecordSet| ttl(other).zip(ttl(set)).is_some_and(|(one, other)| one != other);
            if others().any(|other| !matches!(other.routing, Routing::Weighted(_))) {
                Some(mixed("a non-weighted set exists"))
            } else if group.len() > MOST_WEIGHTED {
                let why = format!("there are more than {MOST_WEIGHTED} weighted sets with the same name and type.");
                Some(refused(Fact::WeightedSetRules, why))
            } else if others().any(|other| different(other)) {
                Some(refused(Fact::WeightedSetsShareTtl, "weighted sets must contain the same TTL.".to_owned()))
            } else {
                None
            }
        }
        Routing::Failover(role) => {
            if others().any(|other| !matches!(other.routing, Routing::Failover(_))) {
                Some(mixed("a non-failover set exists"))
            } else if others().any(|other| other.routing == Routing::Failover(role)) {
                let why = format!("a failover {} set exists with the same name and type.", role.as_str().to_lowercase());
                Some(refused(Fact::FailoverPair, why))
            } else {
                None
            }
        }
    }
}

fn ttl(set: &RecordSet) -> Option<u32> {
    match &set.content {
        Content::Records { ttl, .. } => Some(*ttl),
        Content::Alias(_) => None,
    }
}

/// What every zone keeps at its apex.
pub(crate) fn flaws_at_apex(zone: &Zone, after: &Records) -> Vec<Flaw> {
    let missing = |name: &DnsName, kind| group(after, name, kind).is_empty();
    let stays = |text: &str| Flaw::new(Fact::ApexRecordsStay, text.to_owned());
    let mut flaws = Vec::new();
    if missing(&zone.name, RecordType::Soa) {
        flaws.push(stays("A HostedZone must contain exactly one SOA record."));
    }
    if missing(&zone.name, RecordType::Ns) {
        flaws.push(stays("A HostedZone must contain at least one NS record for the zone itself."));
    }
    flaws
}
