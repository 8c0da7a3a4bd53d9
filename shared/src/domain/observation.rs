//! What a step saw of the world, with the time it was seen. Decisions take these and nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::identifier::{InstanceId, Region};
use super::mutation::ParameterType;
use super::step::{RouteSettings, Throttle};
use crate::guard::{self, Guard};

/// Something that was looked for: seen, absent, or out of reach. Out of reach is never absent (design §2.8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub enum Sight<T> {
    /// It is there and looks like this.
    Found {
        /// What it looks like.
        found: T,
    },
    /// The service says that it does not exist.
    Absent,
    /// No answer that says anything about it.
    Unreached {
        /// Why.
        reason: String,
    },
}

impl<T> Sight<T> {
    /// What was found.
    #[must_use]
    pub fn found(&self) -> Option<&T> {
        match self {
            Self::Found { found } => Some(found),
            Self::Absent | Self::Unreached { .. } => None,
        }
    }

    /// Why there is nothing to see, as a part of a sentence.
    #[must_use]
    pub fn why_not(&self) -> &str {
        match self {
            Self::Found { .. } => "it was found",
            Self::Absent => "it does not exist",
            Self::Unreached { reason } => reason,
        }
    }
}

/// A database instance as DescribeDBInstances shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    /// DBInstanceStatus, as text: AWS adds statuses.
    pub status: String,
    /// MultiAZ.
    pub multi_az: bool,
    /// AvailabilityZone.
    pub availability_zone: Option<String>,
    /// ReadReplicaSourceDBInstanceIdentifier: set while the instance is a replica.
    pub source: Option<String>,
    /// Whether StatusInfos say that replication is running; `None` when they say nothing.
    pub replicating: Option<bool>,
    /// Endpoint address.
    pub host: Option<String>,
    /// Endpoint port.
    pub port: Option<u16>,
    /// Security group ids with their status (`active`, `adding`, `removing`).
    pub security_groups: BTreeMap<String, String>,
    /// BackupRetentionPeriod in days.
    pub backup_retention_days: u32,
    /// LatestRestorableTime.
    pub latest_restorable: Option<Timestamp>,
}

impl InstanceView {
    /// Where it takes connections: host and port.
    #[must_use]
    pub fn endpoint(&self) -> Option<(String, u16)> {
        Some((self.host.clone()?, self.port?))
    }

    /// Whether the control plane calls it available.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.status == "available"
    }

    /// Whether clients can use it. The backup that follows a promotion keeps nobody out, and of a large database that was never
    /// backed up in its Region it takes longer than any recovery may.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self.status.as_str(), "available" | "backing-up" | "storage-optimization")
    }

    /// Whether it is a replica of this instance of this Region. RDS names a source in the replica's own Region by its identifier and
    /// one in another Region by its ARN; identifiers are not case-sensitive.
    #[must_use]
    pub fn replicates(&self, region: &Region, instance: &InstanceId) -> bool {
        let Some(source) = &self.source else { return false };
        let source = match *source.split(':').collect::<Vec<_>>() {
            ["arn", _, "rds", at, _, "db", id] if at == region.as_str() => id,
            [id] => id,
            _ => return false,
        };
        source.eq_ignore_ascii_case(instance.as_str())
    }

    /// Why it must not be promoted in place of this instance, where it is somebody else's replica: it holds other data.
    #[must_use]
    pub fn of_another(&self, region: &Region, instance: &InstanceId) -> Option<String> {
        if guard::removed(Guard::SourceCompared) {
            return None;
        }
        let source = self.source.as_deref().filter(|_| !self.replicates(region, instance))?;
        Some(format!(
            "it replicates {source} and not {instance} of {region}, so it does not hold the data of the plan's primary"
        ))
    }

    /// Whether it stands alone, that is, is nobody's replica.
    #[must_use]
    pub fn is_standalone(&self) -> bool {
        self.source.is_none()
    }
}

/// What a new connection to an endpoint found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// The database answered the protocol's first question.
    Answers,
    /// The connection was taken, and nothing answered in time.
    Silent,
    /// No connection: refused, or cut at once.
    Refused,
    /// Nothing came back: the database is gone, a fence drops us, or we have no path to it.
    TimedOut,
    /// The probe itself could not be made, so it says nothing.
    NotTried,
}

impl Connection {
    /// Whether the network let us in.
    #[must_use]
    pub fn is_reached(self) -> bool {
        matches!(self, Self::Answers | Self::Silent)
    }
}

/// A replica's lag at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LagSample {
    /// How far behind, in seconds rounded up.
    pub lag: super::duration::Seconds,
    /// When that was true, which is not when it was read.
    pub observed_at: Timestamp,
    /// Where the figure comes from.
    pub source: String,
}

/// An endpoint place's present content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum PlaceView {
    /// A parameter.
    Parameter {
        /// Its value, absent for a SecureString other than ours.
        value: String,
        /// Its type.
        parameter_type: ParameterType,
        /// Its version number.
        version: String,
    },
    /// A field of a secret. The other fields are never taken out of the adapter.
    SecretField {
        /// The field's value in the current version, absent when the field is missing.
        value: Option<String>,
        /// The version that is current.
        current_version: String,
        /// Versions under other stages, by stage.
        staged: BTreeMap<String, String>,
    },
    /// A variable of a function.
    Variable {
        /// Its value, absent when the function has no such variable.
        value: Option<String>,
        /// The names of the function's other variables.
        others: Vec<String>,
        /// Whether the last update is still being rolled out (LastUpdateStatus InProgress).
        updating: bool,
    },
}

/// A hold point's present state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "point", rename_all = "snake_case")]
pub enum HoldView {
    /// A REST API's stage: throttling per method key that has a setting of its own.
    Throttles {
        /// By method key.
        by_method: BTreeMap<String, Throttle>,
    },
    /// An HTTP API's stage: settings per route that has any.
    Routes {
        /// By route key.
        by_route: BTreeMap<String, RouteSettings>,
    },
    /// A variable of a function.
    Variable {
        /// Its value.
        value: Option<String>,
        /// The names of the function's other variables.
        others: Vec<String>,
        /// Whether the last update is still being rolled out.
        updating: bool,
    },
}

/// An ECS service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Tasks wanted.
    pub desired: u32,
    /// Tasks running.
    pub running: u32,
    /// Id of the PRIMARY deployment.
    pub deployment: String,
    /// Its rollout state, as text; absent where the service does not report one.
    pub rollout: Option<String>,
}

/// A backup snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotView {
    /// Its identifier.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it is encrypted at rest, where RDS says.
    pub encrypted: Option<bool>,
}

/// What one attempt of a step saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "observed", rename_all = "snake_case")]
pub enum Observation {
    /// For `force_failover`, `fence` and `validate` of a database.
    Instance {
        /// The instance.
        instance: Sight<InstanceView>,
        /// What a new connection found.
        connection: Connection,
    },
    /// For `gate` and `promote`.
    Replica {
        /// The replica.
        replica: Sight<InstanceView>,
        /// The old primary, to see whether its fence still stands.
        primary: Sight<InstanceView>,
        /// Where a fenced old primary could not be described: what a new connection to it found, where the fence had found it.
        primary_connection: Connection,
        /// Its lag; absent when there is no usable figure.
        lag: Option<LagSample>,
        /// What a new connection to it found.
        connection: Connection,
        /// Whether the configured write probe wrote; `None` when none is configured or the instance is still a replica.
        written: Option<Sight<bool>>,
    },
    /// For `hold_writes` and `resume_writes`: by index in the plan.
    Holds {
        /// The points.
        points: Vec<Sight<HoldView>>,
    },
    /// For `repoint`.
    Places {
        /// The endpoint to write: the database's present host.
        target: Sight<InstanceView>,
        /// The places, by index in the plan.
        places: Vec<Sight<PlaceView>>,
        /// The consumers' services, by component name.
        consumers: BTreeMap<String, Sight<ServiceView>>,
    },
    /// For `validate` of a service.
    Service {
        /// The service.
        service: Sight<ServiceView>,
    },
}

/// A key of KMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// Its state in KMS's words: `Enabled`, or why it cannot be used.
    pub state: String,
    /// When it will be deleted, where that is scheduled.
    pub deleted_at: Option<Timestamp>,
}

/// A secret, looked at without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSecret {
    /// When it was deleted; it is kept for a while after that, and gives no value.
    pub deleted_at: Option<Timestamp>,
    /// Whether it has a current version.
    pub has_value: bool,
}
