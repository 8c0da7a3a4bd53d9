//! DynamoDB.

use serde_json::{Value, json as value};
use shared::adapters::aws::DynamoJournal;
use shared::ports::{Commit, FailureKind, Journal, Write};

use crate::stub::{Answer, Asked, Stub, json, json_error, west};

async fn journal(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> (Stub, DynamoJournal) {
    let stub = Stub::answering(answer).await;
    let journal = DynamoJournal::new(stub.clients(), west(), "journal");
    (stub, journal)
}

fn writes() -> Vec<Write> {
    let write = |name: &str, expected, content: &str| Write {
        partition: "incident#1".to_owned(),
        name: name.to_owned(),
        expected,
        content: content.to_owned(),
    };
    vec![write("incident", 0, "{\"a\":1}"), write("step#01", 4, "{}")]
}

fn item(name: &str, revision: u64, content: &str) -> Value {
    value!({"pk": {"S": "incident#1"}, "sk": {"S": name}, "revision": {"N": revision.to_string()}, "content": {"S": content}})
}

fn cancelled(codes: &[&str]) -> Answer {
    let reasons: Vec<Value> = codes.iter().map(|code| value!({"Code": code})).collect();
    json(
        400,
        &value!({
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": reasons,
        }),
    )
}

#[tokio::test]
async fn a_commit_is_one_transaction_with_a_condition_on_every_write() {
    let (stub, journal) = journal(|_, _| json(200, &value!({}))).await;
    assert_eq!(journal.commit(&writes()).await.unwrap(), Commit::Committed);
    let mut body = stub.asked()[0].json();
    let token = body.as_object_mut().unwrap().remove("ClientRequestToken").unwrap();
    assert_eq!(token.as_str().unwrap().len(), 32);
    assert_eq!(
        body,
        value!({"TransactItems": [
            {"Put": {
                "TableName": "journal",
                "Item": item("incident", 1, "{\"a\":1}"),
                "ConditionExpression": "attribute_not_exists(pk)",
            }},
            {"Put": {
                "TableName": "journal",
                "Item": item("step#01", 5, "{}"),
                "ConditionExpression": "revision = :revision",
                "ExpressionAttributeValues": {":revision": {"N": "4"}},
            }},
        ]})
    );
}

#[tokio::test]
async fn a_failed_condition_is_a_conflict_and_is_not_tried_again() {
    let (stub, journal) = journal(|_, _| cancelled(&["None", "ConditionalCheckFailed"])).await;
    assert_eq!(journal.commit(&writes()).await.unwrap(), Commit::Conflict);
    assert_eq!(stub.operations(), ["TransactWriteItems"]);
}

#[tokio::test]
async fn another_transaction_in_the_way_is_tried_again_and_then_not_now() {
    let (stub, journal) = journal(|_, _| cancelled(&["TransactionConflict", "None"])).await;
    assert_eq!(journal.commit(&writes()).await.unwrap_err().kind, FailureKind::NotNow);
    assert_eq!(stub.asked().len(), 3);
}

#[tokio::test]
async fn a_lost_reply_is_tried_again_with_the_same_token() {
    let (stub, journal) = journal(|number, _| if number == 0 { Answer::Cut } else { json(200, &value!({})) }).await;
    assert_eq!(journal.commit(&writes()).await.unwrap(), Commit::Committed);
    let tokens: Vec<Value> = stub.asked().iter().map(|asked| asked.json()["ClientRequestToken"].clone()).collect();
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0], tokens[1]);
}

#[tokio::test]
async fn a_condition_that_failed_because_of_our_own_lost_write_is_a_commit() {
    for (held, outcome) in [(5, Commit::Committed), (6, Commit::Conflict)] {
        let (stub, journal) = journal(move |number, asked| match (number, asked.operation()) {
            (0, _) => Answer::Cut,
            (_, "TransactWriteItems") => cancelled(&["ConditionalCheckFailed", "ConditionalCheckFailed"]),
            _ if asked.body.contains("step#01") => json(200, &value!({"Item": item("step#01", held, "{}")})),
            _ => json(200, &value!({"Item": item("incident", 1, "{\"a\":1}")})),
        })
        .await;
        assert_eq!(journal.commit(&writes()).await.unwrap(), outcome);
        assert_eq!(stub.operations(), ["TransactWriteItems", "TransactWriteItems", "GetItem", "GetItem"]);
    }
}

#[tokio::test]
async fn after_a_lost_reply_no_later_answer_makes_it_certain_that_nothing_happened() {
    let (_stub, journal) =
        journal(|number, _| if number == 0 { Answer::Cut } else { json_error(400, "ThrottlingException", "slow down") })
            .await;
    assert_eq!(journal.commit(&writes()).await.unwrap_err().kind, FailureKind::NoAnswer);
}

#[tokio::test]
async fn a_commit_of_nothing_or_of_too_much_is_refused_without_a_call() {
    let (stub, journal) = journal(|_, _| json(200, &value!({}))).await;
    let many: Vec<Write> = (0..101).flat_map(|_| writes().into_iter().take(1)).collect();
    for list in [&[][..], &many] {
        assert_eq!(journal.commit(list).await.unwrap_err().code, "commit_size");
    }
    assert!(stub.asked().is_empty());
}

#[tokio::test]
async fn reads_are_consistent() {
    let (stub, journal) = journal(|number, _| match number {
        0 => json(200, &value!({"Item": item("incident", 3, "{}")})),
        _ => json(200, &value!({})),
    })
    .await;
    let found = journal.read("incident#1", "incident").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.revision, found.content.as_str()), ("incident", 3, "{}"));
    assert_eq!(journal.read("incident#1", "plan").await.unwrap(), None);
    assert_eq!(
        stub.asked()[0].json(),
        value!({"TableName": "journal", "Key": {"pk": {"S": "incident#1"}, "sk": {"S": "incident"}}, "ConsistentRead": true})
    );
}

#[tokio::test]
async fn a_list_is_consistent_and_takes_every_page() {
    let (stub, journal) = journal(|number, _| match number {
        0 => json(200, &value!({"Items": [item("step#01", 1, "{}")], "LastEvaluatedKey": {"pk": {"S": "incident#1"}, "sk": {"S": "step#01"}}})),
        _ => json(200, &value!({"Items": [item("step#02", 1, "{}")]})),
    })
    .await;
    let names: Vec<String> =
        journal.list("incident#1", "step#").await.unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(names, ["step#01", "step#02"]);
    let first = stub.asked()[0].json();
    assert_eq!(first["ConsistentRead"], true);
    assert_eq!(first["KeyConditionExpression"], "pk = :partition AND begins_with(sk, :prefix)");
    assert_eq!(first["ExpressionAttributeValues"], value!({":partition": {"S": "incident#1"}, ":prefix": {"S": "step#"}}));
    assert_eq!(stub.asked()[1].json()["ExclusiveStartKey"]["sk"]["S"], "step#01");

    journal.list("incident#1", "").await.unwrap();
    assert_eq!(stub.asked()[2].json()["KeyConditionExpression"], "pk = :partition");
}

#[tokio::test]
async fn an_item_that_is_no_document_is_never_half_read() {
    let (_stub, journal) =
        journal(|_, _| json(200, &value!({"Item": {"pk": {"S": "incident#1"}, "sk": {"S": "incident"}}}))).await;
    assert_eq!(journal.read("incident#1", "incident").await.unwrap_err().code, "item_unreadable");
}
