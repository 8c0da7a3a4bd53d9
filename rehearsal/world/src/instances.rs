//! One database instance: what its control plane says of it, and what is true of its database.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::config::BackupWindow;
use crate::groups::Groups;
use crate::identifiers::{Endpoint, InstanceKey};
use crate::making::Making;
use crate::metrics::Datapoint;
use crate::replication::{CommitNumber, Link, Timeline};
use crate::status::InstanceStatus;

/// The state of the database process, which the control plane does not necessarily know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    Sound,
    /// Accepts TCP and answers nothing.
    Hung,
    /// Does not run: being restarted, or beyond recovery.
    Down,
}

/// Where an instance runs, and its standby.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Zones {
    pub(crate) zone: String,
    pub(crate) standby: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub(crate) key: InstanceKey,
    pub(crate) arn: String,
    pub(crate) resource_id: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) created: Timestamp,
    pub(crate) status: InstanceStatus,
    pub(crate) process: Process,
    pub(crate) zones: Zones,
    /// What describe calls say of the zones.
    pub(crate) reported_zones: Zones,
    pub(crate) groups: Groups,
    pub(crate) backup_retention: u8,
    pub(crate) backup_window: BackupWindow,
    pub(crate) deletion_protection: bool,
    pub(crate) latest_restorable: Option<Timestamp>,
    /// The long operation under way, whether or not the status shows it.
    pub(crate) operation: Option<u64>,
    /// The promotion whose traces have not all gone.
    pub(crate) promotion: Option<PendingPromotion>,
    /// Since when it takes writes; nothing for a replica.
    pub(crate) writable_since: Option<Timestamp>,
    pub(crate) timeline: Timeline,
    pub(crate) link: Option<Link>,
    pub(crate) lag_samples: VecDeque<Datapoint>,
    pub(crate) sessions: Sessions,
    /// Since when no client at all could have committed; nothing while one could.
    pub(crate) writes_stopped: Option<Timestamp>,
    /// What it is made from, while it is.
    pub(crate) making: Option<Making>,
}

/// What a promotion will do once it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingPromotion {
    pub(crate) operation: u64,
    pub(crate) backup_retention: u8,
    pub(crate) backup_window: BackupWindow,
}

/// What has become of the sessions of clients.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sessions {
    /// How often all sessions were ended; a session belongs to one such span.
    pub(crate) span: u64,
    pub(crate) cut_at: Option<Timestamp>,
    /// Whether anyone could have opened a session since. Clients need not tell the world when they do.
    pub(crate) may_exist: bool,
}

impl Sessions {
    pub(crate) fn cut(&mut self, at: Timestamp) {
        self.span += 1;
        self.cut_at = Some(at);
        self.may_exist = false;
    }
}

impl Instance {
    /// Whether the control plane would begin something new with it.
    pub(crate) fn is_available(&self) -> bool {
        self.status == InstanceStatus::Available
    }

    pub(crate) fn is_replica(&self) -> bool {
        self.link.is_some()
    }

    /// The newest commit that its database has.
    pub(crate) fn holds(&self) -> CommitNumber {
        match &self.link {
            Some(link) if self.writable_since.is_none() => CommitNumber(link.received),
            _ => CommitNumber(self.timeline.newest()),
        }
    }
}
