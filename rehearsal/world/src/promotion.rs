//! Promoting a read replica: accepted at once, seen late, over later still.

use jiff::Timestamp;

use crate::agenda::{Event, Phase};
use crate::config::BackupWindow;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::instances::{Instance, PendingPromotion, Process};
use crate::replication::{CommitNumber, Timeline};
use crate::status::InstanceStatus;
use crate::truth::PromotionRecord;
use crate::view::DbInstance;
use crate::world::World;

/// What a caller may say about the instance that a replica becomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Promotion {
    /// For how many days its automated backups are to be kept; 0 to 35, and 1 if not said.
    pub backup_retention: Option<i64>,
    /// When it is to be backed up.
    pub backup_window: Option<BackupWindow>,
}

impl World {
    /// Begins to turn a read replica into an instance of its own. Replication ends with the request; the status stays
    /// `available` for a while all the same.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `InvalidDBInstanceState`, `InvalidParameterValue`, and what every call may answer.
    pub fn promote_read_replica(
        &mut self,
        region: &str,
        identifier: &str,
        promotion: Promotion,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let key = self.existing(region, identifier)?;
        let retention = promotion.backup_retention.unwrap_or(1);
        let Some(retention) = u8::try_from(retention).ok().filter(|days| *days <= 35) else {
            return Err(ApiError::invalid_value(format!(
                "Invalid backup retention period: {retention}. Must be between 0 and 35."
            )));
        };
        let Some(instance) = self.instances.get(&key) else {
            return Err(ApiError::instance_not_found(identifier));
        };
        let (status, window) = (instance.status, instance.backup_window);
        let (replica, busy) = (instance.is_replica(), instance.operation.is_some() || instance.promotion.is_some());
        if status != InstanceStatus::Available {
            self.rely_on(if status == InstanceStatus::BackingUp {
                Fact::NoPromotionDuringBackup
            } else {
                Fact::PromotionNeedsAvailable
            });
            return Err(ApiError::invalid_state("DB Instance is not in available state."));
        }
        if !replica {
            self.rely_on(Fact::PromotionNeedsReplica);
            return Err(ApiError::invalid_state("DB Instance is not a read replica."));
        }
        if busy {
            self.rely_on(Fact::SecondPromotionRefused);
            return Err(ApiError::invalid_state("DB Instance is already being promoted."));
        }
        if promotion.backup_retention.is_none() {
            self.rely_on(Fact::DefaultRetentionAfterPromotion);
        }
        self.rely_on(Fact::PromotionEndsReplication);
        self.rely_on(Fact::PromotionUnseenAtFirst);
        self.rely_on(Fact::PromotionLeavesOldPrimary);
        let span = self.takes(|timings| timings.promotion_unseen);
        let operation = self.next_operation();
        let at = self.clock;
        if let Some(instance) = self.instances.get_mut(&key)
            && let Some(link) = &mut instance.link
        {
            link.ended = true;
            self.promotions.push(PromotionRecord {
                promoted: key.clone(),
                source: link.source.clone(),
                received: CommitNumber(link.received),
                requested: at,
                writable: None,
            });
            instance.operation = Some(operation);
            instance.promotion = Some(PendingPromotion {
                operation,
                backup_retention: retention,
                backup_window: promotion.backup_window.unwrap_or(window),
            });
        }
        self.after(span, phase(&key, operation, Phase::PromotionModifying));
        self.note_changes();
        self.answer(&key)
    }

    pub(crate) fn promotion_shows(&mut self, key: &InstanceKey, operation: u64) {
        if let Some(instance) = self.in_operation(key, operation) {
            instance.status = InstanceStatus::Modifying;
            self.rely_on(Fact::PromotionShowsModifying);
            let span = self.takes(|timings| timings.promotion_modifying);
            self.after(span, phase(key, operation, Phase::PromotionRebooting));
        }
    }

    pub(crate) fn promotion_reboots(&mut self, key: &InstanceKey, operation: u64) {
        let at = self.clock;
        if let Some(instance) = self.in_operation(key, operation) {
            instance.status = InstanceStatus::Rebooting;
            instance.process = Process::Down;
            instance.sessions.cut(at);
            self.rely_on(Fact::PromotionReboots);
            let span = self.takes(|timings| timings.promotion_rebooting);
            self.after(span, phase(key, operation, Phase::PromotionWritable));
        }
    }

    pub(crate) fn promotion_writable(&mut self, key: &InstanceKey, operation: u64) {
        let at = self.clock;
        let Some(instance) = self.in_operation(key, operation) else {
            return;
        };
        let (Some(pending), Some(link)) = (instance.promotion, instance.link.as_ref()) else {
            return;
        };
        let backups_begin = pending.backup_retention > 0 && instance.backup_retention == 0;
        instance.timeline = Timeline::forked_after(link.received);
        instance.process = Process::Sound;
        instance.writable_since = Some(at);
        instance.backup_retention = pending.backup_retention;
        instance.backup_window = pending.backup_window;
        instance.operation = None;
        instance.status = InstanceStatus::Available;
        if let Some(record) = self.promotions.iter_mut().rev().find(|record| record.promoted == *key) {
            record.writable = Some(at);
        }
        let span = self.takes(|timings| timings.promotion_source_gone);
        self.after(span, phase(key, operation, Phase::PromotionSourceGone));
        if backups_begin {
            self.rely_on(Fact::FirstBackupAfterPromotion);
            let span = self.takes(|timings| timings.first_backup);
            self.begin_backup(key, span);
        }
    }

    pub(crate) fn promotion_source_gone(&mut self, key: &InstanceKey, operation: u64) {
        let promoted = |instance: &&mut Instance| instance.promotion.is_some_and(|pending| pending.operation == operation);
        if let Some(instance) = self.instances.get_mut(key).filter(promoted) {
            instance.promotion = None;
            instance.link = None;
            self.rely_on(Fact::SourceGoneLate);
            self.rely_on(Fact::SourceForgetsReplica);
        }
    }

    /// The instance, if it is still in that operation.
    pub(crate) fn in_operation(&mut self, key: &InstanceKey, operation: u64) -> Option<&mut Instance> {
        self.instances.get_mut(key).filter(|instance| instance.operation == Some(operation))
    }
}

fn phase(key: &InstanceKey, operation: u64, phase: Phase) -> Event {
    Event::Phase { key: key.clone(), operation, phase }
}
