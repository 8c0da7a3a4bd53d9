//! The points where writes can be held, each with the service that enforces it.

use async_trait::async_trait;

use super::{Clients, functions, http_stages, rest_stages};
use crate::domain::observation::HoldView;
use crate::domain::plan::{ApiProtocol, HoldPoint};
use crate::ports::{PortResult, WriteHolds};

/// [`WriteHolds`] over API Gateway and Lambda.
#[derive(Debug, Clone)]
pub struct AwsWriteHolds {
    clients: Clients,
}

impl AwsWriteHolds {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl WriteHolds for AwsWriteHolds {
    async fn read(&self, point: &HoldPoint) -> PortResult<HoldView> {
        match point {
            HoldPoint::ApiGatewayStage { protocol: ApiProtocol::Rest, api, stage, region, .. } => {
                let by_method = rest_stages::read(&self.clients, region, api, stage).await?;
                Ok(HoldView::Throttles { by_method })
            }
            HoldPoint::ApiGatewayStage { protocol: ApiProtocol::Http, api, stage, region, .. } => {
                let by_route = http_stages::read(&self.clients, region, api, stage).await?;
                Ok(HoldView::Routes { by_route })
            }
            HoldPoint::LambdaEnvironment { function, variable, region, .. } => {
                let functions::Variable { value, others, updating } =
                    functions::read_variable(&self.clients, region, function, variable).await?;
                Ok(HoldView::Variable { value, others, updating })
            }
        }
    }
}
