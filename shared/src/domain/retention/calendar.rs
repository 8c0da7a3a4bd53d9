//! The calendar that backups are kept by: hours, days, weeks and months of a named time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::described::Keep;

/// A class of backups: of each of its units of the calendar one is kept, the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// One an hour.
    Hourly,
    /// One a day.
    Daily,
    /// One a week, which begins on Monday (ISO 8601).
    Weekly,
    /// One a month.
    Monthly,
}

impl Class {
    /// All of them, the shortest first.
    pub const ALL: [Self; 4] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly];

    /// The word for one unit.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Hourly => "hour",
            Self::Daily => "day",
            Self::Weekly => "week",
            Self::Monthly => "month",
        }
    }

    /// How many units a policy keeps.
    #[must_use]
    pub fn count(self, keep: Keep) -> u32 {
        match self {
            Self::Hourly => keep.hourly,
            Self::Daily => keep.daily,
            Self::Weekly => keep.weekly,
            Self::Monthly => keep.monthly,
        }
    }

    /// The longest that one unit lasts, in days.
    #[must_use]
    pub(super) fn longest_days(self) -> f64 {
        match self {
            Self::Hourly => 1.0 / 24.0,
            Self::Daily => 1.0,
            Self::Weekly => 7.0,
            Self::Monthly => 31.0,
        }
    }

    /// The unit that an instant falls into, by the clocks of this zone.
    #[must_use]
    pub fn unit_of(self, at: Timestamp, zone: &TimeZone) -> String {
        let local = zone.to_datetime(at);
        let date = local.date();
        match self {
            // With its offset: when clocks go back an hour comes twice, and these are two hours.
            Self::Hourly => format!("{date} {:02}h{}", local.hour(), zone.to_offset(at)),
            Self::Daily => date.to_string(),
            // The week's own year: 31 December may be in week 1 of the next.
            Self::Weekly => {
                let week = date.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Self::Monthly => format!("{:04}-{:02}", date.year(), date.month()),
        }
    }
}
