//! Data keys of archives that are messages of the AWS Encryption SDK, unwrapped by KMS.

use decryption::{DataKey, Wrapped};
use pgdump::NotOpened;
use shared::domain::archive_encryption::{NotUnwrapped, judge_not_unwrapped};
use shared::domain::identifier::KmsKeyArn;
use shared::ports::{EnvelopeKeys, PortError};

/// Unwraps the data key of a message with a key of KMS.
///
/// # Errors
/// Why it is not unwrapped: only what KMS finds wrong with the message itself is damage.
pub async fn unwrap_data_key(keys: &dyn EnvelopeKeys, key: &KmsKeyArn, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
    let mut refused = None;
    // More than one only where it was encrypted under two replicas of one key.
    for each in wrapped.under(key.as_str())? {
        match keys.unwrap_data_key(key, &each.ciphertext, &wrapped.context).await {
            Ok(data_key) => return Ok(DataKey::new(data_key.into_exposed())),
            Err(error) => refused = Some(not_opened(key, &error)),
        }
    }
    Err(refused.unwrap_or_else(|| NotOpened::WrongKey(format!("no data key in it is for {key}"))))
}

fn not_opened(key: &KmsKeyArn, error: &PortError) -> NotOpened {
    let (means, sentence) = judge_not_unwrapped(key, &error.code);
    let told = format!("{sentence} ({})", error.code);
    match means {
        NotUnwrapped::WrongKey => NotOpened::WrongKey(told),
        NotUnwrapped::Changed => NotOpened::NotAuthentic(told),
        NotUnwrapped::Unusable => NotOpened::KeyUnusable(told),
    }
}
