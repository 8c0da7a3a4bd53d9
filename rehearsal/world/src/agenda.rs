//! What will happen, and when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::identifiers::InstanceKey;

/// Something that happens of itself once its time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// The next phase of a long operation on an instance, unless that operation was overtaken.
    Phase { key: InstanceKey, operation: u64, phase: Phase },
    /// A change of security groups takes effect, unless a later change overtook it.
    GroupsInEffect { key: InstanceKey, change: u64 },
    /// Describe calls begin to show where the instance now runs.
    ZonesReported { key: InstanceKey },
    /// The instance's daily backup window opens.
    BackupWindow { key: InstanceKey },
    /// PostgreSQL closes a log segment, whether or not clients wrote.
    SegmentSwitch,
    /// A minute has passed, and metrics are taken.
    MetricSample,
}

/// A phase of a long operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    RebootDone { failover: bool },
    PromotionModifying,
    PromotionRebooting,
    PromotionWritable,
    PromotionSourceGone,
    BackupDone,
    Created,
}

/// Events in the order of their times; those of one time in the order in which they were put down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(Timestamp, u64), Event>,
    put_down: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Timestamp, event: Event) {
        self.entries.insert((at, self.put_down), event);
        self.put_down += 1;
    }

    /// Takes the earliest event that is due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let (&position, _) = self.entries.first_key_value()?;
        if position.0 > now {
            return None;
        }
        self.entries.remove(&position).map(|event| (position.0, event))
    }
}
