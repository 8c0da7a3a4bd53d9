//! Wire forms of every trigger and request, read into the domain's words. Our own payloads are read strictly: an unknown field is
//! an error before anything is touched. AWS's envelopes are read tolerantly: a field that AWS adds must not refuse the alarm on
//! the worst day.

pub mod alarm;
pub mod request;
pub mod restore_job;
mod unique;

use std::io;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Code, RecoveryError};

/// The largest payload that is looked at, in bytes of JSON. Our own are far below it, and so are alarm events.
pub const LARGEST_PAYLOAD: usize = 65_536;

/// The largest that `backup-verify` looks at: what came of all pieces of an archive is one payload, and Step Functions has no
/// larger ones.
pub const LARGEST_GATHERED: usize = 262_144;

/// Reads an invocation's payload. Its size is looked at first: Lambda hands over up to six megabytes, which as a tree of values
/// would be many times as much. A field that is written twice is refused, because another reader might take the other one.
///
/// # Errors
/// `payload_too_large`, `payload_unreadable`.
pub fn read(text: &str) -> Result<Value, RecoveryError> {
    read_up_to(LARGEST_PAYLOAD, text)
}

/// As [`read`], where one of our own payloads is larger.
///
/// # Errors
/// As [`read`].
pub fn read_up_to(most: usize, text: &str) -> Result<Value, RecoveryError> {
    if text.len() > most {
        return Err(too_large(most));
    }
    unique::read(text)
        .map_err(|error| RecoveryError::new(Code::PayloadUnreadable, format!("the payload cannot be read as JSON: {error}")))
}

fn too_large(most: usize) -> RecoveryError {
    RecoveryError::new(
        Code::PayloadTooLarge,
        format!("the payload has more than {most} bytes, and none of ours has as many"),
    )
}

/// Counts bytes and keeps none; fails beyond the largest payload.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses a payload that is too large or no object.
///
/// # Errors
/// `payload_too_large`, `payload_unreadable`.
pub fn check_shape(payload: &Value) -> Result<(), RecoveryError> {
    if serde_json::to_writer(Room(LARGEST_PAYLOAD), payload).is_err() {
        return Err(too_large(LARGEST_PAYLOAD));
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
