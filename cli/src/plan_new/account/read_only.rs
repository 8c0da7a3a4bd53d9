//! Lets nothing out that changes anything.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Fails every call, before it is written, whose operation does not say that it reads. It runs with a person's credentials, which
/// may allow anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadOnly;

impl Intercept for ReadOnly {
    fn name(&self) -> &'static str {
        "ReadOnly"
    }

    // Not earlier: before its execution begins, a client's interceptors do not know the operation yet.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(|sent| sent.name().to_owned()).unwrap_or_default();
        if ["Describe", "List", "Get"].iter().any(|reads| operation.starts_with(reads)) {
            Ok(())
        } else {
            Err(format!("{operation} does not read, and nothing else is sent from here").into())
        }
    }
}
