//! Snapshots that a person asks for.

use jiff::Timestamp;

use crate::backups::{DbSnapshot, SnapshotStatus, SnapshotType};
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::is_name;
use crate::world::World;

/// RDS keeps so many manual snapshots of an account in a Region, unless it asks for more.
const MOST_SNAPSHOTS: usize = 100;
/// The longest identifier of a snapshot.
const LONGEST_NAME: usize = 255;

impl World {
    /// Begins to take a snapshot of an instance: it will hold what the instance has now.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `DBSnapshotAlreadyExists`, `SnapshotQuotaExceeded`, `InvalidDBInstanceState`,
    /// `InvalidParameterValue`, and what every call may answer.
    pub fn create_db_snapshot(
        &mut self,
        region: &str,
        instance: &str,
        identifier: &str,
        now: Timestamp,
    ) -> Result<DbSnapshot, ApiError> {
        self.admit(region, now)?;
        if !is_name(identifier, LONGEST_NAME) {
            self.rely_on(Fact::SnapshotNames);
            return Err(ApiError::invalid_value(format!(
                "The parameter DBSnapshotIdentifier is not a valid identifier: {identifier}."
            )));
        }
        let key = self.existing(region, instance)?;
        let identifier = identifier.to_ascii_lowercase();
        let of_region = || self.snapshots.iter().filter(|snapshot| snapshot.instance.region == region);
        if of_region().any(|snapshot| snapshot.identifier == identifier) {
            self.rely_on(Fact::SnapshotExists);
            return Err(ApiError::snapshot_exists(&identifier));
        }
        if of_region().filter(|snapshot| snapshot.kind == SnapshotType::Manual).count() >= MOST_SNAPSHOTS {
            self.rely_on(Fact::SnapshotQuota);
            return Err(ApiError::snapshot_quota_exceeded());
        }
        let idle = self.instances.get(&key).is_some_and(|instance| instance.is_available() && instance.operation.is_none());
        if !idle {
            self.rely_on(Fact::SnapshotNeedsAvailable);
            return Err(ApiError::invalid_state("The source DB instance is not in the available state."));
        }
        self.rely_on(Fact::SnapshotTakesTime);
        let span = self.takes(|timings| timings.manual_snapshot);
        let snapshot = DbSnapshot {
            identifier,
            instance: key.clone(),
            kind: SnapshotType::Manual,
            status: SnapshotStatus::Creating,
            created: self.clock,
            holds: self.instances.get(&key).map(crate::instances::Instance::holds).unwrap_or_default(),
            encrypted: true,
            copied_from: None,
            made: !self.made_outside,
        };
        self.begin_backup_into(&key, span, snapshot.clone());
        self.note_changes();
        Ok(snapshot)
    }
}
