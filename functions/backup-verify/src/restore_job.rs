//! Restore tests of AWS Backup: what was restored is asked the plan's questions, and AWS Backup is told whether it is sound.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::backup::{ProofLevel, declared_of};
use shared::domain::identifier::{ComponentName, InstanceId, Region, RestoreJobId};
use shared::domain::plan::{Component, Plan, SiteName};
use shared::domain::restore_test::{
    Asked, NotAsked, Proof, RestoreJobView, RestoreTest, Standing, judge, no_database, server_of, standing,
};
use shared::error::{Code, RecoveryError};
use shared::events::restore_job::RestoreJobChange;
use shared::ports::{FailureKind, PortError};
use shared::printable::printable;

use crate::handler::{Checked, Ports, metric};

/// Characters of the message that goes with a validation result. AWS Backup documents no limit; this one is read to its end.
const LONGEST_MESSAGE: usize = 1_000;
/// Characters of what others wrote that an answer repeats.
const LONGEST_REASON: usize = 600;

/// One restore test that ended in a verdict.
struct Tested<'a> {
    component: &'a ComponentName,
    /// What was restored; nothing where the restore failed.
    instance: Option<InstanceId>,
    asked: Vec<Asked>,
    /// What is wrong, each with its code.
    findings: Vec<String>,
    /// Whether AWS Backup was told.
    validated: bool,
}

/// Answers the event of a restore job.
pub(crate) async fn answer(ports: Ports<'_>, plan: &Plan, change: &RestoreJobChange) -> Result<Checked, RecoveryError> {
    let region = plan.region(SiteName::Recovery);
    if let Some((account, of)) = &change.of
        && (account != plan.account.as_str() || of != region.as_str())
    {
        let message = format!(
            "restore job {} is of account {} in {}; only those of account {} in {region} are looked at, where the platform would be \
             restored",
            change.job,
            printable(account, 40),
            printable(of, 40),
            plan.account
        );
        return Err(RecoveryError::new(Code::RestoreJobElsewhere, message));
    }
    let now = ports.clock.now();
    let mut declared = plan.components.values().filter_map(declared_of);
    if !declared.any(|declared| declared.restore_test.is_some()) {
        // The role may not even ask.
        let reason = format!("no component of the plan for {} has a `restore_test`", plan.platform);
        return Ok(ignored(&change.job, "restore_not_checked", &reason, now));
    }
    // The event only names the job: whatever else it says anybody may have written.
    let job = ports.restores.job(region, &change.job).await.map_err(|error| unseen(&change.job, region, error))?;
    let tested = match standing(plan, &job) {
        Standing::Nothing(code, reason) => return Ok(ignored(&change.job, code, &reason, now)),
        Standing::Running => {
            let message = format!("restore job {} is {}: it is looked at when it has ended", change.job, job.status);
            return Err(RecoveryError::new(Code::RestoreJobRunning, message));
        }
        Standing::Refused(reason) => return Err(not_separate(&change.job, &reason)),
        Standing::NotRestored(component, reason) => {
            let findings = vec![printable(&reason, LONGEST_REASON)];
            Tested { component, instance: None, asked: Vec::new(), findings, validated: false }
        }
        Standing::Ask { component, test, instance } => {
            let (asked, findings) = ask(ports, plan, &change.job, test, &instance).await?;
            let sound = findings.is_empty();
            let message = message(component, &asked, &findings);
            ports.restores.validate(region, &change.job, sound, &message).await?;
            Tested { component, instance: Some(instance), asked, findings, validated: true }
        }
    };
    Ok(verdict(plan, &change.job, &job, &tested, now))
}

/// What the restored database answered, and what is wrong with that. An error where nothing decides: then no result is sent.
async fn ask(
    ports: Ports<'_>,
    plan: &Plan,
    job: &RestoreJobId,
    test: &RestoreTest,
    instance: &InstanceId,
) -> Result<(Vec<Asked>, Vec<String>), RecoveryError> {
    let region = plan.region(SiteName::Recovery);
    let undecided = |reason: &str| undecided(job, instance, reason);
    let seen = ports.restores.restored(region, instance).await.map_err(|error| undecided(&error.to_string()))?;
    let server = server_of(plan, instance, &seen).map_err(|why| match why {
        NotAsked::Yet(reason) => undecided(&reason),
        NotAsked::Ever(reason) => not_separate(job, &reason),
    })?;
    let told = match ports.restored.ask(region, &server, test, ports.until).await {
        Ok(told) => told,
        Err(error) if no_database(&error.code) => {
            let finding = format!("restored_answers_wrong: the restored server has no database {}", test.database);
            return Ok((Vec::new(), vec![finding]));
        }
        Err(error) => return Err(undecided(&error.to_string())),
    };
    let (asked, proof) = judge(test, &told);
    match proof {
        Proof::Holds => Ok((asked, Vec::new())),
        Proof::Fails(wrong) => {
            Ok((asked, wrong.into_iter().map(|wrong| format!("restored_answers_wrong: {wrong}")).collect()))
        }
        Proof::Open(open) => Err(undecided(&open.join("; "))),
    }
}

fn unseen(job: &RestoreJobId, region: &Region, error: PortError) -> RecoveryError {
    if error.kind == FailureKind::NotFound {
        let message = format!("AWS Backup knows no restore job {job} in {region}");
        return RecoveryError::new(Code::RestoreJobUnknown, message);
    }
    error.into()
}

fn not_separate(job: &RestoreJobId, reason: &str) -> RecoveryError {
    let message = format!("restore job {job}: {reason}; it was not asked, and no validation result was sent");
    RecoveryError::new(Code::RestoredNotSeparate, message)
}

/// A result could never be taken back, and would have the database deleted that somebody may want to look at.
fn undecided(job: &RestoreJobId, instance: &InstanceId, reason: &str) -> RecoveryError {
    let message = format!(
        "restore job {job}: {instance} gave no answer that decides: {}; no validation result was sent, so it stays until the \
         validation window ends: mend this and ask again with {{\"restore_job\":\"{job}\"}}",
        printable(reason, LONGEST_REASON)
    );
    RecoveryError::new(Code::RestoreNotValidated, message)
}

fn ignored(job: &RestoreJobId, code: &str, reason: &str, now: Timestamp) -> Checked {
    let reason = format!("restore job {job}: {}", printable(reason, LONGEST_REASON));
    let answer = json!({"incident_id": null, "status": "ignored", "code": code, "reason": reason, "at": now});
    Checked { answer, metrics: Vec::new() }
}

/// What AWS Backup is told, for whoever reads it in its console.
fn message(component: &ComponentName, asked: &[Asked], findings: &[String]) -> String {
    let message = match findings {
        [] => format!("{component}: {} integrity queries answered as expected", asked.len()),
        findings => format!("{component}: {}", findings.join("; ")),
    };
    printable(&message, LONGEST_MESSAGE)
}

fn verdict(plan: &Plan, job: &RestoreJobId, seen: &RestoreJobView, tested: &Tested<'_>, now: Timestamp) -> Checked {
    let sound = tested.findings.is_empty();
    let Tested { component, instance, asked, findings, validated } = tested;
    let took = seen.began_at.zip(seen.ended_at).map(|(began, ended)| ended.duration_since(began));
    let level = if sound { Some(ProofLevel::Restorable) } else { instance.is_some().then_some(ProofLevel::Present) };
    let mut evidence = Vec::new();
    if let Some(instance) = instance {
        let took = took.map(|took| format!(" in {} s", took.as_secs())).unwrap_or_default();
        evidence.push(format!("AWS Backup restored it as {instance}{took}"));
        let right = asked.iter().filter(|asked| asked.holds == Some(true)).count();
        evidence.push(format!("{right} of {} integrity queries answered as expected", asked.len()));
    }
    let reason = match findings.as_slice() {
        [] => format!("{component} was restored, and answers as the plan expects"),
        findings => findings.join("; "),
    };
    let result = validated.then_some(if sound { "SUCCESSFUL" } else { "FAILED" });
    let row: Value = json!({
        "component": component,
        "kind": plan.components.get(*component).map(Component::kind),
        "region": plan.region(SiteName::Recovery),
        "restore_job": job,
        "restore_testing_plan": seen.testing_plan,
        "recovery_point": seen.recovery_point,
        "recovery_point_at": seen.recovery_point_at,
        "restored": instance,
        "restore_took_s": took.map(|took| took.as_secs()),
        "level": level,
        "required": ProofLevel::Restorable,
        "sufficient": sound,
        "evidence": evidence,
        "queries": asked,
        "findings": findings,
        "not_checked": ["what no integrity query asks for"],
        "validation_result": result,
        "reason": reason,
    });
    let (status, reason) = if sound { ("sufficient", reason) } else { ("insufficient", format!("{component}: {reason}")) };
    let answer = json!({"incident_id": null, "status": status, "reason": reason, "backups": [row], "at": now});
    Checked { answer, metrics: vec![(component.to_string(), vec![metric("BackupRestorable", sound)])] }
}
