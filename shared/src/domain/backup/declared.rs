//! What a plan requires of the backups that AWS keeps.

use serde::{Deserialize, Serialize};

use crate::domain::duration::Seconds;
use crate::domain::identifier::ResourceName;
use crate::domain::plan::SiteName;
use crate::domain::restore_test::RestoreTest;

/// What is required beyond a restorable point within the recovery point objective.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManagedBackups {
    /// How old the newest copy in the recovery Region may be; absent: none is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_within: Option<Seconds>,
    /// Whether every backup that counts has to be encrypted at rest.
    pub encrypted: bool,
    /// AWS Backup, where it backs the component up too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vaults: Option<BackupVaults>,
    /// What a copy is asked that AWS Backup restored for a test, in the recovery Region; only of an RDS instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_test: Option<RestoreTest>,
}

/// The vaults of AWS Backup that hold recovery points of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupVaults {
    /// The vault in the primary Region, where recovery points are made.
    pub primary: ResourceName,
    /// The vault in the recovery Region, where they are copied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<ResourceName>,
    /// How often one is made, and so how old the newest of each vault may be.
    pub every: Seconds,
}

impl BackupVaults {
    /// Each vault with its site.
    pub fn each(&self) -> impl Iterator<Item = (SiteName, &ResourceName)> {
        let copy = self.recovery.as_ref().map(|vault| (SiteName::Recovery, vault));
        std::iter::once((SiteName::Primary, &self.primary)).chain(copy)
    }
}
