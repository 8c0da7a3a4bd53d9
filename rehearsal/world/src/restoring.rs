//! Restoring: a new instance from a snapshot, or as another one was at a point in time.

use jiff::Timestamp;

use crate::backups::{DbSnapshot, SnapshotStatus, SnapshotType};
use crate::creation::NewInstance;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::making::Origin;
use crate::replication::{CommitNumber, Timeline};
use crate::view::DbInstance;
use crate::world::World;

/// The moment to which an instance is to be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestoreTime {
    /// The newest to which it can be.
    Latest,
    /// This one.
    At(Timestamp),
}

impl World {
    /// Begins to make an instance that holds what a snapshot holds.
    ///
    /// # Errors
    /// `DBSnapshotNotFound`, `InvalidDBSnapshotState`, `DBInstanceAlreadyExists`, `InstanceQuotaExceeded`,
    /// `InvalidParameterValue`, and what every call may answer.
    pub fn restore_db_instance_from_db_snapshot(
        &mut self,
        region: &str,
        identifier: &str,
        snapshot: &str,
        groups: Option<&[String]>,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let key = self.free_name(region, identifier)?;
        let found = self.snapshot_to_restore(region, snapshot)?;
        let groups = self.groups_of_new(region, groups)?;
        self.rely_on(Fact::RestoredFromSnapshot);
        let origin = Origin::Snapshot { instance: found.instance.clone(), identifier: found.identifier.clone() };
        self.restore(key, &found.instance, origin, groups, found.holds)
    }

    fn snapshot_to_restore(&mut self, region: &str, identifier: &str) -> Result<DbSnapshot, ApiError> {
        let wanted = identifier.to_ascii_lowercase();
        let mut of_region = self.snapshots.iter().filter(|snapshot| snapshot.instance.region == region);
        let Some(found) = of_region.find(|snapshot| snapshot.identifier == wanted).cloned() else {
            self.rely_on(Fact::UnknownSnapshot);
            return Err(ApiError::snapshot_not_found(identifier));
        };
        if found.status != SnapshotStatus::Available {
            self.rely_on(Fact::RestoreNeedsAvailableSnapshot);
            return Err(ApiError::invalid_snapshot_state(identifier));
        }
        Ok(found)
    }

    /// Begins to make an instance that holds what another one held at a point in time.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `PointInTimeRestoreNotEnabled`, `InvalidParameterValue` for a time that is out of reach,
    /// `DBInstanceAlreadyExists`, `InstanceQuotaExceeded`, and what every call may answer.
    pub fn restore_db_instance_to_point_in_time(
        &mut self,
        region: &str,
        source: &str,
        target: &str,
        time: RestoreTime,
        groups: Option<&[String]>,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let source = self.existing(region, source)?;
        let key = self.free_name(region, target)?;
        let at = self.restorable(&source, time)?;
        let groups = self.groups_of_new(region, groups)?;
        self.rely_on(Fact::RestoredToPointInTime);
        let held = self.instances.get(&source).map_or(0, |instance| instance.timeline.newest_until(at));
        let origin = Origin::PointInTime { source: source.clone(), at };
        self.restore(key, &source, origin, groups, CommitNumber(held))
    }

    /// The moment that is meant, if the instance can be restored to it.
    fn restorable(&mut self, source: &InstanceKey, time: RestoreTime) -> Result<Timestamp, ApiError> {
        let Some(instance) = self.instances.get(source) else {
            return Err(ApiError::instance_not_found(&source.identifier));
        };
        let (retention, latest) = (instance.backup_retention, instance.latest_restorable);
        if retention == 0 {
            self.rely_on(Fact::PointInTimeNeedsBackups);
            return Err(ApiError::point_in_time_not_enabled(&source.identifier));
        }
        let backups = self.snapshots.iter().filter(|snapshot| {
            snapshot.instance == *source
                && snapshot.kind == SnapshotType::Automated
                && snapshot.status == SnapshotStatus::Available
        });
        let earliest = backups.map(|snapshot| snapshot.created).min();
        self.rely_on(Fact::PointInTimeWindow);
        let (Some(earliest), Some(latest)) =
            (earliest, latest.filter(|latest| earliest.is_some_and(|from| from <= *latest)))
        else {
            return Err(ApiError::invalid_value(format!(
                "The instance {} cannot be restored to a point in time yet: it has no automated backup.",
                source.identifier
            )));
        };
        match time {
            RestoreTime::Latest => Ok(latest),
            RestoreTime::At(at) if at > latest => Err(ApiError::invalid_value(format!(
                "The specified instance cannot be restored to a time later than {latest}."
            ))),
            RestoreTime::At(at) if at < earliest => Err(ApiError::invalid_value(format!(
                "The specified instance cannot be restored to a time earlier than {earliest}."
            ))),
            RestoreTime::At(at) => Ok(at),
        }
    }

    fn restore(
        &mut self,
        key: InstanceKey,
        like: &InstanceKey,
        origin: Origin,
        groups: Vec<String>,
        held: CommitNumber,
    ) -> Result<DbInstance, ApiError> {
        let Some(model) = self.instances.get(like) else {
            return Err(ApiError::instance_not_found(&like.identifier));
        };
        let (backup_retention, backup_window) = (model.backup_retention, model.backup_window);
        self.rely_on(Fact::RestoredIsSingleAz);
        let span = self.takes(|timings| timings.creation);
        let timeline = Timeline::forked_after(held.0);
        let link = None;
        self.begin_creation(NewInstance { key, origin, groups, backup_retention, backup_window, timeline, link, span })
    }
}
