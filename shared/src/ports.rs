//! What the engine needs of the outside, one small trait per capability, so that a function's ports show its blast radius.
//! Adapters implement them over AWS; the rehearsal's world implements them in process.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::archives::{ListedFile, ObjectView, StoredObject};
use crate::domain::backup::{BackupSource, KeptView};
use crate::domain::described::{BucketSite, Postgresql, PostgresqlServer};
use crate::domain::health::HealthCheckView;
use crate::domain::identifier::{
    BucketName, ClusterId, HealthCheckId, IncidentId, InstanceId, KmsKeyArn, Region, ResourceName, RestoreJobId, TableName,
};
use crate::domain::mutation::{Mutation, Performed};
use crate::domain::observation::{
    Connection, HoldView, InstanceView, LagSample, PlaceView, ServiceView, SnapshotView, StoredKey, StoredSecret,
};
use crate::domain::plan::{EcsSite, EndpointPlace, HoldPoint};
use crate::domain::replication::{BucketCopy, GlobalClusterView, LagSeries, PairView, RuleView, TableView};
use crate::domain::restore_test::{RestoreJobView, RestoreTest, Told};
use crate::guard::{self, Guard};
use crate::redact::Secret;

/// What kind of failure a call met, which decides what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The service says that the thing does not exist.
    NotFound,
    /// The service said no, and will say no again.
    Refused,
    /// The caller's role does not allow it.
    Denied,
    /// The service said "not now": throttling, or a state that passes. Nothing happened.
    NotNow,
    /// A conditional write lost: the content is not what it was based on. Nothing happened.
    Conflict,
    /// No definite answer: connection lost, time-out, 5xx. It may have happened.
    NoAnswer,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{service} {operation} failed: {code}: {message}")]
pub struct PortError {
    /// What kind of failure.
    pub kind: FailureKind,
    /// The service's signing name.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// The service's error code, or ours for a failure before it.
    pub code: String,
    /// The service's message, without secrets.
    pub message: String,
}

/// The result of a port call.
pub type PortResult<T> = Result<T, PortError>;

/// Time. The only clock there is: a rehearsal's faster one is behind it too.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// The time on this clock at which `real` milliseconds since the epoch will have come.
    fn at_real(&self, real_milliseconds: u64) -> Timestamp;
}

/// Describes database instances.
#[async_trait]
pub trait Databases: Send + Sync {
    /// DescribeDBInstances for one instance. A missing instance is [`FailureKind::NotFound`].
    async fn describe(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView>;
    /// The same, given up while an attempt that needs it may still begin a mutation: for what may be in a Region that takes calls
    /// and never answers.
    async fn describe_briefly(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        self.describe(region, instance).await
    }
    /// [`Databases::describe`] of several instances, in the order asked; an implementation may take fewer calls than one each.
    async fn describe_each(&self, region: &Region, instances: &[InstanceId]) -> Vec<PortResult<InstanceView>> {
        let mut views = Vec::with_capacity(instances.len());
        for instance in instances {
            views.push(self.describe(region, instance).await);
        }
        views
    }
    /// The newest automated snapshot that is `available`.
    async fn newest_snapshot(&self, region: &Region, instance: &InstanceId) -> PortResult<Option<SnapshotView>>;
}

/// Lists what AWS keeps to restore from.
#[async_trait]
pub trait Backups: Send + Sync {
    /// The entries of a list, in the service's own words, of whatever status. Where what they would be of is not there, or the vault
    /// is not: [`FailureKind::NotFound`].
    async fn kept(&self, region: &Region, source: &BackupSource) -> PortResult<Vec<KeptView>>;
}

/// Looks at restore jobs of AWS Backup, and answers those of restore tests.
#[async_trait]
pub trait RestoreJobs: Send + Sync {
    /// DescribeRestoreJob. A job that is not there is [`FailureKind::NotFound`].
    async fn job(&self, region: &Region, job: &RestoreJobId) -> PortResult<RestoreJobView>;
    /// DescribeDBInstances of what such a job made. A missing instance is [`FailureKind::NotFound`].
    async fn restored(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView>;
    /// PutRestoreValidationResult: whether what was restored is sound, and why. It cannot be taken back, and ends the restored
    /// resource.
    async fn validate(&self, region: &Region, job: &RestoreJobId, sound: bool, message: &str) -> PortResult<()>;
}

/// Asks databases that were restored for a test.
#[async_trait]
pub trait RestoredDatabases: Send + Sync {
    /// The answers to the test's questions, in their order, as far as they came until then. `region` is where its secret is.
    async fn ask(
        &self,
        region: &Region,
        server: &PostgresqlServer,
        test: &RestoreTest,
        until: Option<Instant>,
    ) -> PortResult<Vec<Told>>;
}

/// What is done with an object's bytes. It may block.
pub type ReadWork = Box<dyn FnOnce(&mut dyn Read) + Send>;

/// The files of an archive that is several objects. Blocks.
pub trait ObjectFiles {
    /// All of them.
    ///
    /// # Errors
    /// When they cannot be listed.
    fn listed(&self) -> io::Result<Vec<ListedFile>>;
    /// One of them, from this byte on.
    ///
    /// # Errors
    /// When it cannot be read, or is not the one that was listed; [`io::ErrorKind::NotFound`] only when it is gone.
    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>>;
    /// Says which are opened next, in about this order, so that they can be asked for early. What was said before does not hold any more.
    fn announce(&self, names: Vec<String>);
    /// CRC-64/NVME of one that was opened, in base 64, where the store keeps it.
    fn checksum(&self, name: &str) -> Option<String>;
}

/// What is done with the files of an archive. Blocks while they are read.
pub type FilesWork = Box<dyn FnOnce(&dyn ObjectFiles) + Send>;

/// Lists and reads objects.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Every object of the place. A bucket that does not exist is [`FailureKind::NotFound`].
    async fn list(&self, region: &Region, place: &BucketSite) -> PortResult<Vec<StoredObject>>;
    /// What the store knows of one of them. A missing object is [`FailureKind::NotFound`].
    async fn look(&self, region: &Region, place: &BucketSite, key: &str) -> PortResult<ObjectView>;
    /// Hands the bytes of exactly this object to `work`, from this one on, until it has read enough, or until then. Fails when they
    /// could not be read as far as it wanted; it has been told so by then, where it was called at all.
    async fn read(
        &self,
        region: &Region,
        place: &BucketSite,
        object: &ObjectView,
        from: u64,
        until: Option<Instant>,
        work: ReadWork,
    ) -> PortResult<()>;
    /// Hands the objects of the place below `directory` to `work`, until then. Fails when one of them could not be read as far as it
    /// wanted; it has been told so by then, where it was called at all.
    async fn read_files(
        &self,
        region: &Region,
        place: &BucketSite,
        directory: &str,
        until: Option<Instant>,
        work: FilesWork,
    ) -> PortResult<()>;
}

/// As [`read_through`], of an archive that is several objects.
pub async fn read_files_through<T: Send + 'static>(
    objects: &dyn Objects,
    (region, place): (&Region, &BucketSite),
    directory: &str,
    until: Option<Instant>,
    work: impl FnOnce(&dyn ObjectFiles) -> T + Send + 'static,
) -> (Option<T>, Option<PortError>) {
    let (made, takes) = mpsc::sync_channel(1);
    let work: FilesWork = Box::new(move |files| {
        // Whoever asked may have gone.
        let _unheard = made.send(work(files));
    });
    let read = objects.read_files(region, place, directory, until, work).await;
    (takes.try_recv().ok(), read.err())
}

/// What `work` makes of an object's bytes, and why they ended early where they did. Nothing is made of them when it was not called.
pub async fn read_through<T: Send + 'static>(
    objects: &dyn Objects,
    at: (&Region, &BucketSite),
    object: &ObjectView,
    until: Option<Instant>,
    work: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> (Option<T>, Option<PortError>) {
    read_on_through(objects, at, object, 0, until, work).await
}

/// As [`read_through`], from this byte on.
pub async fn read_on_through<T: Send + 'static>(
    objects: &dyn Objects,
    (region, place): (&Region, &BucketSite),
    object: &ObjectView,
    from: u64,
    until: Option<Instant>,
    work: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> (Option<T>, Option<PortError>) {
    let (made, takes) = mpsc::sync_channel(1);
    let work: ReadWork = Box::new(move |bytes| {
        // Whoever asked may have gone.
        let _unheard = made.send(work(bytes));
    });
    let read = objects.read(region, place, object, from, until, work).await;
    (takes.try_recv().ok(), read.err())
}

/// Keeps what functions need for their own work and show to nobody.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// What the store says of a secret, without its value. A missing one is [`FailureKind::NotFound`].
    async fn look(&self, region: &Region, secret: &ResourceName) -> PortResult<StoredSecret>;
    /// The current value. A missing one is [`FailureKind::NotFound`].
    async fn value(&self, region: &Region, secret: &ResourceName) -> PortResult<Secret<String>>;
}

/// Unwraps the data keys of what is encrypted under a key of KMS.
#[async_trait]
pub trait EnvelopeKeys: Send + Sync {
    /// What KMS says of a key. A missing one is [`FailureKind::NotFound`].
    async fn look(&self, key: &KmsKeyArn) -> PortResult<StoredKey>;
    /// A data key that was wrapped under this key, and bound to these pairs. The error's code is KMS's own.
    async fn unwrap_data_key(
        &self,
        key: &KmsKeyArn,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> PortResult<Secret<Vec<u8>>>;
}

/// Reads replica lag.
#[async_trait]
pub trait ReplicaLags: Send + Sync {
    /// The latest usable sample of each replica, in the order asked; `None` where there is none, or replication is not active.
    async fn latest(&self, region: &Region, replicas: &[InstanceId], now: Timestamp) -> PortResult<Vec<Option<LagSample>>>;
    /// The latest usable sample of each of these series of one metric, in the order asked.
    async fn latest_of(&self, region: &Region, series: &[LagSeries], now: Timestamp) -> PortResult<Vec<Option<LagSample>>>;
    /// How many operations each of these rules of S3 replication gave up in the last 24 hours, in the order asked; `None` where
    /// nothing was published.
    async fn failed_operations(
        &self,
        region: &Region,
        copies: &[BucketCopy],
        now: Timestamp,
    ) -> PortResult<Vec<Option<u64>>>;
}

/// Describes global tables.
#[async_trait]
pub trait GlobalTables: Send + Sync {
    /// DescribeTable of the replica in a Region. A missing one is [`FailureKind::NotFound`].
    async fn describe(&self, region: &Region, table: &TableName) -> PortResult<TableView>;
}

/// Describes global databases.
#[async_trait]
pub trait GlobalClusters: Send + Sync {
    /// DescribeGlobalClusters for one global cluster, asked in a Region of one of its clusters. A missing one is
    /// [`FailureKind::NotFound`].
    async fn describe(&self, region: &Region, cluster: &ClusterId) -> PortResult<GlobalClusterView>;
}

/// Looks at Route 53's health checks.
#[async_trait]
pub trait HealthChecks: Send + Sync {
    /// GetHealthCheck, and GetHealthCheckStatus where there are checkers, of each, in the order asked; `region` only says which
    /// partition's Route 53 it is. A missing one is [`FailureKind::NotFound`]. Those whose turn does not come in time, because Route 53
    /// limits an account's calls, are [`FailureKind::NotNow`].
    async fn look_at_each(&self, region: &Region, checks: &[HealthCheckId]) -> Vec<PortResult<HealthCheckView>>;
}

/// Reads the rules by which buckets are replicated.
#[async_trait]
pub trait ReplicationRules: Send + Sync {
    /// GetBucketReplication of each, in the order asked: its rules, none where it has no configuration. A bucket that does not exist is
    /// [`FailureKind::NotFound`]. Those whose turn does not come in time are [`FailureKind::NotNow`].
    async fn of_each(&self, region: &Region, buckets: &[BucketName]) -> Vec<PortResult<Vec<RuleView>>>;
}

/// Asks PostgreSQL servers what they have written and replayed.
#[async_trait]
pub trait PostgresqlServers: Send + Sync {
    /// What primary and standby say of themselves, the primary first. Never fails: who cannot be asked is out of reach in the view.
    async fn look(&self, region: &Region, database: &Postgresql) -> PairView;
}

/// Opens connections.
#[async_trait]
pub trait Probes: Send + Sync {
    /// What a new connection to this endpoint finds. Never fails: a probe that cannot be made says [`Connection::NotTried`].
    async fn connect(&self, host: &str, port: u16) -> Connection;
    /// Has the user's write probe write one row; whether it did.
    async fn write(&self, region: &Region, function: &ResourceName, host: &str, port: u16) -> PortResult<bool>;
}

/// Reads the places where clients find the endpoint.
#[async_trait]
pub trait EndpointStores: Send + Sync {
    /// The place's present content.
    async fn read(&self, place: &EndpointPlace) -> PortResult<PlaceView>;
}

/// Reads the points where writes can be held.
#[async_trait]
pub trait WriteHolds: Send + Sync {
    /// The point's present state.
    async fn read(&self, point: &HoldPoint) -> PortResult<HoldView>;
}

/// Describes services.
#[async_trait]
pub trait Services: Send + Sync {
    /// The service's tasks and rollout. A missing service is [`FailureKind::NotFound`].
    async fn describe(&self, region: &Region, service: &EcsSite) -> PortResult<ServiceView>;
}

/// Carries mutations out. Each function is given one that knows only its own kinds; any other is refused without a call.
#[async_trait]
pub trait Mutations: Send + Sync {
    /// Makes the one call of this mutation.
    async fn perform(&self, mutation: &Mutation) -> PortResult<Performed>;
}

/// One document of the journal. `revision` starts at 1 and grows by one with each write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Partition: an incident or a platform.
    pub partition: String,
    /// Name within the partition.
    pub name: String,
    /// Revision.
    pub revision: u64,
    /// Content.
    pub content: String,
}

/// One conditional write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Partition.
    pub partition: String,
    /// Name.
    pub name: String,
    /// The revision it must have now; 0: it must not exist.
    pub expected: u64,
    /// New content.
    pub content: String,
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// All writes are in.
    Committed,
    /// At least one condition did not hold, and no write is in.
    Conflict,
}

/// The journal: documents with revisions, read consistently, written all or none. Everything that makes it a journal (claims,
/// chains, the active marker) is built on these three calls in the engine, where it is tested once for every store.
#[async_trait]
pub trait Journal: Send + Sync {
    /// A consistent read of one document.
    async fn read(&self, partition: &str, name: &str) -> PortResult<Option<Document>>;
    /// A consistent read of all documents of a partition whose names begin so, by name.
    async fn list(&self, partition: &str, prefix: &str) -> PortResult<Vec<Document>>;
    /// Writes all or none. At most 100 writes.
    async fn commit(&self, writes: &[Write]) -> PortResult<Commit>;
    /// How many real seconds this process's clock was ahead of the store's when the store last answered; negative when it was
    /// behind, nothing before the first answer that told.
    fn clock_lead(&self) -> Option<i64>;
}

/// How an execution is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutionState {
    /// There is none of that name.
    Absent,
    /// It runs.
    Running,
    /// It ended so (`SUCCEEDED`, `FAILED`, `TIMED_OUT`, `ABORTED`).
    Ended(String),
}

/// Starts and watches the state machine.
#[async_trait]
pub trait Executions: Send + Sync {
    /// Starts the execution of this run of the incident (1 for the first, one more for each re-opening); an execution of that name
    /// that exists already is success. The execution's ARN.
    async fn start(&self, incident: &IncidentId, run: u32) -> PortResult<String>;
    /// How it is.
    async fn state(&self, incident: &IncidentId, run: u32) -> PortResult<ExecutionState>;
    /// Ends the wait of a task token. A token that is gone already is success: the verdict is in the journal.
    async fn resume(&self, token: &str) -> PortResult<()>;
}

/// Tells people.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Publishes one notice.
    async fn publish(&self, subject: &str, body: &str) -> PortResult<()>;
}

/// Asks the function that would make a step's calls what it sees, for a dry run.
#[async_trait]
pub trait Predictors: Send + Sync {
    /// The function's answer to `{"task":"predict", …}` as JSON.
    async fn observe(
        &self,
        function: crate::domain::step::FunctionName,
        request: &serde_json::Value,
    ) -> PortResult<serde_json::Value>;
}

/// Asks `recovery` to declare a change: only it may start the state machine.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Its answer to `{"change": …}` as JSON. An error of its own has its own code.
    async fn ask_for(&self, request: &serde_json::Value) -> PortResult<serde_json::Value>;
}

tokio::task_local! {
    /// The step on whose behalf calls are made, for the `x-recovery-step` header and the `may` check.
    static SCOPE: CallScope;
}

/// On whose behalf calls are made, and which calls they may be.
#[derive(Debug, Clone)]
pub struct CallScope {
    /// `<step>#<ordinal>`; ordinal 0 for reads.
    pub label: String,
    /// The closed set.
    pub may: std::sync::Arc<[crate::domain::call::Permitted]>,
}

impl CallScope {
    /// Runs the calls of `work` under this scope.
    pub async fn run<F: Future>(self, work: F) -> F::Output {
        SCOPE.scope(self, work).await
    }

    /// The present scope, if calls are made for a step.
    #[must_use]
    pub fn current() -> Option<Self> {
        SCOPE.try_with(Clone::clone).ok()
    }

    /// Whether this call is inside the closed set. Outside a step there is no set: the function's role is the bound there.
    ///
    /// # Errors
    /// A [`PortError`] of kind `Refused` with code `outside_may`; nothing has been sent then.
    pub fn permit(service: &'static str, operation: &'static str, region: &Region, resource: &str) -> PortResult<()> {
        let Some(scope) = Self::current() else { return Ok(()) };
        let inside = scope.may.iter().any(|permitted| {
            permitted.service == service
                && permitted.operation == operation
                && &permitted.region == region
                && permitted.resource == resource
        });
        if inside || guard::removed(Guard::CallsInsideMay) {
            return Ok(());
        }
        Err(PortError {
            kind: FailureKind::Refused,
            service,
            operation,
            code: "outside_may".to_owned(),
            message: format!("{} must not call {service}:{operation} on {resource} in {region}", scope.label),
        })
    }
}
