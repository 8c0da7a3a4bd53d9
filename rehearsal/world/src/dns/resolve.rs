//! What the name servers of Route 53 answer.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::alias::RESOURCE_TTL;
use super::name::DnsName;
use super::record::{AliasTarget, Content, FailoverRole, RecordSet, RecordType, Routing};
use super::value::{self, RecordData};
use super::zone::{Records, group, has_name, of_name};
use crate::facts::Fact;
use crate::world::World;

/// How far aliases and other names are followed.
const FARTHEST: usize = 8;

/// One record of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DnsRecord {
    /// Whose record it is.
    pub name: DnsName,
    /// How long it may be remembered, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The name lies in no zone of this account: these name servers are not the ones to ask.
    Refused,
    /// The records asked for. Where a name stands for another one, its `CNAME` comes first.
    Answer(Vec<DnsRecord>),
    /// There is the name, but no record of that type. Holds what a `CNAME` led to, if any, and the zone's `SOA`.
    NoData(Vec<DnsRecord>, Box<DnsRecord>),
    /// There is no such name. Holds what a `CNAME` led to, if any, and the zone's `SOA`.
    NoSuchName(Vec<DnsRecord>, Box<DnsRecord>),
}

impl Resolution {
    /// The records of the answer itself.
    #[must_use]
    pub fn records(&self) -> &[DnsRecord] {
        match self {
            Self::Refused => &[],
            Self::Answer(records) | Self::NoData(records, _) | Self::NoSuchName(records, _) => records,
        }
    }
}

impl World {
    /// Asks the name servers for the records of a name; `kind` is none for a type that this world does not have.
    pub fn resolve(&mut self, name: &DnsName, kind: Option<RecordType>, now: Timestamp) -> Resolution {
        self.advance(now);
        if self.dns_control_plane_is_dark() {
            self.rely_on(Fact::AnswersOutliveControlPlane);
        }
        let zones = self.dns.zones.values().filter(|zone| name.lies_within(&zone.name));
        let Some(zone) = zones.max_by_key(|zone| zone.name.as_str().len()) else {
            self.rely_on(Fact::ForeignNamesAreRefused);
            return Resolution::Refused;
        };
        let view = View { id: zone.id.clone(), apex: zone.name.clone(), records: Arc::clone(&zone.served) };
        let mut records = Vec::new();
        let found = self.follow(&view, name, kind, &mut records);
        let authority = view.authority();
        match (found, authority) {
            (Found::Records, _) | (_, None) => Resolution::Answer(records),
            (Found::NoData, Some(authority)) => {
                self.rely_on(Fact::NegativeAnswers);
                Resolution::NoData(records, Box::new(authority))
            }
            (Found::NoName, Some(authority)) => {
                self.rely_on(Fact::NegativeAnswers);
                Resolution::NoSuchName(records, Box::new(authority))
            }
        }
    }

    /// Collects the records of a name, and of the names that it stands for within the zone.
    fn follow(&mut self, view: &View, name: &DnsName, kind: Option<RecordType>, records: &mut Vec<DnsRecord>) -> Found {
        let mut name = name.clone();
        for _ in 0..FARTHEST {
            let Some(owner) = self.owner(view, &name) else {
                return Found::NoName;
            };
            let asked = kind.map(|kind| group(&view.records, &owner, kind)).unwrap_or_default();
            if let Some(kind) = kind.filter(|_| !asked.is_empty()) {
                let data = self.values(view, &owner, kind, 0);
                if data.is_empty() {
                    return Found::NoData;
                }
                records.extend(data.into_iter().map(|(ttl, data)| DnsRecord { name: name.clone(), ttl, data }));
                return Found::Records;
            }
            let Some((ttl, RecordData::Cname(target))) = self.values(view, &owner, RecordType::Cname, 0).into_iter().next()
            else {
                return Found::NoData;
            };
            self.rely_on(Fact::OtherNamesAreFollowed);
            records.push(DnsRecord { name, ttl, data: RecordData::Cname(target.clone()) });
            if !target.lies_within(&view.apex) {
                return Found::Records;
            }
            name = target;
        }
        Found::Records
    }

    /// The name whose records answer for a name: itself, or the wildcard below the nearest name above that exists.
    fn owner(&mut self, view: &View, name: &DnsName) -> Option<DnsName> {
        if has_name(&view.records, name) {
            return Some(name.clone());
        }
        let mut above = name.parent();
        while let Some(ancestor) = above.filter(|ancestor| ancestor.lies_within(&view.apex)) {
            if has_name(&view.records, &ancestor) {
                let wildcard = ancestor.wildcard();
                let answers = of_name(&view.records, &wildcard).next().is_some();
                if answers {
                    self.rely_on(Fact::Wildcards);
                }
                return answers.then_some(wildcard);
            }
            above = ancestor.parent();
        }
        None
    }

    /// What the record sets of one name and type answer with this time.
    fn values(&mut self, view: &View, name: &DnsName, kind: RecordType, depth: usize) -> Vec<(u32, RecordData)> {
        let group: Vec<RecordSet> = group(&view.records, name, kind).into_iter().cloned().collect();
        let Some(chosen) = self.choose(view, &group, depth) else {
            return Vec::new();
        };
        match &chosen.content {
            Content::Records { ttl, values } => {
                values.iter().filter_map(|text| value::read(kind, text).ok()).map(|data| (*ttl, data)).collect()
            }
            Content::Alias(target) => {
                self.rely_on(Fact::AliasAnswersForItsTarget);
                self.values_of_target(view, target, kind, depth)
            }
        }
    }

    fn values_of_target(
        &mut self,
        view: &View,
        target: &AliasTarget,
        kind: RecordType,
        depth: usize,
    ) -> Vec<(u32, RecordData)> {
        if target.hosted_zone == view.id {
            return if depth < FARTHEST { self.values(view, &target.name, kind, depth + 1) } else { Vec::new() };
        }
        let addresses = self.dns.alias_resources.get(&target.name).map(|resource| resource.addresses.clone());
        addresses
            .unwrap_or_default()
            .into_iter()
            .map(|address| match address {
                IpAddr::V4(address) => RecordData::A(address),
                IpAddr::V6(address) => RecordData::Aaaa(address),
            })
            .filter(|data| data.kind() == kind)
            .map(|data| (RESOURCE_TTL, data))
            .collect()
    }

    /// The record set that answers this time.
    fn choose(&mut self, view: &View, group: &[RecordSet], depth: usize) -> Option<RecordSet> {
        let first = group.first()?;
        if matches!(first.routing, Routing::Simple) {
            return Some(first.clone());
        }
        let healthy: Vec<bool> = group.iter().map(|set| self.set_is_healthy(view, set, depth)).collect();
        let sets: Vec<(&RecordSet, bool)> = group.iter().zip(healthy).collect();
        match first.routing {
            Routing::Simple | Routing::Weighted(_) => self.choose_by_weight(&sets),
            Routing::Failover(_) => {
                self.rely_on(Fact::FailoverAnswers);
                let of = |role| sets.iter().find(|(set, _)| set.routing == Routing::Failover(role)).copied();
                let (primary, secondary) = (of(FailoverRole::Primary), of(FailoverRole::Secondary));
                match (primary, secondary) {
                    (Some((primary, true)), _) => Some(primary.clone()),
                    (_, Some((secondary, true))) => Some(secondary.clone()),
                    (Some((primary, false)), _) => Some(primary.clone()),
                    (None, secondary) => secondary.map(|(secondary, _)| secondary.clone()),
                }
            }
        }
    }

    fn choose_by_weight(&mut self, sets: &[(&RecordSet, bool)]) -> Option<RecordSet> {
        self.rely_on(Fact::WeightedAnswers);
        let weight = |set: &RecordSet| match set.routing {
            Routing::Weighted(weight) => u64::from(weight),
            Routing::Simple | Routing::Failover(_) => 0,
        };
        let healthy: Vec<&RecordSet> = sets.iter().filter(|(_, healthy)| *healthy).map(|(set, _)| *set).collect();
        let candidates = if healthy.is_empty() {
            self.rely_on(Fact::AllUnhealthyCountsAsHealthy);
            sets.iter().map(|(set, _)| *set).collect()
        } else {
            healthy
        };
        let total: u64 = candidates.iter().map(|set| weight(set)).sum();
        if total == 0 {
            // Only record sets of weight 0 are left: each is as likely as any other.
            self.rely_on(Fact::ZeroWeightIsALastResort);
            let place = self.dns.choices.next() % u64::try_from(candidates.len()).ok().filter(|count| *count > 0)?;
            return candidates.get(usize::try_from(place).ok()?).map(|set| (*set).clone());
        }
        let mut point = self.dns.choices.next() % total;
        for set in candidates {
            let weight = weight(set);
            if point < weight {
                return Some(set.clone());
            }
            point -= weight;
        }
        None
    }

    /// Both its health check and its target have to be healthy, as far as it looks at either.
    fn set_is_healthy(&mut self, view: &View, set: &RecordSet, depth: usize) -> bool {
        let mut healthy = match &set.health_check {
            Some(check) => self.health(check),
            None => {
                self.rely_on(Fact::WithoutHealthCheckHealthy);
                true
            }
        };
        if let Content::Alias(target) = &set.content
            && target.evaluate_target_health
        {
            self.rely_on(Fact::TargetHealth);
            healthy &= self.target_is_healthy(view, target, set.key.kind, depth);
        }
        healthy
    }

    /// A target in the zone is healthy while one of its record sets is.
    fn target_is_healthy(&mut self, view: &View, target: &AliasTarget, kind: RecordType, depth: usize) -> bool {
        if target.hosted_zone != view.id {
            return self.dns.alias_resources.get(&target.name).is_some_and(|resource| resource.healthy);
        }
        if depth >= FARTHEST {
            return false;
        }
        let group: Vec<RecordSet> = group(&view.records, &target.name, kind).into_iter().cloned().collect();
        group.iter().any(|set| self.set_is_healthy(view, set, depth + 1))
    }
}

/// What the name servers of one zone have.
struct View {
    id: String,
    apex: DnsName,
    records: Arc<Records>,
}

impl View {
    /// The zone's `SOA`, to go with an answer that says that there is nothing: remembered no longer than it says itself.
    fn authority(&self) -> Option<DnsRecord> {
        let set = group(&self.records, &self.apex, RecordType::Soa).into_iter().next()?;
        let Content::Records { ttl, values } = &set.content else {
            return None;
        };
        let data = value::read(RecordType::Soa, values.first()?).ok()?;
        let RecordData::Soa(authority) = &data else {
            return None;
        };
        let ttl = (*ttl).min(authority.numbers[4]);
        Some(DnsRecord { name: self.apex.clone(), ttl, data })
    }
}

enum Found {
    Records,
    NoData,
    NoName,
}
