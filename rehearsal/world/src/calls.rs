//! The control plane of RDS: who is let in, describing, modifying.

use jiff::Timestamp;

use crate::agenda::Event;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::status::InstanceStatus;
use crate::view::DbInstance;
use crate::world::World;

/// Which part of a list a caller wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many records; 20 to 100.
    pub max_records: Option<i64>,
    /// Where the page before ended.
    pub marker: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<Item> {
    /// The records.
    pub items: Vec<Item>,
    /// Where this page ended, if there is more.
    pub marker: Option<String>,
}

impl World {
    /// Lists the instances of a Region, or the one of that identifier or ARN.
    ///
    /// # Errors
    /// `DBInstanceNotFound` for an instance that is not there, and what every call may answer.
    pub fn describe_db_instances(
        &mut self,
        region: &str,
        identifier: Option<&str>,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<DbInstance>, ApiError> {
        self.admit(region, now)?;
        let mut shown = match self.stale_view(region) {
            Some(stale) => stale.instances,
            None => self.show_region(region),
        };
        let Some(identifier) = identifier else {
            return self.page_of(shown, page, |instance| &instance.key.identifier);
        };
        self.rely_on(Fact::DescribeTakesIdentifierOrArn);
        let wanted = self.named(region, identifier);
        shown.retain(|instance| instance.key == wanted);
        if shown.is_empty() {
            self.rely_on(Fact::UnknownInstance);
            return Err(ApiError::instance_not_found(identifier));
        }
        self.page_of(shown, page, |instance| &instance.key.identifier)
    }

    /// Asks for other security groups, if any are given. Whether the caller wants it applied immediately makes no
    /// difference to them.
    ///
    /// # Errors
    /// `DBInstanceNotFound`, `InvalidDBInstanceState`, `InvalidParameterCombination` where nothing was asked for,
    /// `InvalidParameterValue` for a group that does not exist, and what every call may answer.
    pub fn modify_db_instance(
        &mut self,
        region: &str,
        identifier: &str,
        groups: Option<&[String]>,
        now: Timestamp,
    ) -> Result<DbInstance, ApiError> {
        self.admit(region, now)?;
        let key = self.existing(region, identifier)?;
        let Some(wanted) = groups.filter(|groups| !groups.is_empty()) else {
            self.rely_on(Fact::NothingToModify);
            return Err(ApiError::invalid_combination("No modifications were requested"));
        };
        self.known_groups(region, wanted)?;
        let span = self.takes(|timings| timings.group_change);
        let shows_modifying = self.modifying_during_group_change;
        let Some(instance) = self.instances.get_mut(&key) else {
            return Err(ApiError::instance_not_found(identifier));
        };
        if !instance.is_available() {
            self.rely_on(Fact::ModifyNeedsAvailable);
            return Err(ApiError::invalid_state("Database instance is not in available state."));
        }
        if let Some(change) = instance.groups.request(wanted) {
            if shows_modifying && instance.operation.is_none() {
                instance.status = InstanceStatus::Modifying;
            }
            self.after(span, Event::GroupsInEffect { key: key.clone(), change });
            self.rely_on(Fact::GroupsChangeAsynchronously);
            self.rely_on(Fact::MembershipStates);
            self.rely_on(Fact::StatusDuringGroupChange);
        } else if !instance.groups.is_changing() {
            self.rely_on(Fact::SameGroupsChangeNothing);
        }
        self.note_changes();
        self.answer(&key)
    }

    pub(crate) fn groups_take_effect(&mut self, key: &InstanceKey, change: u64) {
        let Some(instance) = self.instances.get_mut(key) else {
            return;
        };
        // A status of `modifying` without an operation came from the change of groups that has now ended.
        if instance.groups.take_effect(change)
            && instance.status == InstanceStatus::Modifying
            && instance.operation.is_none()
        {
            instance.status = InstanceStatus::Available;
        }
    }

    /// Lets time pass, and lets the caller in, or not.
    pub(crate) fn admit(&mut self, region: &str, now: Timestamp) -> Result<(), ApiError> {
        self.advance(now);
        if self.dark.contains(region) {
            self.rely_on(Fact::DarkRegion);
            return Err(ApiError::unavailable(region));
        }
        if self.control_plane_dark.contains(region) {
            self.rely_on(Fact::DarkControlPlane);
            return Err(ApiError::unavailable(region));
        }
        self.admit_by_rate(region)
    }

    pub(crate) fn admit_by_rate(&mut self, region: &str) -> Result<(), ApiError> {
        if let Some(left) = self.throttled.get_mut(region).filter(|left| **left > 0) {
            *left -= 1;
            self.rely_on(Fact::Throttling);
            return Err(ApiError::throttled());
        }
        Ok(())
    }

    /// The instance of that identifier, which has to exist.
    pub(crate) fn existing(&mut self, region: &str, identifier: &str) -> Result<InstanceKey, ApiError> {
        let key = InstanceKey::new(region, identifier);
        if self.instances.contains_key(&key) {
            return Ok(key);
        }
        self.rely_on(Fact::UnknownInstance);
        Err(ApiError::instance_not_found(identifier))
    }

    /// What a call that changed an instance answers with.
    pub(crate) fn answer(&mut self, key: &InstanceKey) -> Result<DbInstance, ApiError> {
        let shown = self.instances.get(key).map(|instance| self.show(instance));
        let shown = shown.ok_or_else(|| ApiError::instance_not_found(&key.identifier))?;
        self.rely_on_what_is_shown(&shown);
        Ok(shown)
    }

    fn named(&self, region: &str, identifier: &str) -> InstanceKey {
        InstanceKey::from_arn(identifier, &self.account).unwrap_or_else(|| InstanceKey::new(region, identifier))
    }

    /// Cuts a page out of a list that is in the order of its items' names.
    pub(crate) fn page_of<Item>(
        &mut self,
        items: Vec<Item>,
        page: &PageRequest,
        name: impl Fn(&Item) -> &str,
    ) -> Result<Page<Item>, ApiError> {
        self.rely_on(Fact::PagesOfRecords);
        let most = page.max_records.unwrap_or(100);
        let most = usize::try_from(most).ok().filter(|most| (20..=100).contains(most)).ok_or_else(|| {
            ApiError::invalid_value(format!("Invalid value {most} for MaxRecords. Must be between 20 and 100"))
        })?;
        // A marker is the name of the last record shown, so that a list may change between two pages.
        let mut items: Vec<Item> =
            items.into_iter().filter(|item| page.marker.as_deref().is_none_or(|marker| name(item) > marker)).collect();
        let more = items.len() > most;
        items.truncate(most);
        let marker = items.last().filter(|_| more).map(|last| name(last).to_owned());
        Ok(Page { items, marker })
    }
}
