//! Restore jobs and their validation results, in the words of AWS Backup.

use serde_json::{Value, json};
use shared::adapters::aws::BackupRestoreJobs;
use shared::domain::identifier::{InstanceId, RestoreJobId};
use shared::ports::{FailureKind, RestoreJobs};

use crate::stub::{Answer, Stub, json as answer, json_error, west, xml};

const JOB: &str = "1B234A56-789B-01CD-2A34-4567A08901FD";

fn job() -> RestoreJobId {
    RestoreJobId::new(JOB).unwrap()
}

fn document() -> Value {
    json!({
        "AccountId": "123456789012", "RestoreJobId": JOB, "Status": "COMPLETED", "StatusMessage": "",
        "RecoveryPointArn": "arn:point", "RecoveryPointCreationDate": 1_795_182_000, "SourceResourceArn": "arn:source",
        "CreationDate": 1_795_182_900.5, "CompletionDate": 1_795_183_900, "CreatedResourceArn": "arn:made",
        "CreatedBy": {"RestoreTestingPlanArn": "arn:plan"}, "ValidationStatus": "VALIDATING", "IsParent": false,
    })
}

#[tokio::test]
async fn a_job_is_described_with_who_began_it_and_what_it_made() {
    let stub = Stub::answering(|_, _| answer(200, &document())).await;
    let found = BackupRestoreJobs::new(stub.clients()).job(&west(), &job()).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!((found.status.as_str(), found.status_message), ("COMPLETED", None));
    assert_eq!((found.testing_plan, found.source, found.restored), (text("arn:plan"), text("arn:source"), text("arn:made")));
    assert_eq!((found.validation, found.deletion, found.account), (text("VALIDATING"), None, text("123456789012")));
    assert!(found.began_at < found.ended_at && found.recovery_point_at < found.began_at);
    let asked = stub.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("GET", format!("/restore-jobs/{JOB}").as_str()));

    let unknown = Stub::answering(|_, _| json_error(400, "ResourceNotFoundException", "none")).await;
    let error = BackupRestoreJobs::new(unknown.clients()).job(&west(), &job()).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::NotFound);
    let other = Stub::answering(|_, _| answer(200, &json!({"RestoreJobId": "another", "Status": "COMPLETED"}))).await;
    let error = BackupRestoreJobs::new(other.clients()).job(&west(), &job()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (FailureKind::NoAnswer, "other_job"));
}

#[tokio::test]
async fn a_result_is_sent_once_even_when_its_reply_is_lost() {
    for (sound, status) in [(true, "SUCCESSFUL"), (false, "FAILED")] {
        let stub = Stub::answering(|_, _| Answer::Reply(204, "application/json", Vec::new())).await;
        BackupRestoreJobs::new(stub.clients()).validate(&west(), &job(), sound, "because").await.unwrap();
        let asked = stub.asked();
        assert_eq!(
            (asked[0].method.as_str(), asked[0].target.as_str()),
            ("PUT", format!("/restore-jobs/{JOB}/validations").as_str())
        );
        assert_eq!(asked[0].json(), json!({"ValidationStatus": status, "ValidationStatusMessage": "because"}));
    }
    for lost in [Answer::Cut, Answer::Reply(500, "application/json", Vec::new())] {
        let stub = Stub::answering(move |_, _| lost.clone()).await;
        let error = BackupRestoreJobs::new(stub.clients()).validate(&west(), &job(), true, "because").await.unwrap_err();
        assert_eq!((error.kind, stub.asked().len()), (FailureKind::NoAnswer, 1));
    }
    let set = Stub::answering(|_, _| json_error(400, "InvalidRequestException", "it is set")).await;
    let error = BackupRestoreJobs::new(set.clients()).validate(&west(), &job(), true, "because").await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Refused);
}

#[tokio::test]
async fn an_answer_about_another_instance_is_not_taken_for_the_restored_one() {
    let restored = InstanceId::new("awsbackup-restore-test-1").unwrap();
    let instances = |name: &'static str| {
        move |_: usize, _: &crate::stub::Asked| {
            let found = format!(
                "<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus></DBInstance>"
            );
            let result =
                format!("<DescribeDBInstancesResult><DBInstances>{found}</DBInstances></DescribeDBInstancesResult>");
            xml(
                200,
                &format!(
                    "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">{result}</DescribeDBInstancesResponse>"
                ),
            )
        }
    };
    let stub = Stub::answering(instances("awsbackup-restore-test-1")).await;
    let found = BackupRestoreJobs::new(stub.clients()).restored(&west(), &restored).await.unwrap();
    assert_eq!(found.status, "available");
    let stub = Stub::answering(instances("orders-prod")).await;
    let error = BackupRestoreJobs::new(stub.clients()).restored(&west(), &restored).await.unwrap_err();
    assert_eq!(error.code, "other_instance");
}
