//! How much data a promotion may lose: an upper bound with its source (design §2.7).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::observation::LagSample;
use crate::guard::{self, Guard};

/// How far two clocks that we compare may differ: a process that is further off does nothing.
pub const CLOCK_TOLERANCE: Seconds = Seconds(5);

/// Proof that the old primary takes no writes any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceProof {
    /// Since when.
    pub at: Timestamp,
    /// What proves it.
    pub how: String,
}

/// An upper bound of the loss, or the admission that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossBound {
    /// At most so much is lost; `None`: unknown.
    pub at_most: Option<Seconds>,
    /// Whether waiting makes it larger, because nothing proves that writes have stopped.
    pub growing: bool,
    /// How it was reached, as a sentence.
    pub basis: String,
}

impl LossBound {
    /// The bound: from the last commit that the replica is known to have, to the moment when writes provably stopped.
    ///
    /// The replica has everything that was committed up to `observed_at - lag`. Whatever was committed after that and before
    /// the fence may be lost. A sample taken *after* the fence bounds the loss too: then the lag has grown by the silence, and
    /// subtracting the time since the fence takes that growth out again.
    #[must_use]
    pub fn of(lag: Option<&LagSample>, fence: Option<&FenceProof>, now: Timestamp) -> Self {
        let growing = fence.is_none();
        let Some(sample) = lag else {
            if guard::removed(Guard::NoFigureIsUnknown) {
                return Self { at_most: Some(Seconds(0)), growing, basis: "no figure, no lag".to_owned() };
            }
            return Self {
                at_most: None,
                growing,
                basis: "there is no usable figure of the replica's lag, so the loss is unknown".to_owned(),
            };
        };
        if guard::removed(Guard::SampleAgesIntoTheBound) {
            return Self { at_most: Some(sample.lag), growing, basis: "the lag alone".to_owned() };
        }
        // The sample's time is CloudWatch's, and the other may be that of a process whose clock is behind.
        let replica_has_up_to = CLOCK_TOLERANCE.before(sample.lag.before(sample.observed_at));
        let (stopped_at, stop) = match fence {
            Some(proof) => (proof.at, format!("the fence was proven at {} ({})", proof.at, proof.how)),
            None => (now, format!("nothing proves that writes have stopped, so they count until now ({now})")),
        };
        let bound = Seconds::between(replica_has_up_to, stopped_at);
        Self {
            at_most: Some(bound),
            growing,
            basis: format!(
                "at most {bound}: the replica was {} behind at {} ({}), clocks may differ by {CLOCK_TOLERANCE}, and {stop}",
                sample.lag, sample.observed_at, sample.source
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-20T10:{text}Z").parse().unwrap()
    }

    fn sample(lag: u64, observed: &str) -> LagSample {
        LagSample { lag: Seconds(lag), observed_at: at(observed), source: "ReplicaLag".to_owned() }
    }

    fn proof(when: &str) -> FenceProof {
        FenceProof { at: at(when), how: "reboot completed".to_owned() }
    }

    #[test]
    fn the_bound_is_the_lag_plus_the_time_until_writes_stopped() {
        let bound = LossBound::of(Some(&sample(5, "00:00")), Some(&proof("01:30")), at("09:00"));
        assert_eq!(bound.at_most, Some(Seconds(95).plus(CLOCK_TOLERANCE)));
        assert!(!bound.growing);
    }

    #[test]
    fn without_a_fence_the_bound_grows_until_now() {
        let bound = LossBound::of(Some(&sample(5, "00:00")), None, at("02:00"));
        assert_eq!(bound.at_most, Some(Seconds(125).plus(CLOCK_TOLERANCE)));
        assert!(bound.growing);
    }

    #[test]
    fn a_sample_taken_after_the_fence_does_not_count_the_silence_as_loss() {
        // Last commit on the replica at 00:50; writes stopped at 01:00; the lag read at 05:00 has grown to 250 s.
        let bound = LossBound::of(Some(&sample(250, "05:00")), Some(&proof("01:00")), at("06:00"));
        assert_eq!(bound.at_most, Some(Seconds(10).plus(CLOCK_TOLERANCE)));
    }

    #[test]
    fn a_fence_that_a_slow_clock_dates_too_early_does_not_shorten_the_bound() {
        let true_time = LossBound::of(Some(&sample(5, "00:00")), Some(&proof("01:30")), at("09:00")).at_most.unwrap();
        let slow = LossBound::of(Some(&sample(5, "00:00")), Some(&proof("01:25")), at("09:00")).at_most.unwrap();
        assert!(slow.plus(CLOCK_TOLERANCE) >= true_time && slow >= Seconds(95), "{slow} against {true_time}");
    }

    #[test]
    fn a_replica_that_had_everything_at_the_fence_loses_nothing() {
        let bound = LossBound::of(Some(&sample(0, "02:00")), Some(&proof("01:00")), at("06:00"));
        assert_eq!(bound.at_most, Some(Seconds(0)));
    }

    #[test]
    fn no_lag_figure_means_unknown_and_never_zero() {
        assert_eq!(LossBound::of(None, Some(&proof("01:00")), at("06:00")).at_most, None);
    }
}
