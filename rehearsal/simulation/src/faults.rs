//! What can happen to a call besides its answer.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::domain::mutation::Mutation;
use shared::ports::{FailureKind, PortError, Write};

use super::chance::Chance;

/// For how long a reply that lags behind shows what was so before.
pub(crate) const STALE: Duration = Duration::from_secs(40);
/// How late a request may take effect after its sender died: less than the time that the engine lets an unanswered call show itself
/// (`SETTLING_TIME`), which is the assumption that its retries rest on.
pub(crate) const LATE: Duration = Duration::from_secs(50);

/// Something that happens to one call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The process that makes the call ends before the call has any effect.
    KilledBefore,
    /// The process ends after the call took effect, before it learns so.
    KilledAfter,
    /// The call takes effect, and its answer never arrives.
    ReplyLost,
    /// Nothing happens, and no answer arrives.
    RequestLost,
    /// The process is held up before the call; a second invocation with the same payload runs from its beginning to its end
    /// meanwhile.
    DoubledBefore,
    /// The same after the call took effect.
    DoubledAfter,
    /// The service says "not now", and nothing happens.
    Throttled,
    /// The service answers with an error of its own after it did what it was asked to.
    ServerError,
    /// The service says no, and will say no again.
    Refused,
    /// The call takes so long that Lambda ends the process first. It takes effect all the same.
    TimedOut,
    /// The process ends, and the request takes effect long after it: when a later attempt has already looked at the world.
    Late,
    /// The process is held up before the call; meanwhile its execution is stopped and the watchdog ends the incident. Then it goes on.
    Overtaken,
    /// Describe calls of this Region show for a while what was so before this call.
    Stale,
}

/// A request on its way, whose sender is gone.
#[derive(Debug, Clone)]
pub(crate) enum LateWork {
    /// A mutation made for `label`.
    Mutation { label: String, mutation: Mutation },
    /// A commit to the journal.
    Commit(Vec<Write>),
}

/// When a late request arrives.
#[derive(Debug, Clone)]
pub(crate) struct LateRequest {
    pub(crate) at: Timestamp,
    pub(crate) work: LateWork,
}

impl Fault {
    /// Every fault that can strike a single call of any port and after which everything must go on.
    pub const PASSING: [Self; 6] =
        [Self::KilledBefore, Self::KilledAfter, Self::ReplyLost, Self::RequestLost, Self::DoubledBefore, Self::DoubledAfter];

    /// Every fault.
    pub const ALL: [Self; 13] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::ReplyLost,
        Self::RequestLost,
        Self::DoubledBefore,
        Self::DoubledAfter,
        Self::Throttled,
        Self::ServerError,
        Self::Refused,
        Self::TimedOut,
        Self::Late,
        Self::Overtaken,
        Self::Stale,
    ];

    /// Its name, as reports and the command line have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KilledBefore => "killed_before",
            Self::KilledAfter => "killed_after",
            Self::ReplyLost => "reply_lost",
            Self::RequestLost => "request_lost",
            Self::DoubledBefore => "doubled_before",
            Self::DoubledAfter => "doubled_after",
            Self::Throttled => "throttled",
            Self::ServerError => "server_error",
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Late => "late",
            Self::Overtaken => "overtaken",
            Self::Stale => "stale",
        }
    }
}

/// A fault for calls of one operation, while it lasts.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The service's signing name.
    pub service: &'static str,
    /// The operation.
    pub operation: &'static str,
    /// What happens.
    pub fault: Fault,
    /// To how many more calls; `u32::MAX` for all.
    pub times: u32,
}

/// The faults that a run has been given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    /// By the number of the call, counted over the whole run.
    pub(crate) by_number: BTreeMap<usize, Fault>,
    /// What struck so far: which call, and how.
    pub(crate) struck: Vec<(usize, Fault)>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) storm: Option<Storm>,
}

/// Faults at random: the same seed, the same faults.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    pub(crate) chance: Chance,
    /// How many calls in a thousand are struck.
    pub(crate) per_mille: u64,
}

impl Storm {
    fn strike(&mut self) -> Option<Fault> {
        let faults = [Fault::PASSING.as_slice(), &[Fault::Throttled]].concat();
        let (chance, which) = (self.chance.below(1_000), self.chance.below(faults.len() as u64));
        faults.get(usize::try_from(which).ok()?).copied().filter(|_| chance < self.per_mille)
    }
}

impl Faults {
    /// The fault that strikes this call, used up by it.
    pub(crate) fn strike(&mut self, number: usize, service: &str, operation: &str) -> Option<Fault> {
        let fault = self.choose(number, service, operation)?;
        self.struck.push((number, fault));
        Some(fault)
    }

    fn choose(&mut self, number: usize, service: &str, operation: &str) -> Option<Fault> {
        if let Some(fault) = self.by_number.remove(&number) {
            return Some(fault);
        }
        if let Some(fault) = self.storm.as_mut().and_then(Storm::strike) {
            return Some(fault);
        }
        let rule =
            self.rules.iter_mut().find(|rule| rule.times > 0 && rule.service == service && rule.operation == operation)?;
        if rule.times != u32::MAX {
            rule.times -= 1;
        }
        Some(rule.fault)
    }
}

/// A failure as an adapter would report it.
pub(crate) fn failure(
    kind: FailureKind,
    (service, operation): (&'static str, &'static str),
    code: &str,
    message: impl Into<String>,
) -> PortError {
    PortError { kind, service, operation, code: code.to_owned(), message: message.into() }
}
