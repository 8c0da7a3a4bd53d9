//! AWS Backup: restore jobs, and the validation results of those that a restore testing plan began.

use async_trait::async_trait;
use aws_sdk_backup::types::RestoreValidationStatus;

use super::Clients;
use super::clients::{OPERATION, once};
use super::databases::described;
use super::time::timestamp;
use crate::adapters::Sending;
use crate::domain::identifier::{InstanceId, Region, RestoreJobId};
use crate::domain::observation::InstanceView;
use crate::domain::operation::Operation;
use crate::domain::restore_test::{RESTORE_JOBS, RESTORED, RestoreJobView};
use crate::ports::{FailureKind, PortResult, RestoreJobs};

/// [`RestoreJobs`] over AWS Backup and RDS.
#[derive(Debug, Clone)]
pub struct BackupRestoreJobs {
    clients: Clients,
}

impl BackupRestoreJobs {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl RestoreJobs for BackupRestoreJobs {
    async fn job(&self, region: &Region, job: &RestoreJobId) -> PortResult<RestoreJobView> {
        let operation = Sending::of(Operation::DescribeRestoreJob);
        operation.permit(region, RESTORE_JOBS)?;
        let request = self.clients.backup(region).describe_restore_job().restore_job_id(job.as_str());
        let found = request.send().await.map_err(|error| operation.failed(&error))?;
        if found.restore_job_id() != Some(job.as_str()) {
            let message = format!("the answer is not about {job}");
            return Err(operation.failure(FailureKind::NoAnswer, "other_job", &message));
        }
        let text = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
        Ok(RestoreJobView {
            account: text(found.account_id()),
            status: found.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            status_message: text(found.status_message()),
            testing_plan: text(found.created_by().and_then(|by| by.restore_testing_plan_arn())),
            source: text(found.source_resource_arn()),
            recovery_point: text(found.recovery_point_arn()),
            recovery_point_at: found.recovery_point_creation_date().and_then(timestamp),
            restored: text(found.created_resource_arn()),
            began_at: found.creation_date().and_then(timestamp),
            ended_at: found.completion_date().and_then(timestamp),
            validation: text(found.validation_status().map(RestoreValidationStatus::as_str)),
            validation_message: text(found.validation_status_message()),
            deletion: text(found.deletion_status().map(|status| status.as_str())),
        })
    }

    async fn restored(&self, region: &Region, instance: &InstanceId) -> PortResult<InstanceView> {
        let operation = Sending::of(Operation::DescribeRestored);
        operation.permit(region, &format!("db:{RESTORED}"))?;
        described(&self.clients, operation, region, instance, OPERATION).await
    }

    async fn validate(&self, region: &Region, job: &RestoreJobId, sound: bool, message: &str) -> PortResult<()> {
        let operation = Sending::of(Operation::PutRestoreValidationResult);
        operation.permit(region, RESTORE_JOBS)?;
        let status = if sound { RestoreValidationStatus::Successful } else { RestoreValidationStatus::Failed };
        let request = self.clients.backup(region).put_restore_validation_result().restore_job_id(job.as_str());
        // Sent once: of a second try the answer would be that it is set already, by whomever.
        let request = request.validation_status(status).validation_status_message(message);
        let sent = request.customize().config_override(once!(aws_sdk_backup)).send().await;
        sent.map(|_| ()).map_err(|error| operation.failed(&error))
    }
}
