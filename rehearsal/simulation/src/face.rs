//! The ports, over the account.

mod mutations;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use shared::domain::archives::{ObjectView, StoredObject};
use shared::domain::backup::{BackupSource, KeptView};
use shared::domain::described::{BucketSite, Postgresql};
use shared::domain::health::HealthCheckView;
use shared::domain::identifier::{
    BucketName, ClusterId, HealthCheckId, IncidentId, InstanceId, KmsKeyArn, Region, ResourceName, TableName,
};
use shared::domain::observation::{
    Connection, HoldView, InstanceView, LagSample, PlaceView, ServiceView, SnapshotView, StoredKey, StoredSecret,
};
use shared::domain::plan::{ApiProtocol, EcsSite, EndpointPlace, HoldPoint};
use shared::domain::replication::{
    BucketCopy, FAILED_OPERATIONS, GlobalClusterView, LagSeries, PairView, RuleView, TableView,
};
use shared::domain::step::FunctionName;
use shared::ports::{
    Backups, Changes, Clock, Commit, Databases, Document, EndpointStores, EnvelopeKeys, ExecutionState, Executions,
    FailureKind, FilesWork, GlobalClusters, GlobalTables, HealthChecks, Journal, Notices, Objects, PortResult,
    PostgresqlServers, Predictors, Probes, ReadWork, ReplicaLags, ReplicationRules, Secrets, Services, Write, WriteHolds,
};
use shared::redact::Secret;

use super::cloud::{Cloud, READ, Regional, Request, SentNotice, SimulatedFiles, State, decrypt, found_key, listed, object};
use super::faults::{LateWork, failure};
use super::functions::Functions;

pub(crate) use mutations::{MutationsOf, carry_out, target};

/// How long a call to the journal takes.
const JOURNAL: Duration = Duration::from_millis(10);
/// How long a probe waits for a connection, or for the first answer on one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Every port but the mutations.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) cloud: Arc<Cloud>,
    /// How far this process's clock is ahead.
    pub(crate) skew: SignedDuration,
}

impl Face {
    fn recovery_region(&self) -> Region {
        self.cloud.lock().plan.sites.recovery.region.clone()
    }
}

impl Face {
    async fn health_check(&self, region: &Region, check: &HealthCheckId) -> PortResult<HealthCheckView> {
        let resource = format!("healthcheck/{check}");
        let request = read(("route53", "GetHealthCheck"), region, resource.clone());
        let view = self.cloud.call(request, |state| state.health_check(check.as_str())).await?;
        if view.disabled || !HealthCheckView::has_checkers(&view.kind) {
            return Ok(view);
        }
        let request = read(("route53", "GetHealthCheckStatus"), region, resource);
        let checkers = self.cloud.call(request, |state| state.checkers(check.as_str())).await?;
        Ok(HealthCheckView { checkers, ..view })
    }
}

pub(crate) fn read<'a>(operation: (&'static str, &'static str), region: &'a Region, resource: String) -> Request<'a> {
    Request { operation, region, resource, takes: READ, bounded: true, late: None }
}

impl Clock for Face {
    fn now(&self) -> Timestamp {
        self.cloud.now() + self.skew
    }
    fn at_real(&self, real_milliseconds: u64) -> Timestamp {
        let milliseconds = i64::try_from(real_milliseconds).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
    }
}

#[async_trait]
impl Databases for Face {
    async fn describe(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        let request = read(("rds", "DescribeDBInstances"), region, format!("db:{instance}"));
        self.cloud.call(request, |state| state.describe_instance(region.as_str(), instance.as_str())).await
    }

    async fn newest_snapshot(&self, region: &Region, instance: &InstanceId) -> PortResult<Option<SnapshotView>> {
        let request = read(("rds", "DescribeDBSnapshots"), region, format!("db:{instance}"));
        self.cloud.call(request, |state| state.newest_snapshot(region.as_str(), instance.as_str())).await
    }
}

#[async_trait]
impl ReplicaLags for Face {
    async fn latest(&self, region: &Region, replicas: &[InstanceId], _now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        let request = read(("cloudwatch", "GetMetricData"), region, "metric:AWS/RDS/ReplicaLag".to_owned());
        self.cloud
            .call(request, |state| {
                replicas.iter().map(|replica| state.newest_lag(region.as_str(), replica.as_str())).collect()
            })
            .await
    }

    async fn latest_of(&self, region: &Region, series: &[LagSeries], _now: Timestamp) -> PortResult<Vec<Option<LagSample>>> {
        let Some(first) = series.first() else {
            return Ok(Vec::new());
        };
        let request = read(("cloudwatch", "GetMetricData"), region, first.resource());
        self.cloud
            .call(request, |state| series.iter().map(|each| state.newest_figure(region.as_str(), each)).collect())
            .await
    }

    async fn failed_operations(
        &self,
        region: &Region,
        copies: &[BucketCopy],
        _now: Timestamp,
    ) -> PortResult<Vec<Option<u64>>> {
        let request = read(("cloudwatch", "GetMetricData"), region, FAILED_OPERATIONS.to_owned());
        self.cloud.call(request, |state| state.failed_operations(region.as_str(), copies)).await
    }
}

#[async_trait]
impl GlobalTables for Face {
    async fn describe(&self, region: &Region, table: &TableName) -> PortResult<TableView> {
        let request = read(("dynamodb", "DescribeTable"), region, format!("table/{table}"));
        self.cloud.call(request, |state| state.describe_table(region.as_str(), table.as_str())).await
    }
}

#[async_trait]
impl GlobalClusters for Face {
    async fn describe(&self, region: &Region, cluster: &ClusterId) -> PortResult<GlobalClusterView> {
        let request = read(("rds", "DescribeGlobalClusters"), region, format!("global-cluster:{cluster}"));
        self.cloud.call(request, |state| state.describe_global_cluster(region.as_str(), cluster.as_str())).await
    }
}

#[async_trait]
impl Backups for Face {
    async fn kept(&self, region: &Region, source: &BackupSource) -> PortResult<Vec<KeptView>> {
        let operation = source.operation();
        let request = read((operation.service(), operation.name()), region, source.resource());
        self.cloud.call(request, |state| state.kept(region.as_str(), source)).await
    }
}

#[async_trait]
impl HealthChecks for Face {
    async fn look_at_each(&self, region: &Region, checks: &[HealthCheckId]) -> Vec<PortResult<HealthCheckView>> {
        let mut views = Vec::with_capacity(checks.len());
        for check in checks {
            views.push(self.health_check(region, check).await);
        }
        views
    }
}

#[async_trait]
impl ReplicationRules for Face {
    async fn of_each(&self, region: &Region, buckets: &[BucketName]) -> Vec<PortResult<Vec<RuleView>>> {
        let mut rules = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let request = read(("s3", "GetBucketReplication"), region, bucket.to_string());
            rules.push(self.cloud.call(request, |state| state.replication_rules(region.as_str(), bucket)).await);
        }
        rules
    }
}

#[async_trait]
impl PostgresqlServers for Face {
    async fn look(&self, region: &Region, database: &Postgresql) -> PairView {
        let request = read(("secretsmanager", "GetSecretValue"), region, format!("secret:{}", database.secret));
        match self.cloud.call(request, |state| Ok(state.pair(database))).await {
            Ok(pair) => pair,
            Err(error) => PairView::unreached(&error.to_string()),
        }
    }
}

#[async_trait]
impl Objects for Face {
    async fn list(&self, region: &Region, place: &BucketSite) -> PortResult<Vec<StoredObject>> {
        let operation = ("s3", "ListObjectsV2");
        let request = read(operation, region, place.bucket.to_string());
        self.cloud.call(request, |state| listed(&state.buckets, place)).await
    }

    async fn look(&self, region: &Region, place: &BucketSite, key: &str) -> PortResult<ObjectView> {
        let request = read(("s3", "HeadObject"), region, place.below());
        self.cloud.call(request, |state| Ok(object(&state.buckets, place, key)?.view(region, key))).await
    }

    async fn read(
        &self,
        region: &Region,
        place: &BucketSite,
        seen: &ObjectView,
        from: u64,
        _until: Option<Instant>,
        work: ReadWork,
    ) -> PortResult<()> {
        let request = read(("s3", "GetObject"), region, place.below());
        let found = self.cloud.call(request, |state| Ok(object(&state.buckets, place, &seen.key)?.clone())).await?;
        if found.view(region, &seen.key).etag != seen.etag {
            let message = format!("{} was replaced while it was read", seen.key);
            return Err(failure(FailureKind::Conflict, ("s3", "GetObject"), "object_changed", message));
        }
        let rest = usize::try_from(from).ok().and_then(|from| found.content.get(from..));
        work(&mut rest.unwrap_or_default());
        Ok(())
    }

    async fn read_files(
        &self,
        region: &Region,
        place: &BucketSite,
        directory: &str,
        _until: Option<Instant>,
        work: FilesWork,
    ) -> PortResult<()> {
        let request = read(("s3", "GetObject"), region, place.below());
        let files = self.cloud.call(request, |state| Ok(SimulatedFiles::below(&state.buckets, place, directory))).await?;
        work(&files);
        Ok(())
    }
}

#[async_trait]
impl Secrets for Face {
    async fn look(&self, region: &Region, secret: &ResourceName) -> PortResult<StoredSecret> {
        let operation = ("secretsmanager", "DescribeSecret");
        let request = read(operation, region, format!("secret:{secret}"));
        let look = |state: &mut State| {
            let found = found(&mut state.secrets, region, secret.as_str(), operation)?;
            Ok(StoredSecret { deleted_at: None, has_value: !found.current().is_null() })
        };
        self.cloud.call(request, look).await
    }

    async fn value(&self, region: &Region, secret: &ResourceName) -> PortResult<Secret<String>> {
        let operation = ("secretsmanager", "GetSecretValue");
        let request = read(operation, region, format!("secret:{secret}"));
        let value = |state: &mut State| {
            let found = found(&mut state.secrets, region, secret.as_str(), operation)?.current();
            Ok(Secret::new(found.as_str().map_or_else(|| found.to_string(), str::to_owned)))
        };
        self.cloud.call(request, value).await
    }
}

/// The Region in which a key of KMS is asked for.
fn region_of(key: &KmsKeyArn, operation: (&'static str, &'static str)) -> PortResult<Region> {
    Region::new(key.region()).map_err(|_| failure(FailureKind::Refused, operation, "no_region", "the key has no Region"))
}

#[async_trait]
impl EnvelopeKeys for Face {
    async fn look(&self, key: &KmsKeyArn) -> PortResult<StoredKey> {
        let operation = ("kms", "DescribeKey");
        let region = region_of(key, operation)?;
        let request = read(operation, &region, key.to_string());
        let look = |state: &mut State| Ok(found_key(&state.wrapping_keys, key.as_str(), operation)?.stored.clone());
        self.cloud.call(request, look).await
    }

    async fn unwrap_data_key(
        &self,
        key: &KmsKeyArn,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> PortResult<Secret<Vec<u8>>> {
        let operation = ("kms", "Decrypt");
        let region = region_of(key, operation)?;
        let request = read(operation, &region, key.to_string());
        let unwrap = |state: &mut State| decrypt(&state.wrapping_keys, key.as_str(), wrapped, context).map(Secret::new);
        self.cloud.call(request, unwrap).await
    }
}

#[async_trait]
impl Probes for Face {
    async fn connect(&self, host: &str, port: u16) -> Connection {
        let request = Request {
            operation: ("network", "Connect"),
            region: &self.recovery_region(),
            resource: format!("{host}:{port}"),
            takes: READ,
            bounded: false,
            late: None,
        };
        let found = self.cloud.call(request, |state| {
            let found = state.connect(host, port);
            // Into a dark Region it is tried beside a describe call that takes longer to be given up.
            let dark = state.instance_at(host, port).is_some_and(|key| !state.world.reachable(&key.region));
            if matches!(found, Connection::Silent | Connection::Refused) && !dark {
                state.pass(PATIENCE);
            }
            Ok(found)
        });
        found.await.unwrap_or(Connection::NotTried)
    }

    async fn write(&self, region: &Region, function: &ResourceName, host: &str, port: u16) -> PortResult<bool> {
        let request = read(("lambda", "Invoke"), region, format!("function:{function}"));
        self.cloud.call(request, |state| Ok(state.probe_write(host, port))).await
    }
}

pub(crate) fn found<'a, T>(
    table: &'a mut Regional<T>,
    region: &Region,
    name: &str,
    operation: (&'static str, &'static str),
) -> PortResult<&'a mut T> {
    table.get_mut(&(region.to_string(), name.to_owned())).ok_or_else(|| {
        let message = format!("there is no {name} in {region}");
        failure(FailureKind::NotFound, operation, "ResourceNotFoundException", message)
    })
}

#[async_trait]
impl EndpointStores for Face {
    async fn read(&self, place: &EndpointPlace) -> PortResult<PlaceView> {
        match place {
            EndpointPlace::SsmParameter { name, region, .. } => {
                let operation = ("ssm", "GetParameter");
                let request = read(operation, region, format!("parameter{name}"));
                let view = |state: &mut State| Ok(found(&mut state.parameters, region, name.as_str(), operation)?.view());
                self.cloud.call(request, view).await
            }
            EndpointPlace::Secret { name, field, region, .. } => {
                let described = read(("secretsmanager", "DescribeSecret"), region, format!("secret:{name}"));
                self.cloud.call(described, |_| Ok(())).await?;
                let operation = ("secretsmanager", "GetSecretValue");
                let request = read(operation, region, format!("secret:{name}"));
                let view =
                    |state: &mut State| found(&mut state.secrets, region, name.as_str(), operation)?.view(field.as_str());
                self.cloud.call(request, view).await
            }
            EndpointPlace::LambdaEnvironment { function, variable, region, .. } => {
                let operation = ("lambda", "GetFunctionConfiguration");
                let request = read(operation, region, format!("function:{function}"));
                let view = |state: &mut State| {
                    let now = state.now;
                    let found = found(&mut state.functions, region, function.as_str(), operation)?;
                    Ok(PlaceView::Variable {
                        value: found.variables.get(variable.as_str()).cloned(),
                        others: found.others(variable.as_str()),
                        updating: found.is_updating(now),
                    })
                };
                self.cloud.call(request, view).await
            }
        }
    }
}

#[async_trait]
impl WriteHolds for Face {
    async fn read(&self, point: &HoldPoint) -> PortResult<HoldView> {
        match point {
            HoldPoint::ApiGatewayStage { protocol, api, stage, region, .. } => {
                let operation = ("apigateway", "GetStage");
                let name = format!("{api}/{stage}");
                match protocol {
                    ApiProtocol::Rest => {
                        let request = read(operation, region, format!("/restapis/{api}/stages/{stage}"));
                        let view = |state: &mut State| Ok(found(&mut state.rest_stages, region, &name, operation)?.view());
                        let by_method = self.cloud.call(request, view).await?;
                        Ok(HoldView::Throttles { by_method })
                    }
                    ApiProtocol::Http => {
                        let request = read(operation, region, format!("/apis/{api}/stages/{stage}"));
                        let view = |state: &mut State| Ok(found(&mut state.http_stages, region, &name, operation)?.clone());
                        let by_route = self.cloud.call(request, view).await?;
                        Ok(HoldView::Routes { by_route })
                    }
                }
            }
            HoldPoint::LambdaEnvironment { function, variable, region, .. } => {
                let operation = ("lambda", "GetFunctionConfiguration");
                let request = read(operation, region, format!("function:{function}"));
                let view = |state: &mut State| {
                    let now = state.now;
                    let found = found(&mut state.functions, region, function.as_str(), operation)?;
                    Ok(HoldView::Variable {
                        value: found.variables.get(variable.as_str()).cloned(),
                        others: found.others(variable.as_str()),
                        updating: found.is_updating(now),
                    })
                };
                self.cloud.call(request, view).await
            }
        }
    }
}

#[async_trait]
impl Services for Face {
    async fn describe(&self, region: &Region, service: &EcsSite) -> PortResult<ServiceView> {
        let operation = ("ecs", "DescribeServices");
        let name = format!("{}/{}", service.cluster, service.service);
        let request = read(operation, region, format!("service/{name}"));
        let view = |state: &mut State| {
            let now = state.now;
            Ok(found(&mut state.services, region, &name, operation)?.view(now))
        };
        self.cloud.call(request, view).await
    }
}

#[async_trait]
impl Journal for Face {
    async fn read(&self, partition: &str, name: &str) -> PortResult<Option<Document>> {
        let resource = format!("{partition}/{name}");
        self.journal("GetItem", resource, None, |state| Ok(state.journal.read(partition, name))).await
    }

    async fn list(&self, partition: &str, prefix: &str) -> PortResult<Vec<Document>> {
        let resource = format!("{partition}/{prefix}*");
        self.journal("Query", resource, None, |state| Ok(state.journal.list(partition, prefix))).await
    }

    async fn commit(&self, writes: &[Write]) -> PortResult<Commit> {
        let names: Vec<&str> = writes.iter().map(|write| write.name.as_str()).collect();
        let late = Some(LateWork::Commit(writes.to_vec()));
        self.journal("TransactWriteItems", names.join(","), late, |state| state.journal.commit(writes)).await
    }

    fn clock_lead(&self) -> Option<i64> {
        Some(self.skew.as_secs())
    }
}

impl Face {
    async fn journal<T>(
        &self,
        operation: &'static str,
        resource: String,
        late: Option<LateWork>,
        effect: impl FnOnce(&mut State) -> PortResult<T> + Send,
    ) -> PortResult<T> {
        let operation = ("dynamodb", operation);
        let region = self.recovery_region();
        let request = Request { operation, region: &region, resource, takes: JOURNAL, bounded: false, late };
        let unless_unreachable = |state: &mut State| {
            if state.journal.is_unreachable(state.now) {
                return Err(failure(FailureKind::NoAnswer, operation, "timeout", "no answer in time"));
            }
            effect(state)
        };
        self.cloud.call(request, unless_unreachable).await
    }

    async fn control<T>(
        &self,
        operation: (&'static str, &'static str),
        resource: String,
        effect: impl FnOnce(&mut State) -> PortResult<T> + Send,
    ) -> PortResult<T> {
        let region = self.recovery_region();
        let request = Request { operation, region: &region, resource, takes: READ, bounded: false, late: None };
        self.cloud.call(request, effect).await
    }
}

#[async_trait]
impl Executions for Face {
    async fn start(&self, incident: &IncidentId, run: u32) -> PortResult<String> {
        let name = incident.execution_name(run);
        let start = |state: &mut State| Ok(state.start_execution(&name, incident));
        self.control(("states", "StartExecution"), name.clone(), start).await
    }

    async fn state(&self, incident: &IncidentId, run: u32) -> PortResult<ExecutionState> {
        let name = incident.execution_name(run);
        self.control(("states", "DescribeExecution"), name.clone(), |state| Ok(state.execution_state(&name))).await
    }

    async fn resume(&self, token: &str) -> PortResult<()> {
        let give_back = |state: &mut State| {
            state.returned_tokens.push(token.to_owned());
            Ok(())
        };
        self.control(("states", "SendTaskSuccess"), token.to_owned(), give_back).await
    }
}

#[async_trait]
impl Notices for Face {
    async fn publish(&self, subject: &str, body: &str) -> PortResult<()> {
        let operation = ("sns", "Publish");
        let send = |state: &mut State| {
            let printable = subject.chars().all(|c| c.is_ascii_graphic() || c == ' ');
            if !printable || subject.is_empty() || subject.len() >= 100 {
                let message = format!("Invalid parameter: Subject {subject:?}");
                return Err(failure(FailureKind::Refused, operation, "InvalidParameter", message));
            }
            let at = state.now;
            state.notices.push(SentNotice { at, subject: subject.to_owned(), body: body.to_owned() });
            Ok(())
        };
        self.control(operation, subject.to_owned(), send).await
    }
}

#[async_trait]
impl Predictors for Face {
    async fn observe(&self, function: FunctionName, request: &Value) -> PortResult<Value> {
        let operation = ("lambda", "Invoke");
        self.control(operation, function.as_str().to_owned(), |_| Ok(())).await?;
        Functions::new(self.cloud.clone())
            .answer(function, "live", "a prediction", request, self.skew)
            .await
            .map_err(|error| failure(FailureKind::Refused, operation, error.code.as_str(), error.message))
    }
}

#[async_trait]
impl Changes for Face {
    async fn ask_for(&self, request: &Value) -> PortResult<Value> {
        let operation = ("lambda", "Invoke");
        self.control(operation, FunctionName::Recovery.as_str().to_owned(), |_| Ok(())).await?;
        Functions::new(self.cloud.clone())
            .answer(FunctionName::Recovery, "live", "a change", request, self.skew)
            .await
            .map_err(|error| failure(FailureKind::Refused, operation, error.code.as_str(), error.message))
    }
}
