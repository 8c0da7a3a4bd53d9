//! The recovery point is measured, not assumed.

use std::time::Duration;

use recoveryctl::drill::Situation;

use crate::evidence::achieved;
use crate::stage::{end, play, start, unwatched_primary};

/// How much data the recovery says that it may have lost, with a replica so far behind, and how much it really lost.
fn loss_at(lag: Duration) -> (Duration, Duration) {
    let mut measured = None;
    play(Situation { lag, ..unwatched_primary() }, async |drill| {
        let broken_at = drill.break_primary();
        let promised = drill.predict().await.unwrap();
        let mark = drill.stage.log.mark();
        // The operator is there at once, so that how long an alarm takes to notice is not part of the comparison.
        start(drill).await;
        let status = end(drill).await;
        assert_eq!(status["status"], "completed", "{}", status["reason"]);
        let report = drill.judge(&status, promised, mark, Some(broken_at), 0).await.unwrap();
        let reported = Duration::from_secs(achieved(&report, "database", "rpo").unwrap());
        measured = Some((reported, drill.stage.world().true_rpo().unwrap()));
    });
    measured.unwrap()
}

#[test]
fn a_replica_that_is_further_behind_is_reported_as_a_greater_loss_and_never_as_less_than_the_truth() {
    let (near, far) = (loss_at(Duration::from_secs(5)), loss_at(Duration::from_secs(125)));
    for (reported, truth) in [near, far] {
        assert!(reported >= truth, "{reported:?} reported, {truth:?} lost");
    }
    // Two minutes more, less what the fence took longer in the first.
    assert!(far.0 > near.0 + Duration::from_secs(60), "{:?} at 5 s of lag, {:?} at 125 s", near.0, far.0);
}
