//! Durations as whole seconds: `30m` in the plan, `1800` in compiled JSON.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

impl Seconds {
    /// Reads `90s`, `30m`, `4h` or `7d`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.chars().last()?;
        let seconds_per_unit: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        let digits = &text[..text.len() - 1];
        if digits.is_empty() || digits.len() > 9 || !digits.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        digits.parse::<u64>().ok()?.checked_mul(seconds_per_unit).map(Self)
    }

    /// The time from `earlier` to `later`, rounded up to a whole second, and 0 when `later` is not later. Rounding up keeps a
    /// loss bound an upper bound.
    #[must_use]
    pub fn between(earlier: Timestamp, later: Timestamp) -> Self {
        let duration = later.duration_since(earlier);
        if duration <= SignedDuration::ZERO {
            return Self(0);
        }
        let whole = duration.as_secs().unsigned_abs();
        Self(whole + u64::from(duration.subsec_nanos() > 0))
    }

    /// This long after `start`. Saturates at the end of time.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        start.saturating_add(SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))).unwrap_or(Timestamp::MAX)
    }

    /// This long before `end`. Saturates at the beginning of time.
    #[must_use]
    pub fn before(self, end: Timestamp) -> Timestamp {
        end.saturating_sub(SignedDuration::from_secs(i64::try_from(self.0).unwrap_or(i64::MAX))).unwrap_or(Timestamp::MIN)
    }

    /// The sum, saturating.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// As the standard library's duration.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_secs(self.0)
    }

    /// Whole days, as RDS counts backup retention; `None` when it is not a whole number of days.
    #[must_use]
    pub fn whole_days(self) -> Option<u32> {
        self.0.is_multiple_of(86_400).then(|| u32::try_from(self.0 / 86_400).ok()).flatten()
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        match seconds {
            0 => formatter.write_str("0 s"),
            s if s % 86_400 == 0 => write!(formatter, "{} d", s / 86_400),
            s if s % 3_600 == 0 => write!(formatter, "{} h", s / 3_600),
            s if s % 60 == 0 => write!(formatter, "{} min", s / 60),
            s if s > 60 => write!(formatter, "{} min {} s", s / 60, s % 60),
            s => write!(formatter, "{s} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_with_a_unit_and_refuse_anything_else() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("4h", 14_400), ("7d", 604_800)] {
            assert_eq!(Seconds::parse(text), Some(Seconds(seconds)), "{text}");
        }
        for bad in ["", "m", "30", "-1m", "1.5h", "30 m", "99999999999d", "3w", "٣m", "1é"] {
            assert_eq!(Seconds::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_second_counts_as_a_whole_one() {
        let start: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-20T10:00:01.2Z".parse().unwrap();
        assert_eq!(Seconds::between(start, later), Seconds(2));
        assert_eq!(Seconds::between(later, start), Seconds(0));
    }
}
