//! Invoking a Lambda function and waiting for its answer.

use aws_sdk_lambda::primitives::Blob;
use serde::Deserialize;

use super::Clients;
use super::clients::once;
use crate::adapters::Sending;
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

/// The function's answer. It is invoked once: what a second invocation would do is the function's affair, not ours to try.
pub(in crate::adapters) async fn invoke(
    clients: &Clients,
    region: &Region,
    function: &str,
    request: Vec<u8>,
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
    if handled { Ok(payload) } else { Err(function_error(operation, &payload)) }
}

/// A function that died or ran out of time may have done its work; one that answered with an error has said what became of it.
fn function_error(operation: Sending, payload: &[u8]) -> PortError {
    let error: FunctionError = serde_json::from_slice(payload).unwrap_or_default();
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
            let error = function_error(operation, payload);
            assert_eq!((error.kind, error.code.as_str()), (kind, code));
        }
    }
}
