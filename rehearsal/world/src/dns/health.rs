//! Health checks: what they watch, and whether they are healthy.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::checkers::Checker;
use crate::facts::Fact;
use crate::world::World;

/// How an endpoint is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EndpointProtocol {
    /// HTTP, any status of the 200s and 300s is healthy.
    Http,
    /// The same over TLS.
    Https,
    /// A connection is enough.
    Tcp,
}

impl EndpointProtocol {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
        }
    }
}

/// A check that asks an endpoint. Whether the endpoint answers is up to the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointCheck {
    /// How it asks.
    pub protocol: EndpointProtocol,
    /// The endpoint's address, where it is not found by its name.
    pub address: Option<IpAddr>,
    /// The endpoint's name.
    pub host: Option<String>,
    /// The endpoint's port.
    pub port: u16,
    /// What it asks for.
    pub path: Option<String>,
    /// How many seconds lie between two questions of one checker: 10 or 30.
    pub interval: u8,
    /// How many answers in a row change a checker's mind; 1 to 10.
    pub failure_threshold: u8,
    /// The Region that the endpoint runs in: when it goes dark, the endpoint no longer answers.
    pub region: Option<String>,
}

/// An alarm, by its Region and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct AlarmName {
    /// The Region.
    pub region: String,
    /// The name.
    pub name: String,
}

/// What the data of an alarm says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AlarmState {
    /// Within its threshold.
    Ok,
    /// Beyond it.
    Alarm,
    /// There is too little of it.
    InsufficientData,
}

/// What a check that follows an alarm is while the alarm has too little data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum InsufficientDataStatus {
    /// Healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
    /// What it was when there last was enough; healthy if there never was.
    LastKnownStatus,
}

impl InsufficientDataStatus {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Unhealthy => "Unhealthy",
            Self::LastKnownStatus => "LastKnownStatus",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Healthy, Self::Unhealthy, Self::LastKnownStatus].into_iter().find(|status| status.as_str() == text)
    }
}

/// A check that follows the data of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmCheck {
    /// The alarm.
    pub alarm: AlarmName,
    /// What it is without enough data.
    pub insufficient_data: InsufficientDataStatus,
}

/// A check that counts others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalculatedCheck {
    /// How many have to be healthy.
    pub threshold: u16,
    /// The others.
    pub children: Vec<String>,
}

/// What a check watches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthCheckKind {
    /// An endpoint.
    Endpoint(EndpointCheck),
    /// An alarm.
    Alarm(AlarmCheck),
    /// Other checks.
    Calculated(CalculatedCheck),
}

/// How a check is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheckConfig {
    /// What it watches.
    pub kind: HealthCheckKind,
    /// Whether it calls healthy what it finds unhealthy, and the other way round.
    pub inverted: bool,
    /// Whether it has stopped looking, and takes what it watches to be healthy.
    pub disabled: bool,
}

impl HealthCheckConfig {
    /// A check of that kind that is neither inverted nor disabled.
    #[must_use]
    pub fn new(kind: HealthCheckKind) -> Self {
        Self { kind, inverted: false, disabled: false }
    }
}

/// What Route 53 says of a health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Its identifier.
    pub id: String,
    /// How it is set.
    pub config: HealthCheckConfig,
    /// How often it was set, from 1 on.
    pub version: i64,
}

/// A health check and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Check {
    pub(crate) shown: HealthCheck,
    /// How the data plane has it; follows what is shown.
    pub(crate) in_effect: HealthCheckConfig,
    /// From when on the data plane has what is shown.
    pub(crate) effective: Timestamp,
    pub(crate) checkers: Vec<Checker>,
    /// Whether the endpoint answers, as the scenario has it.
    pub(crate) answers: bool,
    /// The Regions from which it cannot be reached all the same.
    pub(crate) unreached_from: BTreeSet<String>,
}

/// What the data of an alarm says, and what it last said for certain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Alarm {
    pub(crate) state: Option<AlarmState>,
    pub(crate) last_known: Option<bool>,
}

impl World {
    /// Whether a health check is healthy, as the data plane of Route 53 sees it; nothing for one that is not there.
    pub fn is_healthy(&mut self, check: &str, now: Timestamp) -> Option<bool> {
        self.advance(now);
        self.dns.checks.contains_key(check).then(|| self.health(check))
    }

    /// A check that is not there does not speak against anything.
    pub(crate) fn health(&mut self, id: &str) -> bool {
        let Some(check) = self.dns.checks.get(id) else {
            return true;
        };
        let config = if check.effective <= self.clock { &check.shown.config } else { &check.in_effect };
        let (kind, inverted, disabled) = (config.kind.clone(), config.inverted, config.disabled);
        let found = if disabled {
            self.rely_on(Fact::DisabledIsHealthy);
            true
        } else {
            self.finding(id, &kind)
        };
        if inverted {
            self.rely_on(Fact::InvertedHealth);
        }
        found != inverted
    }

    fn finding(&mut self, id: &str, kind: &HealthCheckKind) -> bool {
        match kind {
            HealthCheckKind::Endpoint(_) => {
                self.rely_on(Fact::HealthNeedsShareOfCheckers);
                self.rely_on(Fact::FailureThreshold);
                self.endpoint_is_healthy(id)
            }
            HealthCheckKind::Alarm(check) => {
                self.rely_on(Fact::AlarmDecidesHealth);
                self.alarm_is_healthy(check)
            }
            HealthCheckKind::Calculated(calculated) => {
                self.rely_on(Fact::CalculatedHealth);
                let healthy = calculated.children.iter().filter(|child| self.child_is_healthy(child)).count();
                healthy >= usize::from(calculated.threshold)
            }
        }
    }

    /// A check that counts others is not counted itself, so that no check can depend on itself.
    fn child_is_healthy(&mut self, child: &str) -> bool {
        let kind = self.dns.checks.get(child).map(|check| &check.shown.config.kind);
        kind.is_some_and(|kind| !matches!(kind, HealthCheckKind::Calculated(_))) && self.health(child)
    }

    fn alarm_is_healthy(&mut self, check: &AlarmCheck) -> bool {
        let alarm = self.dns.alarms.get(&check.alarm).copied().unwrap_or_default();
        // A dark Region's data reaches nobody outside it.
        let state = alarm.state.filter(|_| !self.dark.contains(&check.alarm.region));
        match (state, check.insufficient_data) {
            (Some(AlarmState::Ok), _) => true,
            (Some(AlarmState::Alarm), _) => false,
            (_, InsufficientDataStatus::Healthy) => true,
            (_, InsufficientDataStatus::Unhealthy) => false,
            (_, InsufficientDataStatus::LastKnownStatus) => alarm.last_known.unwrap_or(true),
        }
    }
}
