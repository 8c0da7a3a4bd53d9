//! Random sequences of calls: whatever is done to the world, it stays within what AWS could be.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use rehearsal_world::{
    Breakage, Commit, DbInstance, InstanceKey, Metric, PageRequest, PairConfig, Promotion, Session, SnapshotSelection, World,
};

use crate::stage::{CLIENTS, EAST, ISOLATION, WEST, config};

/// As the User Guide lists them under "Viewing DB instance status".
const DOCUMENTED_STATUSES: &[&str] = &[
    "available",
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "converting-to-vpc",
    "creating",
    "delete-precheck",
    "deleting",
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "maintenance",
    "modifying",
    "moving-to-vpc",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "restore-error",
    "starting",
    "stopped",
    "stopping",
    "storage-full",
    "storage-optimization",
    "upgrading",
];

#[derive(Debug, Clone)]
enum Move {
    Wait(u32),
    GoBack(u32),
    Isolate,
    LetIn,
    Both,
    Reboot { primary: bool, failover: bool },
    Promote { primary: bool, retention: Option<i64> },
    Commit { primary: bool },
    Connect { primary: bool },
    CommitInOldest,
    Break { primary: bool, failed: bool },
    BreakReplication(bool),
    Dark { east: bool, dark: bool },
    ControlPlaneDark { east: bool, dark: bool },
    Throttle(u32),
    Stale(u64),
    Lag(u64),
    Backup { primary: bool },
    Describe,
    Measure,
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        8 => (1_u32..200).prop_map(Move::Wait),
        1 => (1_000_u32..200_000).prop_map(Move::Wait),
        1 => (1_u32..200).prop_map(Move::GoBack),
        3 => Just(Move::Isolate),
        1 => Just(Move::LetIn),
        1 => Just(Move::Both),
        3 => any::<(bool, bool)>().prop_map(|(primary, failover)| Move::Reboot { primary, failover }),
        2 => (any::<bool>(), proptest::option::of(-2_i64..40)).prop_map(|(primary, retention)| Move::Promote { primary, retention }),
        8 => any::<bool>().prop_map(|primary| Move::Commit { primary }),
        3 => any::<bool>().prop_map(|primary| Move::Connect { primary }),
        4 => Just(Move::CommitInOldest),
        1 => any::<(bool, bool)>().prop_map(|(primary, failed)| Move::Break { primary, failed }),
        1 => any::<bool>().prop_map(Move::BreakReplication),
        1 => any::<(bool, bool)>().prop_map(|(east, dark)| Move::Dark { east, dark }),
        1 => any::<(bool, bool)>().prop_map(|(east, dark)| Move::ControlPlaneDark { east, dark }),
        1 => (0_u32..3).prop_map(Move::Throttle),
        1 => (0_u64..300).prop_map(Move::Stale),
        1 => (0_u64..600).prop_map(Move::Lag),
        1 => any::<bool>().prop_map(|primary| Move::Backup { primary }),
        4 => Just(Move::Describe),
        2 => Just(Move::Measure),
    ]
}

struct Play {
    world: World,
    primary: InstanceKey,
    replica: InstanceKey,
    now: Timestamp,
    sessions: Vec<Session>,
    /// Whether a promotion was accepted while some client could still have written to the old primary, or the old
    /// primary was let in again afterwards.
    may_overlap: bool,
    promoted: bool,
    acknowledged: BTreeMap<InstanceKey, u64>,
    /// Everything that was answered, to compare one run with another.
    answers: Vec<String>,
}

impl Play {
    fn new(config: PairConfig, seed: u64) -> Self {
        let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let (primary, replica) = (InstanceKey::new(EAST, "orders-prod"), InstanceKey::new(WEST, "orders-dr"));
        Self {
            world: World::pair(config, seed, now),
            primary,
            replica,
            now,
            sessions: Vec::new(),
            may_overlap: false,
            promoted: false,
            acknowledged: BTreeMap::new(),
            answers: Vec::new(),
        }
    }

    fn key(&self, primary: bool) -> InstanceKey {
        if primary { self.primary.clone() } else { self.replica.clone() }
    }

    fn make(&mut self, step: &Move) {
        let now = self.now;
        let groups = |groups: &[&str]| groups.iter().map(|&group| group.to_owned()).collect::<Vec<String>>();
        let answer = match step {
            Move::Wait(seconds) => {
                self.now += SignedDuration::from_secs(i64::from(*seconds));
                self.world.advance(self.now);
                String::new()
            }
            Move::GoBack(seconds) => {
                self.world.advance(now - SignedDuration::from_secs(i64::from(*seconds)));
                String::new()
            }
            Move::Isolate | Move::LetIn | Move::Both => {
                let wanted = match step {
                    Move::Isolate => groups(&[ISOLATION]),
                    Move::LetIn => groups(&[CLIENTS]),
                    _ => groups(&[ISOLATION, CLIENTS]),
                };
                // Letting the old primary's clients in again after a promotion undoes the fence.
                self.may_overlap |= self.promoted && !matches!(step, Move::Isolate);
                format!("{:?}", self.world.modify_db_instance(EAST, "orders-prod", Some(&wanted), now))
            }
            Move::Reboot { primary, failover } => {
                let key = self.key(*primary);
                format!("{:?}", self.world.reboot_db_instance(&key.region, &key.identifier, *failover, now))
            }
            Move::Promote { primary, retention } => {
                let key = self.key(*primary);
                let promotion = Promotion { backup_retention: *retention, backup_window: None };
                // Fenced means: isolated, and no session left that began before.
                let fenced = self.is_fenced();
                let answer = self.world.promote_read_replica(&key.region, &key.identifier, promotion, now);
                if answer.is_ok() {
                    self.promoted = true;
                    self.may_overlap |= !fenced;
                }
                format!("{answer:?}")
            }
            Move::Commit { primary } => {
                let key = self.key(*primary);
                let answer = self.world.commit(&key, now);
                self.count(&key, answer.is_ok());
                format!("{answer:?}")
            }
            Move::Connect { primary } => {
                let key = self.key(*primary);
                let answer = self.world.connect(&key, now);
                self.sessions.extend(answer.clone());
                format!("{answer:?} {:?}", self.world.accepts_connections(&key, now))
            }
            Move::CommitInOldest => match self.sessions.first().cloned() {
                None => String::new(),
                Some(session) => {
                    let answer = self.world.commit_in(&session, now);
                    self.count(&session.instance, answer.is_ok());
                    if answer.is_err() {
                        self.sessions.remove(0);
                    }
                    format!("{answer:?}")
                }
            },
            Move::Break { primary, failed } => {
                let breakage = if *failed { Breakage::Failed } else { Breakage::Hung };
                self.world.break_instance(&self.key(*primary), breakage, now);
                String::new()
            }
            Move::BreakReplication(broken) => {
                self.world.break_replication(&self.replica.clone(), *broken, now);
                String::new()
            }
            Move::Dark { east, dark } => {
                self.world.region_dark(if *east { EAST } else { WEST }, *dark, now);
                String::new()
            }
            Move::ControlPlaneDark { east, dark } => {
                self.world.control_plane_dark(if *east { EAST } else { WEST }, *dark, now);
                String::new()
            }
            Move::Throttle(calls) => {
                self.world.throttle(EAST, *calls);
                String::new()
            }
            Move::Stale(seconds) => {
                self.world.stale_reads(WEST, Duration::from_secs(*seconds), now);
                String::new()
            }
            Move::Lag(seconds) => {
                self.world.set_lag(&self.replica.clone(), Duration::from_secs(*seconds), now);
                String::new()
            }
            Move::Backup { primary } => {
                self.world.open_backup_window(&self.key(*primary), now);
                String::new()
            }
            Move::Describe => {
                let mut answer = String::new();
                for region in [EAST, WEST] {
                    let page = self.world.describe_db_instances(region, None, &PageRequest::default(), now);
                    if let Ok(page) = &page {
                        page.items.iter().for_each(looks_like_rds);
                    }
                    answer += &format!("{page:?}");
                    let selection = SnapshotSelection::default();
                    answer +=
                        &format!("{:?}", self.world.describe_db_snapshots(region, &selection, &PageRequest::default(), now));
                }
                answer
            }
            Move::Measure => {
                let metric = Metric::ReplicaLag(self.replica.clone());
                let latest = self.world.latest(&metric, now);
                if let Ok(Some(point)) = &latest {
                    assert!(point.value == -1.0 || (point.value >= 0.0 && point.value.is_finite()));
                    assert!(point.at <= self.world.now());
                }
                format!("{latest:?}")
            }
        };
        self.answers.push(answer);
        self.hold();
    }

    fn count(&mut self, key: &InstanceKey, acknowledged: bool) {
        if acknowledged {
            *self.acknowledged.entry(key.clone()).or_default() += 1;
        }
    }

    /// Whether the old primary is out of the way: its groups keep everyone out, and no session from before can write.
    /// One that hangs counts: only a reboot lets it answer again, and that ends its sessions.
    fn is_fenced(&mut self) -> bool {
        let now = self.now;
        let mut looking = self.world.clone();
        looking.throttle(EAST, 0);
        looking.region_dark(EAST, false, now);
        looking.control_plane_dark(EAST, false, now);
        let page = looking.describe_db_instances(EAST, None, &PageRequest::default(), now).unwrap();
        let isolated = page.items[0].groups.iter().all(|membership| membership.group == ISOLATION);
        let settled =
            page.items[0].groups.len() == 1 && page.items[0].groups[0].state == rehearsal_world::MembershipState::Active;
        isolated && settled && looking.writable_instances(now).iter().all(|writable| writable.instance != self.primary)
    }

    fn hold(&mut self) {
        let writable = self.world.writable_instances(self.now);
        assert!(
            writable.len() <= 1 || self.may_overlap,
            "two writers, although the old primary was fenced before the promotion: {writable:?}"
        );
        if !self.may_overlap {
            assert!(!self.world.writer_overlap().is_split_brain());
        }
        // Every acknowledged commit is on record, in order, and numbered without gaps.
        for key in [self.primary.clone(), self.replica.clone()] {
            let commits: &[Commit] = self.world.commits(&key);
            assert_eq!(commits.len() as u64, self.acknowledged.get(&key).copied().unwrap_or_default());
            assert!(commits.windows(2).all(|pair| pair[0].at <= pair[1].at && pair[0].number.0 + 1 == pair[1].number.0));
        }
        // What was lost and what survived is all there was.
        for loss in self.world.losses() {
            let acknowledged = self.acknowledged.get(&loss.source).copied().unwrap_or_default();
            assert_eq!(loss.last_common.0 + loss.lost.len() as u64, acknowledged);
            assert_eq!(loss.lost.is_empty(), self.world.lost_commits().is_empty());
        }
        if let Some(received) = self.world.received(&self.replica.clone(), self.now) {
            assert!(received.0 <= self.acknowledged.get(&self.primary).copied().unwrap_or_default());
        }
    }
}

fn looks_like_rds(instance: &DbInstance) {
    assert!(DOCUMENTED_STATUSES.contains(&instance.status.as_str()));
    assert!(!instance.groups.is_empty());
    assert!(instance.backup_retention <= 35);
    assert_eq!(instance.replica_source.is_some(), instance.replication.is_some());
    assert_eq!(instance.multi_az, instance.standby_zone.is_some());
    assert_ne!(Some(&instance.zone), instance.standby_zone.as_ref());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_the_world_stays_possible(
        steps in proptest::collection::vec(moves(), 1..120),
        seed in any::<u64>(),
        multi_az in any::<bool>(),
        lag in 0_u64..120,
    ) {
        let config = PairConfig {
            multi_az,
            lag: Duration::from_secs(lag),
            modifying_during_group_change: None,
            timings: rehearsal_world::Timings::default(),
            ..config()
        };
        let mut play = Play::new(config.clone(), seed);
        let mut again = Play::new(config, seed);
        for step in &steps {
            play.make(step);
            again.make(step);
        }
        prop_assert_eq!(play.answers, again.answers, "the same seed and the same calls gave other answers");
    }
}

#[test]
fn every_status_is_a_documented_one() {
    let mut play = Play::new(config(), 1);
    play.make(&Move::Promote { primary: false, retention: None });
    for _ in 0..100 {
        play.make(&Move::Describe);
        play.make(&Move::Wait(5));
    }
}
