//! Route 53: hosted zones and their records, health checks, and what name servers answer.
//!
//! The control plane takes changes and lives in one Region; the name servers and the health checkers are the data plane
//! and go on without it. A change reaches the name servers a little after it was accepted.

mod alias;
mod batch;
mod calls;
mod checkers;
mod flaw;
mod health;
mod health_calls;
mod name;
mod record;
mod resolve;
mod rules;
mod scenario;
mod statement;
mod value;
mod zone;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use alias::AliasResource;
pub use calls::{ChangeInfo, ChangeStatus, HostedZone, HostedZoneList, RecordSetList, RecordSetPage};
pub use health::{
    AlarmCheck, AlarmName, AlarmState, CalculatedCheck, EndpointCheck, EndpointProtocol, HealthCheck, HealthCheckConfig,
    HealthCheckKind, InsufficientDataStatus,
};
pub use health_calls::{HealthCheckUpdate, HealthObservation};
pub use name::DnsName;
pub use record::{
    AliasTarget, Change, ChangeAction, ChangeBatch, Content, FailoverRole, RecordKey, RecordSet, RecordType, Routing,
    StatedAlias, StatedRecordSet,
};
pub use resolve::{DnsRecord, Resolution};
pub use value::{RecordData, StartOfAuthority};

use crate::moments::later;
use crate::seed::Seed;
use health::{Alarm, Check};
use zone::{Records, Zone};

/// Everything of Route 53 in this world.
#[derive(Debug, Clone)]
pub(crate) struct Dns {
    pub(crate) zones: BTreeMap<String, Zone>,
    pub(crate) changes: BTreeMap<String, ChangeInfo>,
    /// What has not reached the name servers yet, in the order in which it was accepted.
    pub(crate) pending: VecDeque<Pending>,
    pub(crate) checks: BTreeMap<String, Check>,
    pub(crate) alarms: BTreeMap<AlarmName, Alarm>,
    pub(crate) alias_resources: BTreeMap<DnsName, AliasResource>,
    pub(crate) control_plane_dark: bool,
    /// Since when the control plane has been dark, whatever made it so.
    pub(crate) stalled_since: Option<Timestamp>,
    pub(crate) throttled: u32,
    /// How many of the next changes meet a prior one that is still being processed.
    pub(crate) busy: u32,
    pub(crate) seed: u64,
    identifiers: Seed,
    choices: Seed,
}

/// A change on its way to the name servers.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    change: String,
    zone: String,
    due: Timestamp,
    records: Arc<Records>,
}

impl Dns {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            zones: BTreeMap::new(),
            changes: BTreeMap::new(),
            pending: VecDeque::new(),
            checks: BTreeMap::new(),
            alarms: BTreeMap::new(),
            alias_resources: BTreeMap::new(),
            control_plane_dark: false,
            stalled_since: None,
            throttled: 0,
            busy: 0,
            seed,
            identifiers: Seed::for_purpose(seed, "identifiers of DNS changes"),
            choices: Seed::for_purpose(seed, "weighted answers"),
        }
    }

    /// Accepts what a batch makes of a zone.
    fn submit(
        &mut self,
        zone: &str,
        records: Arc<Records>,
        comment: Option<String>,
        at: Timestamp,
        span: Duration,
    ) -> ChangeInfo {
        let id = format!("C{}", self.identifiers.letters(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 20));
        let info = ChangeInfo { id: id.clone(), status: ChangeStatus::Pending, submitted: at, comment };
        if let Some(zone) = self.zones.get_mut(zone) {
            zone.current = Arc::clone(&records);
        }
        let due = later(at, span);
        self.pending.push_back(Pending { change: id.clone(), zone: zone.to_owned(), due, records });
        self.changes.insert(id, info.clone());
        info
    }

    /// Brings what is due to the name servers; whether anything was.
    fn settle(&mut self, now: Timestamp) -> bool {
        let mut settled = false;
        // What was accepted first arrives first, and later ones wait for it: name servers never go back to an older state.
        while let Some(arrived) = self.pending.pop_front_if(|pending| pending.due <= now) {
            if let Some(zone) = self.zones.get_mut(&arrived.zone) {
                zone.served = arrived.records;
            }
            if let Some(change) = self.changes.get_mut(&arrived.change) {
                change.status = ChangeStatus::InSync;
            }
            settled = true;
        }
        settled
    }
}
