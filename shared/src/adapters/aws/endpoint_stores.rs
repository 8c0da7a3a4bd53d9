//! The places where clients find the endpoint, each with the service that keeps it.

use async_trait::async_trait;

use super::{Clients, functions, parameters, secrets};
use crate::domain::observation::PlaceView;
use crate::domain::plan::EndpointPlace;
use crate::ports::{EndpointStores, PortResult};

/// [`EndpointStores`] over Systems Manager, Secrets Manager and Lambda.
#[derive(Debug, Clone)]
pub struct AwsEndpointStores {
    clients: Clients,
}

impl AwsEndpointStores {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl EndpointStores for AwsEndpointStores {
    async fn read(&self, place: &EndpointPlace) -> PortResult<PlaceView> {
        match place {
            EndpointPlace::SsmParameter { name, region, .. } => parameters::read(&self.clients, region, name).await,
            EndpointPlace::Secret { name, field, region, .. } => secrets::read(&self.clients, region, name, field).await,
            EndpointPlace::LambdaEnvironment { function, variable, region, .. } => {
                let functions::Variable { value, others, updating } =
                    functions::read_variable(&self.clients, region, function, variable).await?;
                Ok(PlaceView::Variable { value, others, updating })
            }
        }
    }
}
