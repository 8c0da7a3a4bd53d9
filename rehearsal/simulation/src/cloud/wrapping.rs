//! KMS: keys that wrap data keys, as far as archives need them.

use std::collections::BTreeMap;

use shared::domain::observation::StoredKey;
use shared::ports::{FailureKind, PortError, PortResult};

use crate::faults::failure;

const DECRYPT: (&str, &str) = ("kms", "Decrypt");

/// What was wrapped: the data key, and the pairs that it is bound to.
type Wrapped = (Vec<u8>, BTreeMap<String, String>);

/// A key of KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappingKey {
    /// Its state, in KMS's words.
    pub stored: StoredKey,
    /// Whether the functions' roles may use it.
    pub allowed: bool,
    /// The data keys that were wrapped under it, by what they are then.
    pub data_keys: BTreeMap<Vec<u8>, Wrapped>,
}

impl WrappingKey {
    /// A key that can be used, under which these were wrapped.
    #[must_use]
    pub fn of(data_keys: BTreeMap<Vec<u8>, Wrapped>) -> Self {
        let stored = StoredKey { state: "Enabled".to_owned(), deleted_at: None };
        Self { stored, allowed: true, data_keys }
    }
}

/// Decrypt, with the refusals of KMS ("Decrypt", "Errors").
pub(crate) fn decrypt(
    keys: &BTreeMap<String, WrappingKey>,
    arn: &str,
    wrapped: &[u8],
    context: &BTreeMap<String, String>,
) -> PortResult<Vec<u8>> {
    let refused = |code, message: &str| Err(failure(FailureKind::Refused, DECRYPT, code, message));
    let key = found(keys, arn, DECRYPT)?;
    if !key.allowed {
        return Err(failure(
            FailureKind::Denied,
            DECRYPT,
            "AccessDeniedException",
            "not authorized to perform: kms:Decrypt",
        ));
    }
    match key.stored.state.as_str() {
        "Enabled" => {}
        "Disabled" => return refused("DisabledException", &format!("{arn} is disabled.")),
        state => return refused("KMSInvalidStateException", &format!("{arn} is {state}.")),
    }
    match key.data_keys.get(wrapped) {
        Some((data_key, bound)) if bound == context => Ok(data_key.clone()),
        None if keys.values().any(|other| other.data_keys.contains_key(wrapped)) => refused(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ),
        _ => refused("InvalidCiphertextException", ""),
    }
}

pub(crate) fn found<'a>(
    keys: &'a BTreeMap<String, WrappingKey>,
    arn: &str,
    operation: (&'static str, &'static str),
) -> Result<&'a WrappingKey, PortError> {
    let missing = || failure(FailureKind::NotFound, operation, "NotFoundException", format!("Key '{arn}' does not exist"));
    keys.get(arn).ok_or_else(missing)
}
