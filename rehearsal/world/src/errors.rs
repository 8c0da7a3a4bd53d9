//! Refusals, as the services document them.

use std::fmt;

use serde::Serialize;

/// Whose fault a refusal is, in the words of the Query protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Fault {
    /// The caller's.
    Sender,
    /// The service's.
    Receiver,
}

/// A call that was refused or could not be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiError {
    /// The code that SDKs match on.
    pub code: &'static str,
    /// The HTTP status.
    pub http_status: u16,
    /// Whose fault it is.
    pub fault: Fault,
    /// What a person reads.
    pub message: String,
}

impl ApiError {
    fn sender(code: &'static str, http_status: u16, message: impl Into<String>) -> Self {
        Self { code, http_status, fault: Fault::Sender, message: message.into() }
    }

    pub(crate) fn instance_not_found(identifier: &str) -> Self {
        Self::sender("DBInstanceNotFound", 404, format!("DBInstance {identifier} not found."))
    }

    pub(crate) fn snapshot_not_found(identifier: &str) -> Self {
        Self::sender("DBSnapshotNotFound", 404, format!("DBSnapshot {identifier} not found."))
    }

    pub(crate) fn instance_exists() -> Self {
        Self::sender("DBInstanceAlreadyExists", 400, "DB instance already exists")
    }

    pub(crate) fn instance_quota_exceeded() -> Self {
        Self::sender("InstanceQuotaExceeded", 400, "DB instance quota exceeded")
    }

    pub(crate) fn snapshot_exists(identifier: &str) -> Self {
        let message =
            format!("Cannot create the snapshot because a snapshot with the identifier {identifier} already exists.");
        Self::sender("DBSnapshotAlreadyExists", 400, message)
    }

    pub(crate) fn snapshot_quota_exceeded() -> Self {
        Self::sender("SnapshotQuotaExceeded", 400, "Cannot create more than 100 manual snapshots")
    }

    pub(crate) fn invalid_snapshot_state(identifier: &str) -> Self {
        Self::sender("InvalidDBSnapshotState", 400, format!("The snapshot {identifier} is not in the available state."))
    }

    pub(crate) fn point_in_time_not_enabled(identifier: &str) -> Self {
        let message =
            format!("Point in time restore is not enabled for instance {identifier}: it keeps no automated backups.");
        Self::sender("PointInTimeRestoreNotEnabled", 400, message)
    }

    pub(crate) fn global_cluster_not_found(identifier: &str) -> Self {
        Self::sender("GlobalClusterNotFoundFault", 404, format!("Global cluster {identifier} not found"))
    }

    pub(crate) fn cluster_not_found(identifier: &str) -> Self {
        Self::sender("DBClusterNotFoundFault", 404, format!("DBCluster {identifier} not found."))
    }

    pub(crate) fn no_such_table(name: &str) -> Self {
        Self::sender("TableNotFoundException", 400, format!("Table not found: {name}"))
    }

    pub(crate) fn vault_not_found(name: &str) -> Self {
        let message = format!("Backup vault {name} does not exist");
        Self::sender("ResourceNotFoundException", 400, message)
    }

    pub(crate) fn table_not_found(name: &str) -> Self {
        let message = format!("Requested resource not found: Table: {name} not found");
        Self::sender("ResourceNotFoundException", 400, message)
    }

    pub(crate) fn invalid_state(message: impl Into<String>) -> Self {
        Self::sender("InvalidDBInstanceState", 400, message)
    }

    /// Parameters that do not go together, or of which one is missing.
    #[must_use]
    pub fn invalid_combination(message: impl Into<String>) -> Self {
        Self::sender("InvalidParameterCombination", 400, message)
    }

    pub(crate) fn restore_job_not_found(id: &str) -> Self {
        Self::sender("ResourceNotFoundException", 400, format!("Restore job {id} cannot be found."))
    }

    /// A parameter of AWS Backup with a value that it does not take.
    #[must_use]
    pub fn invalid_backup_value(message: impl Into<String>) -> Self {
        Self::sender("InvalidParameterValueException", 400, message)
    }

    /// A parameter of AWS Backup that is not there.
    #[must_use]
    pub fn missing_backup_parameter(name: &str) -> Self {
        Self::sender("MissingParameterValueException", 400, format!("The request has to have {name}."))
    }

    pub(crate) fn invalid_backup_request(message: impl Into<String>) -> Self {
        Self::sender("InvalidRequestException", 400, message)
    }

    pub(crate) fn throttled() -> Self {
        Self::sender("Throttling", 400, "Rate exceeded")
    }

    pub(crate) fn unavailable(region: &str) -> Self {
        Self {
            code: "ServiceUnavailable",
            http_status: 503,
            fault: Fault::Receiver,
            message: format!("The request has failed due to a temporary failure of the server in {region}."),
        }
    }

    pub(crate) fn no_such_hosted_zone(id: &str) -> Self {
        Self::sender("NoSuchHostedZone", 404, format!("No hosted zone found with ID: {id}"))
    }

    pub(crate) fn no_such_change(id: &str) -> Self {
        Self::sender("NoSuchChange", 404, format!("A change with the specified change ID does not exist: {id}"))
    }

    pub(crate) fn no_such_health_check(id: &str) -> Self {
        Self::sender("NoSuchHealthCheck", 404, format!("No health check exists with the specified ID {id}"))
    }

    pub(crate) fn health_check_version_mismatch(version: i64) -> Self {
        let message = format!("The health check has version {version}, which is not the version in the request");
        Self::sender("HealthCheckVersionMismatch", 409, message)
    }

    pub(crate) fn prior_request_not_complete() -> Self {
        let message = "The request was rejected because Route 53 was still processing a prior request.";
        Self::sender("PriorRequestNotComplete", 400, message)
    }

    pub(crate) fn invalid_domain_name(name: &str) -> Self {
        Self::sender("InvalidDomainName", 400, format!("{name} is not a valid domain name"))
    }

    /// Everything that is wrong with a batch of changes, in one list, as Route 53 writes it.
    pub(crate) fn invalid_change_batch(flaws: &[String]) -> Self {
        Self::sender("InvalidChangeBatch", 400, format!("[{}]", flaws.join(", ")))
    }

    /// Input that Route 53 does not take.
    #[must_use]
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::sender("InvalidInput", 400, message)
    }

    /// A parameter with a value that the service does not take.
    #[must_use]
    pub fn invalid_value(message: impl Into<String>) -> Self {
        Self::sender("InvalidParameterValue", 400, message)
    }

    /// A required parameter that is not there.
    #[must_use]
    pub fn missing(parameter: &str) -> Self {
        Self::sender("MissingParameter", 400, format!("The request must contain the parameter {parameter}."))
    }

    /// Something that AWS may well do and this world does not. Said aloud, because a model that silently ignores a
    /// parameter proves things that are not so.
    #[must_use]
    pub fn not_modelled(what: impl fmt::Display) -> Self {
        Self::sender("ValidationError", 400, format!("The rehearsed world does not model {what}."))
    }

    /// An action that the service does not have, or that this world does not play.
    #[must_use]
    pub fn invalid_action(action: &str, version: &str) -> Self {
        Self::sender("InvalidAction", 400, format!("Could not find operation {action} for version {version}"))
    }

    /// A request that cannot be read.
    #[must_use]
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::sender("ValidationError", 400, message)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ApiError {}
