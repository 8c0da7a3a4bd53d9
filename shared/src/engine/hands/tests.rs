//! Looking at many places takes as long as looking at the slowest, and each look is one of the step's.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;
use tokio::time::timeout;

use super::*;
use crate::ports::{CallScope, PortError};

/// What is read, and a note of how many reads were under way together and on whose behalf.
#[derive(Default)]
struct Watch {
    under_way: AtomicUsize,
    most: AtomicUsize,
    labels: Mutex<Vec<String>>,
}

impl Watch {
    /// Ends only when as many reads have begun as there are `together`.
    async fn read(&self, number: usize, together: &Barrier) -> PortResult<usize> {
        let under_way = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(under_way, Ordering::Relaxed);
        timeout(Duration::from_secs(10), together.wait()).await.expect("the reads are made one after another");
        let label = CallScope::current().map(|scope| scope.label).unwrap_or_default();
        self.labels.lock().unwrap().push(label);
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        Ok(number)
    }
}

fn scope() -> CallScope {
    CallScope { label: "01-hold_writes-database#0".to_owned(), may: Vec::new().into() }
}

#[tokio::test]
async fn reads_are_made_side_by_side_and_no_more_than_the_bound_at_once() {
    let watch = Watch::default();
    let together = Barrier::new(AT_ONCE);
    let reads = (0..2 * AT_ONCE).map(|number| watch.read(number, &together)).collect();
    let seen = scope().run(side_by_side(reads)).await;
    let expected: Vec<Sight<usize>> = (0..2 * AT_ONCE).map(|found| Sight::Found { found }).collect();
    assert_eq!(seen, expected);
    assert_eq!(watch.most.load(Ordering::Relaxed), AT_ONCE);
}

#[tokio::test]
async fn every_read_is_made_in_the_steps_own_scope() {
    let watch = Watch::default();
    let together = Barrier::new(5);
    let reads = (0..5).map(|number| watch.read(number, &together)).collect();
    scope().run(side_by_side(reads)).await;
    assert_eq!(*watch.labels.lock().unwrap(), vec!["01-hold_writes-database#0"; 5]);
}

#[tokio::test]
async fn one_read_that_fails_spoils_no_other() {
    let answer = |number: usize| async move {
        let failure = |kind| PortError {
            kind,
            service: "lambda",
            operation: "GetFunctionConfiguration",
            code: "code".to_owned(),
            message: "message".to_owned(),
        };
        match number {
            1 => Err(failure(FailureKind::NoAnswer)),
            2 => Err(failure(FailureKind::NotFound)),
            _ => Ok(number),
        }
    };
    let reason = "lambda GetFunctionConfiguration failed: code: message".to_owned();
    assert_eq!(
        side_by_side((0..4).map(answer).collect()).await,
        [Sight::Found { found: 0 }, Sight::Unreached { reason }, Sight::Absent, Sight::Found { found: 3 }]
    );
}

#[tokio::test]
async fn nothing_to_read_is_nothing_seen() {
    let none: Vec<std::future::Ready<PortResult<usize>>> = Vec::new();
    assert_eq!(side_by_side(none).await, []);
}
