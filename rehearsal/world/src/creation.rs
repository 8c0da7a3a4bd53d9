//! New instances: replicas and what is restored. Accepted at once, of use later.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::agenda::{Event, Phase};
use crate::config::BackupWindow;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::groups::Groups;
use crate::identifiers::{InstanceKey, endpoint, group_id, is_name, resource_id};
use crate::instances::{Instance, Process, Sessions, Zones};
use crate::making::{Making, Origin};
use crate::replication::{Link, Timeline};
use crate::status::InstanceStatus;
use crate::view::DbInstance;
use crate::world::World;

/// RDS gives an account so many instances in a Region, unless it asks for more.
const MOST_INSTANCES: usize = 40;
/// The longest identifier of an instance.
const LONGEST_NAME: usize = 63;
/// Between two looks whether a database that is made outside is there.
const LOOK: Duration = Duration::from_secs(1);

/// What the new instance is to be.
pub(crate) struct NewInstance {
    pub(crate) key: InstanceKey,
    pub(crate) origin: Origin,
    pub(crate) groups: Vec<String>,
    pub(crate) backup_retention: u8,
    pub(crate) backup_window: BackupWindow,
    /// What it holds, where it follows nobody.
    pub(crate) timeline: Timeline,
    pub(crate) link: Option<Link>,
    pub(crate) span: Duration,
}

impl World {
    /// Whether an instance of that name may be made.
    pub(crate) fn free_name(&mut self, region: &str, identifier: &str) -> Result<InstanceKey, ApiError> {
        if !is_name(identifier, LONGEST_NAME) {
            self.rely_on(Fact::InstanceNames);
            return Err(ApiError::invalid_value(format!(
                "The parameter DBInstanceIdentifier is not a valid identifier: {identifier}. Identifiers must begin with a \
                 letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two \
                 consecutive hyphens."
            )));
        }
        let key = InstanceKey::new(region, identifier);
        if self.instances.contains_key(&key) {
            self.rely_on(Fact::InstanceExists);
            return Err(ApiError::instance_exists());
        }
        if self.instances.keys().filter(|other| other.region == region).count() >= MOST_INSTANCES {
            self.rely_on(Fact::InstanceQuota);
            return Err(ApiError::instance_quota_exceeded());
        }
        Ok(key)
    }

    /// The groups of a new instance: those asked for, which have to exist, or the one that the network has by default.
    pub(crate) fn groups_of_new(&mut self, region: &str, wanted: Option<&[String]>) -> Result<Vec<String>, ApiError> {
        match wanted.filter(|wanted| !wanted.is_empty()) {
            Some(wanted) => {
                self.known_groups(region, wanted)?;
                Ok(wanted.to_vec())
            }
            None => {
                self.rely_on(Fact::NewInstancesHaveTheDefaultGroup);
                let group = group_id(self.seed, region);
                // It lets in its own members, and none of the platform's clients is one.
                self.groups.entry(region.to_owned()).or_default().insert(group.clone(), true);
                Ok(vec![group])
            }
        }
    }

    /// Refuses groups that are not there.
    pub(crate) fn known_groups(&mut self, region: &str, wanted: &[String]) -> Result<(), ApiError> {
        let unknown = wanted.iter().find(|group| !self.groups.get(region).is_some_and(|known| known.contains_key(*group)));
        let Some(group) = unknown else {
            return Ok(());
        };
        self.rely_on(Fact::UnknownSecurityGroup);
        Err(ApiError::invalid_value(format!("Invalid security group , groupId= {group}, groupName=.")))
    }

    /// Begins to make an instance.
    pub(crate) fn begin_creation(&mut self, new: NewInstance) -> Result<DbInstance, ApiError> {
        let (key, span) = (new.key, new.span);
        let operation = self.next_operation();
        let zones = Zones { zone: format!("{}a", key.region), standby: None };
        let instance = Instance {
            arn: key.arn(&self.account),
            resource_id: resource_id(self.seed, &key),
            endpoint: endpoint(self.seed, &self.account, &key),
            created: self.clock,
            status: InstanceStatus::Creating,
            process: Process::Down,
            reported_zones: zones.clone(),
            zones,
            groups: Groups::new(&new.groups),
            backup_retention: new.backup_retention,
            backup_window: new.backup_window,
            deletion_protection: false,
            latest_restorable: None,
            operation: Some(operation),
            promotion: None,
            writable_since: None,
            timeline: new.timeline,
            link: new.link,
            lag_samples: VecDeque::new(),
            sessions: Sessions::default(),
            writes_stopped: Some(self.clock),
            making: Some(Making { origin: new.origin, made: !self.made_outside }),
            key: key.clone(),
        };
        self.instances.insert(key.clone(), instance);
        self.rely_on(Fact::CreatingFirst);
        self.rely_on(Fact::NewInstancesAreUnprotected);
        self.after(span, Event::Phase { key: key.clone(), operation, phase: Phase::Created });
        self.note_changes();
        self.answer(&key)
    }

    /// The instance is there, unless its database is made outside and is not.
    pub(crate) fn created(&mut self, key: &InstanceKey, operation: u64) {
        let at = self.clock;
        let Some(instance) = self.in_operation(key, operation) else {
            return;
        };
        if instance.making.as_ref().is_some_and(|making| !making.made) {
            self.after(LOOK, Event::Phase { key: key.clone(), operation, phase: Phase::Created });
            return;
        }
        instance.making = None;
        instance.operation = None;
        instance.process = Process::Sound;
        instance.status = InstanceStatus::Available;
        instance.created = at;
        if instance.link.is_none() {
            instance.writable_since = Some(at);
        }
        let backups = instance.backup_retention > 0;
        self.await_backup_window(key);
        if backups {
            self.rely_on(Fact::FirstBackupAfterRestore);
            let span = self.takes(|timings| timings.first_backup);
            self.begin_backup(key, span);
        }
    }

    /// The newest commit that the database of an instance holds; nothing for an instance that does not exist.
    pub fn holds(&mut self, instance: &InstanceKey, now: Timestamp) -> Option<crate::CommitNumber> {
        self.advance(now);
        self.instances.get(instance).map(Instance::holds)
    }
}
