//! DynamoDB: what a replica of a global table is.

use async_trait::async_trait;

use super::Clients;
use crate::adapters::Sending;
use crate::domain::identifier::{Region, TableName};
use crate::domain::operation::Operation;
use crate::domain::replication::TableView;
use crate::ports::{FailureKind, GlobalTables, PortResult};

/// [`GlobalTables`] over DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamodbTables {
    clients: Clients,
}

impl DynamodbTables {
    /// Over these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }
}

#[async_trait]
impl GlobalTables for DynamodbTables {
    async fn describe(&self, region: &Region, table: &TableName) -> PortResult<TableView> {
        let operation = Sending::of(Operation::DescribeTable);
        operation.permit(region, &format!("table/{table}"))?;
        let answer = self.clients.dynamodb(region).describe_table().table_name(table.as_str()).send().await;
        let answer = answer.map_err(|error| operation.failed(&error))?;
        // An answer about something else is no answer.
        let found = answer.table().filter(|found| found.table_name() == Some(table.as_str()));
        let unusable = |why: &str| operation.failure(FailureKind::NoAnswer, "other_table", why);
        let found = found.ok_or_else(|| unusable(&format!("the answer is not about {table}")))?;
        let status = found.table_status().ok_or_else(|| unusable(&format!("the answer has no status of {table}")))?;
        let replicas = found.replicas().iter().filter_map(|replica| {
            // A replica without a status is there, and is not active.
            let status = replica.replica_status().map_or("without a status", |status| status.as_str());
            Some((replica.region_name()?.to_owned(), status.to_owned()))
        });
        Ok(TableView { status: status.as_str().to_owned(), replicas: replicas.collect() })
    }
}
