//! Lets no call out that is not on a closed list. It runs with a person's credentials, which may allow anything.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Fails every call, before it is even written, that this does not list by the SDK's names of service and operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnlyListed(pub(crate) fn(service: &str, operation: &str) -> bool);

impl Intercept for OnlyListed {
    fn name(&self) -> &'static str {
        "OnlyListed"
    }

    // Not earlier: before its execution begins, a client's interceptors do not know the operation yet.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(sent) = config.load::<Metadata>() else {
            return Err("the SDK does not say which operation this is".into());
        };
        if (self.0)(sent.service(), sent.name()) {
            Ok(())
        } else {
            Err(format!("{} {} is not among the calls that only read", sent.service(), sent.name()).into())
        }
    }
}
