//! The world itself: its parts, and how time passes in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::agenda::{Agenda, Event, Phase};
use crate::backups::DbSnapshot;
use crate::clusters::{ClusterKey, GlobalCluster};
use crate::config::{PairConfig, Timings};
use crate::dns::Dns;
use crate::facts::Fact;
use crate::faults::StaleView;
use crate::groups::Groups;
use crate::identifiers::{Endpoint, InstanceKey, endpoint, resource_id};
use crate::instances::{Instance, Process, Sessions, Zones};
use crate::kept::{ClusterBackup, ClusterSnapshot, RecoveryPoint, ReplicatedBackup};
use crate::metrics::{Metric, Published, steady_history};
use crate::moments::{between, earlier, floor, later};
use crate::replication::{Link, Timeline};
use crate::restore_jobs::RestoreJob;
use crate::seed::Seed;
use crate::status::InstanceStatus;
use crate::tables::GlobalTable;
use crate::truth::PromotionRecord;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
/// How often PostgreSQL on RDS closes a log segment, and how often RDS ships the log.
const SEGMENT: Duration = Duration::from_secs(300);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3_600);
/// What happens every minute is played out for this long before the moment asked for, and skipped further back.
const PLAYED_OUT: Duration = Duration::from_secs(15 * 24 * 3_600);

/// A part of AWS, at one moment.
#[derive(Debug, Clone)]
pub struct World {
    pub(crate) account: String,
    pub(crate) timings: Timings,
    pub(crate) clock: Timestamp,
    pub(crate) agenda: Agenda,
    pub(crate) instances: BTreeMap<InstanceKey, Instance>,
    pub(crate) snapshots: Vec<DbSnapshot>,
    /// The security groups that exist, by Region; true for those that let nobody in.
    pub(crate) groups: BTreeMap<String, BTreeMap<String, bool>>,
    pub(crate) dark: BTreeSet<String>,
    pub(crate) control_plane_dark: BTreeSet<String>,
    pub(crate) throttled: BTreeMap<String, u32>,
    pub(crate) stale: BTreeMap<String, StaleView>,
    pub(crate) modifying_during_group_change: bool,
    pub(crate) promotions: Vec<PromotionRecord>,
    pub(crate) dns: Dns,
    pub(crate) tables: BTreeMap<String, GlobalTable>,
    pub(crate) global_clusters: BTreeMap<String, GlobalCluster>,
    pub(crate) replicated_backups: Vec<ReplicatedBackup>,
    pub(crate) cluster_backups: BTreeMap<ClusterKey, ClusterBackup>,
    pub(crate) cluster_snapshots: Vec<ClusterSnapshot>,
    /// Tables whose point-in-time recovery is off, by Region.
    pub(crate) unrecoverable: BTreeSet<(String, String)>,
    /// The recovery points of vaults, by Region and name.
    pub(crate) vaults: BTreeMap<(String, String), Vec<RecoveryPoint>>,
    pub(crate) restore_jobs: Vec<RestoreJob>,
    pub(crate) published: BTreeMap<Metric, Published>,
    pub(crate) seed: u64,
    /// How far new replicas are behind.
    pub(crate) lag: Duration,
    /// Databases and snapshots are made by somebody else, and waited for.
    pub(crate) made_outside: bool,
    relied_on: BTreeSet<Fact>,
    chance: Seed,
    operations: u64,
}

impl World {
    /// A primary and its read replica in another Region, both well, as of `start`.
    #[must_use]
    pub fn pair(config: PairConfig, seed: u64, start: Timestamp) -> Self {
        let primary = InstanceKey::new(&config.primary_region, &config.primary_id);
        let replica = InstanceKey::new(&config.recovery_region, &config.recovery_id);
        let chance = Seed::for_purpose(seed, "durations");
        let by_seed = Seed::for_purpose(seed, "status during a change of groups").next().is_multiple_of(2);
        let mut world = Self {
            account: config.account.clone(),
            timings: config.timings.clone(),
            clock: start,
            agenda: Agenda::default(),
            instances: BTreeMap::new(),
            snapshots: Vec::new(),
            groups: BTreeMap::new(),
            dark: BTreeSet::new(),
            control_plane_dark: BTreeSet::new(),
            throttled: BTreeMap::new(),
            stale: BTreeMap::new(),
            modifying_during_group_change: config.modifying_during_group_change.unwrap_or(by_seed),
            promotions: Vec::new(),
            dns: Dns::new(seed),
            tables: BTreeMap::new(),
            global_clusters: BTreeMap::new(),
            replicated_backups: Vec::new(),
            cluster_backups: BTreeMap::new(),
            cluster_snapshots: Vec::new(),
            unrecoverable: BTreeSet::new(),
            vaults: BTreeMap::new(),
            restore_jobs: Vec::new(),
            published: BTreeMap::new(),
            seed,
            lag: config.lag,
            made_outside: false,
            relied_on: BTreeSet::new(),
            chance,
            operations: 0,
        };
        for group in &config.primary_groups {
            world.groups.entry(config.primary_region.clone()).or_default().insert(group.clone(), false);
        }
        for group in &config.recovery_groups {
            world.groups.entry(config.recovery_region.clone()).or_default().insert(group.clone(), false);
        }
        world
            .groups
            .entry(config.primary_region.clone())
            .or_default()
            .insert(config.isolation_group.clone(), !config.isolation_leaks);

        let made = |key: &InstanceKey, groups: &[String], multi_az: bool, retention: u8| {
            let zones = Zones { zone: format!("{}a", key.region), standby: multi_az.then(|| format!("{}b", key.region)) };
            Instance {
                key: key.clone(),
                arn: key.arn(&config.account),
                resource_id: resource_id(seed, key),
                endpoint: endpoint(seed, &config.account, key),
                created: floor(earlier(start, DAY * 400), DAY),
                status: InstanceStatus::Available,
                process: Process::Sound,
                reported_zones: zones.clone(),
                zones,
                groups: Groups::new(groups),
                backup_retention: retention,
                backup_window: config.backup_window,
                deletion_protection: true,
                latest_restorable: None,
                operation: None,
                promotion: None,
                writable_since: None,
                timeline: Timeline::default(),
                link: None,
                lag_samples: VecDeque::new(),
                sessions: Sessions::default(),
                writes_stopped: Some(start),
                making: None,
            }
        };
        let mut first = made(&primary, &config.primary_groups, config.multi_az, config.backup_retention);
        first.writable_since = Some(first.created);
        first.latest_restorable = (config.backup_retention > 0).then(|| floor(start, SEGMENT));
        let mut second = made(&replica, &config.recovery_groups, false, config.recovery_backup_retention);
        second.link = Some(Link::new(primary.clone(), config.lag, start));
        second.lag_samples = steady_history(config.lag, start);
        world.instances.insert(primary.clone(), first);
        world.instances.insert(replica.clone(), second);

        for key in [primary, replica] {
            world.remember_past_backups(&key);
            world.await_backup_window(&key);
        }
        world.agenda.put(later(floor(start, SEGMENT), SEGMENT), Event::SegmentSwitch);
        world.agenda.put(later(floor(start, MINUTE), MINUTE), Event::MetricSample);
        world.note_changes();
        world
    }

    /// The latest moment that the world has seen.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock
    }

    /// The account that everything belongs to.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// Every instance and where clients reach it.
    #[must_use]
    pub fn endpoints(&self) -> Vec<(InstanceKey, Endpoint)> {
        self.instances.values().map(|instance| (instance.key.clone(), instance.endpoint.clone())).collect()
    }

    /// The facts about AWS that this run has made use of so far, for a report to say what it rests on.
    #[must_use]
    pub fn relied_on(&self) -> &BTreeSet<Fact> {
        &self.relied_on
    }

    /// Lets time pass until `now`: everything that is due happens, each thing at its own time.
    pub fn advance(&mut self, now: Timestamp) {
        let now = now.max(self.clock);
        while let Some((at, event)) = self.agenda.take_due(now) {
            self.let_replication_flow(at);
            self.happen(event, now);
            self.note_changes();
        }
        self.let_replication_flow(now);
        self.settle_dns();
    }

    /// Notes that an answer rested on a fact; the faces note what their encoding rests on.
    pub fn rely_on(&mut self, fact: Fact) {
        self.relied_on.insert(fact);
    }

    /// A duration as the seed would have it this time.
    pub(crate) fn takes(&mut self, typical: impl Fn(&Timings) -> Duration) -> Duration {
        self.chance.vary(typical(&self.timings), self.timings.variation_percent)
    }

    pub(crate) fn next_operation(&mut self) -> u64 {
        self.operations += 1;
        self.operations
    }

    pub(crate) fn after(&mut self, span: Duration, event: Event) {
        self.agenda.put(later(self.clock, span), event);
    }

    /// Whether the database of an instance runs and is connected to the world.
    pub(crate) fn runs(&self, instance: &Instance) -> bool {
        instance.process == Process::Sound && !self.dark.contains(&instance.key.region)
    }

    /// Whether the groups in effect let nobody in. Rules add up: one group that lets clients in is enough.
    pub(crate) fn is_isolated(&self, instance: &Instance) -> bool {
        let known = self.groups.get(&instance.key.region);
        instance.groups.in_effect().all(|group| known.and_then(|known| known.get(group)).copied().unwrap_or(true))
    }

    /// Brings what follows from the state of things up to date, after anything changed.
    pub(crate) fn note_changes(&mut self) {
        let keys: Vec<InstanceKey> = self.instances.keys().cloned().collect();
        for key in keys {
            let Some(instance) = self.instances.get(&key) else {
                continue;
            };
            let lets_in = self.runs(instance) && !self.is_isolated(instance);
            let flows = self.flows(instance);
            let now = self.clock;
            let Some(instance) = self.instances.get_mut(&key) else {
                continue;
            };
            instance.sessions.may_exist |= lets_in;
            if let Some(link) = &mut instance.link
                && !link.ended
            {
                link.note(flows, now);
            }
            let Some(instance) = self.instances.get(&key) else {
                continue;
            };
            let writable = self.writes_over_new_connections(instance) || self.writes_over_old_sessions(instance);
            let Some(instance) = self.instances.get_mut(&key) else {
                continue;
            };
            match (writable, instance.writes_stopped) {
                (true, _) => instance.writes_stopped = None,
                (false, None) => instance.writes_stopped = Some(now),
                (false, Some(_)) => {}
            }
        }
    }

    fn flows(&self, replica: &Instance) -> bool {
        replica.link.as_ref().is_some_and(|link| {
            link.is_intact()
                && self.runs(replica)
                && self.instances.get(&link.source).is_some_and(|source| self.runs(source))
        })
    }

    /// Moves the clock, and what replicates with it.
    fn let_replication_flow(&mut self, until: Timestamp) {
        self.clock = self.clock.max(until);
        let keys: Vec<InstanceKey> = self.instances.keys().cloned().collect();
        for key in keys {
            let Some(instance) = self.instances.get(&key) else {
                continue;
            };
            let flows = self.flows(instance);
            let Some(mut link) = instance.link.clone().filter(|link| !link.ended) else {
                continue;
            };
            if flows && let Some(source) = self.instances.get(&link.source) {
                link.carry(&source.timeline, self.clock);
            }
            link.note(flows, self.clock);
            if let Some(instance) = self.instances.get_mut(&key) {
                instance.link = Some(link);
            }
        }
    }

    fn happen(&mut self, event: Event, towards: Timestamp) {
        match event {
            Event::SegmentSwitch => {
                self.switch_segments();
                self.again(SEGMENT, Event::SegmentSwitch, towards);
            }
            Event::MetricSample => {
                self.sample_metrics();
                self.again(MINUTE, Event::MetricSample, towards);
            }
            Event::BackupWindow { key } => self.backup_window_opens(&key),
            Event::ZonesReported { key } => {
                if let Some(instance) = self.instances.get_mut(&key) {
                    instance.reported_zones = instance.zones.clone();
                }
            }
            Event::GroupsInEffect { key, change } => self.groups_take_effect(&key, change),
            Event::Phase { key, operation, phase } => match phase {
                Phase::RebootDone { failover } => self.reboot_done(&key, operation, failover),
                Phase::BackupDone => self.backup_done(&key, operation),
                Phase::Created => self.created(&key, operation),
                Phase::PromotionModifying => self.promotion_shows(&key, operation),
                Phase::PromotionRebooting => self.promotion_reboots(&key, operation),
                Phase::PromotionWritable => self.promotion_writable(&key, operation),
                Phase::PromotionSourceGone => self.promotion_source_gone(&key, operation),
            },
        }
    }

    /// Puts something periodic down again, at its next turn; turns long past are left out.
    fn again(&mut self, period: Duration, event: Event, towards: Timestamp) {
        let next = later(self.clock, period);
        let next = if between(next, towards) > PLAYED_OUT { floor(earlier(towards, PLAYED_OUT), period) } else { next };
        // At the end of time there is no next turn.
        if next > self.clock {
            self.agenda.put(next, event);
        }
    }

    fn switch_segments(&mut self) {
        let now = self.clock;
        let keys: Vec<InstanceKey> = self.instances.keys().cloned().collect();
        for key in keys {
            let Some(instance) = self.instances.get(&key) else {
                continue;
            };
            if !self.runs(instance) || instance.writable_since.is_none() {
                continue;
            }
            let shipped = !self.made_outside;
            if let Some(instance) = self.instances.get_mut(&key) {
                instance.timeline.switch_segment(now);
                if instance.backup_retention > 0 && shipped {
                    instance.latest_restorable = Some(now);
                }
            }
        }
    }
}
