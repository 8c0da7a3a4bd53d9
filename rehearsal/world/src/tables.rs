//! DynamoDB global tables, as far as describing them goes: their items are not modelled.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::errors::ApiError;
use crate::facts::Fact;
use crate::world::World;

/// What a replica of a table is, in the words of DynamoDB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReplicaStatus {
    /// It is being made.
    Creating,
    /// It could not be made.
    CreationFailed,
    /// It is being changed.
    Updating,
    /// It is being taken away.
    Deleting,
    /// It can be used.
    Active,
    /// Its Region is disabled for the account.
    RegionDisabled,
    /// Its key cannot be used.
    InaccessibleEncryptionCredentials,
}

impl ReplicaStatus {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::CreationFailed => "CREATION_FAILED",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
            Self::Active => "ACTIVE",
            Self::RegionDisabled => "REGION_DISABLED",
            Self::InaccessibleEncryptionCredentials => "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
        }
    }
}

/// A table as one Region describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DescribedTable {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The status of the table in this Region.
    pub status: ReplicaStatus,
    /// The replicas in the other Regions.
    pub replicas: BTreeMap<String, ReplicaStatus>,
    /// When it was made.
    pub created: Timestamp,
}

/// A global table: its replicas by Region.
#[derive(Debug, Clone)]
pub(crate) struct GlobalTable {
    replicas: BTreeMap<String, ReplicaStatus>,
    created: Timestamp,
}

impl GlobalTable {
    pub(crate) fn is_in(&self, region: &str) -> bool {
        self.replicas.contains_key(region)
    }
}

impl World {
    /// Has a global table with an active replica in each of these Regions.
    pub fn add_global_table(&mut self, name: &str, regions: &[&str], now: Timestamp) {
        self.advance(now);
        let replicas = regions.iter().map(|region| ((*region).to_owned(), ReplicaStatus::Active)).collect();
        self.tables.insert(name.to_owned(), GlobalTable { replicas, created: self.clock });
    }

    /// Sets what the replica of a table in a Region is.
    pub fn set_table_replica(&mut self, name: &str, region: &str, status: ReplicaStatus, now: Timestamp) {
        self.advance(now);
        if let Some(table) = self.tables.get_mut(name) {
            table.replicas.insert(region.to_owned(), status);
        }
    }

    /// Whether the world has a table of that name, in whatever Region.
    #[must_use]
    pub fn has_table(&self, name: &str) -> bool {
        self.tables.contains_key(name)
    }

    /// Describes the replica of a table in a Region.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, and what every call may answer.
    pub fn describe_table(&mut self, region: &str, name: &str, now: Timestamp) -> Result<DescribedTable, ApiError> {
        self.admit(region, now)?;
        let found = self.tables.get(name).and_then(|table| Some((table, *table.replicas.get(region)?)));
        let Some((table, status)) = found else {
            self.rely_on(Fact::UnknownTable);
            return Err(ApiError::table_not_found(name));
        };
        let mut replicas = table.replicas.clone();
        replicas.remove(region);
        let created = table.created;
        let arn = format!("arn:aws:dynamodb:{region}:{}:table/{name}", self.account);
        self.rely_on(Fact::ReplicasOfATable);
        Ok(DescribedTable { name: name.to_owned(), arn, status, replicas, created })
    }
}
