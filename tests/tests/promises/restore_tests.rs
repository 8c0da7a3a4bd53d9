//! What `backup-verify` does about a copy that AWS Backup restored for a test: it asks it, tells AWS Backup what it found, and takes
//! nothing else for a copy.

use std::time::Duration;

use rehearsal_world::RestoreJob;
use serde_json::{Value, json};
use shared::domain::identifier::InstanceId;
use shared::domain::plan::Component;
use shared::domain::restore_test::Told;
use shared::domain::step::FunctionName;
use shared::error::{Code, RecoveryError};
use shared::ports::FailureKind;
use simulation::{Outcome, Platform, Simulation};

const WEST: &str = "us-west-2";
const RESTORED: &str = "awsbackup-restore-test-1";
const PLAN: &str = "arn:aws:backup:us-west-2:123456789012:restore-testing-plan:monthly";
const TOLD: (&str, &str) = ("backup", "PutRestoreValidationResult");

/// A platform whose newest recovery point AWS Backup has restored, and the job.
fn restored_by(plan: Option<&str>) -> (Simulation, String) {
    let mut simulation = Platform::default().with_restore_tests().stand_up();
    simulation.run_for(Duration::from_secs(60));
    let job = begin(&simulation, RESTORED, plan);
    simulation.run_for(Duration::from_secs(3_600));
    (simulation, job)
}

/// The copy of the examples, which has been restored.
pub(crate) fn restored() -> Simulation {
    restored_by(Some(PLAN)).0
}

fn begin(simulation: &Simulation, name: &str, plan: Option<&str>) -> String {
    simulation.cloud.with(|state| {
        let points = state.world.list_recovery_points(WEST, "healthcare-platform-dr", None, state.now).unwrap();
        let point = points.iter().find(|point| point.resource.ends_with(":db:healthcare-platform-prod")).unwrap();
        state.world.begin_restore(WEST, name, point, plan).unwrap()
    })
}

fn event(job: &str) -> Value {
    let text = include_str!("../../../events/backup-verify.restore_job.json");
    let mut event: Value = serde_json::from_str(text).unwrap();
    event["detail"]["restoreJobId"] = json!(job);
    event
}

fn send(simulation: &mut Simulation, payload: &Value) -> Result<Value, RecoveryError> {
    match simulation.invoke(FunctionName::BackupVerify, "live", payload) {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::Failed(error) => Err(error),
        Outcome::Killed => panic!("nobody kills it"),
    }
}

fn job(simulation: &Simulation, id: &str) -> RestoreJob {
    simulation.cloud.with(|state| state.world.describe_restore_job(WEST, id, state.now)).unwrap()
}

fn change(simulation: &Simulation, id: &str, change: impl FnOnce(&mut RestoreJob)) {
    simulation.cloud.with(|state| state.world.change_restore_job(id, change));
}

fn answers(simulation: &Simulation, name: &str, told: Told) {
    simulation.cloud.with(|state| state.restored.answers.insert(name.to_owned(), told));
}

fn calls(simulation: &Simulation, (service, operation): (&str, &str)) -> usize {
    simulation
        .cloud
        .with(|state| state.calls.iter().filter(|call| (call.service, call.operation) == (service, operation)).count())
}

fn asked(simulation: &Simulation) -> Vec<String> {
    simulation.cloud.with(|state| state.restored.asked.clone())
}

/// Nothing was asked and nothing was told.
fn assert_left_alone(simulation: &Simulation) {
    assert_eq!((asked(simulation), calls(simulation, TOLD)), (Vec::new(), 0));
}

fn validation(simulation: &Simulation, id: &str) -> Option<String> {
    job(simulation, id).validation.map(|(status, _)| status)
}

#[test]
fn a_copy_that_answers_as_the_plan_expects_is_restorable_and_aws_backup_is_told() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    let answer = send(&mut simulation, &event(&id)).unwrap();
    let row = &answer["backups"][0];
    assert_eq!((&answer["status"], &row["level"]), (&json!("sufficient"), &json!("restorable")), "{answer:#}");
    assert_eq!((&row["component"], &row["restored"]), (&json!("database"), &json!(RESTORED)), "{answer:#}");
    assert_eq!((&row["validation_result"], &row["findings"]), (&json!("SUCCESSFUL"), &json!([])), "{answer:#}");
    assert!(row["restore_took_s"].as_u64().is_some_and(|took| took > 0), "{answer:#}");
    let (status, said) = job(&simulation, &id).validation.unwrap();
    assert_eq!(
        (status.as_str(), said.as_deref()),
        ("SUCCESSFUL", Some("database: 3 integrity queries answered as expected"))
    );
    let hosts = asked(&simulation);
    assert!(hosts.len() == 1 && hosts[0].starts_with(RESTORED), "{hosts:?}");
}

#[test]
fn one_wrong_count_fails_the_copy_and_says_which() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    answers(&simulation, "patients", Told::Number(999));
    let answer = send(&mut simulation, &event(&id)).unwrap();
    let row = &answer["backups"][0];
    assert_eq!((&answer["status"], &row["level"]), (&json!("insufficient"), &json!("present")), "{answer:#}");
    let finding = "restored_answers_wrong: patients: 999, and at least 1000 is expected";
    assert_eq!(row["findings"], json!([finding]), "{answer:#}");
    assert_eq!(job(&simulation, &id).validation, Some(("FAILED".to_owned(), Some(format!("database: {finding}")))));
    assert!(answer["reason"].as_str().unwrap().contains("patients: 999"), "{answer:#}");
}

#[test]
fn a_copy_without_the_table_or_the_database_is_failed() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    answers(&simulation, "recent", Told::Refused("42P01".to_owned()));
    send(&mut simulation, &event(&id)).unwrap();
    assert_eq!(validation(&simulation, &id).as_deref(), Some("FAILED"));

    let (mut simulation, id) = restored_by(Some(PLAN));
    simulation.cloud.with(|state| state.restored.unreached = Some(("3D000", FailureKind::Refused)));
    let answer = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!(validation(&simulation, &id).as_deref(), Some("FAILED"));
    assert!(answer["reason"].as_str().unwrap().contains("has no database healthcare"), "{answer:#}");
}

/// A result cannot be changed, and would have the copy deleted: an unreachable one is kept for whoever looks next.
#[test]
fn a_copy_that_cannot_be_asked_gets_no_result_and_is_asked_again() {
    for (code, kind) in [("timeout", FailureKind::NoAnswer), ("28P01", FailureKind::Denied)] {
        let (mut simulation, id) = restored_by(Some(PLAN));
        simulation.cloud.with(|state| state.restored.unreached = Some((code, kind)));
        let error = send(&mut simulation, &event(&id)).unwrap_err();
        assert_eq!(error.code, Code::RestoreNotValidated, "{error}");
        assert!(error.message.contains(code) && error.message.contains(&id), "{error}");
        assert_eq!((validation(&simulation, &id), calls(&simulation, TOLD)), (None, 0));
        simulation.cloud.with(|state| state.restored.unreached = None);
        let by_hand = json!({"restore_job": id});
        assert_eq!(send(&mut simulation, &by_hand).unwrap()["status"], "sufficient");
        assert_eq!(validation(&simulation, &id).as_deref(), Some("SUCCESSFUL"));
    }
    let (mut simulation, id) = restored_by(Some(PLAN));
    answers(&simulation, "patients", Told::Silent("no answer in time"));
    assert_eq!(send(&mut simulation, &event(&id)).unwrap_err().code, Code::RestoreNotValidated);
    assert_eq!(calls(&simulation, TOLD), 0);
}

#[test]
fn an_event_that_comes_twice_or_late_changes_nothing() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    send(&mut simulation, &event(&id)).unwrap();
    answers(&simulation, "patients", Told::Number(0));
    let again = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!((&again["status"], &again["code"]), (&json!("ignored"), &json!("restore_already_validated")), "{again:#}");
    assert!(again["reason"].as_str().unwrap().contains("SUCCESSFUL already"), "{again:#}");
    assert_eq!((asked(&simulation).len(), calls(&simulation, TOLD)), (1, 1));

    let (mut simulation, id) = restored_by(Some(PLAN));
    change(&simulation, &id, |job| job.deletion = Some("SUCCESSFUL".to_owned()));
    let late = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!((&late["status"], &late["code"]), (&json!("ignored"), &json!("restore_window_over")), "{late:#}");
    assert_left_alone(&simulation);
}

#[test]
fn a_database_of_the_plan_is_never_asked_as_though_it_were_a_copy() {
    for (region, name) in [(WEST, "healthcare-platform-dr"), ("us-east-1", "healthcare-platform-prod"), (WEST, "orders")] {
        let (mut simulation, id) = restored_by(Some(PLAN));
        change(&simulation, &id, |job| {
            job.created_resource = Some(format!("arn:aws:rds:{region}:123456789012:db:{name}"));
        });
        let error = send(&mut simulation, &event(&id)).unwrap_err();
        assert_eq!(error.code, Code::RestoredNotSeparate, "{error}");
        assert!(error.message.contains(name), "{error}");
        assert_left_alone(&simulation);
    }
}

/// Even where the plan's own replica has a name as AWS Backup gives it.
#[test]
fn a_replica_named_as_a_copy_is_never_asked() {
    let platform = Platform::default().with_restore_tests().with_plan(|plan| {
        for component in plan.components.values_mut() {
            if let Component::RdsInstance(database) = component {
                database.recovery.id = InstanceId::new(RESTORED).unwrap();
            }
        }
    });
    let mut simulation = platform.stand_up();
    simulation.run_for(Duration::from_secs(60));
    let id = begin(&simulation, "awsbackup-restore-test-2", Some(PLAN));
    change(&simulation, &id, |job| job.created_resource = Some(format!("arn:aws:rds:{WEST}:123456789012:db:{RESTORED}")));
    simulation.run_for(Duration::from_secs(3_600));
    let error = send(&mut simulation, &event(&id)).unwrap_err();
    assert!(error.code == Code::RestoredNotSeparate && error.message.contains("is a database of the plan"), "{error}");
    assert_left_alone(&simulation);
}

#[test]
fn a_restore_that_nobody_tests_takes_no_result() {
    let (mut simulation, id) = restored_by(None);
    let answer = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("ignored"), &json!("not_a_restore_test")), "{answer:#}");
    assert_left_alone(&simulation);
}

#[test]
fn a_restore_that_failed_is_insufficient_and_one_that_runs_is_looked_at_again() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    change(&simulation, &id, |job| job.broke = Some(("FAILED".to_owned(), "the subnet group is gone".to_owned())));
    let answer = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!((&answer["status"], &answer["backups"][0]["level"]), (&json!("insufficient"), &Value::Null), "{answer:#}");
    assert!(answer["reason"].as_str().unwrap().contains("the subnet group is gone"), "{answer:#}");
    assert_left_alone(&simulation);

    let mut simulation = Platform::default().with_restore_tests().stand_up();
    let id = begin(&simulation, RESTORED, Some(PLAN));
    assert_eq!(send(&mut simulation, &event(&id)).unwrap_err().code, Code::RestoreJobRunning);
    assert_left_alone(&simulation);
}

#[test]
fn an_event_of_another_account_or_region_or_of_no_job_leads_to_no_question() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    for (field, value) in [("account", "210987654321"), ("region", "us-east-1")] {
        let mut elsewhere = event(&id);
        elsewhere[field] = json!(value);
        assert_eq!(send(&mut simulation, &elsewhere).unwrap_err().code, Code::RestoreJobElsewhere, "{field}");
    }
    assert_eq!(calls(&simulation, ("backup", "DescribeRestoreJob")), 0, "nobody is asked for either");
    let unknown = send(&mut simulation, &event("FFFFFFFF-789B-01CD-2A34-4567A08901FD")).unwrap_err();
    assert_eq!(unknown.code, Code::RestoreJobUnknown);
    // What the event says of the copy counts for nothing.
    let mut lying = event(&id);
    lying["detail"]["createdResourceArn"] = json!("arn:aws:rds:us-west-2:123456789012:db:healthcare-platform-dr");
    lying["detail"]["status"] = json!("FAILED");
    assert_eq!(send(&mut simulation, &lying).unwrap()["status"], "sufficient");
    assert!(asked(&simulation)[0].starts_with(RESTORED));
}

#[test]
fn what_is_not_asked_is_never_called_restorable() {
    let (mut simulation, id) = restored_by(Some(PLAN));
    change(&simulation, &id, |job| {
        job.source = "arn:aws:dynamodb:us-east-1:123456789012:table/healthcare-platform-carts".to_owned();
    });
    let answer = send(&mut simulation, &event(&id)).unwrap();
    assert_eq!((&answer["status"], &answer["code"]), (&json!("ignored"), &json!("restore_not_checked")), "{answer:#}");
    assert_left_alone(&simulation);
}
