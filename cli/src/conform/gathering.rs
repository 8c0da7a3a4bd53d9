//! Reads everything that is looked at. Each call is made whatever became of the others: what is not allowed is not known, no more.

mod cloudwatch;
mod rds;
mod route53;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::account::{Account, reason};
use super::sight::{Refusal, Reply, Sight};

/// Codes that say who may ask, or how often, and nothing about what was asked.
const ABOUT_THE_CALLER: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "OptInRequired",
    "RequestExpired",
    "RequestLimitExceeded",
    "SignatureDoesNotMatch",
    "Throttling",
    "ThrottlingException",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Reads it all.
pub(super) async fn gather(account: &Account) -> Sight {
    let rds = rds::gather(account).await;
    let replica = match &rds.instances {
        Reply::Answered(instances) => {
            instances.iter().find(|instance| instance.source.is_some() && instance.engine == "postgres")
        }
        _ => None,
    };
    let cloudwatch = cloudwatch::gather(account, replica.map(|replica| replica.identifier.as_str())).await;
    let route53 = route53::gather(account).await;
    Sight { region: account.region.clone(), rds, cloudwatch, route53 }
}

/// What became of a call, in words that facts are about.
fn reply<T, E: ProvideErrorMetadata>(action: &str, sent: Result<T, SdkError<E, HttpResponse>>) -> Reply<T> {
    let error = match sent {
        Ok(answer) => return Reply::Answered(answer),
        Err(error) => error,
    };
    let (code, message) = (error.code().unwrap_or_default().to_owned(), error.message().unwrap_or_default().to_owned());
    match error {
        SdkError::ServiceError(refused)
            if !ABOUT_THE_CALLER.contains(&code.as_str()) && refused.raw().status().as_u16() < 500 =>
        {
            Reply::Refused(Refusal { code, status: refused.raw().status().as_u16() })
        }
        SdkError::ServiceError(_) => Reply::Unasked(format!("{action} was not answered: {code}: {message}")),
        SdkError::TimeoutError(_) => Reply::Unasked(format!("{action} was not answered in time")),
        SdkError::DispatchFailure(failure) => {
            let why = failure.as_connector_error().map_or("the connection failed".to_owned(), |error| reason(error));
            Reply::Unasked(format!("{action} could not be sent: {why}"))
        }
        SdkError::ConstructionFailure(_) => {
            Reply::Unasked(format!("{action} was held back: it is not among the calls that only read"))
        }
        _ => Reply::Unasked(format!("the answer to {action} could not be read")),
    }
}
