//! A restore job of AWS Backup, as it describes itself, and what is to be done about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::RestoreTest;
use crate::domain::backup::{declared_of, protected};
use crate::domain::described::PostgresqlServer;
use crate::domain::identifier::{ComponentName, DomainName, InstanceId};
use crate::domain::observation::InstanceView;
use crate::domain::plan::{Component, Plan, SiteName};

/// What AWS Backup begins the names of instances with that it restores for a test (developer guide, "Restore testing inferred
/// metadata": `dbInstanceIdentifier`, which cannot be overridden).
pub const RESTORED: &str = "awsbackup-restore-test-";

/// What calls name that are about restore jobs: they are no resources of IAM.
pub const RESTORE_JOBS: &str = "restore-job";

/// A restore job in the words of AWS Backup (`DescribeRestoreJob`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RestoreJobView {
    /// Its account.
    pub account: Option<String>,
    /// How it is: `PENDING`, `RUNNING`, `COMPLETED`, `ABORTED` or `FAILED`.
    pub status: String,
    /// What AWS Backup says to that.
    pub status_message: Option<String>,
    /// The ARN of the restore testing plan that began it; nothing for anybody else's restore.
    pub testing_plan: Option<String>,
    /// The ARN of what was backed up.
    pub source: Option<String>,
    /// The recovery point.
    pub recovery_point: Option<String>,
    /// When that was made.
    pub recovery_point_at: Option<Timestamp>,
    /// The ARN of what was restored.
    pub restored: Option<String>,
    /// When the restore began.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The validation result: `VALIDATING`, `SUCCESSFUL`, `FAILED` or `TIMED_OUT`; nothing before one is set.
    pub validation: Option<String>,
    /// What whoever set it said to that.
    pub validation_message: Option<String>,
    /// Whether what was restored is being deleted, or has been: `DELETING`, `SUCCESSFUL` or `FAILED`.
    pub deletion: Option<String>,
}

/// What is to be done about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Nothing, with a code and the reason.
    Nothing(&'static str, String),
    /// It has not ended.
    Running,
    /// The restore itself failed, so there is nothing to ask: of this component.
    NotRestored(&'a ComponentName, String),
    /// The instance is to be asked.
    Ask {
        /// The component that it was restored from.
        component: &'a ComponentName,
        /// What it is asked.
        test: &'a RestoreTest,
        /// The instance, in the recovery site.
        instance: InstanceId,
    },
    /// What it says that it made must not be asked, for this reason.
    Refused(String),
}

/// What is to be done about a job of the recovery site's Region.
#[must_use]
pub fn standing<'a>(plan: &'a Plan, job: &RestoreJobView) -> Standing<'a> {
    if job.account.as_deref().is_some_and(|account| account != plan.account.as_str()) {
        return Standing::Refused("it is a job of another account".to_owned());
    }
    if job.testing_plan.is_none() {
        let reason = "no restore testing plan began it, so it takes no validation result";
        return Standing::Nothing("not_a_restore_test", reason.to_owned());
    }
    let Some(source) = &job.source else {
        return Standing::Nothing("restore_source_unknown", "AWS Backup does not say what it restored".to_owned());
    };
    let Some((component, of)) = plan.components.iter().find(|(_, of)| protected(plan, of) == *source && !source.is_empty())
    else {
        let reason = format!("{source} is of no component of the plan for {}", plan.platform);
        return Standing::Nothing("restore_not_in_plan", reason);
    };
    let Some(test) = declared_of(of).and_then(|declared| declared.restore_test.as_ref()) else {
        let reason = match of {
            Component::RdsInstance(_) => format!("the plan has no `restore_test` for {component}, so nothing is asked"),
            _ => format!("{component} is of kind {}, and only instances of RDS are asked; it is not checked", of.kind()),
        };
        return Standing::Nothing("restore_not_checked", reason);
    };
    match job.status.as_str() {
        "PENDING" | "RUNNING" => return Standing::Running,
        "COMPLETED" => {}
        status => {
            let said = job.status_message.as_deref().unwrap_or("AWS Backup gives no reason");
            return Standing::NotRestored(component, format!("restore_failed: the restore ended {status}: {said}"));
        }
    }
    // Once set it cannot be changed, and whoever set it may have been an earlier delivery of this event.
    if let Some(set) = job.validation.as_deref().filter(|set| *set != "VALIDATING") {
        let said = job.validation_message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        return Standing::Nothing("restore_already_validated", format!("its validation result is {set} already{said}"));
    }
    if let Some(deletion) = &job.deletion {
        let reason = format!("what it restored is gone or going (deletion {deletion}): the validation window is over");
        return Standing::Nothing("restore_window_over", reason);
    }
    match separate(plan, job.restored.as_deref().unwrap_or_default()) {
        Ok(instance) => Standing::Ask { component, test, instance },
        Err(reason) => Standing::Refused(reason),
    }
}

/// The instance that was restored. Never one that the plan names: neither its data nor a verdict on it would be a backup's.
fn separate(plan: &Plan, restored: &str) -> Result<InstanceId, String> {
    let region = plan.region(SiteName::Recovery);
    let expected = format!("arn:{}:rds:{region}:{}:db:", region.partition(), plan.account);
    let named = restored.strip_prefix(&expected).and_then(|name| InstanceId::new(name).ok());
    let instance =
        named.ok_or_else(|| format!("what it made, {restored:?}, is no instance of RDS in {region} of this account"))?;
    if instances(plan).any(|known| known.as_str().eq_ignore_ascii_case(instance.as_str())) {
        return Err(format!("{instance} is a database of the plan, and not one that was restored for a test"));
    }
    if !instance.as_str().starts_with(RESTORED) {
        return Err(format!(
            "{instance} does not begin with {RESTORED}, as the names of what AWS Backup restores for a test do"
        ));
    }
    Ok(instance)
}

/// Every instance that the plan names, in whichever site: a name is unique in a Region only, but nobody should rely on that here.
fn instances(plan: &Plan) -> impl Iterator<Item = &InstanceId> {
    let databases = plan.components.keys().filter_map(|name| plan.rds_instance(name));
    databases.flat_map(|database| [&database.primary.id, &database.recovery.id])
}

/// Why an instance is not asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAsked {
    /// Not now.
    Yet(String),
    /// Not at all.
    Ever(String),
}

/// Where a restored instance takes connections.
///
/// # Errors
/// [`NotAsked`] with the reason.
pub fn server_of(plan: &Plan, instance: &InstanceId, seen: &InstanceView) -> Result<PostgresqlServer, NotAsked> {
    // What replicates something is no restored copy, whatever it is called.
    if let Some(source) = &seen.source {
        return Err(NotAsked::Ever(format!("{instance} replicates {source}, which nothing restored for a test does")));
    }
    if !seen.serves() {
        return Err(NotAsked::Yet(format!("{instance} is {}, and takes no questions", seen.status)));
    }
    let endpoint = seen.endpoint().and_then(|(host, port)| Some((DomainName::new(host).ok()?, port)));
    let Some((host, port)) = endpoint else {
        return Err(NotAsked::Yet(format!("{instance} has no endpoint")));
    };
    let server = PostgresqlServer { host, port };
    let mut own = plan.components.values().filter_map(|component| match component {
        Component::Postgresql(database) => Some([&database.primary, &database.recovery]),
        _ => None,
    });
    if own.any(|servers| servers.iter().any(|known| known.host == server.host)) {
        return Err(NotAsked::Ever(format!("{instance} is at {}, which is a server of the plan", server.host)));
    }
    Ok(server)
}
