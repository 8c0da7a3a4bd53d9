//! Arithmetic on instants that ends at the ends of time instead of failing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// `at` plus `span`, or the last instant there is.
pub(crate) fn later(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| at.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
}

/// `at` minus `span`, or the first instant there is.
pub(crate) fn earlier(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| at.checked_sub(span).ok()).unwrap_or(Timestamp::MIN)
}

/// The time from `earlier` to `later`, and nothing if they are the other way round.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// The latest multiple of `step`, counted from the epoch, that is not after `at`.
pub(crate) fn floor(at: Timestamp, step: Duration) -> Timestamp {
    let seconds = i64::try_from(step.as_secs()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_second(at.as_second().div_euclid(seconds).saturating_mul(seconds)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_do_not_fail() {
        assert_eq!(later(Timestamp::MAX, Duration::MAX), Timestamp::MAX);
        assert_eq!(earlier(Timestamp::MIN, Duration::MAX), Timestamp::MIN);
        assert_eq!(between(Timestamp::MAX, Timestamp::MIN), Duration::ZERO);
        assert_eq!(floor(Timestamp::MIN, Duration::from_secs(60)), Timestamp::MIN);
    }

    #[test]
    fn minutes_are_cut_downwards_on_both_sides_of_the_epoch() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(floor(at(119), minute), at(60));
        assert_eq!(floor(at(120), minute), at(120));
        assert_eq!(floor(at(-1), minute), at(-60));
    }
}
