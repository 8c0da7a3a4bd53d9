//! The two clocks: the system's, and a rehearsal's faster one.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::config::{Rehearsal, RehearsalTime};
use crate::ports::Clock;

/// The clock for this configuration.
#[must_use]
pub fn clock(rehearsal: Option<&Rehearsal>) -> Arc<dyn Clock> {
    match rehearsal {
        Some(rehearsal) => Arc::new(RehearsalClock::new(rehearsal.clock)),
        None => Arc::new(SystemClock),
    }
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn at_real(&self, real_milliseconds: u64) -> Timestamp {
        timestamp_of(i128::from(real_milliseconds) * 1_000)
    }
}

/// A clock that runs at the rehearsal's speed from the rehearsal's start.
#[derive(Debug, Clone, Copy)]
pub struct RehearsalClock {
    time: RehearsalTime,
}

impl RehearsalClock {
    /// A clock of this time.
    #[must_use]
    pub fn new(time: RehearsalTime) -> Self {
        Self { time }
    }

    /// The simulated time at a real one, both in microseconds since the epoch.
    fn simulated(&self, real_microseconds: i128) -> Timestamp {
        let passed = real_microseconds - i128::from(self.time.real_ms) * 1_000;
        // A rehearsal takes minutes: microseconds of it are exact in a double.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let faster = (passed as f64 * self.time.speed).round() as i128;
        timestamp_of(i128::from(self.time.simulated_ms) * 1_000 + faster)
    }
}

impl Clock for RehearsalClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.simulated(i128::try_from(since_epoch.as_micros()).unwrap_or(i128::MAX))
    }

    fn at_real(&self, real_milliseconds: u64) -> Timestamp {
        self.simulated(i128::from(real_milliseconds) * 1_000)
    }
}

fn timestamp_of(microseconds: i128) -> Timestamp {
    let Ok(microseconds) = i64::try_from(microseconds) else {
        return if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    };
    Timestamp::from_microsecond(microseconds).unwrap_or(if microseconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: RehearsalTime = RehearsalTime { real_ms: 1_000_000, simulated_ms: 5_000_000, speed: 10.0 };

    #[test]
    fn simulated_time_runs_at_its_speed_from_the_start() {
        let clock = RehearsalClock::new(START);
        for (real, simulated) in
            [(1_000_000, 5_000_000), (1_000_250, 5_002_500), (1_060_000, 5_600_000), (999_000, 4_990_000)]
        {
            assert_eq!(clock.at_real(real), Timestamp::from_millisecond(simulated).unwrap(), "{real}");
        }
    }

    #[test]
    fn a_lambda_deadline_means_the_same_on_both_clocks() {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap();
        assert_eq!(SystemClock.at_real(now).as_millisecond(), i64::try_from(now).unwrap());
        let clock = RehearsalClock::new(RehearsalTime { real_ms: now, simulated_ms: 0, speed: 10.0 });
        let left = clock.at_real(now + 1_000).duration_since(clock.at_real(now));
        assert_eq!(left.as_secs(), 10);
        assert!(clock.now() >= clock.at_real(now));
    }
}
