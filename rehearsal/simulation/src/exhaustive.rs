//! What can be counted out is played whole: every fault at every call, pairs of them, every command at every turn.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::events::request::CommandName;

use super::accounting::PortCall;
use super::campaign::{Campaign, Finding, Summary, follow};
use super::case::{Case, Happening, Strike};
use super::faults::Fault;
use super::invariants::Watcher;
use super::simulation::Simulation;
use super::standing::Standings;

/// A run as it stood before some calls, and those calls.
struct Turn {
    before: (Simulation, Watcher),
    calls: Vec<PortCall>,
}

/// Follows a run, and keeps what it was before each of its turns.
fn turns_of(start: &(Simulation, Watcher)) -> Vec<Turn> {
    let (mut run, mut watcher) = (start.0.fork(), start.1.clone());
    let far = run.cloud.now() + Duration::from_secs(5 * 3_600);
    let mut turns = Vec::new();
    while !run.is_over() {
        let before = (run.fork(), watcher.clone());
        let from = run.call_count();
        if !run.take_turn(far) {
            break;
        }
        watcher.look(&run);
        let calls = run.cloud.with(|state| state.calls[from..].to_vec());
        if !calls.is_empty() {
            turns.push(Turn { before, calls });
        }
    }
    turns
}

/// Calls that leave nothing behind.
fn leaves_something(call: &PortCall) -> bool {
    !(call.operation.starts_with("Get")
        || call.operation.starts_with("Describe")
        || ["Connect", "Query"].contains(&call.operation))
}

/// Whether this fault is another one here than those that are tried anyway: to die before a call is to die after the one before it,
/// unless it is an invocation's first; of a call that leaves nothing behind it does not matter which way was lost; and only
/// describe calls show what was.
fn is_a_case_of_its_own(fault: Fault, call: &PortCall, turn: &Turn) -> bool {
    match fault {
        Fault::KilledBefore => leaves_something(call) || turn.calls.first().is_some_and(|first| first.number == call.number),
        Fault::RequestLost | Fault::DoubledAfter | Fault::TimedOut | Fault::Late => leaves_something(call),
        Fault::Stale => call.service == "rds" && call.operation.starts_with("Describe"),
        // Refused for good is an end of its own for whatever is no mutation: the other faults cover it.
        Fault::Refused => call.label.as_ref().is_some_and(|label| !label.ends_with("#0")),
        _ => true,
    }
}

/// Whether this fault at this call leads to what no other one of the turn leads to, but for milliseconds and words. A process that
/// dies between two reads leaves what one leaves that dies after the second. A read that fails is a sight that is missing, and a
/// journal that cannot be read or written ends the invocation, whatever it said: one error stands for all of them, and of several
/// reads of the journal in a row the last one for the others.
fn differs_in_a_pair(fault: Fault, call: &PortCall, turn: &Turn) -> bool {
    let of_journal = |call: &PortCall| call.service == "dynamodb";
    let next = turn.calls.iter().find(|next| next.number == call.number + 1);
    let starts = turn.calls.iter().any(|call| call.service == "states");
    let reads_on = !leaves_something(call) && next.is_some_and(|next| !leaves_something(next));
    match fault {
        Fault::KilledAfter => !reads_on,
        // What starts an execution goes on with the next incident when it cannot read one.
        Fault::ReplyLost => starts || !(reads_on && of_journal(call) && next.is_some_and(of_journal)),
        Fault::Throttled | Fault::ServerError => leaves_something(call) && !of_journal(call),
        _ => true,
    }
}

/// A fault that may strike: in this turn of a run, at this call.
type Job = (usize, usize, Fault);

/// The turns of a run, and what may strike in them.
struct Jobs {
    turns: Vec<Turn>,
    jobs: Vec<Job>,
}

impl Jobs {
    /// Everything that may strike `start`.
    fn of(start: &(Simulation, Watcher), faults: &[Fault]) -> Self {
        let turns = turns_of(start);
        let mut jobs = Vec::new();
        for (index, turn) in turns.iter().enumerate() {
            for call in &turn.calls {
                let own = faults.iter().filter(|fault| is_a_case_of_its_own(**fault, call, turn));
                jobs.extend(own.map(|fault| (index, call.number, *fault)));
            }
        }
        Self { turns, jobs }
    }

    /// As one of a pair: what differs in one, after the call `after`, in turns before which no run stood alike.
    fn of_pairs(start: &(Simulation, Watcher), faults: &[Fault], after: Option<usize>, standings: &mut Standings) -> Self {
        let Self { turns, mut jobs } = Self::of(start, faults);
        let known: Vec<bool> = turns.iter().map(|turn| standings.know(&turn.before.0)).collect();
        jobs.retain(|(index, number, fault)| {
            let turn = &turns[*index];
            let call = turn.calls.iter().find(|call| call.number == *number);
            !known[*index]
                && after.is_none_or(|after| *number > after)
                && call.is_some_and(|call| differs_in_a_pair(*fault, call, turn))
        });
        Self { turns, jobs }
    }

    /// The run as it stood before this job's turn, struck.
    fn struck(&self, (turn, call, fault): Job) -> (Simulation, Watcher) {
        let (before, watcher) = &self.turns[turn].before;
        let mut run = before.fork();
        run.strike(call, fault);
        (run, watcher.clone())
    }
}

/// What may strike after a first strike, and which of it comes next.
struct Seconds {
    struck: Case,
    jobs: Arc<Jobs>,
    next: usize,
}

/// Which of all pairs to play: each so-many-th second fault, beginning at another one for each part. All parts from 0 below `every`
/// together are all pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// How many second faults lie from one that is tried to the next.
    pub every: NonZeroUsize,
    /// Which of these parts.
    pub part: usize,
}

impl Campaign {
    /// Tries each of these faults at every call of `case`; or, with `pairs`, each that makes a difference in a pair, and that share of
    /// the second ones that can follow it. At most `limit` long.
    #[must_use]
    pub fn exhaust(&self, case: &Case, faults: &[Fault], pairs: Option<Share>, limit: Duration) -> (Summary, Vec<Finding>) {
        let calm = case.calm(&self.plan, &self.scenario);
        let first = calm.call_count();
        let start = (case.set_up(&self.plan, &self.scenario), Watcher::new(&calm));
        let mut standings = Standings::default();
        let singles =
            if pairs.is_some() { Jobs::of_pairs(&start, faults, None, &mut standings) } else { Jobs::of(&start, faults) };
        let with = |case: &Case, call: usize, fault: Fault| {
            let mut case = case.clone();
            case.strikes.push(Strike { call: call - first, fault });
            case
        };
        // One lock for both: who comes first decides what a run adds to how runs have stood, and every part has to see the same.
        let next_single = Mutex::new((0, standings));
        let waiting: Mutex<Vec<Seconds>> = Mutex::new(Vec::new());
        let next_second = || {
            let mut waiting = waiting.lock().ok()?;
            loop {
                let seconds = waiting.last_mut()?;
                let Some(job) = seconds.jobs.jobs.get(seconds.next).copied() else {
                    waiting.pop();
                    continue;
                };
                seconds.next += pairs.map_or(1, |share| share.every.get());
                return Some((with(&seconds.struck, job.1, job.2), seconds.jobs.clone(), job));
            }
        };
        self.in_parallel(limit, || {
            if let Some((case, jobs, job)) = next_second() {
                let (run, watcher) = jobs.struck(job);
                return Some((case, self.as_guarded(|| follow(run, Some(watcher)))));
            }
            let mut next = next_single.lock().ok()?;
            let index = next.0;
            next.0 += 1;
            let job = *singles.jobs.get(index)?;
            let struck = with(case, job.1, job.2);
            let (run, watcher) = singles.struck(job);
            if let Some(Share { every, part }) = pairs {
                let start = (run.fork(), watcher.clone());
                let jobs = self.as_guarded(|| Jobs::of_pairs(&start, faults, Some(job.1), &mut next.1));
                // Not the same share of each: together they are spread over all of them.
                let seconds = Seconds { struck: struck.clone(), jobs: Arc::new(jobs), next: (index + part) % every };
                waiting.lock().ok()?.push(seconds);
            }
            drop(next);
            Some((struck, self.as_guarded(|| follow(run, Some(watcher)))))
        })
    }

    /// Gives every command of the operator at every turn of `case`, and at some moments after its end.
    #[must_use]
    pub fn order_at_every_turn(&self, case: &Case, limit: Duration) -> (Summary, Vec<Finding>) {
        let calm = case.calm(&self.plan, &self.scenario);
        let (began, watcher) = (calm.cloud.now(), Watcher::new(&calm));
        let turns = turns_of(&(case.set_up(&self.plan, &self.scenario), watcher));
        let since = |turn: &Turn| turn.before.0.cloud.now().duration_since(began).as_millis();
        let mut moments: BTreeSet<u64> = turns.iter().filter_map(|turn| u64::try_from(since(turn)).ok()).collect();
        let end = moments.last().copied().unwrap_or_default();
        moments.extend([1, 30, 90, 600].map(|after| end + 1_000 * after));
        let cases: Vec<Case> = moments
            .iter()
            .flat_map(|moment| CommandName::ALL.map(|command| (*moment, Happening::Ordered(command))))
            .map(|happening| Case { happenings: [case.happenings.clone(), vec![happening]].concat(), ..case.clone() })
            .collect();
        self.run_these(&cases, limit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::domain::identifier::ScenarioName;

    use super::*;
    use crate::platform::healthcare_plan;

    /// The mutations that are made from this turn on.
    fn made_since(turns: &[Turn]) -> Vec<(&'static str, &str)> {
        let calls = turns.iter().flat_map(|turn| &turn.calls).filter(|call| call.label.is_some() && leaves_something(call));
        calls.map(|call| (call.operation, call.resource.as_str())).collect()
    }

    /// Pairs of faults rest on it: the second one is left out where it would strike a run that stands as another one did.
    #[test]
    fn runs_that_stand_alike_do_the_same_from_there_on_and_end_alike() {
        let campaign = Campaign::of(healthcare_plan(), ScenarioName::new("database_failure").unwrap());
        let case = Case::plain(1);
        let calm = case.calm(&campaign.plan, &campaign.scenario);
        let start = (case.set_up(&campaign.plan, &campaign.scenario), Watcher::new(&calm));
        let end = follow(start.0.fork(), Some(start.1.clone())).end;
        let singles = Jobs::of(&start, &Fault::ALL);
        let unstruck: BTreeMap<u64, usize> = singles
            .turns
            .iter()
            .enumerate()
            .rev()
            .filter_map(|(index, turn)| Some((turn.before.0.standing()?, index)))
            .collect();
        let (mut tried, mut alike) = (0, 0);
        for job in singles.jobs.iter().step_by(41) {
            tried += 1;
            let (run, watcher) = singles.struck(*job);
            let turns = turns_of(&(run.fork(), watcher.clone()));
            let struck = turns.iter().position(|turn| turn.calls.iter().any(|call| call.number > job.1));
            let first = struck.and_then(|struck| {
                let after = turns.iter().enumerate().skip(struck + 1);
                after.filter_map(|(index, turn)| Some((index, *unstruck.get(&turn.before.0.standing()?)?))).next()
            });
            let Some((index, as_before)) = first else { continue };
            alike += 1;
            assert_eq!(made_since(&turns[index..]), made_since(&singles.turns[as_before..]), "{job:?}");
            assert_eq!(follow(run, Some(watcher)).end, end, "{job:?}");
        }
        assert!(alike * 2 > tried, "only {alike} of {tried} struck runs ever stand as the unstruck one does");
    }
}
