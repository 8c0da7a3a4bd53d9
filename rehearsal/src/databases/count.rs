//! Counting after a recovery: what clients were told, against what the servers have.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::ledger::Acknowledged;

/// A row as a server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number; nothing for a row that somebody else than the counted clients wrote.
    pub number: Option<i64>,
    /// The instance that accepted it.
    pub instance: String,
    /// When it was committed, by that server's own word, in simulated time.
    pub committed: Timestamp,
}

/// Everything that is counted.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// What clients were told.
    pub acknowledged: &'a [Acknowledged],
    /// The instance that serves now, and its rows.
    pub serving: (&'a str, &'a [Row]),
    /// The instance that served before a promotion, its rows, and when the other one was promoted; nothing where none was.
    pub former: Option<(&'a str, &'a [Row], Timestamp)>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Commits that were acknowledged to clients.
    pub acknowledged: usize,
    /// Of those, the numbers of the rows that the serving instance does not have: lost.
    pub missing: Vec<i64>,
    /// How old the oldest of them was when the last commit was acknowledged by the instance that served before; zero if none
    /// is missing.
    #[serde(rename = "loss_s", serialize_with = "seconds")]
    pub loss: Duration,
    /// Commits that the instance that served before accepted after the promotion.
    pub accepted_by_former: usize,
    /// Commits that the promoted instance accepted.
    pub accepted_by_promoted: usize,
}

impl Count {
    /// Counts.
    #[must_use]
    pub fn of(evidence: Evidence<'_>) -> Self {
        let (serving, rows) = evidence.serving;
        let there: BTreeSet<i64> = rows.iter().filter_map(|row| row.number).collect();
        let missing: Vec<&Acknowledged> =
            evidence.acknowledged.iter().filter(|commit| !there.contains(&commit.number)).collect();
        // Asked and told enclose the moment of the commit, so that what is measured is never less than the truth.
        let oldest = missing.iter().map(|commit| commit.asked).min();
        let of_former = |commit: &&Acknowledged| missing.iter().any(|lost| lost.instance == commit.instance);
        let newest = evidence.acknowledged.iter().filter(of_former).map(|commit| commit.told).max();
        let loss = oldest.zip(newest).map_or(Duration::ZERO, |(from, to)| to.duration_since(from).unsigned_abs());
        let (accepted_by_former, accepted_by_promoted) = match evidence.former {
            None => (0, 0),
            Some((former, old_rows, promoted)) => (
                old_rows.iter().filter(|row| row.instance == former && row.committed >= promoted).count(),
                rows.iter().filter(|row| row.instance == serving).count(),
            ),
        };
        Self {
            acknowledged: evidence.acknowledged.len(),
            missing: missing.into_iter().map(|commit| commit.number).collect(),
            loss,
            accepted_by_former,
            accepted_by_promoted,
        }
    }

    /// Whether both sides accepted commits after the promotion: two histories that nothing can merge.
    #[must_use]
    pub fn is_split_brain(&self) -> bool {
        self.accepted_by_former > 0 && self.accepted_by_promoted > 0
    }
}

fn seconds<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "us-east-1/old";
    const NEW: &str = "us-west-2/new";

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000 + second).unwrap()
    }

    fn told(number: i64, instance: &str) -> Acknowledged {
        Acknowledged { number, instance: instance.to_owned(), asked: at(10 * number), told: at(10 * number + 1) }
    }

    fn row(number: i64, instance: &str) -> Row {
        Row { number: Some(number), instance: instance.to_owned(), committed: at(10 * number) }
    }

    fn count(acknowledged: &[Acknowledged], new: &[Row], old: &[Row]) -> Count {
        Count::of(Evidence { acknowledged, serving: (NEW, new), former: Some((OLD, old, at(35))) })
    }

    #[test]
    fn where_everything_arrived_nothing_is_lost_and_nothing_forked() {
        let acknowledged = [told(1, OLD), told(2, OLD), told(3, OLD), told(4, NEW)];
        let old = [row(1, OLD), row(2, OLD), row(3, OLD)];
        let new = [row(1, OLD), row(2, OLD), row(3, OLD), row(4, NEW)];
        let counted = count(&acknowledged, &new, &old);
        assert_eq!(counted.missing, Vec::<i64>::new());
        assert_eq!(counted.loss, Duration::ZERO);
        assert_eq!((counted.accepted_by_former, counted.accepted_by_promoted), (0, 1));
        assert!(!counted.is_split_brain());
    }

    #[test]
    fn an_acknowledged_row_that_the_promoted_server_lacks_is_a_loss_as_old_as_the_oldest_of_them() {
        let acknowledged = [told(1, OLD), told(2, OLD), told(3, OLD), told(4, NEW)];
        let old = [row(1, OLD), row(2, OLD), row(3, OLD)];
        let counted = count(&acknowledged, &[row(1, OLD), row(4, NEW)], &old);
        assert_eq!(counted.missing, [2, 3]);
        assert_eq!(counted.loss, Duration::from_secs(11), "from 20 to 31; what the new side was told later does not count");
    }

    #[test]
    fn a_row_that_was_never_acknowledged_is_no_loss() {
        let counted = count(&[told(1, OLD)], &[row(1, OLD)], &[row(1, OLD), row(2, OLD)]);
        assert_eq!(counted.missing, Vec::<i64>::new());
    }

    #[test]
    fn commits_on_both_sides_after_the_promotion_are_a_split_brain_whoever_wrote_them() {
        let stray = Row { number: None, ..row(5, OLD) };
        let counted = count(&[told(4, NEW)], &[row(4, NEW)], std::slice::from_ref(&stray));
        assert_eq!((counted.accepted_by_former, counted.accepted_by_promoted), (1, 1));
        assert!(counted.is_split_brain());
        assert!(!count(&[], &[], &[stray]).is_split_brain(), "one side only");
    }

    #[test]
    fn without_a_promotion_nothing_can_fork_and_a_missing_row_is_lost_all_the_same() {
        let acknowledged = [told(1, OLD), told(2, OLD)];
        let rows = [row(2, OLD)];
        let counted = Count::of(Evidence { acknowledged: &acknowledged, serving: (OLD, &rows), former: None });
        assert_eq!(counted.missing, [1]);
        assert!(!counted.is_split_brain());
    }
}
