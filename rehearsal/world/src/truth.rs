//! What really happened, from the world's own records: the yardstick for what a recovery reports.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::identifiers::InstanceKey;
use crate::moments::between;
use crate::replication::{Commit, CommitNumber};
use crate::world::World;

/// A promotion that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct PromotionRecord {
    pub(crate) promoted: InstanceKey,
    pub(crate) source: InstanceKey,
    /// The last commit of the source that the promoted instance has.
    pub(crate) received: CommitNumber,
    pub(crate) requested: Timestamp,
    pub(crate) writable: Option<Timestamp>,
}

/// What a promotion lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// The instance that was promoted.
    pub promoted: InstanceKey,
    /// The instance that it replicated from.
    pub source: InstanceKey,
    /// When the promotion was asked for.
    pub requested: Timestamp,
    /// The last commit that both have.
    pub last_common: CommitNumber,
    /// Every commit that the source acknowledged and the promoted instance does not have, oldest first. Commits that
    /// the source took after the promotion are among them: they are lost just as well.
    pub lost: Vec<Commit>,
    /// Since when no client could commit on the source, over new connections or over sessions opened before; nothing
    /// while one still could.
    pub writes_stopped: Option<Timestamp>,
    /// The age of the oldest lost commit when writes stopped; where they have not, when the newest lost commit was
    /// made. Zero if nothing was lost.
    ///
    /// A bound of the form "lag at the last observation, plus the time from it until writes stopped" is never below
    /// this, if the lag and the end of writes were observed truly.
    pub recovery_point: Duration,
}

/// An instance that acknowledges commits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Writable {
    /// The instance.
    pub instance: InstanceKey,
    /// It lets no new client in; only sessions from before it was isolated may still write.
    pub only_in_old_sessions: bool,
}

/// Commits that two instances took side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WriterOverlap {
    /// Acknowledged by the old primary once the promoted instance took writes.
    pub old_side: Vec<Commit>,
    /// Acknowledged by the promoted instance.
    pub new_side: Vec<Commit>,
}

impl WriterOverlap {
    /// Whether both sides took commits: two histories that nothing can merge.
    #[must_use]
    pub fn is_split_brain(&self) -> bool {
        !self.old_side.is_empty() && !self.new_side.is_empty()
    }
}

impl World {
    /// What each accepted promotion lost, oldest first.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.promotions.iter().map(|record| self.loss(record)).collect()
    }

    /// The commits lost by the latest promotion; none while there is no promotion.
    #[must_use]
    pub fn lost_commits(&self) -> Vec<Commit> {
        self.promotions.last().map(|record| self.loss(record).lost).unwrap_or_default()
    }

    /// The recovery point that the latest promotion really achieved; nothing while there is no promotion.
    #[must_use]
    pub fn true_rpo(&self) -> Option<Duration> {
        self.promotions.last().map(|record| self.loss(record).recovery_point)
    }

    /// Every instance on which some client could have a commit acknowledged now.
    pub fn writable_instances(&mut self, now: Timestamp) -> Vec<Writable> {
        self.advance(now);
        let mut writable = Vec::new();
        for instance in self.instances.values() {
            let new = self.writes_over_new_connections(instance);
            if new || self.writes_over_old_sessions(instance) {
                writable.push(Writable { instance: instance.key.clone(), only_in_old_sessions: !new });
            }
        }
        writable
    }

    /// The commits that the old primary and the promoted instance took side by side, at the latest promotion.
    #[must_use]
    pub fn writer_overlap(&self) -> WriterOverlap {
        let Some(record) = self.promotions.last() else {
            return WriterOverlap::default();
        };
        let Some(writable) = record.writable else {
            return WriterOverlap::default();
        };
        let old_side = self.commits(&record.source).iter().filter(|commit| commit.at >= writable).cloned().collect();
        WriterOverlap { old_side, new_side: self.commits(&record.promoted).to_vec() }
    }

    /// How far a replica has got: the newest commit of its source that it has; nothing for an instance that has no
    /// source.
    pub fn received(&mut self, replica: &InstanceKey, now: Timestamp) -> Option<CommitNumber> {
        self.advance(now);
        self.instances.get(replica)?.link.as_ref().map(|link| CommitNumber(link.received))
    }

    fn loss(&self, record: &PromotionRecord) -> Loss {
        let source = self.instances.get(&record.source);
        let lost = source.map(|source| source.timeline.after(record.received.0).to_vec()).unwrap_or_default();
        let writes_stopped = source.and_then(|source| source.writes_stopped);
        let recovery_point = match (lost.first(), lost.last()) {
            (Some(oldest), Some(newest)) => between(oldest.at, writes_stopped.unwrap_or(newest.at).max(newest.at)),
            _ => Duration::ZERO,
        };
        Loss {
            promoted: record.promoted.clone(),
            source: record.source.clone(),
            requested: record.requested,
            last_common: record.received,
            lost,
            writes_stopped,
            recovery_point,
        }
    }
}
