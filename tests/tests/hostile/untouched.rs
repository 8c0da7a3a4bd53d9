//! Ports that count: whoever refuses must not have called one. The clock is no call.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use shared::domain::archives::{ObjectView, StoredObject};
use shared::domain::backup::{BackupSource, KeptView};
use shared::domain::described::{BucketSite, Postgresql, PostgresqlServer};
use shared::domain::health::HealthCheckView;
use shared::domain::identifier::{
    BucketName, ClusterId, HealthCheckId, IncidentId, InstanceId, KmsKeyArn, Region, ResourceName, RestoreJobId, TableName,
};
use shared::domain::mutation::{Mutation, Performed};
use shared::domain::observation::{
    Connection, HoldView, InstanceView, LagSample, PlaceView, ServiceView, SnapshotView, StoredKey, StoredSecret,
};
use shared::domain::plan::{EcsSite, EndpointPlace, HoldPoint};
use shared::domain::replication::{BucketCopy, GlobalClusterView, LagSeries, PairView, RuleView, TableView};
use shared::domain::restore_test::{RestoreJobView, RestoreTest, Told};
use shared::domain::step::FunctionName;
use shared::ports::{
    Backups, Changes, Clock, Commit, Databases, Document, EndpointStores, EnvelopeKeys, ExecutionState, Executions,
    FailureKind, FilesWork, GlobalClusters, GlobalTables, HealthChecks, Journal, Mutations, Notices, Objects, PortError,
    PortResult, PostgresqlServers, Predictors, Probes, ReadWork, ReplicaLags, ReplicationRules, RestoreJobs,
    RestoredDatabases, Secrets, Services, Write, WriteHolds,
};
use shared::redact::Secret;

/// Every port. None of them answers.
#[derive(Default)]
pub(crate) struct Untouched(Mutex<Vec<&'static str>>);

impl Untouched {
    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().clone()
    }

    fn called<T>(&self, operation: &'static str) -> PortResult<T> {
        self.0.lock().unwrap().push(operation);
        let message = "nobody answers here".to_owned();
        Err(PortError { kind: FailureKind::NoAnswer, service: "test", operation, code: "Timeout".to_owned(), message })
    }
}

/// When the examples' alarm has just gone off.
pub(crate) fn moment() -> Timestamp {
    "2026-11-20T10:00:40Z".parse().unwrap()
}

impl Clock for Untouched {
    fn now(&self) -> Timestamp {
        moment()
    }
    fn at_real(&self, _: u64) -> Timestamp {
        moment()
    }
}

#[async_trait]
impl Databases for Untouched {
    async fn describe(&self, _: &Region, _: &InstanceId) -> PortResult<InstanceView> {
        self.called("describe")
    }
    async fn newest_snapshot(&self, _: &Region, _: &InstanceId) -> PortResult<Option<SnapshotView>> {
        self.called("newest_snapshot")
    }
}

#[async_trait]
impl ReplicaLags for Untouched {
    async fn latest(&self, _: &Region, _: &[InstanceId], _: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        self.called("latest")
    }
    async fn latest_of(&self, _: &Region, _: &[LagSeries], _: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        self.called("latest_of")
    }
    async fn failed_operations(&self, _: &Region, _: &[BucketCopy], _: Timestamp) -> PortResult<Vec<Option<u64>>> {
        self.called("failed_operations")
    }
}

#[async_trait]
impl GlobalTables for Untouched {
    async fn describe(&self, _: &Region, _: &TableName) -> PortResult<TableView> {
        self.called("describe a table")
    }
}

#[async_trait]
impl GlobalClusters for Untouched {
    async fn describe(&self, _: &Region, _: &ClusterId) -> PortResult<GlobalClusterView> {
        self.called("describe a global cluster")
    }
}

#[async_trait]
impl Backups for Untouched {
    async fn kept(&self, _: &Region, _: &BackupSource) -> PortResult<Vec<KeptView>> {
        self.called("list what is kept")
    }
}

#[async_trait]
impl HealthChecks for Untouched {
    async fn look_at_each(&self, _: &Region, checks: &[HealthCheckId]) -> Vec<PortResult<HealthCheckView>> {
        checks.iter().map(|_| self.called("look_at_health_checks")).collect()
    }
}

#[async_trait]
impl ReplicationRules for Untouched {
    async fn of_each(&self, _: &Region, buckets: &[BucketName]) -> Vec<PortResult<Vec<RuleView>>> {
        buckets.iter().map(|_| self.called("read replication rules")).collect()
    }
}

#[async_trait]
impl PostgresqlServers for Untouched {
    async fn look(&self, _: &Region, _: &Postgresql) -> PairView {
        let nobody = self.called::<PairView>("look_at_servers");
        nobody.unwrap_or_else(|error| PairView::unreached(&error.to_string()))
    }
}

#[async_trait]
impl Objects for Untouched {
    async fn list(&self, _: &Region, _: &BucketSite) -> PortResult<Vec<StoredObject>> {
        self.called("list objects")
    }
    async fn look(&self, _: &Region, _: &BucketSite, _: &str) -> PortResult<ObjectView> {
        self.called("look at object")
    }
    async fn read(
        &self,
        _: &Region,
        _: &BucketSite,
        _: &ObjectView,
        _: u64,
        _: Option<Instant>,
        _: ReadWork,
    ) -> PortResult<()> {
        self.called("read object")
    }
    async fn read_files(&self, _: &Region, _: &BucketSite, _: &str, _: Option<Instant>, _: FilesWork) -> PortResult<()> {
        self.called("read objects")
    }
}

#[async_trait]
impl RestoreJobs for Untouched {
    async fn job(&self, _: &Region, _: &RestoreJobId) -> PortResult<RestoreJobView> {
        self.called("look at restore job")
    }
    async fn restored(&self, _: &Region, _: &InstanceId) -> PortResult<InstanceView> {
        self.called("look at restored instance")
    }
    async fn validate(&self, _: &Region, _: &RestoreJobId, _: bool, _: &str) -> PortResult<()> {
        self.called("validate")
    }
}

#[async_trait]
impl RestoredDatabases for Untouched {
    async fn ask(&self, _: &Region, _: &PostgresqlServer, _: &RestoreTest, _: Option<Instant>) -> PortResult<Vec<Told>> {
        self.called("ask restored database")
    }
}

#[async_trait]
impl Secrets for Untouched {
    async fn look(&self, _: &Region, _: &ResourceName) -> PortResult<StoredSecret> {
        self.called("look at secret")
    }
    async fn value(&self, _: &Region, _: &ResourceName) -> PortResult<Secret<String>> {
        self.called("read secret")
    }
}

#[async_trait]
impl EnvelopeKeys for Untouched {
    async fn look(&self, _: &KmsKeyArn) -> PortResult<StoredKey> {
        self.called("look at key")
    }
    async fn unwrap_data_key(&self, _: &KmsKeyArn, _: &[u8], _: &BTreeMap<String, String>) -> PortResult<Secret<Vec<u8>>> {
        self.called("unwrap data key")
    }
}

#[async_trait]
impl Probes for Untouched {
    async fn connect(&self, _: &str, _: u16) -> Connection {
        self.called("connect").unwrap_or(Connection::NotTried)
    }
    async fn write(&self, _: &Region, _: &ResourceName, _: &str, _: u16) -> PortResult<bool> {
        self.called("write")
    }
}

#[async_trait]
impl EndpointStores for Untouched {
    async fn read(&self, _: &EndpointPlace) -> PortResult<PlaceView> {
        self.called("read place")
    }
}

#[async_trait]
impl WriteHolds for Untouched {
    async fn read(&self, _: &HoldPoint) -> PortResult<HoldView> {
        self.called("read hold")
    }
}

#[async_trait]
impl Services for Untouched {
    async fn describe(&self, _: &Region, _: &EcsSite) -> PortResult<ServiceView> {
        self.called("describe service")
    }
}

#[async_trait]
impl Mutations for Untouched {
    async fn perform(&self, _: &Mutation) -> PortResult<Performed> {
        self.called("perform")
    }
}

#[async_trait]
impl Journal for Untouched {
    async fn read(&self, _: &str, _: &str) -> PortResult<Option<Document>> {
        self.called("read journal")
    }
    async fn list(&self, _: &str, _: &str) -> PortResult<Vec<Document>> {
        self.called("list journal")
    }
    async fn commit(&self, _: &[Write]) -> PortResult<Commit> {
        self.called("commit")
    }
    fn clock_lead(&self) -> Option<i64> {
        None
    }
}

#[async_trait]
impl Executions for Untouched {
    async fn start(&self, _: &IncidentId, _: u32) -> PortResult<String> {
        self.called("start")
    }
    async fn state(&self, _: &IncidentId, _: u32) -> PortResult<ExecutionState> {
        self.called("state")
    }
    async fn resume(&self, _: &str) -> PortResult<()> {
        self.called("resume")
    }
}

#[async_trait]
impl Changes for Untouched {
    async fn ask_for(&self, _: &serde_json::Value) -> PortResult<serde_json::Value> {
        self.called("ask_for")
    }
}

#[async_trait]
impl Notices for Untouched {
    async fn publish(&self, _: &str, _: &str) -> PortResult<()> {
        self.called("publish")
    }
}

#[async_trait]
impl Predictors for Untouched {
    async fn observe(&self, _: FunctionName, _: &Value) -> PortResult<Value> {
        self.called("observe")
    }
}
