//! A dark Region takes no connection and answers nothing. Asking it again at once only spends the invocation's few seconds: the
//! engine comes again anyway, and in between it can record that the Region is out of reach.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

/// Keeps the SDK from repeating a call that met silence. Everything else that is worth a repetition is still repeated.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NoRepeatAfterSilence;

impl ClassifyRetry for NoRepeatAfterSilence {
    fn name(&self) -> &'static str {
        "NoRepeatAfterSilence"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let silent = error.and_then(|error| error.as_connector_error()).is_some_and(|error| error.is_timeout());
        if silent { RetryAction::RetryForbidden } else { RetryAction::NoActionIndicated }
    }
}
