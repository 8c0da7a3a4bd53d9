//! Tells the wire on whose behalf a call is made, so that a rehearsal can compare what was made with what was promised.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::ports::CallScope;

/// The header's name.
pub const HEADER: &str = "x-recovery-step";

/// Adds the header to every call that is made for a step, before it is signed: nobody on the way can change it unseen.
///
/// The SDK runs interceptors in the task that awaits the call, where the scope is; a test holds it to that.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepHeader;

impl Intercept for StepHeader {
    fn name(&self) -> &'static str {
        "StepHeader"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(scope) = CallScope::current() {
            context.request_mut().headers_mut().try_insert(HEADER, scope.label)?;
        }
        Ok(())
    }
}
