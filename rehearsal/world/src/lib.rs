//! The world that a rehearsal plays in: a deterministic model of the part of AWS in which a disaster happens.
//!
//! The model knows nothing of what recovers it. It takes calls as AWS takes them, lets time pass as it is told, breaks
//! where a scenario breaks it, and keeps the truth apart from what its calls admit: which commits were lost, which
//! instances could write, and when. Two faces stand before it, one in process and one on the wire.
//!
//! * Every method takes `now`, the simulated time. There is no other clock. Time never runs backwards: a `now` before
//!   the latest one seen counts as the latest one, because callers on several threads read their clocks before they
//!   reach the world.
//! * Configuration, seed and sequence of calls decide every answer.
//! * What the model claims about AWS is a [`Fact`], with a row in `facts.toml` that names its source and the test that
//!   holds the model to it. [`World::relied_on`] says which facts a run made use of.

mod agenda;
mod backups;
mod calls;
mod clusters;
mod config;
mod connectivity;
mod creation;
mod databases;
mod dns;
mod errors;
mod facts;
mod faults;
mod groups;
mod identifiers;
mod instances;
mod kept;
mod making;
mod metrics;
mod moments;
mod promotion;
mod reboot;
mod replicas;
mod replication;
mod restore_jobs;
mod restoring;
mod seed;
mod snapshots;
mod status;
mod tables;
mod truth;
mod view;
mod world;

pub use backups::{DbSnapshot, SnapshotSelection, SnapshotStatus, SnapshotType};
pub use calls::{Page, PageRequest};
pub use clusters::{ClusterKey, GlobalCluster, GlobalClusterMember};
pub use config::{BackupWindow, PairConfig, Timings};
pub use connectivity::{Connection, Refused, Session};
pub use databases::{DatabaseProcess, DatabaseState, Received};
pub use dns::{
    AlarmCheck, AlarmName, AlarmState, AliasResource, AliasTarget, CalculatedCheck, Change, ChangeAction, ChangeBatch,
    ChangeInfo, ChangeStatus, Content, DnsName, DnsRecord, EndpointCheck, EndpointProtocol, FailoverRole, HealthCheck,
    HealthCheckConfig, HealthCheckKind, HealthCheckUpdate, HealthObservation, HostedZone, HostedZoneList,
    InsufficientDataStatus, RecordData, RecordKey, RecordSet, RecordSetList, RecordSetPage, RecordType, Resolution, Routing,
    StartOfAuthority, StatedAlias, StatedRecordSet,
};
pub use errors::{ApiError, Fault};
pub use facts::{Fact, FactRow, fact_rows, unverified_facts};
pub use faults::Breakage;
pub use groups::{GroupMembership, MembershipState};
pub use identifiers::{Endpoint, InstanceKey};
pub use kept::{AutomatedBackup, ClusterSnapshot, ContinuousBackups, CopiedFrom, DescribedCluster, RecoveryPoint};
pub use making::Origin;
pub use metrics::{Datapoint, Metric};
pub use promotion::Promotion;
pub use replicas::NewReplica;
pub use replication::{Commit, CommitNumber};
pub use restore_jobs::RestoreJob;
pub use restoring::RestoreTime;
pub use status::{InstanceStatus, ReplicationStatus};
pub use tables::{DescribedTable, ReplicaStatus};
pub use truth::{Loss, Writable, WriterOverlap};
pub use view::{DbInstance, ReplicationInfo};
pub use world::World;
