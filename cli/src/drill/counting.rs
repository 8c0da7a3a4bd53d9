//! What PostgreSQL itself says afterwards, where a real pair is behind the simulated RDS: which acknowledged commits are gone, and
//! whether both sides took commits.

use std::time::Duration;

use rehearsal::databases::Count;

use super::checks::{Check, Evidence};

const LOSS: &str = "acknowledged commits that PostgreSQL lost lie within the reported bound";
const FORK: &str = "no commits were accepted by both PostgreSQL servers after the promotion";

/// Counts and judges; nothing where the model stands in for real databases.
pub(super) async fn count(evidence: &Evidence<'_>) -> (Vec<Check>, Option<Count>) {
    let drill = evidence.drill;
    let moved = evidence.moved();
    let serving = if moved { drill.replica() } else { drill.primary() };
    match drill.stage.count(&serving).await {
        Ok(None) => (Vec::new(), None),
        Ok(Some(count)) => {
            let claim = match evidence.reported_bound_s() {
                Some(seconds) => Claim::AtMost(Duration::from_secs(seconds)),
                None if evidence.end() == "stuck" => Claim::Unknown,
                // Who promoted nothing and reports no bound says that nothing is lost.
                None => Claim::AtMost(Duration::ZERO),
            };
            let checks = vec![loss(&count, &serving.to_string(), claim), fork(&count, moved)];
            (checks, Some(count))
        }
        Err(error) => {
            let failed = |name| Check::new(name, false, format!("it could not be counted: {error}"));
            (vec![failed(LOSS), failed(FORK)], None)
        }
    }
}

/// What the recovery says of its loss.
#[derive(Debug, Clone, Copy)]
enum Claim {
    AtMost(Duration),
    Unknown,
}

fn loss(count: &Count, serving: &str, claim: Claim) -> Check {
    let oldest = match count.missing.as_slice() {
        [] => String::new(),
        _ => format!(", the oldest made {:.1} s before writes ended", count.loss.as_secs_f64()),
    };
    let (within, claimed) = match claim {
        Claim::AtMost(bound) => (count.loss <= bound, format!("at most {} s reported", bound.as_secs())),
        Claim::Unknown => (true, "no bound is claimed: it counts as unknown".to_owned()),
    };
    // A count of nothing shows nothing.
    let ok = count.acknowledged > 0 && (count.missing.is_empty() || within);
    let (acknowledged, missing) = (count.acknowledged, count.missing.len());
    Check::new(LOSS, ok, format!("{acknowledged} acknowledged, {missing} of them missing on {serving}{oldest}; {claimed}"))
}

fn fork(count: &Count, moved: bool) -> Check {
    let Count { accepted_by_former: former, accepted_by_promoted: promoted, .. } = count;
    let detail = if moved {
        format!("{former} by the old primary, {promoted} by the promoted server")
    } else {
        "nothing was promoted".to_owned()
    };
    Check::new(FORK, !count.is_split_brain(), detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVING: &str = "us-west-2/replica";

    fn lost(missing: &[i64], seconds: u64) -> Count {
        Count {
            acknowledged: 100,
            missing: missing.to_vec(),
            loss: Duration::from_secs(seconds),
            accepted_by_former: 0,
            accepted_by_promoted: 10,
        }
    }

    #[test]
    fn a_loss_beyond_the_reported_bound_fails_the_drill() {
        let bound = Claim::AtMost(Duration::from_secs(30));
        assert!(loss(&lost(&[], 0), SERVING, bound).ok);
        assert!(loss(&lost(&[7, 8], 30), SERVING, bound).ok);
        let beyond = loss(&lost(&[7, 8], 31), SERVING, bound);
        assert!(!beyond.ok);
        assert!(
            beyond.detail.contains("2 of them missing on us-west-2/replica, the oldest made 31.0 s"),
            "{}",
            beyond.detail
        );
    }

    #[test]
    fn whoever_claims_no_bound_is_not_held_to_one_and_a_count_of_nothing_shows_nothing() {
        assert!(loss(&lost(&[7], 500), SERVING, Claim::Unknown).ok);
        let nobody = Count { acknowledged: 0, ..lost(&[], 0) };
        assert!(!loss(&nobody, SERVING, Claim::Unknown).ok);
    }

    #[test]
    fn commits_on_both_sides_fail_the_drill() {
        assert!(fork(&lost(&[], 0), true).ok);
        let forked = fork(&Count { accepted_by_former: 1, ..lost(&[], 0) }, true);
        assert!(!forked.ok);
        assert_eq!(forked.detail, "1 by the old primary, 10 by the promoted server");
    }
}
