//! What a face that keeps real databases has to make, and what it tells of it. The model waits for no database; with real ones
//! nothing is available, taken or restorable before it is.

use jiff::Timestamp;
use serde::Serialize;

use crate::backups::{DbSnapshot, SnapshotStatus};
use crate::identifiers::InstanceKey;
use crate::world::World;

/// What a database is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A copy of an instance that it follows from then on.
    Replica {
        /// That instance.
        source: InstanceKey,
    },
    /// A snapshot.
    Snapshot {
        /// The instance that it was taken of.
        instance: InstanceKey,
        /// The snapshot's identifier.
        identifier: String,
    },
    /// What an instance held at a point in time.
    PointInTime {
        /// That instance.
        source: InstanceKey,
        /// That point.
        at: Timestamp,
    },
}

/// An instance that is being made.
#[derive(Debug, Clone)]
pub(crate) struct Making {
    pub(crate) origin: Origin,
    /// Its database is there.
    pub(crate) made: bool,
}

impl World {
    /// From now on databases and snapshots are made outside, and the log is shipped there: the world waits for each.
    pub fn make_outside(&mut self) {
        self.made_outside = true;
    }

    /// The databases that are to be made and are not.
    pub fn databases_to_make(&mut self, now: Timestamp) -> Vec<(InstanceKey, Origin)> {
        self.advance(now);
        let due = self.instances.values().filter_map(|instance| {
            let making = instance.making.as_ref().filter(|making| !making.made)?;
            Some((instance.key.clone(), making.origin.clone()))
        });
        due.collect()
    }

    /// A database has been made.
    pub fn database_is_made(&mut self, instance: &InstanceKey, now: Timestamp) {
        self.advance(now);
        if let Some(making) = self.instances.get_mut(instance).and_then(|instance| instance.making.as_mut()) {
            making.made = true;
        }
    }

    /// The snapshots that are to be taken and are not.
    pub fn snapshots_to_take(&mut self, now: Timestamp) -> Vec<DbSnapshot> {
        self.advance(now);
        self.snapshots.iter().filter(|snapshot| !snapshot.made).cloned().collect()
    }

    /// A snapshot has been taken.
    pub fn snapshot_is_taken(&mut self, taken: &DbSnapshot, now: Timestamp) {
        self.advance(now);
        let same = |other: &&mut DbSnapshot| other.instance == taken.instance && other.identifier == taken.identifier;
        if let Some(snapshot) = self.snapshots.iter_mut().find(same) {
            snapshot.made = true;
            // It holds what was there when it was finished; what is restored from it may be asked for from then on.
            snapshot.created = self.clock;
        }
    }

    /// Up to when the log of an instance is to be shipped, and is not.
    pub fn log_to_ship(&mut self, instance: &InstanceKey, now: Timestamp) -> Option<Timestamp> {
        self.advance(now);
        let found = self.instances.get(instance).filter(|found| found.backup_retention > 0 && self.runs(found))?;
        found.timeline.last_switch().filter(|switch| found.latest_restorable.is_none_or(|latest| latest < *switch))
    }

    /// The log has been shipped: the instance can be restored to any moment until then.
    pub fn log_is_shipped(&mut self, instance: &InstanceKey, until: Timestamp, now: Timestamp) {
        self.advance(now);
        if let Some(shipped) = self.instances.get_mut(instance) {
            shipped.latest_restorable = shipped.latest_restorable.max(Some(until));
        }
    }

    /// Whether a backup of the instance waits for its files.
    pub(crate) fn awaits_files(&self, instance: &InstanceKey) -> bool {
        self.snapshots
            .iter()
            .any(|snapshot| snapshot.instance == *instance && snapshot.status == SnapshotStatus::Creating && !snapshot.made)
    }
}
