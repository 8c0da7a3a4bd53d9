//! AWS Secrets Manager: secrets that a function needs for its own work.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Clients;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::observation::StoredSecret;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortResult, Secrets};
use crate::redact::Secret;

const CURRENT: &str = "AWSCURRENT";

/// [`Secrets`] over Secrets Manager.
#[derive(Debug, Clone)]
pub struct StoredSecrets {
    clients: Clients,
}

impl StoredSecrets {
    /// Over the connections and credentials of these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl Secrets for StoredSecrets {
    async fn look(&self, region: &Region, secret: &ResourceName) -> PortResult<StoredSecret> {
        let operation = Sending::of(Operation::DescribeSecret);
        operation.permit(region, &format!("secret:{secret}"))?;
        let described = self
            .clients
            .secretsmanager(region)
            .describe_secret()
            .secret_id(secret.as_str())
            .send()
            .await
            .map_err(|error| operation.failed(&error))?;
        let mut stages = described.version_ids_to_stages().into_iter().flat_map(|versions| versions.values().flatten());
        let deleted_at = described.deleted_date().and_then(|at| Timestamp::from_second(at.secs()).ok());
        Ok(StoredSecret { deleted_at, has_value: stages.any(|stage| stage == CURRENT) })
    }

    async fn value(&self, region: &Region, secret: &ResourceName) -> PortResult<Secret<String>> {
        let operation = Sending::of(Operation::GetSecretValue);
        operation.permit(region, &format!("secret:{secret}"))?;
        let answer = self
            .clients
            .secretsmanager(region)
            .get_secret_value()
            .secret_id(secret.as_str())
            .send()
            .await
            .map_err(|error| operation.failed_with_secret(&error))?;
        answer.secret_string().map(|text| Secret::new(text.to_owned())).ok_or_else(|| {
            let message = format!("{secret} holds bytes, and is to hold text");
            operation.failure(FailureKind::Refused, "secret_is_binary", &message)
        })
    }
}
