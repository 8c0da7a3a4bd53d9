//! What AWS Backup restores for a test, and what it is told of it.

use rehearsal_world::{ApiError, RecoveryPoint};

use crate::stage::{EAST, Stage, WEST};

const PLAN: &str = "arn:aws:backup:us-west-2:123456789012:restore-testing-plan:monthly";

fn point(stage: &Stage) -> RecoveryPoint {
    RecoveryPoint {
        arn: format!("arn:aws:backup:{WEST}:123456789012:recovery-point:a"),
        resource: format!("arn:aws:rds:{EAST}:123456789012:db:orders-prod"),
        status: "COMPLETED".to_owned(),
        created: stage.now,
        encrypted: true,
    }
}

fn begin(stage: &mut Stage, name: &str, plan: Option<&str>) -> String {
    let point = point(stage);
    stage.world.begin_restore(WEST, name, &point, plan).unwrap()
}

fn refused(result: Result<(), ApiError>) -> (&'static str, u16) {
    result.map_err(|error| (error.code, error.http_status)).unwrap_err()
}

#[test]
fn a_restore_job_names_what_began_it_and_what_it_made() {
    let mut stage = Stage::new();
    let id = begin(&mut stage, "awsbackup-restore-test-1", Some(PLAN));
    let other = begin(&mut stage, "by-hand", None);
    let job = stage.world.describe_restore_job(WEST, &id, stage.now).unwrap();
    assert_eq!((job.status(), job.ended(), job.testing_plan.as_deref()), ("RUNNING", None, Some(PLAN)));
    let made = format!("arn:aws:rds:{WEST}:123456789012:db:awsbackup-restore-test-1");
    assert_eq!((job.created_resource, job.source), (Some(made), point(&stage).resource));
    stage.wait(1_200);
    let job = stage.world.describe_restore_job(WEST, &id, stage.now).unwrap();
    assert_eq!((job.status(), job.validation.as_ref(), job.deletion.as_ref()), ("COMPLETED", None, None));
    assert!(job.ended().is_some_and(|ended| ended > job.began));
    assert_eq!(stage.world.describe_restore_job(WEST, &other, stage.now).unwrap().testing_plan, None);
    for (region, id) in [(EAST, id.as_str()), (WEST, "another")] {
        let unknown = stage.world.describe_restore_job(region, id, stage.now).map(|_| ());
        assert_eq!(refused(unknown), ("ResourceNotFoundException", 400));
    }
}

#[test]
fn a_validation_result_is_set_once_and_only_of_a_restore_test_that_has_ended() {
    let mut stage = Stage::new();
    let id = begin(&mut stage, "awsbackup-restore-test-1", Some(PLAN));
    let other = begin(&mut stage, "by-hand", None);
    let put = |stage: &mut Stage, id: &str, status: &str| {
        stage.world.put_restore_validation_result(WEST, id, status, Some("said"), stage.now)
    };
    assert_eq!(refused(put(&mut stage, &id, "SUCCESSFUL")), ("InvalidRequestException", 400), "it still runs");
    stage.wait(1_200);
    assert_eq!(refused(put(&mut stage, &other, "SUCCESSFUL")), ("InvalidRequestException", 400), "no test");
    assert_eq!(refused(put(&mut stage, &id, "FINE")), ("InvalidParameterValueException", 400));
    assert_eq!(refused(put(&mut stage, "another", "FAILED")), ("ResourceNotFoundException", 400));
    put(&mut stage, &id, "VALIDATING").unwrap();
    assert_eq!(stage.world.describe_restore_job(WEST, &id, stage.now).unwrap().deletion, None);
    put(&mut stage, &id, "FAILED").unwrap();
    let job = stage.world.describe_restore_job(WEST, &id, stage.now).unwrap();
    assert_eq!(job.validation, Some(("FAILED".to_owned(), Some("said".to_owned()))));
    assert_eq!(job.deletion.as_deref(), Some("DELETING"));
    assert_eq!(refused(put(&mut stage, &id, "SUCCESSFUL")), ("InvalidRequestException", 400), "it is set");
}
