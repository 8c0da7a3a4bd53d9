//! Restore jobs of AWS Backup: those that a restore testing plan began and take a validation result, and others. AWS Backup begins
//! them by itself; how a restore testing plan chooses what it restores is not modelled.

use jiff::Timestamp;
use serde::Serialize;

use crate::creation::NewInstance;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::kept::RecoveryPoint;
use crate::making::Origin;
use crate::moments::later;
use crate::replication::Timeline;
use crate::world::World;

/// A restore job, as AWS Backup describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreJob {
    /// Its id.
    pub id: String,
    /// Its Region.
    pub region: String,
    /// The recovery point.
    pub recovery_point: String,
    /// When that was made.
    pub recovery_point_at: Timestamp,
    /// The ARN of what was backed up.
    pub source: String,
    /// The ARN of the restore testing plan, where one began it.
    pub testing_plan: Option<String>,
    /// The ARN of what it makes.
    pub created_resource: Option<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it ends, if nothing goes wrong.
    pub ends: Timestamp,
    /// How it ended instead, and what AWS Backup says to that: `FAILED` or `ABORTED`.
    pub broke: Option<(String, String)>,
    /// The validation result, and what was said to it.
    pub validation: Option<(String, Option<String>)>,
    /// Whether what it made is being deleted: `DELETING`, `SUCCESSFUL` or `FAILED`.
    pub deletion: Option<String>,
    clock: Timestamp,
}

impl RestoreJob {
    /// How it is.
    #[must_use]
    pub fn status(&self) -> &str {
        match &self.broke {
            Some((status, _)) => status,
            None if self.clock < self.ends => "RUNNING",
            None => "COMPLETED",
        }
    }

    /// When it ended.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        (self.status() != "RUNNING").then_some(self.ends)
    }
}

impl World {
    /// Begins to restore an instance from a recovery point, in a Region and under a name, and says as which job.
    ///
    /// # Errors
    /// As for any other new instance.
    pub fn begin_restore(
        &mut self,
        region: &str,
        identifier: &str,
        point: &RecoveryPoint,
        testing_plan: Option<&str>,
    ) -> Result<String, ApiError> {
        let key = self.free_name(region, identifier)?;
        let groups = self.groups_of_new(region, None)?;
        let resource = point.resource.rsplit(':').next().unwrap_or_default();
        let of = point.resource.split(':').nth(3).unwrap_or_default();
        let source = InstanceKey::new(of, resource);
        let Some(model) = self.instances.get(&source) else {
            return Err(ApiError::instance_not_found(resource));
        };
        let (backup_retention, backup_window) = (model.backup_retention, model.backup_window);
        let held = model.timeline.newest_until(point.created);
        let origin = Origin::Snapshot { instance: source, identifier: point.arn.clone() };
        let span = self.takes(|timings| timings.creation);
        let (timeline, link) = (Timeline::forked_after(held), None);
        let (began, ends) = (self.clock, later(self.clock, span));
        let new = NewInstance { key: key.clone(), origin, groups, backup_retention, backup_window, timeline, link, span };
        self.begin_creation(new)?;
        let id = format!("{:08X}-789B-01CD-2A34-4567A08901FD", self.restore_jobs.len() + 1);
        self.restore_jobs.push(RestoreJob {
            id: id.clone(),
            region: region.to_owned(),
            recovery_point: point.arn.clone(),
            recovery_point_at: point.created,
            source: point.resource.clone(),
            testing_plan: testing_plan.map(str::to_owned),
            created_resource: Some(key.arn(&self.account)),
            began,
            ends,
            broke: None,
            validation: None,
            deletion: None,
            clock: self.clock,
        });
        Ok(id)
    }

    /// Changes a restore job.
    pub fn change_restore_job(&mut self, id: &str, change: impl FnOnce(&mut RestoreJob)) {
        if let Some(job) = self.restore_jobs.iter_mut().find(|job| job.id == id) {
            change(job);
        }
    }

    /// Whether the world has a restore job of that id, in whatever Region.
    #[must_use]
    pub fn has_restore_job(&self, id: &str) -> bool {
        self.restore_jobs.iter().any(|job| job.id == id)
    }

    /// One restore job of a Region.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and what every call may answer.
    pub fn describe_restore_job(&mut self, region: &str, id: &str, now: Timestamp) -> Result<RestoreJob, ApiError> {
        self.admit(region, now)?;
        let Some(found) = self.restore_jobs.iter().find(|job| job.region == region && job.id == id).cloned() else {
            self.rely_on(Fact::UnknownRestoreJob);
            return Err(ApiError::restore_job_not_found(id));
        };
        self.rely_on(Fact::DescribedRestoreJob);
        Ok(RestoreJob { clock: self.clock, ..found })
    }

    /// Sets the validation result of a restore test.
    ///
    /// # Errors
    /// `InvalidParameterValueException` for another status than the documented ones, `ResourceNotFoundException`,
    /// `InvalidRequestException` for a job that takes no result or has one, and what every call may answer.
    pub fn put_restore_validation_result(
        &mut self,
        region: &str,
        id: &str,
        status: &str,
        message: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let job = self.describe_restore_job(region, id, now)?;
        if !["FAILED", "SUCCESSFUL", "TIMED_OUT", "VALIDATING"].contains(&status) {
            self.rely_on(Fact::ValidationStatuses);
            return Err(ApiError::invalid_backup_value(format!("Invalid validation status: {status}")));
        }
        if job.testing_plan.is_none() || job.status() != "COMPLETED" {
            self.rely_on(Fact::OnlyRestoreTestsAreValidated);
            return Err(ApiError::invalid_backup_request(format!("Restore job {id} takes no validation result.")));
        }
        if job.validation.as_ref().is_some_and(|(set, _)| set != "VALIDATING") {
            self.rely_on(Fact::ValidationIsFinal);
            return Err(ApiError::invalid_backup_request(format!(
                "The validation status of restore job {id} is set already."
            )));
        }
        self.rely_on(Fact::ValidationEndsTheTest);
        self.change_restore_job(id, |job| {
            job.validation = Some((status.to_owned(), message.map(str::to_owned)));
            if status != "VALIDATING" {
                job.deletion = Some("DELETING".to_owned());
            }
        });
        Ok(())
    }
}
