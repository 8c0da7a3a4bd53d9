//! What a scenario prepares and breaks in Route 53.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::alias::AliasResource;
use super::checkers::Checker;
use super::health::{AlarmName, AlarmState, Check, HealthCheck, HealthCheckConfig, HealthCheckKind};
use super::name::DnsName;
use super::zone::Zone;
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::world::World;

impl World {
    /// Adds a hosted zone, which begins with the records that every zone has.
    ///
    /// # Errors
    /// `InvalidDomainName`.
    pub fn add_hosted_zone(&mut self, id: &str, name: &str) -> Result<(), ApiError> {
        let parsed = DnsName::parse(name).ok_or_else(|| ApiError::invalid_domain_name(name))?;
        self.rely_on(Fact::ZoneApexRecords);
        let zone = Zone::new(id, parsed, self.dns.seed);
        self.dns.zones.insert(id.to_owned(), zone);
        Ok(())
    }

    /// Adds a health check. What it watches is well, or silent in the case of an alarm.
    pub fn add_health_check(&mut self, id: &str, config: HealthCheckConfig, now: Timestamp) {
        self.advance(now);
        self.rely_on(Fact::NewCheckIsHealthy);
        let checkers = match &config.kind {
            HealthCheckKind::Endpoint(endpoint) => Checker::all(endpoint, id, self.dns.seed, self.clock),
            HealthCheckKind::Alarm(_) | HealthCheckKind::Calculated(_) => Vec::new(),
        };
        let check = Check {
            in_effect: config.clone(),
            effective: self.clock,
            shown: HealthCheck { id: id.to_owned(), config, version: 1 },
            checkers,
            answers: true,
            unreached_from: BTreeSet::new(),
        };
        self.dns.checks.insert(id.to_owned(), check);
        self.tell_checkers();
    }

    /// Adds an AWS resource that aliases may lead to, or sets it anew.
    ///
    /// # Errors
    /// `InvalidDomainName`.
    pub fn set_alias_resource(&mut self, name: &str, resource: AliasResource, now: Timestamp) -> Result<(), ApiError> {
        self.advance(now);
        let name = DnsName::parse(name).ok_or_else(|| ApiError::invalid_domain_name(name))?;
        self.dns.alias_resources.insert(name, resource);
        Ok(())
    }

    /// Lets the endpoint of a health check answer, or not.
    pub fn endpoint_answers(&mut self, check: &str, answers: bool, now: Timestamp) {
        self.advance(now);
        if let Some(check) = self.dns.checks.get_mut(check) {
            check.answers = answers;
        }
        self.tell_checkers();
    }

    /// Keeps the checkers of these Regions from reaching an endpoint that others may well reach.
    pub fn endpoint_unreached_from(&mut self, check: &str, regions: &[&str], now: Timestamp) {
        self.advance(now);
        if let Some(check) = self.dns.checks.get_mut(check) {
            check.unreached_from = regions.iter().map(|&region| region.to_owned()).collect();
        }
        self.tell_checkers();
    }

    /// Sets what the data of an alarm says. A state that somebody forced upon the alarm is no such data.
    pub fn alarm_data(&mut self, alarm: &AlarmName, state: AlarmState, now: Timestamp) {
        self.advance(now);
        let kept = self.dns.alarms.entry(alarm.clone()).or_default();
        kept.state = Some(state);
        match state {
            AlarmState::Ok => kept.last_known = Some(true),
            AlarmState::Alarm => kept.last_known = Some(false),
            AlarmState::InsufficientData => {}
        }
    }

    /// Stops the control plane of Route 53 from answering, or lets it answer again. Name servers and health checkers go
    /// on, with what they have.
    pub fn dns_control_plane_dark(&mut self, dark: bool, now: Timestamp) {
        self.advance(now);
        self.dns.control_plane_dark = dark;
        self.note_dns_control_plane();
    }

    /// Throttles the next calls to Route 53, which counts them for the account as a whole.
    pub fn throttle_dns(&mut self, calls: u32) {
        self.dns.throttled = calls;
    }

    /// Lets the next batches of changes come while Route 53 is still at work on a prior one.
    pub fn dns_busy(&mut self, calls: u32) {
        self.dns.busy = calls;
    }

    /// Lets every checker see what its endpoint does from now on.
    pub(crate) fn tell_checkers(&mut self) {
        let (now, dark) = (self.clock, &self.dark);
        for check in self.dns.checks.values_mut() {
            let HealthCheckKind::Endpoint(endpoint) = &check.shown.config.kind else {
                continue;
            };
            let up = check.answers && !endpoint.region.as_ref().is_some_and(|region| dark.contains(region));
            for checker in &mut check.checkers {
                checker.note(up && !check.unreached_from.contains(checker.region), now);
            }
        }
    }
}
