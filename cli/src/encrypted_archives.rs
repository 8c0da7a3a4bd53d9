//! Encrypted archives for tests.

use std::collections::BTreeMap;
use std::io::Write;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use async_trait::async_trait;
use serde_json::Value;
use shared::domain::identifier::KmsKeyArn;
use shared::domain::observation::StoredKey;
use shared::ports::{EnvelopeKeys, FailureKind, PortError, PortResult};
use shared::redact::Secret;
use tokio::runtime::Runtime;

/// The archive, encrypted to an identity of its own, and the file of that identity as age-keygen writes it.
pub(crate) fn encrypted(plain: &[u8]) -> (Vec<u8>, String) {
    let identity = Identity::generate();
    let recipient = identity.to_public();
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient)).unwrap();
    let mut bytes = Vec::new();
    let mut writer = encryptor.wrap_output(&mut bytes).unwrap();
    writer.write_all(plain).unwrap();
    writer.finish().unwrap();
    (bytes, format!("# created: today\n{}\n", identity.to_string().expose_secret()))
}

/// Messages that AWS's own implementation made.
pub(crate) const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/decryption/tests/fixtures/");

/// KMS, as far as the fixtures asked it: a key of another Region than theirs is a replica of it, and one with another id is disabled.
struct FixtureKms;

/// What the fixtures asked of KMS, and what it gave, by their names.
pub(crate) fn asked_of_kms() -> BTreeMap<String, Value> {
    serde_json::from_slice(&std::fs::read(format!("{MESSAGES}data_keys.json")).unwrap()).unwrap()
}

#[async_trait]
impl EnvelopeKeys for FixtureKms {
    async fn look(&self, _: &KmsKeyArn) -> PortResult<StoredKey> {
        Ok(StoredKey { state: "Enabled".to_owned(), deleted_at: None })
    }

    async fn unwrap_data_key(
        &self,
        key: &KmsKeyArn,
        wrapped: &[u8],
        context: &BTreeMap<String, String>,
    ) -> PortResult<Secret<Vec<u8>>> {
        let wrapped = data_encoding::BASE64.encode(wrapped);
        let failed = |code: &str| PortError {
            kind: FailureKind::Refused,
            service: "kms",
            operation: "Decrypt",
            code: code.to_owned(),
            message: String::new(),
        };
        assert!(context.contains_key("aws-crypto-public-key"), "what the data key is bound to: {context:?}");
        if key.region() == "sa-east-1" {
            return Err(failed("DisabledException"));
        }
        let all = asked_of_kms();
        let given = all.values().find(|given| given["keys"][0]["wrapped"] == wrapped.as_str());
        let hex = given.ok_or_else(|| failed("InvalidCiphertextException"))?["data_key"].as_str().unwrap().to_owned();
        Ok(Secret::new(data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap()))
    }
}

/// Connects to that.
pub(crate) fn fixture_kms(_: &Runtime) -> Box<dyn EnvelopeKeys> {
    Box::new(FixtureKms)
}
