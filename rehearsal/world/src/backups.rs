//! Automated backups and the snapshots they leave.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::agenda::{Event, Phase};
use crate::calls::{Page, PageRequest};
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::kept::CopiedFrom;
use crate::moments::{between, earlier, floor, later};
use crate::replication::CommitNumber;
use crate::status::InstanceStatus;
use crate::world::{DAY, World};

/// Between two looks whether the files of a backup are there.
const LOOK: Duration = Duration::from_secs(1);

/// Who made a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotType {
    /// RDS, in the backup window.
    Automated,
    /// A person.
    Manual,
}

impl SnapshotType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automated => "automated",
            Self::Manual => "manual",
        }
    }
}

/// How far a snapshot has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SnapshotStatus {
    /// Being made.
    Creating,
    /// Of use.
    Available,
}

impl SnapshotStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
        }
    }
}

/// A snapshot, as RDS describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DbSnapshot {
    /// Its identifier; automated ones begin with `rds:`.
    pub identifier: String,
    /// The instance it was taken of.
    pub instance: InstanceKey,
    /// Who made it.
    pub kind: SnapshotType,
    /// How far it has got.
    pub status: SnapshotStatus,
    /// When it was taken.
    pub created: Timestamp,
    /// The newest commit that it holds.
    pub holds: CommitNumber,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// What it was copied from.
    pub copied_from: Option<CopiedFrom>,
    /// Its files are there.
    #[serde(skip)]
    pub(crate) made: bool,
}

impl DbSnapshot {
    /// The snapshot's Amazon Resource Name.
    #[must_use]
    pub fn arn(&self, account: &str) -> String {
        format!("arn:aws:rds:{}:{account}:snapshot:{}", self.instance.region, self.identifier)
    }
}

/// Which snapshots a caller wants; what is not said does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotSelection {
    /// Those of one instance.
    pub instance: Option<String>,
    /// The one of that identifier.
    pub snapshot: Option<String>,
    /// Those made in that way.
    pub kind: Option<SnapshotType>,
}

impl World {
    /// Lists snapshots of a Region.
    ///
    /// # Errors
    /// `DBSnapshotNotFound` for a snapshot named and not there, and what every call may answer.
    pub fn describe_db_snapshots(
        &mut self,
        region: &str,
        selection: &SnapshotSelection,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<DbSnapshot>, ApiError> {
        self.admit(region, now)?;
        self.rely_on(Fact::SnapshotsByType);
        let mut shown = match self.stale_view(region) {
            Some(stale) => stale.snapshots,
            None => self.snapshots_of_region(region),
        };
        if let Some(instance) = &selection.instance {
            let wanted = InstanceKey::new(region, instance);
            shown.retain(|snapshot| snapshot.instance == wanted);
        }
        if let Some(kind) = selection.kind {
            shown.retain(|snapshot| snapshot.kind == kind);
        }
        if let Some(identifier) = &selection.snapshot {
            let wanted = identifier.to_ascii_lowercase();
            // Automated snapshots are only found by name when asked for by type as well.
            shown.retain(|snapshot| {
                snapshot.identifier == wanted && (snapshot.kind == SnapshotType::Manual || selection.kind.is_some())
            });
            if shown.is_empty() {
                self.rely_on(Fact::UnknownSnapshot);
                return Err(ApiError::snapshot_not_found(identifier));
            }
        }
        if shown.iter().any(|snapshot| snapshot.copied_from.is_some()) {
            self.rely_on(Fact::CopiedSnapshotsKeepTheirTime);
        }
        self.page_of(shown, page, |snapshot| &snapshot.identifier)
    }

    /// Adds a snapshot that a person made, to a world about to begin.
    pub fn add_manual_snapshot(&mut self, instance: &InstanceKey, identifier: &str, created: Timestamp) {
        self.snapshots.push(DbSnapshot {
            identifier: identifier.to_ascii_lowercase(),
            instance: instance.clone(),
            kind: SnapshotType::Manual,
            status: SnapshotStatus::Available,
            created,
            holds: CommitNumber::default(),
            encrypted: true,
            copied_from: None,
            made: true,
        });
    }

    /// Opens an instance's backup window now, where a scenario wants a backup to be in the way.
    pub fn open_backup_window(&mut self, instance: &InstanceKey, now: Timestamp) {
        self.advance(now);
        self.begin_daily_backup(instance);
        self.note_changes();
    }

    pub(crate) fn snapshots_of_region(&self, region: &str) -> Vec<DbSnapshot> {
        let mut shown: Vec<DbSnapshot> =
            self.snapshots.iter().filter(|snapshot| snapshot.instance.region == region).cloned().collect();
        shown.sort_by(|one, other| one.identifier.cmp(&other.identifier));
        shown
    }

    /// The backups of the days before the world began.
    pub(crate) fn remember_past_backups(&mut self, key: &InstanceKey) {
        let Some(instance) = self.instances.get(key) else {
            return;
        };
        let (retention, window) = (instance.backup_retention, instance.backup_window);
        for days_ago in (0..=u32::from(retention)).rev() {
            let midnight = floor(earlier(self.clock, DAY * days_ago), DAY);
            let created = later(midnight, Duration::from_secs(u64::from(window.opens) * 60));
            if created < self.clock && created > earlier(self.clock, DAY * u32::from(retention)) {
                self.snapshots.push(automated(key, created, SnapshotStatus::Available));
            }
        }
    }

    /// A day's backup window opens, unless a promotion has moved it to another time of day.
    pub(crate) fn backup_window_opens(&mut self, key: &InstanceKey) {
        let Some(instance) = self.instances.get(key) else {
            return;
        };
        let minute = between(floor(self.clock, DAY), self.clock).as_secs() / 60;
        if minute == u64::from(instance.backup_window.opens) {
            self.begin_daily_backup(key);
        }
        self.await_backup_window(key);
    }

    pub(crate) fn await_backup_window(&mut self, key: &InstanceKey) {
        let Some(instance) = self.instances.get(key) else {
            return;
        };
        let into_the_day = Duration::from_secs(u64::from(instance.backup_window.opens) * 60);
        let today = later(floor(self.clock, DAY), into_the_day);
        let next = if today > self.clock { today } else { later(today, DAY) };
        if next > self.clock {
            self.agenda.put(next, Event::BackupWindow { key: key.clone() });
        }
    }

    pub(crate) fn begin_daily_backup(&mut self, key: &InstanceKey) {
        let Some(instance) = self.instances.get(key) else {
            return;
        };
        if instance.backup_retention == 0 || !instance.is_available() || instance.operation.is_some() {
            return;
        }
        self.rely_on(Fact::DailyBackup);
        let span = self.takes(|timings| timings.daily_backup);
        self.begin_backup(key, span);
    }

    pub(crate) fn begin_backup(&mut self, key: &InstanceKey, span: Duration) {
        let at = self.clock;
        let Some(instance) = self.instances.get(key) else {
            return;
        };
        let holds = instance.holds();
        let keep_from = earlier(at, DAY * u32::from(instance.backup_retention));
        self.snapshots.retain(|snapshot| {
            snapshot.instance != *key || snapshot.kind == SnapshotType::Manual || snapshot.created > keep_from
        });
        let made = !self.made_outside;
        let snapshot = DbSnapshot { holds, made, ..automated(key, at, SnapshotStatus::Creating) };
        self.snapshots.retain(|other| other.identifier != snapshot.identifier || other.instance != *key);
        self.rely_on(Fact::AutomatedSnapshotNames);
        self.begin_backup_into(key, span, snapshot);
    }

    pub(crate) fn begin_backup_into(&mut self, key: &InstanceKey, span: Duration, snapshot: DbSnapshot) {
        let operation = self.next_operation();
        let Some(instance) = self.instances.get_mut(key) else {
            return;
        };
        instance.status = InstanceStatus::BackingUp;
        instance.operation = Some(operation);
        self.snapshots.push(snapshot);
        self.after(span, Event::Phase { key: key.clone(), operation, phase: Phase::BackupDone });
    }

    pub(crate) fn backup_done(&mut self, key: &InstanceKey, operation: u64) {
        if self.in_operation(key, operation).is_some() && self.awaits_files(key) {
            self.after(LOOK, Event::Phase { key: key.clone(), operation, phase: Phase::BackupDone });
            return;
        }
        if let Some(instance) = self.in_operation(key, operation) {
            instance.operation = None;
            instance.status = InstanceStatus::Available;
            for snapshot in self.snapshots.iter_mut().filter(|snapshot| snapshot.instance == *key) {
                snapshot.status = SnapshotStatus::Available;
            }
        }
    }
}

fn automated(key: &InstanceKey, created: Timestamp, status: SnapshotStatus) -> DbSnapshot {
    DbSnapshot {
        identifier: format!("rds:{}-{}", key.identifier, created.strftime("%Y-%m-%d-%H-%M")),
        instance: key.clone(),
        kind: SnapshotType::Automated,
        status,
        created,
        holds: CommitNumber::default(),
        encrypted: true,
        copied_from: None,
        made: true,
    }
}
