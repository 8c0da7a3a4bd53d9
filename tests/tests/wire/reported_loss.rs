//! The recovery point is measured, not assumed.

use std::time::Duration;

use recoveryctl::drill::{Drill, Situation};
use shared::domain::duration::Seconds;
use shared::domain::plan::Plan;

use crate::evidence::achieved;
use crate::stage::{allow_more_loss, end, play_with, start, unwatched_primary};

/// A replica that has received nothing yet would show how long ago the world began, and not its lag.
async fn await_steady_replication(drill: &Drill) {
    for _ in 0..600 {
        if drill.stage.world().received(&drill.replica(), drill.stage.now()).is_some_and(|newest| newest.0 > 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the replica received nothing within a minute");
}

/// How much data the recovery says that it may have lost, with a replica so far behind, and how much it really lost.
fn loss_at(lag: Duration) -> (Duration, Duration) {
    let mut measured = None;
    let allow = |plan: &mut Plan| allow_more_loss(plan, Seconds(900));
    play_with(Situation { lag, ..unwatched_primary() }, allow, async |drill| {
        await_steady_replication(drill).await;
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
    // The second is more than a fence takes, so that not everything arrives before the promotion.
    let (near, far) = (loss_at(Duration::from_secs(5)), loss_at(Duration::from_secs(405)));
    println!("reported and true: {near:?} at 5 s of lag, {far:?} at 405 s");
    for (reported, truth) in [near, far] {
        assert!(reported >= truth, "{reported:?} reported, {truth:?} lost");
    }
    assert!(far.1 > Duration::ZERO, "something was really lost");
    // 400 s more, less what the fence took longer in the first.
    assert!(far.0 > near.0 + Duration::from_secs(300), "{:?} at 5 s of lag, {:?} at 405 s", near.0, far.0);
}
