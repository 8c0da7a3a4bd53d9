//! Simulated time: the rehearsal's clock runs faster than the wall's, by one factor for everybody.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the proxy and the log take simulated time from.
pub trait SimulatedTime: Send + Sync {
    /// The simulated moment of now.
    fn now(&self) -> Timestamp;
}

/// Time that runs `speed` times as fast as the wall clock, from a common start.
///
/// The fields are those of the `clock` object that the functions are given, so that one value drives both sides.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledTime {
    /// The wall clock at the start, in milliseconds since 1970.
    pub real_ms: i64,
    /// The simulated clock at the start, in milliseconds since 1970.
    pub simulated_ms: i64,
    /// Simulated seconds per real second.
    pub speed: f64,
}

impl ScaledTime {
    /// Starts at `simulated` now.
    pub fn starting(simulated: Timestamp, speed: f64) -> Self {
        Self { real_ms: Timestamp::now().as_millisecond(), simulated_ms: simulated.as_millisecond(), speed }
    }

    /// The last real moment that is not after a simulated one.
    pub fn until(&self, simulated: Timestamp) -> Timestamp {
        let elapsed = (simulated.as_millisecond() - self.simulated_ms) as f64 / self.speed;
        let microsecond = self.real_ms.saturating_add(elapsed.floor() as i64).saturating_mul(1_000).saturating_add(999);
        Timestamp::from_microsecond(microsecond).unwrap_or(Timestamp::MAX)
    }

    /// The simulated moment of a real one.
    pub fn at(&self, real: Timestamp) -> Timestamp {
        let elapsed = (real.as_millisecond() - self.real_ms) as f64 * self.speed;
        // A float casts to the nearest integer it can be, never to undefined behaviour; what no calendar holds is clamped.
        let millisecond = self.simulated_ms.saturating_add(elapsed as i64);
        Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
    }
}

impl SimulatedTime for ScaledTime {
    fn now(&self) -> Timestamp {
        self.at(Timestamp::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_speed_makes_one_real_second_ten_simulated_ones() {
        let clock = ScaledTime { real_ms: 1_000, simulated_ms: 500_000, speed: 10.0 };
        let simulated = clock.at(Timestamp::from_millisecond(2_000).unwrap());
        assert_eq!(simulated.as_millisecond(), 510_000);
    }

    #[test]
    fn whatever_is_simulated_until_a_moment_is_real_until_its_counterpart() {
        let clock = ScaledTime { real_ms: 1_000, simulated_ms: 500_000, speed: 20.0 };
        for millisecond in 490_000..510_000 {
            let simulated = Timestamp::from_millisecond(millisecond).unwrap();
            let until = clock.until(simulated);
            assert!(clock.at(until) <= simulated, "{until}");
            assert!(clock.at(until + jiff::SignedDuration::from_micros(1)) > simulated, "{until}");
        }
    }

    #[test]
    fn it_is_written_as_the_functions_read_it() {
        let clock = ScaledTime { real_ms: 1, simulated_ms: 2, speed: 10.0 };
        let text = serde_json::to_string(&clock).unwrap();
        assert_eq!(text, r#"{"real_ms":1,"simulated_ms":2,"speed":10.0}"#);
        assert_eq!(serde_json::from_str::<ScaledTime>(&text).unwrap(), clock);
    }
}
