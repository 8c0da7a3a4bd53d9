//! Many incidents, each checked after every event; what is found is made as small as it can be.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;
use shared::domain::identifier::ScenarioName;
use shared::domain::plan::Plan;
#[cfg(feature = "guards-off")]
use shared::guard::Guard;

use super::case::Case;
use super::invariants::{Invariant, Violation, Watcher};
use super::simulation::Simulation;

/// How long an alarm may take to be declared before it counts as lost: Lambda gives it up after its third try.
const DECLARED_WITHIN: Duration = Duration::from_secs(600);
/// By how much an end may miss its deadline: the watchdog comes every minute, and may have been held back or cut off.
const LATEST_END: Duration = Duration::from_secs(900);

/// What came of one incident.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// How it ended: a declared end, `never_declared`, or `open`.
    pub end: String,
    /// What struck, by the fault's name.
    pub struck: BTreeMap<&'static str, u64>,
    /// What was violated.
    pub violations: Vec<Violation>,
}

/// A case that violates something.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The case, as it came.
    pub case: Case,
    /// The smallest part of it that still violates the same.
    pub smallest: Case,
    /// What it violates.
    pub violations: Vec<Violation>,
}

/// What came of many.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Incidents played.
    pub incidents: u64,
    /// How many of them violated something.
    pub violations: u64,
    /// Faults that really struck.
    pub by_fault: BTreeMap<String, u64>,
    /// In how many incidents each circumstance was: what struck, what happened besides, the disaster, the trigger, the person.
    pub by_circumstance: BTreeMap<String, u64>,
    /// How they ended.
    pub by_end: BTreeMap<String, u64>,
    /// What was violated, by invariant.
    pub by_invariant: BTreeMap<&'static str, u64>,
    /// Incidents a minute.
    pub per_minute: u64,
}

/// What to play, and on what.
#[derive(Debug, Clone)]
pub struct Campaign {
    /// The plan.
    pub plan: Plan,
    /// Its scenario.
    pub scenario: ScenarioName,
    /// How many findings are made small at most: one bug shows itself in many seeds.
    pub findings: usize,
    /// Guards that are taken out, to see that they are missed.
    #[cfg(feature = "guards-off")]
    pub removed: Vec<Guard>,
}

/// Plays one case to its end.
///
/// # Panics
/// Only when the simulation itself is broken: what the code under test panics at is a violation.
#[must_use]
pub fn play(campaign: &Campaign, case: &Case) -> Run {
    campaign.as_guarded(|| follow(case.set_up(&campaign.plan, &campaign.scenario), None))
}

/// Plays one case to its end, and tells everything that happened, a line each.
#[must_use]
pub fn play_aloud(campaign: &Campaign, case: &Case) -> Vec<String> {
    campaign.as_guarded(|| told(case.set_up(&campaign.plan, &campaign.scenario), None, true).1)
}

/// Follows a run to its end, and looks after every event.
pub(crate) fn follow(simulation: Simulation, watcher: Option<Watcher>) -> Run {
    told(simulation, watcher, false).0
}

fn told(simulation: Simulation, watcher: Option<Watcher>, aloud: bool) -> (Run, Vec<String>) {
    let mut watched = (simulation, None);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let (simulation, keep) = &mut watched;
        let watcher = keep.insert(watcher.unwrap_or_else(|| Watcher::new(simulation)));
        run_to_the_end(simulation, watcher)
    }));
    let (simulation, _) = &mut watched;
    let (end, mut violations) = match outcome {
        Ok(outcome) => outcome,
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
            let at = simulation.cloud.now();
            (
                "panicked".to_owned(),
                vec![Violation { invariant: Invariant::Ends, at, sentence: format!("it panicked: {said}") }],
            )
        }
    };
    violations.sort_by_key(|violation| violation.at);
    let struck = simulation.cloud.with(|state| {
        let mut struck: BTreeMap<&'static str, u64> = BTreeMap::new();
        for (_, fault) in &state.faults.struck {
            *struck.entry(fault.as_str()).or_default() += 1;
        }
        struck
    });
    (Run { end, struck, violations }, if aloud { simulation.trace() } else { Vec::new() })
}

fn run_to_the_end(simulation: &mut Simulation, watcher: &mut Watcher) -> (String, Vec<Violation>) {
    let mut until = simulation.cloud.now() + DECLARED_WITHIN;
    let mut latest = None;
    while !simulation.is_over() || simulation.has_something_to_come() {
        // A stuck incident that is tried again has another deadline.
        if let Some(incident) = simulation.latest_incident() {
            let run = Some((incident.id.clone(), incident.run()));
            if run != latest {
                until = incident.deadline + LATEST_END;
                latest = run;
            }
        }
        if !simulation.take_turn(until) {
            break;
        }
        watcher.look(simulation);
    }
    // What is still to be told is told by the watchdog, once nothing is in its way any more.
    simulation.clear_the_way();
    let settled = simulation.cloud.now() + Duration::from_secs(150);
    while simulation.take_turn(settled) {
        watcher.look(simulation);
    }
    let mut violations = watcher.finish(simulation, &simulation.ended_incidents());
    let Some(incident) = simulation.latest_incident() else { return ("never_declared".to_owned(), violations) };
    if !incident.status.is_end() {
        let at = simulation.cloud.now();
        let sentence = format!("{} is still {} after its deadline", incident.id, incident.status.as_str());
        violations.push(Violation { invariant: Invariant::Ends, at, sentence });
    }
    (incident.status.as_str().to_owned(), violations)
}

/// The smallest case with fewer strikes and happenings that still violates one of the same invariants.
#[must_use]
pub fn shrink(campaign: &Campaign, case: &Case, violations: &[Violation]) -> (Case, Vec<Violation>) {
    let wanted: Vec<Invariant> = violations.iter().map(|violation| violation.invariant).collect();
    let mut smallest = (case.clone(), violations.to_vec());
    loop {
        let candidates = smaller(&smallest.0);
        let found = candidates.into_iter().find_map(|candidate| {
            let run = play(campaign, &candidate);
            let same = run.violations.iter().any(|violation| wanted.contains(&violation.invariant));
            same.then_some((candidate, run.violations))
        });
        match found {
            Some(found) => smallest = found,
            None => return smallest,
        }
    }
}

/// Cases that differ from this one by less of something.
fn smaller(case: &Case) -> Vec<Case> {
    let plain = Case::plain(case.seed);
    let mut candidates = Vec::new();
    let mut offer = |candidate: Case| {
        if candidate != *case {
            candidates.push(candidate);
        }
    };
    for index in 0..case.strikes.len() {
        let mut candidate = case.clone();
        candidate.strikes.remove(index);
        offer(candidate);
    }
    for index in 0..case.happenings.len() {
        let mut candidate = case.clone();
        candidate.happenings.remove(index);
        offer(candidate);
    }
    offer(Case { setting: plain.setting.clone(), ..case.clone() });
    offer(Case { trigger: plain.trigger, ..case.clone() });
    offer(Case { person: plain.person, ..case.clone() });
    offer(Case { disaster: plain.disaster, ..case.clone() });
    candidates
}

/// Plays an incident once more, and makes it small.
#[must_use]
pub fn replay(campaign: &Campaign, case: &Case) -> (Run, Option<Finding>) {
    let run = play(campaign, case);
    if run.violations.is_empty() {
        return (run, None);
    }
    let (smallest, violations) = shrink(campaign, case, &run.violations);
    (run, Some(Finding { case: case.clone(), smallest, violations }))
}

impl Campaign {
    /// Incidents of this plan's scenario.
    #[must_use]
    pub fn of(plan: Plan, scenario: ScenarioName) -> Self {
        Self {
            plan,
            scenario,
            findings: 3,
            #[cfg(feature = "guards-off")]
            removed: Vec::new(),
        }
    }

    /// The same, for whoever only counts.
    #[must_use]
    pub fn without_shrinking(mut self) -> Self {
        self.findings = 0;
        self
    }

    #[cfg(feature = "guards-off")]
    pub(crate) fn as_guarded<T>(&self, work: impl FnOnce() -> T) -> T {
        shared::guard::without(&self.removed, work)
    }

    #[cfg(not(feature = "guards-off"))]
    pub(crate) fn as_guarded<T>(&self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// Plays the incidents of the seeds from `first` on, until `last` (included) or the time is over.
    #[must_use]
    pub fn run(&self, first: u64, last: u64, limit: Duration) -> (Summary, Vec<Finding>) {
        let seeds = AtomicU64::new(first);
        self.in_parallel(limit, || {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            (seed <= last).then(|| {
                let case = Case::from_seed(seed);
                let run = play(self, &case);
                (case, run)
            })
        })
    }

    /// Plays these incidents.
    #[must_use]
    pub fn run_these(&self, cases: &[Case], limit: Duration) -> (Summary, Vec<Finding>) {
        let next = AtomicUsize::new(0);
        self.in_parallel(limit, || {
            let case = cases.get(next.fetch_add(1, Ordering::Relaxed))?;
            Some((case.clone(), play(self, case)))
        })
    }

    /// Plays what `next` gives, on every core, until it gives nothing more or the time is over.
    pub(crate) fn in_parallel(
        &self,
        limit: Duration,
        next: impl Fn() -> Option<(Case, Run)> + Sync,
    ) -> (Summary, Vec<Finding>) {
        let began = Instant::now();
        let total = Mutex::new((Summary::default(), Vec::new()));
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
                scope.spawn(|| {
                    let mut mine = Summary::default();
                    while began.elapsed() < limit
                        && let Some((case, run)) = next()
                    {
                        mine.count(&case, &run);
                        if !run.violations.is_empty() {
                            let room = total.lock().is_ok_and(|total| total.1.len() < self.findings);
                            if room {
                                let (smallest, violations) = shrink(self, &case, &run.violations);
                                if let Ok(mut total) = total.lock() {
                                    total.1.push(Finding { case, smallest, violations });
                                }
                            }
                        }
                    }
                    if let Ok(mut total) = total.lock() {
                        total.0.add(mine);
                    }
                });
            }
        });
        let (mut summary, findings) = total.into_inner().unwrap_or_default();
        let seconds = began.elapsed().as_secs_f64().max(0.001);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
        let per_minute = (summary.incidents as f64 * 60.0 / seconds) as u64;
        summary.per_minute = per_minute;
        (summary, findings)
    }
}

impl Summary {
    fn count(&mut self, case: &Case, run: &Run) {
        self.incidents += 1;
        let struck = run.struck.keys().map(|fault| (*fault).to_owned());
        for circumstance in struck.chain(case.circumstances()).collect::<BTreeSet<_>>() {
            *self.by_circumstance.entry(circumstance).or_default() += 1;
        }
        self.violations += u64::from(!run.violations.is_empty());
        *self.by_end.entry(run.end.clone()).or_default() += 1;
        for (fault, count) in &run.struck {
            *self.by_fault.entry((*fault).to_owned()).or_default() += count;
        }
        let mut invariants: Vec<&'static str> =
            run.violations.iter().map(|violation| violation.invariant.number()).collect();
        invariants.sort_unstable();
        invariants.dedup();
        for invariant in invariants {
            *self.by_invariant.entry(invariant).or_default() += 1;
        }
    }

    /// Takes in what another campaign found.
    pub fn add(&mut self, other: Self) {
        self.incidents += other.incidents;
        self.violations += other.violations;
        let sum = |into: &mut BTreeMap<String, u64>, from: BTreeMap<String, u64>| {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        };
        sum(&mut self.by_fault, other.by_fault);
        sum(&mut self.by_circumstance, other.by_circumstance);
        sum(&mut self.by_end, other.by_end);
        for (key, count) in other.by_invariant {
            *self.by_invariant.entry(key).or_default() += count;
        }
    }
}
