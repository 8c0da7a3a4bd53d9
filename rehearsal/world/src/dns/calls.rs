//! The control plane of Route 53, as far as zones and their records go.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::batch::{self, Surroundings};
use super::name::DnsName;
use super::record::{ChangeAction, ChangeBatch, RecordKey, RecordSet, RecordType};
use super::statement;
use super::zone::Zone;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::moments::{between, later};
use crate::world::World;

/// Where the control plane of Route 53 runs.
pub(crate) const CONTROL_PLANE: &str = "us-east-1";

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeStatus {
    /// Not every name server has it.
    Pending,
    /// Every name server has it.
    InSync,
}

impl ChangeStatus {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InSync => "INSYNC",
        }
    }
}

/// What Route 53 says of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeInfo {
    /// What it is asked for by.
    pub id: String,
    /// How far it has come.
    pub status: ChangeStatus,
    /// When it was accepted.
    pub submitted: Timestamp,
    /// What its caller said about it.
    pub comment: Option<String>,
}

/// What Route 53 says of a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostedZone {
    /// Its identifier.
    pub id: String,
    /// Its name.
    pub name: DnsName,
    /// How many record sets it has.
    pub record_sets: usize,
    /// Its name servers, without the dot at the end.
    pub name_servers: Vec<String>,
}

impl From<&Zone> for HostedZone {
    fn from(zone: &Zone) -> Self {
        Self {
            id: zone.id.clone(),
            name: zone.name.clone(),
            record_sets: zone.current.len(),
            name_servers: zone.name_servers.clone(),
        }
    }
}

/// Where a list of record sets is to begin, and how long it may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordSetPage {
    /// The first name that may be in it.
    pub name: Option<String>,
    /// The first type of that name.
    pub kind: Option<String>,
    /// The first set identifier of that name and type.
    pub set_identifier: Option<String>,
    /// At most so many; 300 if not said, and never more.
    pub most: Option<i64>,
}

/// A part of a zone's record sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordSetList {
    /// The record sets.
    pub items: Vec<RecordSet>,
    /// Where the next page begins, if there is more.
    pub next: Option<RecordKey>,
    /// How long this page could have been.
    pub most: usize,
}

/// A part of an account's zones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostedZoneList {
    /// The zones.
    pub items: Vec<HostedZone>,
    /// The zone with which the next page begins, if there is more.
    pub next: Option<HostedZone>,
    /// How long this page could have been.
    pub most: usize,
}

impl World {
    /// Makes all changes of a batch, or none. Name servers have them a little later.
    ///
    /// # Errors
    /// `NoSuchHostedZone`, `NoSuchHealthCheck`, `InvalidInput`, `InvalidChangeBatch`, `PriorRequestNotComplete`, and what
    /// every call may answer.
    pub fn change_resource_record_sets(
        &mut self,
        zone: &str,
        batch: &ChangeBatch,
        now: Timestamp,
    ) -> Result<ChangeInfo, ApiError> {
        self.admit_dns(now)?;
        if self.dns.busy > 0 {
            self.dns.busy -= 1;
            self.rely_on(Fact::PriorRequestNotComplete);
            return Err(ApiError::prior_request_not_complete());
        }
        let id = self.existing_zone(zone)?;
        self.rely_on_the_rules_of(batch);
        let Some(zone) = self.dns.zones.get(&id) else {
            return Err(ApiError::no_such_hosted_zone(&id));
        };
        let around = Surroundings {
            alias_resources: &self.dns.alias_resources,
            health_checks: &|check| self.dns.checks.contains_key(check),
        };
        let after = match batch::apply(zone, batch, &around) {
            Ok(after) => after,
            Err(refusal) => {
                for fact in refusal.facts {
                    self.rely_on(fact);
                }
                return Err(refusal.error);
            }
        };
        let span = self.takes(|timings| timings.dns_change);
        let info = self.dns.submit(&id, after, batch.comment.clone(), self.clock, span);
        self.rely_on(Fact::ChangePendingThenInSync);
        self.settle_dns();
        Ok(info)
    }

    /// How far a change has come.
    ///
    /// # Errors
    /// `NoSuchChange`, and what every call may answer.
    pub fn get_change(&mut self, change: &str, now: Timestamp) -> Result<ChangeInfo, ApiError> {
        self.admit_dns(now)?;
        let id = change.strip_prefix("/change/").unwrap_or(change);
        let Some(info) = self.dns.changes.get(id).cloned() else {
            self.rely_on(Fact::UnknownChange);
            return Err(ApiError::no_such_change(id));
        };
        self.rely_on(Fact::ChangePendingThenInSync);
        Ok(info)
    }

    /// Shows a zone.
    ///
    /// # Errors
    /// `NoSuchHostedZone`, and what every call may answer.
    pub fn get_hosted_zone(&mut self, zone: &str, now: Timestamp) -> Result<HostedZone, ApiError> {
        self.admit_dns(now)?;
        let id = self.existing_zone(zone)?;
        self.rely_on(Fact::ZoneApexRecords);
        self.dns.zones.get(&id).map(HostedZone::from).ok_or_else(|| ApiError::no_such_hosted_zone(&id))
    }

    /// Lists the zones of the account in the order of their names, from a name on and, within that name, from a zone on.
    ///
    /// # Errors
    /// `InvalidInput`, `InvalidDomainName`, and what every call may answer.
    pub fn list_hosted_zones_by_name(
        &mut self,
        name: Option<&str>,
        zone: Option<&str>,
        most: Option<i64>,
        now: Timestamp,
    ) -> Result<HostedZoneList, ApiError> {
        self.admit_dns(now)?;
        self.rely_on(Fact::ZonesByName);
        let most = most_items(most, 100)?;
        if zone.is_some() && name.is_none() {
            return Err(ApiError::invalid_input("The hosted zone id is only taken together with a DNS name"));
        }
        let name = name.map(|text| DnsName::parse(text).ok_or_else(|| ApiError::invalid_domain_name(text))).transpose()?;
        let zone = zone.map(bare_zone);
        let mut zones: Vec<HostedZone> = self.dns.zones.values().map(HostedZone::from).collect();
        zones.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        zones.retain(|found| match (&name, zone) {
            (Some(name), Some(zone)) => (&found.name, found.id.as_str()) >= (name, zone),
            (Some(name), None) => found.name >= *name,
            (None, _) => true,
        });
        let next = zones.get(most).cloned();
        zones.truncate(most);
        Ok(HostedZoneList { items: zones, next, most })
    }

    /// Lists the record sets of a zone as its last accepted change left them.
    ///
    /// # Errors
    /// `NoSuchHostedZone`, `InvalidInput`, and what every call may answer.
    pub fn list_resource_record_sets(
        &mut self,
        zone: &str,
        page: &RecordSetPage,
        now: Timestamp,
    ) -> Result<RecordSetList, ApiError> {
        self.admit_dns(now)?;
        let id = self.existing_zone(zone)?;
        for fact in [Fact::RecordSetOrder, Fact::RecordSetPages, Fact::ListShowsPending, Fact::NamesHaveOneSpelling] {
            self.rely_on(fact);
        }
        let most = most_items(page.most, 300)?;
        let start = start_of(page)?;
        let Some(zone) = self.dns.zones.get(&id) else {
            return Err(ApiError::no_such_hosted_zone(&id));
        };
        let records = Arc::clone(&zone.current);
        let from_start = |key: &RecordKey| start.as_ref().is_none_or(|start| key >= start);
        let mut rest = records.values().filter(|set| from_start(&set.key));
        let items: Vec<RecordSet> = rest.by_ref().take(most).cloned().collect();
        Ok(RecordSetList { items, next: rest.next().map(|set| set.key.clone()), most })
    }

    /// The identifier of a zone, which has to exist.
    fn existing_zone(&mut self, zone: &str) -> Result<String, ApiError> {
        let id = bare_zone(zone);
        if self.dns.zones.contains_key(id) {
            return Ok(id.to_owned());
        }
        self.rely_on(Fact::UnknownHostedZone);
        Err(ApiError::no_such_hosted_zone(id))
    }

    /// Lets time pass, and lets the caller in, or not.
    pub(crate) fn admit_dns(&mut self, now: Timestamp) -> Result<(), ApiError> {
        self.advance(now);
        if self.dns_control_plane_is_dark() {
            self.rely_on(Fact::DnsControlPlaneInOneRegion);
            return Err(ApiError::unavailable(CONTROL_PLANE));
        }
        if self.dns.throttled > 0 {
            self.dns.throttled -= 1;
            self.rely_on(Fact::DnsThrottling);
            return Err(ApiError::throttled());
        }
        Ok(())
    }

    pub(crate) fn dns_control_plane_is_dark(&self) -> bool {
        self.dns.control_plane_dark || self.dark.contains(CONTROL_PLANE)
    }

    /// Lets the name servers have what is due to reach them.
    pub(crate) fn settle_dns(&mut self) {
        if self.dns.stalled_since.is_none() && self.dns.settle(self.clock) {
            self.rely_on(Fact::VisibleOnceInSync);
        }
    }

    /// Notes that the control plane has gone dark, or is back: what was on its way to the name servers waits meanwhile.
    pub(crate) fn note_dns_control_plane(&mut self) {
        match (self.dns_control_plane_is_dark(), self.dns.stalled_since) {
            (true, None) => self.dns.stalled_since = Some(self.clock),
            (false, Some(since)) => {
                let missed: Duration = between(since, self.clock);
                self.dns.stalled_since = None;
                if !self.dns.pending.is_empty() {
                    self.rely_on(Fact::ChangesStrandWithControlPlane);
                }
                for pending in &mut self.dns.pending {
                    pending.due = later(pending.due, missed);
                }
            }
            _ => {}
        }
    }

    fn rely_on_the_rules_of(&mut self, batch: &ChangeBatch) {
        for fact in [Fact::ChangeIsAtomic, Fact::BatchLimits, Fact::NamesHaveOneSpelling, Fact::ValuesAreChecked] {
            self.rely_on(fact);
        }
        for change in &batch.changes {
            self.rely_on(match change.action {
                ChangeAction::Create => Fact::CreateNeedsAbsence,
                ChangeAction::Delete => Fact::DeleteStatesExactValues,
                ChangeAction::Upsert => Fact::UpsertReplaces,
            });
        }
    }
}

/// A zone's identifier without the path that answers put before it.
fn bare_zone(text: &str) -> &str {
    text.strip_prefix("/hostedzone/").unwrap_or(text)
}

fn most_items(stated: Option<i64>, most: usize) -> Result<usize, ApiError> {
    match stated.map(usize::try_from) {
        None => Ok(most),
        Some(Ok(stated)) if stated > 0 => Ok(stated.min(most)),
        Some(_) => Err(ApiError::invalid_input("MaxItems is a number from 1 on")),
    }
}

fn start_of(page: &RecordSetPage) -> Result<Option<RecordKey>, ApiError> {
    if page.kind.is_some() && page.name.is_none() {
        return Err(ApiError::invalid_input("The record type is only taken together with a record name"));
    }
    if page.set_identifier.is_some() && page.kind.is_none() {
        return Err(ApiError::invalid_input("The record identifier is only taken together with a record type"));
    }
    let Some(text) = &page.name else {
        return Ok(None);
    };
    let name = DnsName::read(text).map_err(|problem| ApiError::invalid_input(problem.encountered_with(text)))?;
    let kind = page.kind.as_deref().map_or(Ok(RecordType::A), statement::kind_of).map_err(|refusal| refusal.error)?;
    Ok(Some(RecordKey { name, kind, set_identifier: page.set_identifier.clone() }))
}
