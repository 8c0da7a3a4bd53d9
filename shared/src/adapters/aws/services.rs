//! Amazon ECS: how a service's rollout goes, and starting one that makes its tasks reread their configuration.

use async_trait::async_trait;
use aws_sdk_ecs::types::Service;

use super::Clients;
use super::clients::once;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::mutation::Performed;
use crate::domain::observation::ServiceView;
use crate::domain::operation::Operation;
use crate::domain::plan::EcsSite;
use crate::ports::{FailureKind, PortError, PortResult, Services};

/// [`Services`] over ECS.
#[derive(Debug, Clone)]
pub struct EcsServices {
    clients: Clients,
}

impl EcsServices {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Services for EcsServices {
    async fn describe(&self, region: &Region, service: &EcsSite) -> PortResult<ServiceView> {
        let operation = Sending::of(Operation::DescribeServices);
        operation.permit(region, &resource(&service.cluster, &service.service))?;
        let answer = self
            .clients
            .ecs(region)
            .describe_services()
            .cluster(service.cluster.as_str())
            .services(service.service.as_str())
            .send()
            .await
            .map_err(|error| operation.failed(&error))?;
        let found = answer.services().iter().find(|found| found.service_name() == Some(service.service.as_str()));
        match found {
            // A deleted service is still described for a while.
            Some(found) if found.status() != Some("INACTIVE") => view(found).ok_or_else(|| {
                let message = format!("{} has no primary deployment", service.service);
                operation.failure(FailureKind::Refused, "no_primary_deployment", &message)
            }),
            Some(_) => Err(not_found(operation, service)),
            None => match answer.failures().first().and_then(|failure| failure.reason()) {
                Some("MISSING") => Err(not_found(operation, service)),
                // Silence about a service does not say that there is none.
                None => Err(operation.failure(FailureKind::NoAnswer, "empty_answer", "ECS said nothing about the service")),
                Some(reason) => Err(operation.failure(FailureKind::Refused, reason, "ECS could not describe the service")),
            },
        }
    }
}

fn not_found(operation: Sending, service: &EcsSite) -> PortError {
    let message = format!("cluster {} has no active service {}", service.cluster, service.service);
    operation.failure(FailureKind::NotFound, "ServiceNotFoundException", &message)
}

fn resource(cluster: &ResourceName, service: &ResourceName) -> String {
    format!("service/{cluster}/{service}")
}

fn view(service: &Service) -> Option<ServiceView> {
    let primary = service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))?;
    let count = |number: i32| u32::try_from(number).unwrap_or_default();
    Some(ServiceView {
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        deployment: primary.id()?.to_owned(),
        rollout: primary.rollout_state().map(|state| state.as_str().to_owned()),
    })
}

/// Starts a new deployment of the same task definition.
pub(super) async fn restart(
    clients: &Clients,
    region: &Region,
    cluster: &ResourceName,
    service: &ResourceName,
) -> PortResult<Performed> {
    let operation = Sending::of(Operation::UpdateService);
    operation.permit(region, &resource(cluster, service))?;
    clients
        .ecs(region)
        .update_service()
        .cluster(cluster.as_str())
        .service(service.as_str())
        .force_new_deployment(true)
        .customize()
        .config_override(once!(aws_sdk_ecs))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    Ok(Performed::plainly())
}
