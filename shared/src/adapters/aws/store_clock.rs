//! What the journal's store says the time is, beside what this process believes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use jiff::fmt::rfc2822;

/// No answer has told yet.
const UNKNOWN: i64 = i64::MIN;

/// Reads the `Date` of every answer. It says whole seconds, of some moment between the request's sending and the answer's
/// arrival: only what lies outside that span is a difference of the clocks, and a slow answer is none.
#[derive(Debug, Clone)]
pub(super) struct StoreClock {
    lead: Arc<AtomicI64>,
}

/// When a request was sent, in milliseconds since the epoch.
#[derive(Debug)]
struct SentAt(i64);

impl Storable for SentAt {
    type Storer = StoreReplace<Self>;
}

impl StoreClock {
    pub(super) fn new() -> Self {
        Self { lead: Arc::new(AtomicI64::new(UNKNOWN)) }
    }

    /// Seconds by which this process's clock was ahead when the latest answer came.
    pub(super) fn lead(&self) -> Option<i64> {
        Some(self.lead.load(Ordering::Relaxed)).filter(|lead| *lead != UNKNOWN)
    }
}

impl Intercept for StoreClock {
    fn name(&self) -> &'static str {
        "StoreClock"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(SentAt(milliseconds()));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|date| rfc2822::parse(date).ok());
        if let (Some(date), Some(sent)) = (date, config.load::<SentAt>()) {
            let lead = lead(sent.0, date.timestamp().as_millisecond(), milliseconds());
            self.lead.store(lead, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// How many whole seconds the clock is certainly ahead by, from milliseconds since the epoch; negative when it is behind.
fn lead(sent: i64, date: i64, arrived: i64) -> i64 {
    // The store's clock showed anything from `date` up to a second later.
    let ahead = sent - (date + 1_000);
    let behind = arrived - date;
    if ahead > 0 {
        ahead / 1_000
    } else if behind < 0 {
        behind / 1_000
    } else {
        0
    }
}

fn milliseconds() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_answers_own_duration_does_not_explain_is_a_difference_of_the_clocks() {
        for (sent, date, arrived, expected, why) in [
            (10_200, 10_000, 10_240, 0, "whole seconds only"),
            (10_900, 11_000, 11_050, 0, "the second turned on the way"),
            (10_000, 17_000, 18_000, 0, "a slow answer"),
            (611_000, 10_000, 611_040, 600, "ten minutes ahead"),
            (10_000, 610_000, 10_040, -599, "ten minutes behind"),
        ] {
            assert_eq!(lead(sent, date, arrived), expected, "{why}");
        }
    }
}
