//! The journal's table: documents with revisions, written all or none.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use shared::ports::{Commit, Document, FailureKind, PortResult, Write};

use super::super::faults::failure;

/// DynamoDB's limit for one item.
const LARGEST_ITEM: usize = 400 * 1_024;
/// TransactWriteItems' limits.
const MOST_WRITES: usize = 100;
const LARGEST_TRANSACTION: usize = 4 * 1_024 * 1_024;

/// The table.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    documents: BTreeMap<(String, String), (u64, String)>,
    /// How many commits have been taken.
    pub commits: usize,
    /// While it does not answer.
    pub unreachable: Option<(Timestamp, Timestamp)>,
}

impl Journal {
    /// One document's content.
    #[must_use]
    pub fn content(&self, partition: &str, name: &str) -> Option<&str> {
        let document = self.documents.get(&(partition.to_owned(), name.to_owned()))?;
        Some(document.1.as_str())
    }

    /// Every document: partition, name and content.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.documents.iter().map(|((partition, name), (_, content))| (partition.as_str(), name.as_str(), content.as_str()))
    }

    pub(crate) fn is_unreachable(&self, now: Timestamp) -> bool {
        self.unreachable.is_some_and(|(from, until)| from <= now && now < until)
    }

    pub(crate) fn read(&self, partition: &str, name: &str) -> Option<Document> {
        let key = (partition.to_owned(), name.to_owned());
        self.documents.get_key_value(&key).map(document)
    }

    pub(crate) fn list(&self, partition: &str, prefix: &str) -> Vec<Document> {
        self.documents
            .range((partition.to_owned(), prefix.to_owned())..)
            .take_while(|((of, name), _)| of == partition && name.starts_with(prefix))
            .map(document)
            .collect()
    }

    pub(crate) fn commit(&mut self, writes: &[Write]) -> PortResult<Commit> {
        let refused =
            |code: &str, message: String| failure(FailureKind::Refused, ("dynamodb", "TransactWriteItems"), code, message);
        if writes.is_empty() || writes.len() > MOST_WRITES {
            return Err(refused("commit_size", format!("a commit has 1 to {MOST_WRITES} writes, not {}", writes.len())));
        }
        let keys: BTreeSet<_> = writes.iter().map(|write| (&write.partition, &write.name)).collect();
        if keys.len() != writes.len() {
            return Err(refused("ValidationException", "one transaction names the same item twice".to_owned()));
        }
        if let Some(large) = writes.iter().find(|write| write.content.len() > LARGEST_ITEM) {
            return Err(refused("ValidationException", format!("{} is larger than an item may be", large.name)));
        }
        if writes.iter().map(|write| write.content.len()).sum::<usize>() > LARGEST_TRANSACTION {
            return Err(refused("ValidationException", "the transaction is larger than one may be".to_owned()));
        }
        let holds = |write: &Write| {
            let present = self.documents.get(&(write.partition.clone(), write.name.clone()));
            present.map_or(0, |(revision, _)| *revision) == write.expected
        };
        if !writes.iter().all(holds) {
            return Ok(Commit::Conflict);
        }
        for write in writes {
            let key = (write.partition.clone(), write.name.clone());
            self.documents.insert(key, (write.expected + 1, write.content.clone()));
        }
        self.commits += 1;
        Ok(Commit::Committed)
    }
}

fn document(((partition, name), (revision, content)): (&(String, String), &(u64, String))) -> Document {
    Document { partition: partition.clone(), name: name.clone(), revision: *revision, content: content.clone() }
}
