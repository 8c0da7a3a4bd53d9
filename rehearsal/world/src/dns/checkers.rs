//! The health checkers of Route 53: several in each of several Regions, each with a mind of its own.

use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;

use super::health::EndpointCheck;
use crate::moments::{between, later};
use crate::seed::Seed;
use crate::world::World;

/// The Regions that Route 53 checks from where nobody says otherwise.
const REGIONS: [&str; 8] =
    ["us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "sa-east-1"];
/// How many checkers ask from each of them. AWS does not say; its examples show more than one.
const CHECKERS_OF_A_REGION: u64 = 2;

/// One checker of one endpoint.
#[derive(Debug, Clone)]
pub(crate) struct Checker {
    pub(crate) region: &'static str,
    pub(crate) address: Ipv4Addr,
    interval: Duration,
    threshold: u32,
    /// The moment of one of its questions; the others are whole intervals away.
    asks: Timestamp,
    /// What the endpoint has answered it since then.
    answers: bool,
    since: Timestamp,
    /// What it answered before.
    answered: bool,
    /// What the checker thought when that changed.
    verdict: bool,
}

impl Checker {
    /// The checkers of a new check. They take the endpoint to be well until they know better.
    pub(crate) fn all(endpoint: &EndpointCheck, id: &str, seed: u64, now: Timestamp) -> Vec<Self> {
        let mut chance = Seed::for_purpose(seed, &format!("checkers of {id}"));
        let interval = Duration::from_secs(u64::from(endpoint.interval));
        let mut checkers = Vec::new();
        for (region, place) in REGIONS.into_iter().zip(0_u8..) {
            for _ in 0..CHECKERS_OF_A_REGION {
                // Checkers do not agree on when to ask.
                let offset = Duration::from_millis(chance.next() % (u64::from(endpoint.interval) * 1_000));
                let host = u8::try_from(chance.next() % 250).unwrap_or(0) + 1;
                checkers.push(Self {
                    region,
                    address: Ipv4Addr::new(15, 177, place, host),
                    interval,
                    threshold: u32::from(endpoint.failure_threshold),
                    asks: later(now, offset),
                    answers: true,
                    since: now,
                    answered: true,
                    verdict: true,
                });
            }
        }
        checkers
    }

    /// Notes that the endpoint answers this checker from now on, or does not.
    pub(crate) fn note(&mut self, answers: bool, now: Timestamp) {
        if answers == self.answers {
            return;
        }
        self.verdict = self.finds_healthy(now);
        self.answered = self.last(now).1;
        (self.answers, self.since) = (answers, now);
    }

    /// What the checker thinks of the endpoint.
    pub(crate) fn finds_healthy(&self, now: Timestamp) -> bool {
        let enough = later(self.first_after(self.since), self.interval * self.threshold.saturating_sub(1));
        if enough <= now { self.answers } else { self.verdict }
    }

    /// When it last asked, and whether it was answered.
    pub(crate) fn last(&self, now: Timestamp) -> (Timestamp, bool) {
        let first = self.first_after(self.since);
        if now < first {
            let before = first.checked_sub(jiff::SignedDuration::try_from(self.interval).unwrap_or_default());
            return (before.unwrap_or(first), self.answered);
        }
        let asked = between(first, now).as_millis() / self.interval.as_millis().max(1);
        (later(first, self.interval * u32::try_from(asked).unwrap_or(u32::MAX)), self.answers)
    }

    /// Its first question at or after a moment.
    fn first_after(&self, moment: Timestamp) -> Timestamp {
        let passed = between(self.asks, moment).as_millis();
        let questions = passed.div_ceil(self.interval.as_millis().max(1));
        later(self.asks, self.interval * u32::try_from(questions).unwrap_or(u32::MAX))
    }
}

impl World {
    /// More than 18 % of those who report have to find it healthy. Checkers in a dark Region report nothing.
    pub(crate) fn endpoint_is_healthy(&self, id: &str) -> bool {
        let checkers = self.dns.checks.get(id).map(|check| check.checkers.as_slice()).unwrap_or_default();
        let reporting: Vec<&Checker> = checkers.iter().filter(|checker| !self.dark.contains(checker.region)).collect();
        let healthy = reporting.iter().filter(|checker| checker.finds_healthy(self.clock)).count();
        healthy * 100 > reporting.len() * 18
    }
}
