//! A pair of instances and a clock, for a scene to play on.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{DbInstance, InstanceKey, InstanceStatus, PageRequest, PairConfig, Promotion, Timings, World};

pub(crate) const EAST: &str = "us-east-1";
pub(crate) const WEST: &str = "us-west-2";
pub(crate) const CLIENTS: &str = "sg-c11e475";
pub(crate) const ISOLATION: &str = "sg-150a7ed";

pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) primary: InstanceKey,
    pub(crate) replica: InstanceKey,
    pub(crate) now: Timestamp,
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Timings without chance, so that scenes can be counted out in seconds.
pub(crate) fn exact() -> Timings {
    Timings { variation_percent: 0, ..Timings::default() }
}

pub(crate) fn config() -> PairConfig {
    PairConfig {
        primary_region: EAST.to_owned(),
        primary_id: "orders-prod".to_owned(),
        primary_groups: vec![CLIENTS.to_owned()],
        isolation_group: ISOLATION.to_owned(),
        recovery_region: WEST.to_owned(),
        recovery_id: "orders-dr".to_owned(),
        recovery_groups: vec!["sg-we57".to_owned()],
        modifying_during_group_change: Some(false),
        timings: exact(),
        ..PairConfig::default()
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: PairConfig) -> Self {
        Self::seeded(config, 1)
    }

    pub(crate) fn seeded(config: PairConfig, seed: u64) -> Self {
        let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let primary = InstanceKey::new(&config.primary_region, &config.primary_id);
        let replica = InstanceKey::new(&config.recovery_region, &config.recovery_id);
        Self { world: World::pair(config, seed, now), primary, replica, now }
    }

    /// Lets seconds pass.
    pub(crate) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += SignedDuration::from_secs(seconds);
        self.world.advance(self.now);
        self
    }

    pub(crate) fn show(&mut self, key: &InstanceKey) -> DbInstance {
        let page = self.world.describe_db_instances(&key.region, Some(&key.identifier), &PageRequest::default(), self.now);
        page.unwrap().items.remove(0)
    }

    pub(crate) fn status(&mut self, key: &InstanceKey) -> InstanceStatus {
        self.show(key).status
    }

    pub(crate) fn primary_shown(&mut self) -> DbInstance {
        self.show(&self.primary.clone())
    }

    pub(crate) fn replica_shown(&mut self) -> DbInstance {
        self.show(&self.replica.clone())
    }

    pub(crate) fn modify(&mut self, groups: &[&str]) -> Result<DbInstance, rehearsal_world::ApiError> {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        self.world.modify_db_instance(EAST, "orders-prod", Some(&groups), self.now)
    }

    pub(crate) fn reboot(&mut self) -> Result<DbInstance, rehearsal_world::ApiError> {
        self.world.reboot_db_instance(EAST, "orders-prod", false, self.now)
    }

    pub(crate) fn promote(&mut self) -> Result<DbInstance, rehearsal_world::ApiError> {
        self.world.promote_read_replica(WEST, "orders-dr", Promotion::default(), self.now)
    }

    /// Isolates the primary and ends its sessions: the whole fence.
    pub(crate) fn fence(&mut self) {
        self.modify(&[ISOLATION]).unwrap();
        self.wait(15);
        self.reboot().unwrap();
        self.wait(40);
    }

    pub(crate) fn commit_to_primary(&mut self) -> Result<rehearsal_world::CommitNumber, rehearsal_world::Refused> {
        self.world.commit(&self.primary.clone(), self.now)
    }

    pub(crate) fn commit_to_replica(&mut self) -> Result<rehearsal_world::CommitNumber, rehearsal_world::Refused> {
        self.world.commit(&self.replica.clone(), self.now)
    }

    /// A commit every second, for so many seconds.
    pub(crate) fn write_for(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.commit_to_primary().unwrap();
            self.wait(1);
        }
    }
}
