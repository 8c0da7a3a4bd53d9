//! What a rehearsal tells the functions: how its clock runs, and where its databases listen.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use super::{ConfigError, REHEARSAL};

/// A faster clock is useful up to here; beyond it, the functions' own work takes longer than what they wait for.
const FASTEST: f64 = 1_000.0;

/// A rehearsal.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rehearsal {
    /// How its clock runs.
    pub clock: RehearsalTime,
    /// Where the database behind `<host>:<port>` really listens. What is not in here cannot be reached.
    pub hosts: BTreeMap<String, SocketAddr>,
}

/// Simulated time: `simulated_ms` at `real_ms`, and `speed` times as fast from there.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RehearsalTime {
    /// Milliseconds since the epoch at which the rehearsal started.
    pub real_ms: u64,
    /// Milliseconds since the epoch that its clock showed then.
    pub simulated_ms: u64,
    /// Simulated seconds per second.
    pub speed: f64,
}

impl Rehearsal {
    /// Where a database really listens.
    #[must_use]
    pub fn address(&self, host: &str, port: u16) -> Option<SocketAddr> {
        self.hosts.get(&format!("{host}:{port}")).copied()
    }
}

pub(super) fn parse(text: &str) -> Result<Rehearsal, ConfigError> {
    let wrong = |problem: String| ConfigError::new(REHEARSAL, problem);
    let rehearsal: Rehearsal = serde_json::from_str(text).map_err(|error| {
        wrong(format!(
            "cannot be read ({error}): write {{\"clock\":{{\"real_ms\":…,\"simulated_ms\":…,\"speed\":10.0}},\"hosts\":{{\"<host>:<port>\":\"127.0.0.1:<port>\"}}}}, or leave it empty outside a rehearsal"
        ))
    })?;
    let speed = rehearsal.clock.speed;
    if !(speed.is_finite() && speed > 0.0 && speed <= FASTEST) {
        return Err(wrong(format!("has the speed {speed}: write a number above 0 and at most {FASTEST}")));
    }
    for milliseconds in [rehearsal.clock.real_ms, rehearsal.clock.simulated_ms] {
        if i64::try_from(milliseconds).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).is_none() {
            return Err(wrong(format!("has the time {milliseconds}: write milliseconds since the epoch")));
        }
    }
    if let Some((host, address)) = rehearsal.hosts.iter().find(|(_, address)| !address.ip().is_loopback()) {
        return Err(wrong(format!("maps {host} to {address}: a rehearsal's databases listen on 127.0.0.1 only")));
    }
    Ok(rehearsal)
}
