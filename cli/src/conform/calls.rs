//! The closed list of calls. Nothing else leaves this command, whatever its code says.

/// A call that only reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReadCall {
    /// The service as the SDK names it.
    pub(super) sdk: &'static str,
    /// The operation.
    pub(super) operation: &'static str,
    /// The permission that it needs.
    pub(super) action: &'static str,
    /// What it is asked for.
    pub(super) purpose: &'static str,
}

const fn call(sdk: &'static str, operation: &'static str, action: &'static str, purpose: &'static str) -> ReadCall {
    ReadCall { sdk, operation, action, purpose }
}

/// Every call that is ever made.
pub(super) const ALL: &[ReadCall] = &[
    call(
        "RDS",
        "DescribeDBInstances",
        "rds:DescribeDBInstances",
        "all instances of the Region; one that is not there; bad pages",
    ),
    call(
        "RDS",
        "DescribeDBSnapshots",
        "rds:DescribeDBSnapshots",
        "automated snapshots of the Region; one that is not there",
    ),
    call(
        "CloudWatch",
        "GetMetricData",
        "cloudwatch:GetMetricData",
        "ten minutes of a replica's lag; requests that break a rule",
    ),
    call("Route 53", "ListHostedZonesByName", "route53:ListHostedZonesByName", "the zones"),
    call(
        "Route 53",
        "GetHostedZone",
        "route53:GetHostedZone",
        "the name servers of up to five zones; a zone that is not there",
    ),
    call(
        "Route 53",
        "ListResourceRecordSets",
        "route53:ListResourceRecordSets",
        "the records of up to five zones; bad pages",
    ),
    call("Route 53", "GetChange", "route53:GetChange", "a change that is not there"),
    call("Route 53", "GetHealthCheck", "route53:GetHealthCheck", "up to five health checks; one that is not there"),
    call("Route 53", "GetHealthCheckStatus", "route53:GetHealthCheckStatus", "what the checkers of these see"),
];

/// Whether this operation of the SDK's is on the list.
pub(super) fn is_listed(service: &str, operation: &str) -> bool {
    ALL.iter().any(|call| call.sdk == service && call.operation == operation)
}

#[cfg(test)]
mod tests {
    use rehearsal::wire::call::{CallClass, class_of};
    use shared::domain::operation::{On, Operation};

    use super::*;
    use crate::conform::account::Account;

    #[test]
    fn every_call_only_reads_and_needs_the_permission_of_its_name() {
        for call in ALL {
            let (service, name) = call.action.split_once(':').unwrap();
            assert_eq!(name, call.operation);
            assert_eq!(class_of(service, call.operation), CallClass::Read, "{}", call.action);
        }
    }

    /// What the functions call as well stands in the table of operations, with the permissions that AWS asks for.
    #[test]
    fn the_permissions_are_those_of_the_table_of_operations() {
        let mut compared = 0;
        for call in ALL {
            let Some(operation) = Operation::sent_as(call.sdk, call.operation) else {
                assert_eq!(call.sdk, "Route 53", "{} is not in the table of operations", call.operation);
                continue;
            };
            let granted: Vec<&str> = operation.row().grants.iter().map(|grant| grant.action).collect();
            assert!(granted.iter().all(|action| *action == call.action), "{} needs {granted:?}", call.operation);
            assert!(operation.row().grants.iter().any(|grant| !matches!(grant.on, On::Below { .. })));
            compared += 1;
        }
        assert_eq!(compared, 5);
    }

    /// Nobody listens there, so that a call that gets past the guard fails later, and in another way.
    #[tokio::test]
    async fn a_call_that_is_not_on_the_list_is_not_sent() {
        use aws_smithy_runtime_api::client::result::SdkError;

        let account = Account::on_loopback("http://127.0.0.1:9", "us-east-1").unwrap();
        let deletion = account.rds.delete_db_instance().db_instance_identifier("orders").send().await;
        assert!(matches!(deletion.unwrap_err(), SdkError::ConstructionFailure(_)));
        let alarm = account.cloudwatch.disable_alarm_actions().alarm_names("a").send().await;
        assert!(matches!(alarm.unwrap_err(), SdkError::ConstructionFailure(_)));
        let zone = account.route53.delete_hosted_zone().id("Z1").send().await;
        assert!(matches!(zone.unwrap_err(), SdkError::ConstructionFailure(_)));
        let listed = account.rds.describe_db_instances().send().await;
        assert!(!matches!(listed.unwrap_err(), SdkError::ConstructionFailure(_)));
    }
}
