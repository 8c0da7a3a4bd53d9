//! What an instance committed, and what of it has reached its replica.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::identifiers::InstanceKey;
use crate::moments::{between, earlier};
use crate::status::ReplicationStatus;

/// After this long without replication RDS gives a replica up.
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30 * 24 * 3_600);

/// More segment switches than any lag reaches back over.
const SWITCHES_KEPT: usize = 4_096;

/// The place of a commit on its timeline. A promoted instance counts on from the last commit it had received, so that
/// the same number stands for different commits on the two sides of a fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(transparent)]
pub struct CommitNumber(pub u64);

/// A commit that an instance acknowledged to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commit {
    /// Its number.
    pub number: CommitNumber,
    /// When it was acknowledged.
    pub at: Timestamp,
    /// The instance that acknowledged it.
    pub instance: InstanceKey,
}

/// An instance's own commits, on top of those it inherited when it was promoted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    inherited: u64,
    commits: Vec<Commit>,
    switches: VecDeque<Timestamp>,
}

impl Timeline {
    /// A timeline that forks from another after the commit of that number.
    pub(crate) fn forked_after(inherited: u64) -> Self {
        Self { inherited, ..Self::default() }
    }

    pub(crate) fn push(&mut self, instance: &InstanceKey, at: Timestamp) -> CommitNumber {
        let number = CommitNumber(self.inherited + self.commits.len() as u64 + 1);
        self.commits.push(Commit { number, at, instance: instance.clone() });
        number
    }

    pub(crate) fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// The commits behind the one of that number.
    pub(crate) fn after(&self, number: u64) -> &[Commit] {
        let passed = usize::try_from(number.saturating_sub(self.inherited)).unwrap_or(usize::MAX);
        self.commits.get(passed..).unwrap_or_default()
    }

    /// The number of the newest commit.
    pub(crate) fn newest(&self) -> u64 {
        self.inherited + self.commits.len() as u64
    }

    /// The number of the newest commit not after `at`.
    pub(crate) fn newest_until(&self, at: Timestamp) -> u64 {
        self.inherited + self.commits.partition_point(|commit| commit.at <= at) as u64
    }

    pub(crate) fn switch_segment(&mut self, at: Timestamp) {
        if self.switches.len() == SWITCHES_KEPT {
            self.switches.pop_front();
        }
        self.switches.push_back(at);
    }

    pub(crate) fn last_switch(&self) -> Option<Timestamp> {
        self.switches.back().copied()
    }

    fn last_switch_until(&self, at: Timestamp) -> Option<Timestamp> {
        self.switches.iter().rev().find(|switch| **switch <= at).copied()
    }
}

/// The replication into one read replica.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) source: InstanceKey,
    pub(crate) lag: Duration,
    /// The newest commit that has arrived.
    pub(crate) received: u64,
    /// When the source made the newest transaction that the replica has replayed; a segment switch is one too.
    pub(crate) replayed: Timestamp,
    /// Since when nothing has been able to flow.
    pub(crate) stalled_since: Option<Timestamp>,
    /// Stopped on an error of its own, while both sides are well.
    pub(crate) broken: bool,
    /// Ended by a promotion; describe calls may still show it.
    pub(crate) ended: bool,
    given_up: bool,
}

impl Link {
    pub(crate) fn new(source: InstanceKey, lag: Duration, start: Timestamp) -> Self {
        Self {
            source,
            lag,
            received: 0,
            replayed: earlier(start, lag),
            stalled_since: None,
            broken: false,
            ended: false,
            given_up: false,
        }
    }

    /// The replication into a copy that has all commits up to that one.
    pub(crate) fn holding(source: InstanceKey, lag: Duration, now: Timestamp, held: CommitNumber) -> Self {
        Self { received: held.0, replayed: now, ..Self::new(source, lag, now) }
    }

    /// Whether it could carry anything, were both sides well.
    pub(crate) fn is_intact(&self) -> bool {
        !self.broken && !self.ended && !self.given_up
    }

    /// Lets everything arrive that the source did longer ago than the lag. What has arrived stays.
    pub(crate) fn carry(&mut self, source: &Timeline, now: Timestamp) {
        let horizon = earlier(now, self.lag);
        let newest = source.newest_until(horizon);
        if newest > self.received {
            self.received = newest;
            if let Some(commit) = source.commits.get(usize::try_from(newest - source.inherited - 1).unwrap_or(usize::MAX)) {
                self.replayed = self.replayed.max(commit.at);
            }
        }
        if let Some(switch) = source.last_switch_until(horizon) {
            self.replayed = self.replayed.max(switch);
        }
    }

    /// Notes whether anything can flow at this moment.
    pub(crate) fn note(&mut self, flows: bool, now: Timestamp) {
        match (flows, self.stalled_since) {
            (true, _) => self.stalled_since = None,
            (false, None) => self.stalled_since = Some(now),
            (false, Some(since)) => self.given_up |= between(since, now) > GIVEN_UP_AFTER,
        }
    }

    pub(crate) fn status(&self, now: Timestamp, error_after: Duration) -> ReplicationStatus {
        let stalled = self.stalled_since.map_or(Duration::ZERO, |since| between(since, now));
        if self.given_up || stalled > GIVEN_UP_AFTER {
            ReplicationStatus::Terminated
        } else if self.broken || stalled >= error_after {
            ReplicationStatus::Error
        } else {
            ReplicationStatus::Replicating
        }
    }
}
