//! Statuses, in the words in which RDS reports them.

use serde::Serialize;

/// What RDS says an instance is doing: those of the documented statuses that this world can bring an instance into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceStatus {
    /// Healthy and available: what the control plane believes, whether or not the database still answers.
    Available,
    /// Being backed up.
    BackingUp,
    /// Being made.
    Creating,
    /// Beyond recovery.
    Failed,
    /// Being modified because of a request.
    Modifying,
    /// Being rebooted.
    Rebooting,
}

impl InstanceStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::BackingUp => "backing-up",
            Self::Creating => "creating",
            Self::Failed => "failed",
            Self::Modifying => "modifying",
            Self::Rebooting => "rebooting",
        }
    }
}

/// What RDS says of the replication into a read replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplicationStatus {
    /// It replicates, as far as RDS has noticed.
    Replicating,
    /// It has stopped on an error.
    Error,
    /// It stopped for so long that RDS gave it up.
    Terminated,
}

impl ReplicationStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Replicating => "replicating",
            Self::Error => "error",
            Self::Terminated => "terminated",
        }
    }

    /// Whether RDS reports it as normal.
    #[must_use]
    pub fn is_normal(self) -> bool {
        matches!(self, Self::Replicating)
    }
}
