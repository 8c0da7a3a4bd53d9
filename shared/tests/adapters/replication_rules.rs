//! S3: the rules by which buckets are replicated.

use shared::adapters::aws::S3ReplicationRules;
use shared::domain::identifier::BucketName;
use shared::domain::replication::RuleView;
use shared::ports::{FailureKind, PortResult, ReplicationRules};

use crate::stub::{Answer, Stub, east, xml};

fn buckets(count: usize) -> Vec<BucketName> {
    (0..count).map(|number| BucketName::new(format!("lake-{number}")).unwrap()).collect()
}

fn rule(id: &str) -> Answer {
    xml(
        200,
        &format!(
            "<ReplicationConfiguration><Role>r</Role><Rule><ID>{id}</ID><Status>Enabled</Status><Priority>3</Priority><Filter/>\
             <Destination><Bucket>arn:aws:s3:::{id}-dr</Bucket></Destination></Rule></ReplicationConfiguration>"
        ),
    )
}

async fn asked_once(status: u16, code: &'static str) -> PortResult<Vec<RuleView>> {
    let error = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    let stub = Stub::answering(move |_, _| xml(status, &error)).await;
    let mut answers = S3ReplicationRules::new(stub.clients()).of_each(&east(), &buckets(1)).await;
    assert_eq!(stub.asked().len(), 1, "what S3 is sure of is asked once");
    answers.remove(0)
}

#[tokio::test]
async fn each_bucket_is_asked_about_once_and_answers_in_its_place() {
    let stub = Stub::answering(|_, asked| rule(asked.target.split('/').nth(1).unwrap())).await;
    let answers = S3ReplicationRules::new(stub.clients()).of_each(&east(), &buckets(50)).await;
    assert_eq!((answers.len(), stub.asked().len()), (50, 50));
    for (number, answer) in answers.into_iter().enumerate() {
        let rule = answer.unwrap().remove(0);
        assert_eq!((rule.id, rule.destination), (format!("lake-{number}"), format!("lake-{number}-dr")));
        assert_eq!((rule.enabled, rule.priority, rule.prefix.as_str()), (true, 3, ""));
    }
    let first = &stub.asked()[0];
    assert_eq!((first.method.as_str(), first.target.as_str()), ("GET", "/lake-0/?replication"));
    assert!(first.header("authorization").unwrap().contains("/us-east-1/s3/aws4_request"));
}

#[tokio::test]
async fn a_bucket_without_rules_is_told_from_one_that_is_not_there_and_from_one_that_may_not_be_asked() {
    assert_eq!(asked_once(404, "ReplicationConfigurationNotFoundError").await, Ok(Vec::new()));
    let missing = asked_once(404, "NoSuchBucket").await.unwrap_err();
    assert_eq!((missing.kind, missing.code.as_str()), (FailureKind::NotFound, "object_missing"));
    let denied = asked_once(403, "AccessDenied").await.unwrap_err();
    assert_eq!((denied.kind, denied.code.as_str()), (FailureKind::Denied, "object_denied"));
    assert!(denied.message.contains("lacks s3:GetReplicationConfiguration"), "{denied}");
    let other = asked_once(200, "no configuration").await.unwrap_err();
    assert_eq!((other.kind, other.code.as_str()), (FailureKind::NoAnswer, "object_unexpected_answer"));
}

#[tokio::test]
async fn a_region_that_takes_calls_and_never_answers_costs_its_rules_and_not_the_check() {
    let stub = Stub::answering(|_, _| Answer::Never).await;
    let began = std::time::Instant::now();
    let answers = S3ReplicationRules::new(stub.clients()).of_each(&east(), &buckets(100)).await;
    assert!(began.elapsed().as_secs_f32() < 11.5, "{:?}", began.elapsed());
    let codes: Vec<String> = answers.into_iter().map(|answer| answer.unwrap_err().code).collect();
    assert_eq!((codes.len(), codes[0].as_str(), codes[99].as_str()), (100, "timeout", "no_turn"));
}
