//! How long calls were under way in an invocation: what is left of its time is our own.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The time in which at least one call was under way. Calls side by side count once: what is asked is how long was waited.
#[derive(Debug, Clone, Default)]
pub struct Outbound(Arc<Mutex<Watch>>);

#[derive(Debug, Default)]
struct Watch {
    under_way: u32,
    since: Option<Instant>,
    total: Duration,
}

impl Outbound {
    /// The time since it was last taken. Lambda gives a process one invocation at a time, so taking it at the beginning and at the end
    /// of one says what that one waited; a call that was given up, whose end nobody saw, is forgotten then.
    #[must_use]
    pub fn take(&self) -> Duration {
        let mut watch = self.watch();
        let open = watch.since.map_or(Duration::ZERO, |since| since.elapsed());
        std::mem::take(&mut *watch).total + open
    }

    /// Counts the time of something that is no call of the SDK's.
    pub(crate) async fn of<F: Future>(&self, work: F) -> F::Output {
        self.begin();
        let done = work.await;
        self.end();
        done
    }

    fn begin(&self) {
        let mut watch = self.watch();
        watch.under_way += 1;
        watch.since.get_or_insert_with(Instant::now);
    }

    fn end(&self) {
        let mut watch = self.watch();
        watch.under_way = watch.under_way.saturating_sub(1);
        if watch.under_way == 0
            && let Some(since) = watch.since.take()
        {
            watch.total += since.elapsed();
        }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        // The figures are whole whatever happened to a thread that held them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt of the SDK's, from before it is signed to after its answer is read. The waits between attempts are our own doing.
impl Intercept for Outbound {
    fn name(&self) -> &'static str {
        "Outbound"
    }

    fn read_before_attempt(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.begin();
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.end();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const STEP: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn calls_side_by_side_count_once_and_what_lies_between_calls_does_not_count() {
        let outbound = Outbound::default();
        tokio::join!(outbound.of(sleep(STEP)), outbound.of(sleep(STEP)));
        sleep(STEP * 5).await;
        outbound.of(sleep(STEP)).await;
        let taken = outbound.take();
        assert!(taken >= STEP * 2 && taken < STEP * 5, "{taken:?}");
        assert_eq!(outbound.take(), Duration::ZERO, "it was taken");
    }

    #[tokio::test]
    async fn a_call_that_was_given_up_counts_until_it_is_taken_and_never_after() {
        let outbound = Outbound::default();
        let given_up = tokio::time::timeout(STEP, outbound.of(sleep(STEP * 100))).await;
        assert!(given_up.is_err());
        assert!(outbound.take() >= STEP);
        sleep(STEP).await;
        assert_eq!(outbound.take(), Duration::ZERO);
    }
}
