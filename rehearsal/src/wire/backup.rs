//! AWS Backup on the wire: the recovery points of the modelled world's vaults, and its restore jobs. All else is the emulator's.

use jiff::Timestamp;
use rehearsal_world::{ApiError, Fact, RecoveryPoint, RestoreJob, World};
use serde_json::{Value, json};

use super::answer::WireAnswer;
use super::call::WireCall;

const LIST: &str = "ListRecoveryPointsByBackupVault";
const DESCRIBE_JOB: &str = "DescribeRestoreJob";
const VALIDATE: &str = "PutRestoreValidationResult";

/// Whether a call is about a vault or a restore job that the world has, in whatever Region, or one that only the world knows.
#[must_use]
pub fn concerns_the_world(world: &World, call: &WireCall) -> bool {
    match call.operation.as_str() {
        LIST => world.has_vault(vault(call)),
        DESCRIBE_JOB => world.has_restore_job(job(call)),
        VALIDATE => true,
        _ => false,
    }
}

/// Answers one call.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play (`World::reachable`); here it is
/// answered like a service that has failed.
pub fn answer(world: &mut World, call: &WireCall, now: Timestamp) -> WireAnswer {
    world.rely_on(Fact::BackupProtocol);
    let answered = match call.operation.as_str() {
        DESCRIBE_JOB => {
            world.describe_restore_job(&call.region, job(call), now).map(|found| (200, described(world, &found)))
        }
        VALIDATE => validate(world, call, now).map(|()| (204, String::new())),
        _ => list(world, call, now).map(|document| (200, document.to_string())),
    };
    match answered {
        Ok((status, document)) => WireAnswer::new(status, "application/json", document),
        Err(error) => WireAnswer::error(call, error.http_status, error.code, &error.message),
    }
}

fn vault(call: &WireCall) -> &str {
    call.path_parameters.get("BackupVaultName").map(String::as_str).unwrap_or_default()
}

fn job(call: &WireCall) -> &str {
    call.path_parameters.get("RestoreJobId").map(String::as_str).unwrap_or_default()
}

fn validate(world: &mut World, call: &WireCall, now: Timestamp) -> Result<(), ApiError> {
    let known = ["ValidationStatus", "ValidationStatusMessage"];
    if let Some(left) = call.fields().keys().find(|name| !known.contains(&name.as_str())) {
        world.rely_on(Fact::UnmodelledIsRefused);
        return Err(ApiError::not_modelled(format_args!("the parameter {left} of {VALIDATE}")));
    }
    let Some(status) = call.parameter("ValidationStatus") else {
        world.rely_on(Fact::ValidationStatuses);
        return Err(ApiError::missing_backup_parameter("ValidationStatus"));
    };
    let message = call.parameter("ValidationStatusMessage");
    world.put_restore_validation_result(&call.region, job(call), status, message, now)
}

fn described(world: &World, job: &RestoreJob) -> String {
    let (validation, message) = job.validation.clone().unzip();
    let mut document = json!({
        "AccountId": world.account(),
        "RestoreJobId": job.id,
        "RecoveryPointArn": job.recovery_point,
        "SourceResourceArn": job.source,
        "CreationDate": job.began.as_second(),
        "CompletionDate": job.ended().map(Timestamp::as_second),
        "Status": job.status(),
        "StatusMessage": job.broke.as_ref().map(|(_, said)| said),
        "PercentDone": if job.ended().is_some() { "100.00%" } else { "0.00%" },
        "CreatedResourceArn": job.created_resource,
        "ResourceType": "RDS",
        "RecoveryPointCreationDate": job.recovery_point_at.as_second(),
        "CreatedBy": job.testing_plan.as_ref().map(|plan| json!({"RestoreTestingPlanArn": plan})),
        "ValidationStatus": validation,
        "ValidationStatusMessage": message.flatten(),
        "DeletionStatus": job.deletion,
        "IsParent": false,
    });
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    document.to_string()
}

fn list(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Value, ApiError> {
    if let Some(left) = call.fields().keys().find(|name| *name != "resourceArn") {
        world.rely_on(Fact::UnmodelledIsRefused);
        return Err(ApiError::not_modelled(format_args!("the parameter {left} of {LIST}")));
    }
    let (vault, resource) = (vault(call), call.parameter("resourceArn"));
    let points = world.list_recovery_points(&call.region, vault, resource, now)?;
    let shown: Vec<Value> = points.iter().map(|point| element(point, vault)).collect();
    Ok(json!({"RecoveryPoints": shown}))
}

fn element(point: &RecoveryPoint, vault: &str) -> Value {
    json!({
        "RecoveryPointArn": point.arn,
        "BackupVaultName": vault,
        "ResourceArn": point.resource,
        "Status": point.status,
        "CreationDate": point.created.as_second(),
        "IsEncrypted": point.encrypted,
    })
}

#[cfg(test)]
mod tests {
    use rehearsal_world::PairConfig;

    use super::*;
    use crate::wire::tests::requests;

    const WEST: &str = "us-west-2";

    fn world() -> World {
        let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let mut world = World::pair(PairConfig::default(), 1, start);
        for (id, resource) in [("a", "arn:orders"), ("b", "arn:carts")] {
            let point = RecoveryPoint {
                arn: format!("arn:aws:backup:us-west-2:123456789012:recovery-point:{id}"),
                resource: resource.to_owned(),
                status: "PARTIAL".to_owned(),
                created: start,
                encrypted: true,
            };
            world.add_recovery_point(WEST, "dr", point);
        }
        world
    }

    fn call(path: &str, region: &str) -> WireCall {
        requests::rest("backup", "GET", path, Value::Null).in_region(region).call()
    }

    fn ask(world: &mut World, path: &str, region: &str) -> (u16, Value) {
        let now = world.now();
        let answered = answer(world, &call(path, region), now);
        (answered.status, serde_json::from_slice(&answered.body).unwrap())
    }

    #[test]
    fn a_vault_is_listed_in_the_documented_members() {
        let mut world = world();
        let (status, all) = ask(&mut world, "/backup-vaults/dr/recovery-points", WEST);
        assert_eq!((status, all["RecoveryPoints"].as_array().unwrap().len()), (200, 2));
        let (_, one) = ask(&mut world, "/backup-vaults/dr/recovery-points/?resourceArn=arn%3Acarts", WEST);
        let expected = json!([{
            "RecoveryPointArn": "arn:aws:backup:us-west-2:123456789012:recovery-point:b",
            "BackupVaultName": "dr",
            "ResourceArn": "arn:carts",
            "Status": "PARTIAL",
            "CreationDate": 1_795_183_200,
            "IsEncrypted": true,
        }]);
        assert_eq!(one["RecoveryPoints"], expected);
    }

    #[test]
    fn only_the_lists_of_the_worlds_vaults_are_the_worlds_and_what_it_does_not_know_is_refused() {
        let mut world = world();
        for (path, its) in [
            ("/backup-vaults/dr/recovery-points", true),
            ("/backup-vaults/other/recovery-points", false),
            ("/backup-vaults/dr", false),
        ] {
            assert_eq!(concerns_the_world(&world, &call(path, WEST)), its, "{path}");
        }
        assert_eq!(ask(&mut world, "/backup-vaults/dr/recovery-points", "us-east-1").0, 400, "a vault of the other Region");
        assert_eq!(ask(&mut world, "/backup-vaults/dr/recovery-points?maxResults=1", WEST).0, 400);
    }

    #[test]
    fn a_restore_job_is_described_and_validated_in_the_documented_members() {
        let mut world = world();
        let point = RecoveryPoint {
            arn: "arn:aws:rds:us-west-2:123456789012:snapshot:awsbackup:copyjob-1".to_owned(),
            resource: world.endpoints()[0].0.arn(world.account()),
            status: "COMPLETED".to_owned(),
            created: world.now(),
            encrypted: true,
        };
        let plan = "arn:aws:backup:us-west-2:123456789012:restore-testing-plan:monthly";
        let id = world.begin_restore(WEST, "awsbackup-restore-test-1", &point, Some(plan)).unwrap();
        let path = format!("/restore-jobs/{id}");
        let (status, running) = ask(&mut world, &path, WEST);
        assert_eq!((status, &running["Status"], running.get("CompletionDate")), (200, &json!("RUNNING"), None));
        assert!(
            concerns_the_world(&world, &call(&path, WEST)) && !concerns_the_world(&world, &call("/restore-jobs/x", WEST))
        );
        let later = world.now() + jiff::SignedDuration::from_hours(1);
        let put = |world: &mut World, body: Value| {
            let call = requests::rest("backup", "PUT", &format!("{path}/validations"), body).in_region(WEST).call();
            assert!(concerns_the_world(world, &call));
            answer(world, &call, later)
        };
        let unknown = requests::rest("backup", "PUT", "/restore-jobs/x/validations", json!({"ValidationStatus": "FAILED"}));
        let unknown = unknown.in_region(WEST).call();
        assert!(concerns_the_world(&world, &unknown), "the emulator has no such call");
        assert_eq!(answer(&mut world, &unknown, later).status, 400, "no such job");
        assert_eq!(put(&mut world, json!({"ValidationStatusMessage": "fine"})).status, 400, "no status");
        assert_eq!(put(&mut world, json!({"ValidationStatus": "FAILED", "Else": 1})).status, 400, "not modelled");
        let done = put(&mut world, json!({"ValidationStatus": "FAILED", "ValidationStatusMessage": "no rows"}));
        assert_eq!((done.status, done.body.len()), (204, 0));
        let (_, shown) = ask(&mut world, &path, WEST);
        assert_eq!((&shown["ValidationStatus"], &shown["DeletionStatus"]), (&json!("FAILED"), &json!("DELETING")));
        assert_eq!(shown["CreatedBy"], json!({"RestoreTestingPlanArn": plan}));
        assert_eq!(shown["CreatedResourceArn"], "arn:aws:rds:us-west-2:123456789012:db:awsbackup-restore-test-1");
        assert_eq!((&shown["Status"], &shown["ValidationStatusMessage"]), (&json!("COMPLETED"), &json!("no rows")));
    }
}
