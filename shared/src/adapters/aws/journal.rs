//! Amazon DynamoDB: the journal's documents. One item per document; every read is consistent, every write conditional.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, Put, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::Clients;
use super::clients::{OPERATION, once};
use super::store_clock::StoreClock;
use crate::adapters::Sending;
use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::ports::{Commit, Document, FailureKind, Journal, PortError, PortResult, Write};

/// TransactWriteItems takes no more.
const MOST_WRITES: usize = 100;
/// Pages of a partition, each up to a megabyte: no incident writes as much.
const MOST_PAGES: usize = 100;
/// How often a commit is sent before its failure is reported.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(50);

const PARTITION: &str = "pk";
const NAME: &str = "sk";
const REVISION: &str = "revision";
const CONTENT: &str = "content";

/// [`Journal`] over one DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoJournal {
    clients: Clients,
    region: Region,
    table: String,
    clock: StoreClock,
}

impl DynamoJournal {
    /// The journal in this table.
    #[must_use]
    pub fn new(clients: Clients, region: Region, table: impl Into<String>) -> Self {
        Self { clients, region, table: table.into(), clock: StoreClock::new() }
    }
}

type Item = std::collections::HashMap<String, AttributeValue>;

#[async_trait]
impl Journal for DynamoJournal {
    async fn read(&self, partition: &str, name: &str) -> PortResult<Option<Document>> {
        let operation = Sending::of(Operation::GetItem);
        let answer = self
            .clients
            .dynamodb(&self.region)
            .get_item()
            .table_name(&self.table)
            .key(PARTITION, text(partition))
            .key(NAME, text(name))
            .consistent_read(true)
            .customize()
            .interceptor(self.clock.clone())
            .send()
            .await
            .map_err(|error| operation.failed(&error))?;
        answer.item().map(|item| document(operation, item)).transpose()
    }

    async fn list(&self, partition: &str, prefix: &str) -> PortResult<Vec<Document>> {
        let operation = Sending::of(Operation::Query);
        let client = self.clients.dynamodb(&self.region);
        let mut documents = Vec::new();
        let mut start: Option<Item> = None;
        for _ in 0..MOST_PAGES {
            let query = client
                .query()
                .table_name(&self.table)
                .consistent_read(true)
                .expression_attribute_values(":partition", text(partition))
                .set_exclusive_start_key(start);
            // DynamoDB refuses an empty prefix.
            let query = if prefix.is_empty() {
                query.key_condition_expression("pk = :partition")
            } else {
                query
                    .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
                    .expression_attribute_values(":prefix", text(prefix))
            };
            let page =
                query.customize().interceptor(self.clock.clone()).send().await.map_err(|error| operation.failed(&error))?;
            for item in page.items() {
                documents.push(document(operation, item)?);
            }
            start = page.last_evaluated_key().filter(|key| !key.is_empty()).cloned();
            if start.is_none() {
                return Ok(documents);
            }
        }
        Err(operation.failure(
            FailureKind::Refused,
            "partition_too_large",
            &format!("{partition} has more than {MOST_PAGES} pages"),
        ))
    }

    async fn commit(&self, writes: &[Write]) -> PortResult<Commit> {
        let operation = Sending::of(Operation::TransactWriteItems);
        if writes.is_empty() || writes.len() > MOST_WRITES {
            let message = format!("a commit has 1 to {MOST_WRITES} writes, not {}", writes.len());
            return Err(operation.failure(FailureKind::Refused, "commit_size", &message));
        }
        operation.within(OPERATION, self.commit_surely(operation, writes)).await
    }

    fn clock_lead(&self) -> Option<i64> {
        self.clock.lead()
    }
}

impl DynamoJournal {
    /// Sends the transaction until its outcome is known.
    async fn commit_surely(&self, operation: Sending, writes: &[Write]) -> PortResult<Commit> {
        // One token for all tries: DynamoDB answers a repeated transaction with the first one's outcome.
        let token = token();
        let mut doubtful = false;
        let mut attempt = 1;
        loop {
            let failure = match self.try_commit(operation, writes, &token).await {
                // Where a try's reply was lost, a condition may have failed because of our own write.
                Ok(Commit::Conflict) if doubtful && self.holds(writes).await? => {
                    return Ok(Commit::Committed);
                }
                Ok(outcome) => return Ok(outcome),
                Err(failure) => failure,
            };
            doubtful |= failure.kind == FailureKind::NoAnswer;
            let again = matches!(failure.kind, FailureKind::NoAnswer | FailureKind::NotNow) && attempt < ATTEMPTS;
            if !again {
                // "Nothing happened" is only true when it is true of every try.
                return Err(PortError { kind: if doubtful { FailureKind::NoAnswer } else { failure.kind }, ..failure });
            }
            tokio::time::sleep(PAUSE * attempt).await;
            attempt += 1;
        }
    }

    async fn try_commit(&self, operation: Sending, writes: &[Write], token: &str) -> PortResult<Commit> {
        let mut items = Vec::with_capacity(writes.len());
        for write in writes {
            items.push(TransactWriteItem::builder().put(self.put(operation, write)?).build());
        }
        let answer = self
            .clients
            .dynamodb(&self.region)
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(token)
            .customize()
            .config_override(once!(aws_sdk_dynamodb))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Commit::Committed),
            Err(error) => match reasons(&error) {
                Some(reasons) => cancelled(operation, reasons),
                None => Err(operation.failed(&error)),
            },
        }
    }

    fn put(&self, operation: Sending, write: &Write) -> PortResult<Put> {
        let put = Put::builder()
            .table_name(&self.table)
            .item(PARTITION, text(&write.partition))
            .item(NAME, text(&write.name))
            .item(REVISION, number(write.expected + 1))
            .item(CONTENT, text(&write.content));
        let put = if write.expected == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("revision = :revision").expression_attribute_values(":revision", number(write.expected))
        };
        put.build().map_err(|error| operation.failure(FailureKind::Refused, "request_not_built", &error.to_string()))
    }

    /// Whether the table holds exactly what these writes would have written.
    async fn holds(&self, writes: &[Write]) -> PortResult<bool> {
        for write in writes {
            let found = self.read(&write.partition, &write.name).await?;
            if !found.is_some_and(|found| found.revision == write.expected + 1 && found.content == write.content) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn reasons(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Option<&[CancellationReason]> {
    match error.as_service_error()? {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => Some(cancelled.cancellation_reasons()),
        _ => None,
    }
}

/// What a cancelled transaction means. A failed condition is final whatever else was in the way.
fn cancelled(operation: Sending, reasons: &[CancellationReason]) -> PortResult<Commit> {
    let codes: Vec<&str> = reasons.iter().filter_map(CancellationReason::code).filter(|code| *code != "None").collect();
    if codes.contains(&"ConditionalCheckFailed") {
        return Ok(Commit::Conflict);
    }
    let passing = ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"];
    let code = codes.first().copied().unwrap_or("TransactionCanceledException");
    if !codes.is_empty() && codes.iter().all(|code| passing.contains(code)) {
        return Err(operation.failure(FailureKind::NotNow, code, "another transaction or a limit was in the way"));
    }
    Err(operation.failure(FailureKind::Refused, code, "DynamoDB cancelled the transaction"))
}

fn document(operation: Sending, item: &Item) -> PortResult<Document> {
    let field = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned();
    let revision = item.get(REVISION).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok());
    match (field(PARTITION), field(NAME), revision, field(CONTENT)) {
        (Some(partition), Some(name), Some(revision), Some(content)) => Ok(Document { partition, name, revision, content }),
        _ => Err(operation.failure(
            FailureKind::Refused,
            "item_unreadable",
            "the table holds an item that is not a journal document",
        )),
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A new ClientRequestToken, 32 hexadecimal digits. It must differ between commits even of equal content: DynamoDB would
/// answer the second with the first one's success, without looking at its conditions. The standard library seeds each hasher
/// state from the system's randomness.
fn token() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_condition_is_a_conflict_and_a_passing_hindrance_is_not_now() {
        let operation = Sending::of(Operation::TransactWriteItems);
        let said = |codes: &[&str]| {
            let reasons: Vec<CancellationReason> =
                codes.iter().map(|code| CancellationReason::builder().code(*code).build()).collect();
            cancelled(operation, &reasons).map_err(|failure| failure.kind)
        };
        assert_eq!(said(&["None", "ConditionalCheckFailed"]), Ok(Commit::Conflict));
        assert_eq!(said(&["TransactionConflict", "ConditionalCheckFailed"]), Ok(Commit::Conflict));
        assert_eq!(said(&["TransactionConflict", "None"]), Err(FailureKind::NotNow));
        assert_eq!(said(&["ThrottlingError"]), Err(FailureKind::NotNow));
        assert_eq!(said(&["TransactionConflict", "ValidationError"]), Err(FailureKind::Refused));
        assert_eq!(said(&[]), Err(FailureKind::Refused));
    }

    #[test]
    fn no_two_commits_share_a_token() {
        let tokens: std::collections::HashSet<String> = (0..1_000).map(|_| token()).collect();
        assert_eq!(tokens.len(), 1_000);
        assert!(tokens.iter().all(|token| token.len() == 32));
    }
}
