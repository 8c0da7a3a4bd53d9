//! Invoking a Lambda function and waiting for its answer.

use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;

use super::Clients;
use super::clients::once;
use crate::adapters::{Sending, WITHHELD, plain_code};
use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortError, PortResult};

/// What Lambda's runtime makes of a function's error.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FunctionError {
    error_type: String,
    error_message: String,
}

/// Whose words a function's error is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::adapters) enum Speaker {
    /// A function of ours, which knows what must not be said.
    OurOwn,
    /// A function of the platform: its error may hold a connection string.
    Platform,
}

/// The function's answer. It is invoked once: what a second invocation would do is the function's affair, not ours to try.
pub(in crate::adapters) async fn invoke(
    clients: &Clients,
    region: &Region,
    function: &str,
    request: Vec<u8>,
    speaker: Speaker,
) -> PortResult<Vec<u8>> {
    let operation = Sending::of(Operation::Invoke);
    let answer = clients
        .lambda(region)
        .invoke()
        .function_name(function)
        .payload(Blob::new(request))
        .customize()
        .config_override(once!(aws_sdk_lambda))
        .send()
        .await
        .map_err(|error| operation.failed(&error))?;
    let handled = answer.function_error().is_none();
    let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
    if handled { Ok(payload) } else { Err(function_error(operation, &payload, speaker)) }
}

/// A function that died or ran out of time may have done its work; one that answered with an error has said what became of it.
fn function_error(operation: Sending, payload: &[u8], speaker: Speaker) -> PortError {
    let mut error: FunctionError = serde_json::from_slice(payload).unwrap_or_default();
    if speaker == Speaker::Platform {
        error = FunctionError { error_type: plain_code(&error.error_type), error_message: WITHHELD.to_owned() };
    }
    let died = ["Runtime.", "Sandbox.", "Function."].iter().any(|origin| error.error_type.starts_with(origin));
    if error.error_type.is_empty() || died {
        let code = if error.error_type.is_empty() { "function_failed" } else { &error.error_type };
        operation.failure(FailureKind::NoAnswer, code, &error.error_message)
    } else {
        operation.failure(FailureKind::Refused, &error.error_type, &error.error_message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_died_gave_no_answer_and_one_that_refused_did() {
        let operation = Sending::of(Operation::Invoke);
        for (payload, kind, code) in [
            (
                &br#"{"errorType":"scenario_not_in_plan","errorMessage":"no such scenario"}"#[..],
                FailureKind::Refused,
                "scenario_not_in_plan",
            ),
            (br#"{"errorType":"Runtime.ExitError","errorMessage":"killed"}"#, FailureKind::NoAnswer, "Runtime.ExitError"),
            (br#"{"errorType":"Sandbox.Timedout","errorMessage":"late"}"#, FailureKind::NoAnswer, "Sandbox.Timedout"),
            (br#"{"errorMessage":"Task timed out after 15.00 seconds"}"#, FailureKind::NoAnswer, "function_failed"),
            (b"not json", FailureKind::NoAnswer, "function_failed"),
        ] {
            for speaker in [Speaker::OurOwn, Speaker::Platform] {
                let error = function_error(operation, payload, speaker);
                assert_eq!((error.kind, error.code.as_str()), (kind, code));
            }
        }
    }

    #[test]
    fn the_platforms_own_words_are_not_repeated() {
        let payload = br#"{"errorType":"postgres://u:hunter2@db","errorMessage":"postgres://u:hunter2@db does not answer"}"#;
        let error = function_error(Sending::of(Operation::Invoke), payload, Speaker::Platform);
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let error = function_error(Sending::of(Operation::Invoke), payload, Speaker::OurOwn);
        assert!(error.message.contains("does not answer"));
    }
}
