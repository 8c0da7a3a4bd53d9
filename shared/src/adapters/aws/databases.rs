//! Amazon RDS: what an instance is, and the four things that a recovery does to one.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_rds::config::Builder;
use aws_sdk_rds::config::timeout::TimeoutConfig;
use aws_sdk_rds::types::{DbInstance, Filter};

use super::Clients;
use super::clients::{LOOK, OPERATION, once};
use super::time::timestamp;
use crate::adapters::Sending;
use crate::domain::identifier::{InstanceId, Region, SecurityGroupId};
use crate::domain::mutation::Performed;
use crate::domain::observation::{InstanceView, SnapshotView};
use crate::domain::operation::Operation;
use crate::ports::{Databases, FailureKind, PortError, PortResult};

/// DescribeDBInstances' own page, and as many as one filter names.
const INSTANCES_PER_PAGE: usize = 100;
/// An instance has at most 35 days of automated snapshots, about one a day; more pages than this are not an answer.
const MOST_PAGES: usize = 10;

/// [`Databases`] over RDS.
#[derive(Debug, Clone)]
pub struct RdsDatabases {
    clients: Clients,
}

impl RdsDatabases {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Databases for RdsDatabases {
    async fn describe(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        self.described(region, instance, OPERATION).await
    }

    async fn describe_briefly(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        self.described(region, instance, LOOK).await
    }

    async fn describe_each(&self, region: &Region, instances: &[InstanceId]) -> Vec<PortResult<InstanceView>> {
        // One by its name needs no permission on others.
        if let [only] = instances {
            return vec![self.describe(region, only).await];
        }
        let mut views = Vec::with_capacity(instances.len());
        for asked in instances.chunks(INSTANCES_PER_PAGE) {
            match self.listed(region, asked).await {
                Ok(found) => views.extend(
                    asked.iter().map(|instance| found.get(instance.as_str()).cloned().ok_or_else(|| not_found(instance))),
                ),
                Err(error) => views.extend(asked.iter().map(|_| Err(error.clone()))),
            }
        }
        views
    }

    async fn newest_snapshot(&self, region: &Region, instance: &InstanceId) -> PortResult<Option<SnapshotView>> {
        let operation = Sending::of(Operation::DescribeSnapshots);
        operation.permit(region, &resource(instance))?;
        let client = self.clients.rds(region);
        let mut newest: Option<SnapshotView> = None;
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let page = client
                .describe_db_snapshots()
                .db_instance_identifier(instance.as_str())
                .snapshot_type("automated")
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| operation.failed(&error))?;
            for snapshot in page.db_snapshots().iter().filter(|snapshot| snapshot.status() == Some("available")) {
                let (Some(id), Some(created_at)) =
                    (snapshot.db_snapshot_identifier(), snapshot.snapshot_create_time().and_then(timestamp))
                else {
                    continue;
                };
                if newest.as_ref().is_none_or(|newest| newest.created_at < created_at) {
                    newest = Some(SnapshotView { id: id.to_owned(), created_at, encrypted: snapshot.encrypted() });
                }
            }
            marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(newest);
            }
        }
        Err(operation.failure(FailureKind::NoAnswer, "too_many_pages", "the list of snapshots does not end"))
    }
}

impl RdsDatabases {
    async fn described(&self, region: &Region, instance: &InstanceId, within: Duration) -> PortResult<InstanceView> {
        let operation = Sending::of(Operation::DescribeInstances);
        operation.permit(region, &resource(instance))?;
        described(&self.clients, operation, region, instance, within).await
    }

    /// Those of these instances that there are, by name. RDS leaves out what it does not know.
    async fn listed(&self, region: &Region, instances: &[InstanceId]) -> PortResult<BTreeMap<String, InstanceView>> {
        let operation = Sending::of(Operation::DescribeInstances);
        for instance in instances {
            operation.permit(region, &resource(instance))?;
        }
        let names = instances.iter().map(ToString::to_string).collect();
        let filter = Filter::builder().name("db-instance-id").set_values(Some(names)).build();
        let client = self.clients.rds(region);
        let mut found = BTreeMap::new();
        let mut marker = None;
        for _ in 0..MOST_PAGES {
            let page = client.describe_db_instances().filters(filter.clone()).set_marker(marker).send().await;
            let page = page.map_err(|error| operation.failed(&error))?;
            let named = |instance: &DbInstance| Some((instance.db_instance_identifier()?.to_owned(), view(instance)));
            found.extend(page.db_instances().iter().filter_map(named));
            marker = page.marker().filter(|marker| !marker.is_empty()).map(str::to_owned);
            if marker.is_none() {
                return Ok(found);
            }
        }
        Err(operation.failure(FailureKind::NoAnswer, "too_many_pages", "the list of instances does not end"))
    }
}

/// What this one instance is.
pub(super) async fn described(
    clients: &Clients,
    operation: Sending,
    region: &Region,
    instance: &InstanceId,
    within: Duration,
) -> PortResult<InstanceView> {
    let answer = clients
        .rds(region)
        .describe_db_instances()
        .db_instance_identifier(instance.as_str())
        .customize()
        .config_override(Builder::new().timeout_config(TimeoutConfig::builder().operation_timeout(within).build()))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    // An answer about something else is no answer: a stale or confused page must not be taken for this instance.
    let found = answer.db_instances().iter().find(|found| found.db_instance_identifier() == Some(instance.as_str()));
    match found {
        Some(found) => Ok(view(found)),
        None if answer.db_instances().is_empty() => Err(not_found(instance)),
        None => {
            let message = format!("the answer is not about {instance}");
            Err(operation.failure(FailureKind::NoAnswer, "other_instance", &message))
        }
    }
}

fn not_found(instance: &InstanceId) -> PortError {
    let message = format!("{instance} is not in the answer");
    Sending::of(Operation::DescribeInstances).failure(FailureKind::NotFound, "DBInstanceNotFound", &message)
}

fn resource(instance: &InstanceId) -> String {
    format!("db:{instance}")
}

fn view(instance: &DbInstance) -> InstanceView {
    let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let replication = instance.status_infos().iter().find(|info| info.status_type() == Some("read replication"));
    InstanceView {
        status: instance.db_instance_status().unwrap_or_default().to_owned(),
        multi_az: instance.multi_az().unwrap_or_default(),
        availability_zone: text(instance.availability_zone()),
        source: text(instance.read_replica_source_db_instance_identifier())
            .or_else(|| text(instance.read_replica_source_db_cluster_identifier())),
        replicating: replication.map(|info| info.status() == Some("replicating") && info.normal() != Some(false)),
        host: text(instance.endpoint().and_then(|endpoint| endpoint.address())),
        port: instance.endpoint().and_then(|endpoint| endpoint.port()).and_then(|port| u16::try_from(port).ok()),
        security_groups: instance
            .vpc_security_groups()
            .iter()
            .filter_map(|group| {
                Some((group.vpc_security_group_id()?.to_owned(), group.status().unwrap_or_default().to_owned()))
            })
            .collect(),
        backup_retention_days: instance
            .backup_retention_period()
            .and_then(|days| u32::try_from(days).ok())
            .unwrap_or_default(),
        latest_restorable: instance.latest_restorable_time().and_then(timestamp),
    }
}

fn performed(instance: Option<&DbInstance>) -> Performed {
    Performed {
        instance_status: instance.and_then(DbInstance::db_instance_status).map(str::to_owned),
        ..Performed::plainly()
    }
}

/// Reboots, with a failover to the standby or without.
pub(super) async fn reboot(
    clients: &Clients,
    region: &Region,
    instance: &InstanceId,
    failover: bool,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::RebootInstance);
    operation.permit(region, &resource(instance))?;
    let answer = clients
        .rds(region)
        .reboot_db_instance()
        .db_instance_identifier(instance.as_str())
        .set_force_failover(failover.then_some(true))
        .customize()
        .config_override(once!(aws_sdk_rds))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(performed(answer.db_instance()))
}

/// Replaces the security groups at once, not in the next maintenance window.
pub(super) async fn set_security_groups(
    clients: &Clients,
    region: &Region,
    instance: &InstanceId,
    groups: &[SecurityGroupId],
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::ModifyInstance);
    operation.permit(region, &resource(instance))?;
    let answer = clients
        .rds(region)
        .modify_db_instance()
        .db_instance_identifier(instance.as_str())
        .set_vpc_security_group_ids(Some(groups.iter().map(ToString::to_string).collect()))
        .apply_immediately(true)
        .customize()
        .config_override(once!(aws_sdk_rds))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(performed(answer.db_instance()))
}

/// Promotes a replica, with the backup retention that it shall have.
pub(super) async fn promote(
    clients: &Clients,
    region: &Region,
    instance: &InstanceId,
    backup_retention_days: u32,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::PromoteReplica);
    operation.permit(region, &resource(instance))?;
    let days = i32::try_from(backup_retention_days).map_err(|_| {
        operation.failure(FailureKind::Refused, "retention_too_long", &format!("{backup_retention_days} days of backups"))
    })?;
    let answer = clients
        .rds(region)
        .promote_read_replica()
        .db_instance_identifier(instance.as_str())
        .backup_retention_period(days)
        .customize()
        .config_override(once!(aws_sdk_rds))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(performed(answer.db_instance()))
}
