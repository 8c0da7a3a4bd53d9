//! Lets nothing out that is not in the table of operations.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::domain::operation::Operation;
use crate::domain::step::FunctionName;
use crate::ports::CallScope;

/// Fails a call, before it is even written, whose operation has no row for this function; and one made for a step whose closed set
/// does not know the operation at all. The roles in the template are generated from the same table, so what passes here is what
/// the role allows.
///
/// Adapters ask before they send, with the resource. This is what holds an adapter that forgot to.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnlyDeclared {
    pub(super) function: Option<FunctionName>,
}

impl Intercept for OnlyDeclared {
    fn name(&self) -> &'static str {
        "OnlyDeclared"
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
        let undeclared = || format!("{} {} is not in the table of operations", sent.service(), sent.name());
        let operation = Operation::sent_as(sent.service(), sent.name()).ok_or_else(undeclared)?;
        if let Some(function) = self.function
            && !operation.row().by.contains(&function)
        {
            return Err(format!("{} is not an operation of {}", operation.name(), function.as_str()).into());
        }
        let inside = |scope: &CallScope| {
            let mut may = scope.may.iter();
            may.any(|each| each.service == operation.service() && each.operation == operation.name())
        };
        // The machinery's calls are no step's, wherever they are made.
        match CallScope::current().filter(|scope| !operation.is_control() && !inside(scope)) {
            Some(scope) => Err(format!("{} must not call {}", scope.label, operation.name()).into()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_config::SdkConfig;
    use aws_sdk_rds::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_runtime_api::client::result::SdkError;

    use super::super::Clients;
    use super::super::clients::once;
    use super::*;
    use crate::domain::call::Permitted;
    use crate::domain::identifier::Region;

    fn region() -> Region {
        Region::new("us-west-2").unwrap()
    }

    /// Nobody listens there, so that a call that gets past the guard fails later, and in another way.
    fn clients(function: Option<FunctionName>) -> Clients {
        let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "example", None, None, "test"));
        let config = SdkConfig::builder().endpoint_url("http://127.0.0.1:9").credentials_provider(credentials).build();
        Clients::build(None, Some(config), function)
    }

    /// Whether the call was held back before it was written.
    async fn promotion_held_back(function: Option<FunctionName>) -> bool {
        let promotion = clients(function).rds(&region()).promote_read_replica().db_instance_identifier("r");
        let sent = promotion.customize().config_override(once!(aws_sdk_rds)).send().await;
        matches!(sent.unwrap_err(), SdkError::ConstructionFailure(_))
    }

    #[tokio::test]
    async fn an_operation_that_is_not_in_the_table_is_not_sent() {
        let deletion = clients(None).rds(&region()).delete_db_instance().db_instance_identifier("r");
        let sent = deletion.customize().config_override(once!(aws_sdk_rds)).send().await;
        assert!(matches!(sent.unwrap_err(), SdkError::ConstructionFailure(_)));
    }

    #[tokio::test]
    async fn an_operation_of_another_function_is_not_sent() {
        assert!(!promotion_held_back(Some(FunctionName::Recovery)).await);
        for other in [FunctionName::ReadOnlyToggle, FunctionName::UpdateDatabaseEndpoints, FunctionName::BackupVerify] {
            assert!(promotion_held_back(Some(other)).await, "{}", other.as_str());
        }
    }

    #[tokio::test]
    async fn an_adapter_that_forgot_to_ask_is_held_to_its_steps_closed_set() {
        let within = async |operation| {
            let may = vec![Permitted::new(operation, &region(), "db:r")];
            let scope = CallScope { label: "04-promote-database#1".to_owned(), may: may.into() };
            scope.run(promotion_held_back(None)).await
        };
        assert!(!within(Operation::PromoteReplica).await);
        assert!(within(Operation::DescribeInstances).await);
    }
}
