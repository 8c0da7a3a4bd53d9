//! What a scenario decides before it begins.

use std::time::Duration;

use serde::Serialize;

use crate::errors::ApiError;

/// How long things take. These are settings of a scenario and no facts about AWS, which promises no durations: the
/// defaults are in the range that operators report, each drawn duration is varied by the seed within
/// [`Timings::variation_percent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timings {
    /// From a change of security groups to its taking effect.
    pub group_change: Duration,
    /// A reboot in place.
    pub reboot: Duration,
    /// A reboot with failover; AWS speaks of 60 to 120 seconds as typical.
    pub failover: Duration,
    /// From a failover to describe calls showing the new zones; AWS speaks of several minutes.
    pub zones_reported: Duration,
    /// From an accepted promotion to the first sign of it: the status stays `available` meanwhile.
    pub promotion_unseen: Duration,
    /// The part of a promotion spent `modifying`.
    pub promotion_modifying: Duration,
    /// The part of a promotion spent `rebooting`.
    pub promotion_rebooting: Duration,
    /// From the end of a promotion's reboot to describe calls no longer naming a source.
    pub promotion_source_gone: Duration,
    /// The first backup of a promoted instance.
    pub first_backup: Duration,
    /// A daily backup.
    pub daily_backup: Duration,
    /// A snapshot that a person asks for.
    pub manual_snapshot: Duration,
    /// From an accepted request for a replica or for something restored to its being available.
    pub creation: Duration,
    /// From a metric's minute to its being readable.
    pub metric_delay: Duration,
    /// How long replication must stand still before RDS reports an error.
    pub replication_error: Duration,
    /// From an accepted change of DNS records to its being on every name server; AWS speaks of 60 seconds.
    pub dns_change: Duration,
    /// From a change of a health check to its checkers acting on it.
    pub health_check_change: Duration,
    /// How far the seed may move each of these, in percent, up or down. Metric delay and replication error are exact.
    pub variation_percent: u8,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            group_change: Duration::from_secs(15),
            reboot: Duration::from_secs(40),
            failover: Duration::from_secs(90),
            zones_reported: Duration::from_secs(150),
            promotion_unseen: Duration::from_secs(30),
            promotion_modifying: Duration::from_secs(60),
            promotion_rebooting: Duration::from_secs(45),
            promotion_source_gone: Duration::from_secs(20),
            first_backup: Duration::from_secs(90),
            daily_backup: Duration::from_secs(240),
            manual_snapshot: Duration::from_secs(120),
            creation: Duration::from_secs(300),
            metric_delay: Duration::from_secs(30),
            replication_error: Duration::from_secs(300),
            dns_change: Duration::from_secs(40),
            health_check_change: Duration::from_secs(20),
            variation_percent: 20,
        }
    }
}

/// When, each day, an instance is backed up; in minutes after midnight, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct BackupWindow {
    /// The minute of the day at which it opens.
    pub opens: u16,
    /// The minute of the day at which it closes; before `opens` when midnight lies between.
    pub closes: u16,
}

impl BackupWindow {
    /// Reads `hh24:mi-hh24:mi`.
    ///
    /// # Errors
    /// Anything else, and a window of less than 30 minutes.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let refused = || ApiError::invalid_value(format!("Invalid backup window format: {text}"));
        let (opens, closes) = text.split_once('-').ok_or_else(refused)?;
        let window =
            Self { opens: minute_of_day(opens).ok_or_else(refused)?, closes: minute_of_day(closes).ok_or_else(refused)? };
        let length = (window.closes + MINUTES_PER_DAY - window.opens) % MINUTES_PER_DAY;
        if length < 30 {
            return Err(ApiError::invalid_value("The backup window must be at least 30 minutes."));
        }
        Ok(window)
    }
}

impl std::fmt::Display for BackupWindow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { opens, closes } = self;
        write!(formatter, "{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    }
}

const MINUTES_PER_DAY: u16 = 24 * 60;

fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// A primary in one Region and its read replica in another.
#[derive(Debug, Clone)]
pub struct PairConfig {
    /// The account that owns both.
    pub account: String,
    /// Where the primary runs.
    pub primary_region: String,
    /// The primary's identifier.
    pub primary_id: String,
    /// The security groups through which the primary's clients reach it.
    pub primary_groups: Vec<String>,
    /// The pre-made security group in the primary's Region that lets nobody in.
    pub isolation_group: String,
    /// Its rules let clients in all the same: somebody misconfigured it.
    pub isolation_leaks: bool,
    /// Where the replica runs.
    pub recovery_region: String,
    /// The replica's identifier.
    pub recovery_id: String,
    /// The security groups through which the replica's clients reach it.
    pub recovery_groups: Vec<String>,
    /// Whether the primary has a standby in another zone of its Region.
    pub multi_az: bool,
    /// How far the replica is behind.
    pub lag: Duration,
    /// For how many days the primary's automated backups are kept.
    pub backup_retention: u8,
    /// For how many days the replica's own automated backups are kept; replicas are created with none.
    pub recovery_backup_retention: u8,
    /// When both are backed up each day.
    pub backup_window: BackupWindow,
    /// Whether the status shows `modifying` while security groups change. Nothing documents either, so where a
    /// scenario does not say, the seed does.
    pub modifying_during_group_change: Option<bool>,
    /// How long things take.
    pub timings: Timings,
}

impl Default for PairConfig {
    fn default() -> Self {
        Self {
            account: "123456789012".to_owned(),
            primary_region: "us-east-1".to_owned(),
            primary_id: "primary".to_owned(),
            primary_groups: vec!["sg-0c11e475".to_owned()],
            isolation_group: "sg-0150a7ed".to_owned(),
            isolation_leaks: false,
            recovery_region: "us-west-2".to_owned(),
            recovery_id: "replica".to_owned(),
            recovery_groups: vec!["sg-0c11e476".to_owned()],
            multi_az: false,
            lag: Duration::from_secs(5),
            backup_retention: 7,
            recovery_backup_retention: 0,
            backup_window: BackupWindow { opens: 3 * 60, closes: 3 * 60 + 30 },
            modifying_during_group_change: None,
            timings: Timings::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_window_reads_as_it_is_written() {
        for text in ["03:00-03:30", "23:45-00:15", "00:00-23:59"] {
            assert_eq!(BackupWindow::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "03:00", "3:00-3:30", "03:00-03:29", "24:00-01:00", "03:60-04:30", "03:00-03:00", "03:00-03:30 "] {
            assert!(BackupWindow::parse(text).is_err(), "{text}");
        }
    }
}
