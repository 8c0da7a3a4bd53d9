//! A zone and a clock, for a scene to play on.

use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{
    ApiError, Change, ChangeAction, ChangeBatch, ChangeInfo, DnsName, EndpointCheck, EndpointProtocol, HealthCheckConfig,
    HealthCheckKind, PairConfig, RecordData, RecordKey, RecordSet, RecordSetPage, RecordType, Resolution, StatedAlias,
    StatedRecordSet, Timings, World,
};

use crate::stage::{Stage, config};

pub(super) const ZONE: &str = "Z0EXAMPLE";
/// What a change takes to reach the name servers, with the timings of these scenes.
pub(super) const PROPAGATION: i64 = 40;
/// What an endpoint's checkers need to be sure, at the most: four intervals of ten seconds.
pub(super) const CERTAIN: i64 = 40;

pub(super) struct Scene {
    pub(super) world: World,
    pub(super) now: Timestamp,
}

pub(super) fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

/// A record set with values, which routes simply.
pub(super) fn set(name: &str, kind: RecordType, ttl: i64, values: &[&str]) -> StatedRecordSet {
    StatedRecordSet {
        name: name.to_owned(),
        kind: kind.to_string(),
        ttl: Some(ttl),
        values: Some(values.iter().map(|&value| value.to_owned()).collect()),
        ..StatedRecordSet::default()
    }
}

pub(super) fn address(name: &str, last: u8) -> StatedRecordSet {
    set(name, RecordType::A, 60, &[&format!("192.0.2.{last}")])
}

pub(super) fn weighted(name: &str, identifier: &str, weight: i64, last: u8) -> StatedRecordSet {
    StatedRecordSet { set_identifier: Some(identifier.to_owned()), weight: Some(weight), ..address(name, last) }
}

pub(super) fn failover(name: &str, role: &str, last: u8) -> StatedRecordSet {
    StatedRecordSet { set_identifier: Some(role.to_lowercase()), failover: Some(role.to_owned()), ..address(name, last) }
}

pub(super) fn checked(set: StatedRecordSet, check: &str) -> StatedRecordSet {
    StatedRecordSet { health_check: Some(check.to_owned()), ..set }
}

pub(super) fn alias(name: &str, zone: &str, target: &str, evaluate: bool) -> StatedRecordSet {
    let target = StatedAlias { hosted_zone: zone.to_owned(), name: target.to_owned(), evaluate_target_health: evaluate };
    StatedRecordSet { name: name.to_owned(), kind: "A".to_owned(), alias: Some(target), ..StatedRecordSet::default() }
}

/// The part of a failover or weighted record set that makes an alias one.
pub(super) fn routed_as(alias: StatedRecordSet, routed: &StatedRecordSet) -> StatedRecordSet {
    StatedRecordSet {
        set_identifier: routed.set_identifier.clone(),
        weight: routed.weight,
        failover: routed.failover.clone(),
        ..alias
    }
}

pub(super) fn create(record_set: StatedRecordSet) -> Change {
    Change { action: ChangeAction::Create, record_set }
}

pub(super) fn delete(record_set: StatedRecordSet) -> Change {
    Change { action: ChangeAction::Delete, record_set }
}

pub(super) fn upsert(record_set: StatedRecordSet) -> Change {
    Change { action: ChangeAction::Upsert, record_set }
}

pub(super) fn endpoint() -> EndpointCheck {
    EndpointCheck {
        protocol: EndpointProtocol::Https,
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        host: None,
        port: 443,
        path: Some("/health".to_owned()),
        interval: 10,
        failure_threshold: 3,
        region: None,
    }
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::seeded(1)
    }

    pub(super) fn seeded(seed: u64) -> Self {
        Self::of(config(), seed)
    }

    /// A scene whose durations are up to the seed.
    pub(super) fn varied(seed: u64) -> Self {
        Self::of(PairConfig { timings: Timings::default(), ..config() }, seed)
    }

    fn of(config: PairConfig, seed: u64) -> Self {
        let Stage { mut world, now, .. } = Stage::seeded(config, seed);
        world.add_hosted_zone(ZONE, "example.com").unwrap();
        Self { world, now }
    }

    /// A zone whose name servers have these record sets.
    pub(super) fn with(record_sets: impl IntoIterator<Item = StatedRecordSet>) -> Self {
        let mut scene = Self::new();
        scene.have(record_sets);
        scene
    }

    pub(super) fn have(&mut self, record_sets: impl IntoIterator<Item = StatedRecordSet>) {
        self.change(record_sets.into_iter().map(create)).unwrap();
        self.wait(PROPAGATION);
    }

    pub(super) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self.world.advance(self.now);
        self
    }

    pub(super) fn change(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<ChangeInfo, ApiError> {
        let batch = ChangeBatch { comment: None, changes: changes.into_iter().collect() };
        self.world.change_resource_record_sets(ZONE, &batch, self.now)
    }

    /// What a refused batch is refused with: its code and its message. Nothing of it must be there afterwards.
    pub(super) fn refused(&mut self, changes: impl IntoIterator<Item = Change>) -> (&'static str, String) {
        let before = self.records();
        let error = self.change(changes).unwrap_err();
        assert_eq!(self.records(), before, "a part of a refused batch was made");
        (error.code, error.message)
    }

    /// Every record set of the zone, as lists show it.
    pub(super) fn records(&mut self) -> Vec<RecordSet> {
        self.world.list_resource_record_sets(ZONE, &RecordSetPage::default(), self.now).unwrap().items
    }

    pub(super) fn record(&mut self, wanted: &str, kind: RecordType) -> Option<RecordSet> {
        let key = RecordKey { name: name(wanted), kind, set_identifier: None };
        self.records().into_iter().find(|set| set.key == key)
    }

    pub(super) fn add_endpoint(&mut self, check: &str) {
        let config = HealthCheckConfig::new(HealthCheckKind::Endpoint(endpoint()));
        self.world.add_health_check(check, config, self.now);
    }

    /// Lets an endpoint answer or not, and its checkers be sure of it.
    pub(super) fn set_endpoint(&mut self, check: &str, answers: bool) {
        self.world.endpoint_answers(check, answers, self.now);
        self.wait(CERTAIN);
    }

    pub(super) fn healthy(&mut self, check: &str) -> bool {
        self.world.is_healthy(check, self.now).unwrap()
    }

    pub(super) fn ask(&mut self, wanted: &str, kind: RecordType) -> Resolution {
        self.world.resolve(&name(wanted), Some(kind), self.now)
    }

    /// The last numbers of the addresses that a name is answered with.
    pub(super) fn addresses(&mut self, wanted: &str) -> Vec<u8> {
        let last = |data: &RecordData| match data {
            RecordData::A(address) => Some(address.octets()[3]),
            _ => None,
        };
        self.ask(wanted, RecordType::A).records().iter().filter_map(|record| last(&record.data)).collect()
    }
}
