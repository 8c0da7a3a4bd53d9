//! What a failed AWS call means: one table from the SDK's errors to the ports' kinds.

use std::error::Error;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::ports::{CallScope, FailureKind, PortError, PortResult};

/// Longer messages help nobody, and journals and notices have limits.
const LONGEST_MESSAGE: usize = 300;
const LONGEST_CODE: usize = 100;
/// The longest names of AWS's errors have about fifty characters.
const LONGEST_PLAIN_CODE: usize = 80;

/// One operation that is being sent: asks for its permission, and names it in errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sending(Operation);

impl Sending {
    /// Only an operation of the table can be sent.
    pub(crate) const fn of(operation: Operation) -> Self {
        Self(operation)
    }

    /// Whether the step that is running may make this call; every adapter asks before it sends anything.
    pub(crate) fn permit(self, region: &Region, resource: &str) -> PortResult<()> {
        CallScope::permit(self.0.service(), self.0.name(), region, resource)
    }

    /// A failure of our own finding.
    pub(crate) fn failure(self, kind: FailureKind, code: &str, message: &str) -> PortError {
        PortError {
            kind,
            service: self.0.service(),
            operation: self.0.name(),
            code: bounded(code, LONGEST_CODE),
            message: bounded(message, LONGEST_MESSAGE),
        }
    }

    /// Gives work of several calls the time that one call has, so that it ends before its invocation does. What it had begun by
    /// then may have happened.
    pub(crate) async fn within<T>(self, limit: Duration, work: impl Future<Output = PortResult<T>>) -> PortResult<T> {
        match tokio::time::timeout(limit, work).await {
            Ok(result) => result,
            Err(_) => Err(self.failure(FailureKind::NoAnswer, "timeout", "not finished in time")),
        }
    }

    /// A failure that the SDK reports.
    pub(crate) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata,
    {
        match error {
            SdkError::ConstructionFailure(_) => self.failure(
                FailureKind::Refused,
                "request_not_built",
                "the request could not be built, so nothing was sent",
            ),
            SdkError::TimeoutError(_) => self.failure(FailureKind::NoAnswer, "timeout", "no answer in time"),
            SdkError::DispatchFailure(failure) => {
                let (kind, code, message) = undelivered(failure.as_connector_error());
                self.failure(kind, code, message)
            }
            SdkError::ResponseError(_) => {
                self.failure(FailureKind::NoAnswer, "unreadable_reply", "the reply could not be read")
            }
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service.err().code();
                let shown = code.map_or_else(|| format!("http_{status}"), str::to_owned);
                let message = service.err().message().unwrap_or("the reply holds no readable error");
                self.failure(kind_of(code, status), &shown, message)
            }
            _ => self.failure(FailureKind::NoAnswer, "unknown_failure", "the SDK reported a failure of an unknown kind"),
        }
    }

    /// The same for a call whose request holds secret values. Services quote what they refuse ("String measured: …"), so of their
    /// words only the code is kept, whatever kind of failure it is.
    pub(crate) fn failed_with_secret<E>(self, error: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata,
    {
        let mut failure = self.failed(error);
        if matches!(error, SdkError::ServiceError(_)) {
            failure.code = plain_code(&failure.code);
            WITHHELD.clone_into(&mut failure.message);
        }
        failure
    }
}

/// What stands for words that may quote a secret.
pub(crate) const WITHHELD: &str = "(withheld: these words may quote a secret value)";

/// A code that can be shown whoever wrote it: the characters that names of errors are made of, and nothing else.
pub(crate) fn plain_code(code: &str) -> String {
    let plain = code.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c));
    if plain && code.len() <= LONGEST_PLAIN_CODE { code.to_owned() } else { "unprintable_code".to_owned() }
}

/// What a service's answer means. Codes come first: several services answer 400 to everything.
///
/// Without a code it is not a service's error at all: the SDK reports a success that it could not read like that, and whatever
/// stands between us and the service answers like that. Then the service may have done it, or may never have heard of it.
fn kind_of(code: Option<&str>, status: u16) -> FailureKind {
    let Some(code) = code.filter(|_| status >= 400) else {
        return FailureKind::NoAnswer;
    };
    let named = |names: &[&str]| names.contains(&code);
    if code.contains("Throttl") || named(NOT_NOW) || status == 429 {
        FailureKind::NotNow
    } else if code.contains("PreconditionFailed") || code.contains("ConditionalCheckFailed") || status == 412 {
        FailureKind::Conflict
    } else if status >= 500 || named(&["RequestTimeout", "RequestTimeoutException", "InternalFailure", "InternalError"]) {
        FailureKind::NoAnswer
    } else if code.contains("NotFound")
        || code.contains("DoesNotExist")
        || named(&["ServiceNotActiveException", "NoSuchHealthCheck"])
    {
        FailureKind::NotFound
    } else if code.contains("AccessDenied") || named(DENIED) || status == 401 || status == 403 {
        FailureKind::Denied
    } else {
        FailureKind::Refused
    }
}

/// "Not now, and nothing happened": limits on rate, and states that pass.
const NOT_NOW: &[&str] = &[
    "TooManyRequests",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "SlowDown",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    // RDS: the instance is being modified, rebooted or backed up.
    "InvalidDBInstanceState",
    "InvalidDBInstanceStateFault",
    // Lambda: an earlier update of the function is still under way.
    "ResourceConflictException",
    // API Gateway: another change of the stage is under way.
    "ConflictException",
    // ECS and Systems Manager say the same in their own words.
    "UpdateInProgressException",
    "TooManyUpdates",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

const DENIED: &[&str] = &[
    "UnrecognizedClientException",
    "UnrecognizedClient",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "AuthorizationError",
    "AuthorizationErrorException",
    "UnauthorizedOperation",
    "OptInRequired",
];

/// A request that got no reply at all: was it sent? Only what is known to have failed before the first byte counts as "nothing
/// happened"; everything else may have arrived.
fn undelivered(error: Option<&ConnectorError>) -> (FailureKind, &'static str, &'static str) {
    let chain = error.map(chain_of).unwrap_or_default();
    let says = |part: &str| chain.iter().any(|text| text.contains(part));
    if says("client error (Connect)") || says("HTTP connect timeout") {
        (FailureKind::NotNow, "not_connected", "no connection to the service, so nothing was sent")
    } else if says("credential provider") || says("credentials provider") {
        (FailureKind::Denied, "no_credentials", "the environment holds no usable AWS credentials, so nothing was sent")
    } else if error.is_some_and(ConnectorError::is_timeout) {
        (FailureKind::NoAnswer, "timeout", "no answer in time")
    } else {
        (FailureKind::NoAnswer, "connection_lost", "the connection was lost before a reply came")
    }
}

fn chain_of(error: &ConnectorError) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(inner) = source {
        texts.push(inner.to_string());
        source = inner.source();
    }
    texts
}

/// One printable line of at most this many characters.
pub(crate) fn bounded(text: &str, longest: usize) -> String {
    let printable = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= longest {
        printable.collect()
    } else {
        printable.take(longest.saturating_sub(1)).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_may_be_done_next() {
        for (code, status, kind) in [
            ("Throttling", 400, FailureKind::NotNow),
            ("ThrottlingException", 400, FailureKind::NotNow),
            ("RequestThrottledException", 400, FailureKind::NotNow),
            ("ThrottlingException", 503, FailureKind::NotNow),
            ("TooManyRequestsException", 429, FailureKind::NotNow),
            ("LimitExceededException", 429, FailureKind::NotNow),
            ("InvalidDBInstanceState", 400, FailureKind::NotNow),
            ("ResourceConflictException", 409, FailureKind::NotNow),
            ("ConflictException", 409, FailureKind::NotNow),
            ("TransactionInProgressException", 400, FailureKind::NotNow),
            ("DBInstanceNotFound", 404, FailureKind::NotFound),
            ("ResourceNotFoundException", 400, FailureKind::NotFound),
            ("ParameterNotFound", 400, FailureKind::NotFound),
            ("ParameterVersionNotFound", 400, FailureKind::NotFound),
            ("NotFoundException", 404, FailureKind::NotFound),
            ("ClusterNotFoundException", 400, FailureKind::NotFound),
            ("NoSuchHealthCheck", 404, FailureKind::NotFound),
            ("ExecutionDoesNotExist", 400, FailureKind::NotFound),
            ("AccessDenied", 403, FailureKind::Denied),
            ("AccessDeniedException", 400, FailureKind::Denied),
            ("UnrecognizedClientException", 400, FailureKind::Denied),
            ("ExpiredTokenException", 400, FailureKind::Denied),
            ("AuthorizationError", 403, FailureKind::Denied),
            ("PreconditionFailedException", 412, FailureKind::Conflict),
            ("ConditionalCheckFailedException", 400, FailureKind::Conflict),
            ("ValidationException", 400, FailureKind::Refused),
            ("InvalidParameterValue", 400, FailureKind::Refused),
            ("LimitExceededException", 400, FailureKind::Refused),
            ("InternalFailure", 500, FailureKind::NoAnswer),
            ("ServiceException", 500, FailureKind::NoAnswer),
            ("ServiceUnavailable", 503, FailureKind::NoAnswer),
            ("RequestTimeout", 408, FailureKind::NoAnswer),
            ("ResourceNotFoundException", 502, FailureKind::NoAnswer),
        ] {
            assert_eq!(kind_of(Some(code), status), kind, "{code} with {status}");
        }
    }

    #[test]
    fn what_no_service_signed_with_a_code_is_no_answer() {
        for status in [200, 301, 403, 404, 429, 502] {
            assert_eq!(kind_of(None, status), FailureKind::NoAnswer, "{status}");
        }
        assert_eq!(kind_of(Some("AccessDenied"), 200), FailureKind::NoAnswer);
    }

    #[test]
    fn messages_are_one_bounded_line() {
        assert_eq!(bounded("a\r\nb\u{1b}[31m", 300), "a  b [31m");
        let long = bounded(&"ä".repeat(1_000), LONGEST_MESSAGE);
        assert_eq!(long.chars().count(), LONGEST_MESSAGE);
        assert!(long.ends_with('…'));
    }
}
