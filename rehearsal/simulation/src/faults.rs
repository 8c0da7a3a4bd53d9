//! What can happen to a call besides its answer.

use shared::ports::{FailureKind, PortError};

/// Something that happens to one call of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The service says no.
    Answered(FailureKind),
}

impl Fault {
    /// Every fault that can strike a single call of any port and after which everything must go on.
    pub const PASSING: [Self; 6] =
        [Self::KilledBefore, Self::KilledAfter, Self::ReplyLost, Self::RequestLost, Self::DoubledBefore, Self::DoubledAfter];
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
    pub(crate) by_number: Option<(usize, Fault)>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) storm: Option<Storm>,
}

/// Faults at random: the same seed, the same faults.
#[derive(Debug, Clone)]
pub(crate) struct Storm {
    pub(crate) state: u64,
    /// How many calls in a thousand are struck.
    pub(crate) per_mille: u64,
}

impl Storm {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn strike(&mut self) -> Option<Fault> {
        let faults = [Fault::PASSING.as_slice(), &[Fault::Answered(FailureKind::NotNow)]].concat();
        let (chance, which) = (self.next() % 1_000, self.next() % faults.len() as u64);
        faults.get(usize::try_from(which).ok()?).copied().filter(|_| chance < self.per_mille)
    }
}

impl Faults {
    /// The fault that strikes this call, used up by it.
    pub(crate) fn strike(&mut self, number: usize, service: &str, operation: &str) -> Option<Fault> {
        if let Some((at, fault)) = self.by_number
            && at == number
        {
            self.by_number = None;
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
