//! KMS: keys that wrap data keys.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_kms::primitives::Blob;

use super::Clients;
use super::time::timestamp;
use crate::adapters::Sending;
use crate::domain::identifier::{KmsKeyArn, Region};
use crate::domain::observation::StoredKey;
use crate::domain::operation::Operation;
use crate::ports::{EnvelopeKeys, FailureKind, PortResult};
use crate::redact::Secret;

/// [`EnvelopeKeys`] over KMS.
#[derive(Debug, Clone)]
pub struct KmsEnvelopeKeys {
    clients: Clients,
}

impl KmsEnvelopeKeys {
    /// Over the connections and credentials of these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }

    /// What sends this operation to the key's own Region: KMS knows a key nowhere else.
    fn client(&self, sending: Sending, key: &KmsKeyArn) -> PortResult<aws_sdk_kms::Client> {
        let no_region = |_| sending.failure(FailureKind::Refused, "no_region", &format!("{key} names no Region"));
        let region = Region::new(key.region()).map_err(no_region)?;
        sending.permit(&region, key.as_str())?;
        Ok(self.clients.kms(&region))
    }
}

#[async_trait]
impl EnvelopeKeys for KmsEnvelopeKeys {
    async fn look(&self, key: &KmsKeyArn) -> PortResult<StoredKey> {
        let operation = Sending::of(Operation::DescribeKey);
        let request = self.client(operation, key)?.describe_key().key_id(key.as_str());
        let described = request.send().await.map_err(|error| operation.failed(&error))?;
        let found = described.key_metadata().filter(|found| found.arn() == Some(key.as_str())).ok_or_else(|| {
            operation.failure(FailureKind::NoAnswer, "other_key", &format!("the answer is not about {key}"))
        })?;
        Ok(StoredKey {
            state: found.key_state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            deleted_at: found.deletion_date().and_then(timestamp),
        })
    }

    async fn unwrap_data_key(
        &self,
        key: &KmsKeyArn,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> PortResult<Secret<Vec<u8>>> {
        let operation = Sending::of(Operation::Decrypt);
        let pairs: HashMap<String, String> = context.clone().into_iter().collect();
        let request = self.client(operation, key)?.decrypt().key_id(key.as_str()).ciphertext_blob(Blob::new(wrapped));
        let request = request.set_encryption_context((!pairs.is_empty()).then_some(pairs));
        let answer = request.send().await.map_err(|error| operation.failed(&error))?;
        // An answer that speaks of another key is not one to this request.
        if answer.key_id() != Some(key.as_str()) {
            let message = format!("the answer is not of {key}");
            return Err(operation.failure(FailureKind::NoAnswer, "other_key", &message));
        }
        answer
            .plaintext
            .map(|plain| Secret::new(plain.into_inner()))
            .ok_or_else(|| operation.failure(FailureKind::NoAnswer, "no_data_key", "the answer holds no data key"))
    }
}
