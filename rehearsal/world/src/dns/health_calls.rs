//! The control plane of Route 53, as far as health checks go.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::health::{Check, HealthCheck, HealthCheckConfig, HealthCheckKind, InsufficientDataStatus};
use crate::errors::ApiError;
use crate::facts::Fact;
use crate::moments::later;
use crate::world::World;

/// What a caller wants to be different about a health check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HealthCheckUpdate {
    /// The version that the caller has seen; another one refuses the update.
    pub version: Option<i64>,
    /// Whether it is to be inverted.
    pub inverted: Option<bool>,
    /// Whether it is to be disabled.
    pub disabled: Option<bool>,
    /// How many children are to be healthy; 0 to 256.
    pub health_threshold: Option<i64>,
    /// What it is to be without enough data.
    pub insufficient_data: Option<InsufficientDataStatus>,
}

/// What one checker reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthObservation {
    /// The Region that it asks from.
    pub region: String,
    /// Its address.
    pub address: IpAddr,
    /// What it saw.
    pub status: String,
    /// When.
    pub checked: Timestamp,
}

impl World {
    /// Shows a health check.
    ///
    /// # Errors
    /// `NoSuchHealthCheck`, and what every call may answer.
    pub fn get_health_check(&mut self, check: &str, now: Timestamp) -> Result<HealthCheck, ApiError> {
        self.admit_dns(now)?;
        self.existing_check(check).map(|check| check.shown.clone())
    }

    /// What each checker saw last.
    ///
    /// # Errors
    /// `NoSuchHealthCheck`, `InvalidInput` for a check without checkers, and what every call may answer.
    pub fn get_health_check_status(&mut self, check: &str, now: Timestamp) -> Result<Vec<HealthObservation>, ApiError> {
        self.admit_dns(now)?;
        let (at, dark) = (self.clock, self.dark.clone());
        let found = self.existing_check(check)?;
        let HealthCheckKind::Endpoint(endpoint) = &found.shown.config.kind else {
            self.rely_on(Fact::StatusOfEndpointsOnly);
            return Err(ApiError::invalid_input("Only a health check that monitors an endpoint has the status of checkers"));
        };
        let address =
            endpoint.address.map_or_else(|| endpoint.host.clone().unwrap_or_default(), |address| address.to_string());
        let observations = found
            .checkers
            .iter()
            .filter(|checker| !dark.contains(checker.region))
            .map(|checker| {
                let (checked, answered) = checker.last(at);
                let status = if answered {
                    format!("Success: HTTP Status Code: 200. Resolved IP: {address}. OK")
                } else {
                    "Failure: Connection timed out. The endpoint or the internet connection is down, or requests are being \
                     blocked by your firewall."
                        .to_owned()
                };
                HealthObservation { region: checker.region.to_owned(), address: checker.address.into(), status, checked }
            })
            .collect();
        self.rely_on(Fact::ObservationsOfCheckers);
        Ok(observations)
    }

    /// Sets a health check differently. The checkers follow a little later.
    ///
    /// # Errors
    /// `NoSuchHealthCheck`, `HealthCheckVersionMismatch`, `InvalidInput`, and what every call may answer.
    pub fn update_health_check(
        &mut self,
        check: &str,
        update: &HealthCheckUpdate,
        now: Timestamp,
    ) -> Result<HealthCheck, ApiError> {
        self.admit_dns(now)?;
        let span = self.takes(|timings| timings.health_check_change);
        let at = self.clock;
        self.rely_on(Fact::HealthCheckVersions);
        self.rely_on(Fact::HealthCheckChangesLate);
        let found = self.existing_check(check)?;
        if update.version.is_some_and(|version| version != found.shown.version) {
            return Err(ApiError::health_check_version_mismatch(found.shown.version));
        }
        let wanted = updated(&found.shown.config, update)?;
        if found.effective <= at {
            found.in_effect = found.shown.config.clone();
        }
        found.shown.config = wanted;
        found.shown.version += 1;
        found.effective = later(at, span);
        Ok(found.shown.clone())
    }

    fn existing_check(&mut self, check: &str) -> Result<&mut Check, ApiError> {
        if !self.dns.checks.contains_key(check) {
            self.rely_on(Fact::UnknownHealthCheck);
        }
        self.dns.checks.get_mut(check).ok_or_else(|| ApiError::no_such_health_check(check))
    }
}

fn updated(config: &HealthCheckConfig, update: &HealthCheckUpdate) -> Result<HealthCheckConfig, ApiError> {
    let mut wanted = config.clone();
    wanted.inverted = update.inverted.unwrap_or(config.inverted);
    wanted.disabled = update.disabled.unwrap_or(config.disabled);
    let not_for = |element: &str| ApiError::invalid_input(format!("{element} is not for health checks of this type"));
    if let Some(threshold) = update.health_threshold {
        let HealthCheckKind::Calculated(calculated) = &mut wanted.kind else {
            return Err(not_for("HealthThreshold"));
        };
        calculated.threshold = u16::try_from(threshold)
            .ok()
            .filter(|threshold| *threshold <= 256)
            .ok_or_else(|| ApiError::invalid_input("HealthThreshold is between 0 and 256"))?;
    }
    if let Some(status) = update.insufficient_data {
        let HealthCheckKind::Alarm(alarm) = &mut wanted.kind else {
            return Err(not_for("InsufficientDataHealthStatus"));
        };
        alarm.insufficient_data = status;
    }
    Ok(wanted)
}
