//! Databases: the rehearsal's world, spoken to in the ports' words.

use jiff::Timestamp;
use rehearsal_world::{
    ApiError, Connection as Meets, DbInstance, HealthCheckKind, HealthObservation, InstanceKey, Metric, PageRequest,
    Promotion, SnapshotSelection, SnapshotStatus, SnapshotType,
};
use shared::domain::described::Postgresql;
use shared::domain::duration::Seconds;
use shared::domain::health::{CheckerView, HealthCheckView};
use shared::domain::mutation::Performed;
use shared::domain::observation::{Connection, InstanceView, LagSample, Sight, SnapshotView};
use shared::domain::replication::{BucketCopy, ClusterMember, GlobalClusterView, LagSeries, PairView, TableView};
use shared::ports::{FailureKind, PortError, PortResult};

use super::State;
use crate::platform::metric_of;

/// An older figure says nothing about now.
const WINDOW: Seconds = Seconds(600);

impl State {
    pub(crate) fn describe_instance(&mut self, region: &str, id: &str) -> PortResult<InstanceView> {
        let operation = ("rds", "DescribeDBInstances");
        let page = self
            .world
            .describe_db_instances(region, Some(id), &PageRequest::default(), self.now)
            .map_err(|error| port_error(operation, &error))?;
        let mut found = page.items.first().map(view);
        if let (Some(found), Some(other)) = (&mut found, &self.replica_of)
            && found.source.is_some()
        {
            found.source = Some(other.clone());
        }
        found.ok_or_else(|| port_error(operation, &ApiError::malformed("the answer is empty")))
    }

    pub(crate) fn newest_snapshot(&mut self, region: &str, id: &str) -> PortResult<Option<SnapshotView>> {
        let selection = SnapshotSelection {
            instance: Some(id.to_owned()),
            kind: Some(SnapshotType::Automated),
            ..SnapshotSelection::default()
        };
        let page = self
            .world
            .describe_db_snapshots(region, &selection, &PageRequest::default(), self.now)
            .map_err(|error| port_error(("rds", "DescribeDBSnapshots"), &error))?;
        let available = page.items.into_iter().filter(|snapshot| snapshot.status == SnapshotStatus::Available);
        let newest = available.max_by_key(|snapshot| snapshot.created);
        Ok(newest.map(|snapshot| SnapshotView {
            id: snapshot.identifier,
            created_at: snapshot.created,
            encrypted: Some(snapshot.encrypted),
        }))
    }

    pub(crate) fn newest_lag(&mut self, region: &str, id: &str) -> PortResult<Option<LagSample>> {
        self.newest(&Metric::ReplicaLag(InstanceKey::new(region, id)), 1.0, "CloudWatch AWS/RDS ReplicaLag".to_owned())
    }

    pub(crate) fn newest_figure(&mut self, region: &str, series: &LagSeries) -> PortResult<Option<LagSample>> {
        let metric = metric_of(region, series);
        let source = format!("CloudWatch {} {}", series.namespace(), series.metric());
        self.newest(&metric, series.seconds_per_unit(), source)
    }

    /// What each rule gave up in the last day.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the world's counts are small and whole")]
    pub(crate) fn failed_operations(&mut self, region: &str, copies: &[BucketCopy]) -> PortResult<Vec<Option<u64>>> {
        let now = self.now;
        self.world.admit_reader(region, now).map_err(|error| port_error(("cloudwatch", "GetMetricData"), &error))?;
        let sum = |copy: &BucketCopy| {
            let metric = Metric::BucketFailures {
                region: region.to_owned(),
                source: copy.source.to_string(),
                destination: copy.destination.to_string(),
                rule: copy.rule.to_string(),
            };
            let points = self.world.series(&metric, Seconds(86_400).before(now), now);
            points.into_iter().map(|point| point.value as u64).reduce(|sum, value| sum + value)
        };
        Ok(copies.iter().map(sum).collect())
    }

    fn newest(&mut self, metric: &Metric, seconds_per_unit: f64, source: String) -> PortResult<Option<LagSample>> {
        let now = self.now;
        let point = self.world.latest(metric, now).map_err(|error| port_error(("cloudwatch", "GetMetricData"), &error))?;
        Ok(point.and_then(|point| sample(point.at, point.value * seconds_per_unit, now, source)))
    }

    pub(crate) fn describe_table(&mut self, region: &str, name: &str) -> PortResult<TableView> {
        let found = self.world.describe_table(region, name, self.now);
        let found = found.map_err(|error| port_error(("dynamodb", "DescribeTable"), &error))?;
        let replicas = found.replicas.iter().map(|(region, status)| (region.clone(), status.as_str().to_owned()));
        Ok(TableView { status: found.status.as_str().to_owned(), replicas: replicas.collect() })
    }

    pub(crate) fn describe_global_cluster(&mut self, region: &str, id: &str) -> PortResult<GlobalClusterView> {
        let operation = ("rds", "DescribeGlobalClusters");
        let found = self.world.describe_global_clusters(region, Some(id), self.now);
        let found = found.map_err(|error| port_error(operation, &error))?;
        let found = found.first().ok_or_else(|| port_error(operation, &ApiError::malformed("the answer is empty")))?;
        let account = self.plan.account.as_str();
        let members = found.members.iter().map(|member| ClusterMember {
            arn: member.arn(account),
            writer: member.writer,
            synchronization: Some(if member.connected { "connected" } else { "pending-resync" }.to_owned()),
        });
        Ok(GlobalClusterView { status: found.status.clone(), members: members.collect() })
    }

    pub(crate) fn health_check(&mut self, id: &str) -> PortResult<HealthCheckView> {
        let shown = self.world.get_health_check(id, self.now);
        let config = shown.map_err(|error| port_error(("route53", "GetHealthCheck"), &error))?.config;
        let kind = match &config.kind {
            HealthCheckKind::Endpoint(endpoint) => endpoint.protocol.as_str(),
            HealthCheckKind::Alarm(_) => "CLOUDWATCH_METRIC",
            HealthCheckKind::Calculated(_) => "CALCULATED",
        };
        let (inverted, disabled) = (config.inverted, config.disabled);
        Ok(HealthCheckView { kind: kind.to_owned(), inverted, disabled, checkers: Vec::new() })
    }

    pub(crate) fn checkers(&mut self, id: &str) -> PortResult<Vec<CheckerView>> {
        let seen = self.world.get_health_check_status(id, self.now);
        let seen = seen.map_err(|error| port_error(("route53", "GetHealthCheckStatus"), &error))?;
        let checker = |report: HealthObservation| CheckerView {
            healthy: report.status.starts_with("Success"),
            region: report.region,
            checked_at: report.checked,
        };
        Ok(seen.into_iter().map(checker).collect())
    }

    /// What a PostgreSQL pair says of itself to whoever has its login. Nobody is asked in a dark Region.
    pub(crate) fn pair(&mut self, database: &Postgresql) -> PairView {
        const SILENT: &str = "postgresql Connect failed: timeout: no answer in time";
        let known = self.standbys.get(&database.recovery.to_string()).cloned();
        let mut pair = known.unwrap_or_else(|| PairView::unreached(SILENT));
        if !self.world.reachable(self.plan.sites.primary.region.as_str()) {
            pair.primary = Sight::Unreached { reason: SILENT.to_owned() };
        }
        pair
    }

    pub(crate) fn connect(&mut self, host: &str, port: u16) -> Connection {
        let Some(key) = self.instance_at(host, port) else { return Connection::NotTried };
        if self.partitioned && key.region == self.plan.sites.primary.region.as_str() {
            return Connection::TimedOut;
        }
        match self.world.accepts_connections(&key, self.now) {
            Meets::Answers => Connection::Answers,
            Meets::AcceptsOnly => Connection::Silent,
            Meets::Refuses => Connection::Refused,
        }
    }

    /// Writes one row as the platform's own probe would.
    pub(crate) fn probe_write(&mut self, host: &str, port: u16) -> bool {
        let now = self.now;
        self.instance_at(host, port).is_some_and(|key| self.world.commit(&key, now).is_ok())
    }

    pub(crate) fn set_security_groups(&mut self, region: &str, id: &str, groups: &[String]) -> PortResult<Performed> {
        let answer = self.world.modify_db_instance(region, id, Some(groups), self.now);
        performed(("rds", "ModifyDBInstance"), answer)
    }

    pub(crate) fn reboot(&mut self, region: &str, id: &str, failover: bool) -> PortResult<Performed> {
        let answer = self.world.reboot_db_instance(region, id, failover, self.now);
        performed(("rds", "RebootDBInstance"), answer)
    }

    pub(crate) fn promote(&mut self, region: &str, id: &str, retention: u32) -> PortResult<Performed> {
        let now = self.now;
        let promotion = Promotion { backup_retention: Some(i64::from(retention)), backup_window: None };
        performed(("rds", "PromoteReadReplica"), self.world.promote_read_replica(region, id, promotion, now))
    }

    pub(crate) fn instance_at(&self, host: &str, port: u16) -> Option<InstanceKey> {
        let endpoints = self.world.endpoints().into_iter();
        endpoints.filter(|(_, endpoint)| endpoint.host == host && endpoint.port == port).map(|(key, _)| key).next()
    }
}

fn view(instance: &DbInstance) -> InstanceView {
    InstanceView {
        status: instance.status.as_str().to_owned(),
        multi_az: instance.multi_az,
        availability_zone: Some(instance.zone.clone()),
        source: instance.replica_source.clone(),
        replicating: instance.replication.as_ref().map(|replication| replication.status.is_normal()),
        host: Some(instance.endpoint.host.clone()),
        port: Some(instance.endpoint.port),
        security_groups: instance
            .groups
            .iter()
            .map(|membership| (membership.group.clone(), membership.state.as_str().to_owned()))
            .collect(),
        backup_retention_days: u32::from(instance.backup_retention),
        latest_restorable: instance.latest_restorable,
    }
}

fn performed(operation: (&'static str, &'static str), answer: Result<DbInstance, ApiError>) -> PortResult<Performed> {
    let instance = answer.map_err(|error| port_error(operation, &error))?;
    Ok(Performed { instance_status: Some(instance.status.as_str().to_owned()), ..Performed::plainly() })
}

/// RDS reports −1 while replication does not run: then there is no lag to speak of.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the world's lags are small and not negative here"
)]
fn sample(at: Timestamp, value: f64, now: Timestamp, source: String) -> Option<LagSample> {
    let usable = value >= 0.0 && at >= WINDOW.before(now);
    usable.then(|| LagSample { lag: Seconds(value.ceil() as u64), observed_at: at.min(now), source })
}

/// What an answer of the world means to a caller, as the adapters' table has it.
pub(crate) fn port_error((service, operation): (&'static str, &'static str), error: &ApiError) -> PortError {
    let kind = match error.code {
        "Throttling" | "InvalidDBInstanceState" => FailureKind::NotNow,
        "DBInstanceNotFound"
        | "DBSnapshotNotFound"
        | "DBClusterNotFoundFault"
        | "GlobalClusterNotFoundFault"
        | "ResourceNotFoundException"
        | "NoSuchHealthCheck"
        | "TableNotFoundException" => FailureKind::NotFound,
        _ if error.http_status >= 500 => FailureKind::NoAnswer,
        _ => FailureKind::Refused,
    };
    PortError { kind, service, operation, code: error.code.to_owned(), message: error.message.clone() }
}
