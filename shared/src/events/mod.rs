//! Wire forms of every trigger and request, read into the domain's words. Our own payloads are read strictly: an unknown field is
//! an error before anything is touched. AWS's envelopes are read tolerantly: a field that AWS adds must not refuse the alarm on
//! the worst day.

pub mod alarm;
pub mod request;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Code, RecoveryError};

/// The largest payload that is looked at, in bytes of JSON. Our own are far below it, and so are alarm events.
pub const LARGEST_PAYLOAD: usize = 65_536;

/// Refuses a payload that is too large or no object.
///
/// # Errors
/// `payload_too_large`, `payload_unreadable`.
pub fn check_shape(payload: &Value) -> Result<(), RecoveryError> {
    let size = serde_json::to_string(payload).map(|text| text.len()).unwrap_or(usize::MAX);
    if size > LARGEST_PAYLOAD {
        return Err(RecoveryError::new(
            Code::PayloadTooLarge,
            format!("the payload has {size} bytes, and none of ours has more than {LARGEST_PAYLOAD}"),
        ));
    }
    if payload.is_object() {
        Ok(())
    } else {
        Err(RecoveryError::new(
            Code::PayloadUnreadable,
            "the payload is not a JSON object, such as {\"scenario\":\"database_failure\"}",
        ))
    }
}

/// Reads one of our own payloads, strictly.
///
/// # Errors
/// `payload_unreadable` with what was expected instead.
pub fn strictly<T: DeserializeOwned>(payload: &Value, what: &str) -> Result<T, RecoveryError> {
    T::deserialize(payload).map_err(|error| {
        let detail: String = error.to_string().chars().take(300).collect();
        RecoveryError::new(Code::PayloadUnreadable, format!("the payload is not {what}: {detail}"))
    })
}
