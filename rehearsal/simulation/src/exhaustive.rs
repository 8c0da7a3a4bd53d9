//! What can be counted out is played whole: every fault at every call, pairs of them, every command at every turn.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shared::domain::step::FunctionName;
use shared::events::request::CommandName;

use super::accounting::PortCall;
use super::campaign::{Campaign, Finding, Summary, follow};
use super::case::{Case, Happening, Strike};
use super::faults::Fault;
use super::invariants::Watcher;
use super::simulation::Simulation;

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

/// What a turn does. One that does what the two before and the two after it do is a look in the middle of a long wait: of such looks
/// the first two and the last two stand for all.
fn is_mid_wait(turns: &[Turn], index: usize) -> bool {
    let does = |turn: &Turn| -> Vec<(Option<FunctionName>, &'static str, String, Option<String>)> {
        turn.calls.iter().map(|call| (call.function, call.operation, call.resource.clone(), call.label.clone())).collect()
    };
    let around = index.checked_sub(2).and_then(|first| turns.get(first..=index + 2));
    around.is_some_and(|around| around.windows(2).all(|pair| does(&pair[0]) == does(&pair[1])))
}

/// How much of a run is struck when it is one of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pairs {
    /// It is none of a pair.
    None,
    /// Every turn.
    Whole,
    /// Every turn but those in the middle of a long wait.
    Shortened,
}

/// A fault that may strike: in this turn of a run, at this call.
type Job = (usize, usize, Fault);

/// The turns of a run, and what may strike in them.
struct Jobs {
    turns: Vec<Turn>,
    jobs: Vec<Job>,
}

impl Jobs {
    /// What may strike `start` after the call `after`; in pairs, only what differs in one.
    fn of(start: &(Simulation, Watcher), faults: &[Fault], after: Option<usize>, pairs: Pairs) -> Self {
        let turns = turns_of(start);
        let mut jobs = Vec::new();
        let skipped = |index: usize| pairs == Pairs::Shortened && is_mid_wait(&turns, index);
        for (index, turn) in turns.iter().enumerate().filter(|(index, _)| !skipped(*index)) {
            for call in turn.calls.iter().filter(|call| after.is_none_or(|after| call.number > after)) {
                let own = faults.iter().filter(|fault| {
                    is_a_case_of_its_own(**fault, call, turn)
                        && (pairs == Pairs::None || differs_in_a_pair(**fault, call, turn))
                });
                jobs.extend(own.map(|fault| (index, call.number, *fault)));
            }
        }
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
        let singles = Jobs::of(&start, faults, None, if pairs.is_some() { Pairs::Shortened } else { Pairs::None });
        let with = |case: &Case, call: usize, fault: Fault| {
            let mut case = case.clone();
            case.strikes.push(Strike { call: call - first, fault });
            case
        };
        let next_single = Mutex::new(0);
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
            let index = {
                let mut next = next_single.lock().ok()?;
                *next += 1;
                *next - 1
            };
            let job = *singles.jobs.get(index)?;
            let struck = with(case, job.1, job.2);
            let (run, watcher) = singles.struck(job);
            if let Some(Share { every, part }) = pairs {
                // A late request changes the world while nobody calls: then no two turns of a wait are alike.
                let after = if job.2 == Fault::Late { Pairs::Whole } else { Pairs::Shortened };
                let jobs = self.as_guarded(|| Jobs::of(&(run.fork(), watcher.clone()), faults, Some(job.1), after));
                // Not the same share of each: together they are spread over all of them.
                let seconds = Seconds { struck: struck.clone(), jobs: Arc::new(jobs), next: (index + part) % every };
                waiting.lock().ok()?.push(seconds);
            }
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
