//! Puts faults in force, and says afterwards what they struck.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rehearsal::stage::Stage;
use rehearsal::wire::faults::{FaultAction, FaultId, FaultRule, Nth, Selector};
use serde::Serialize;
use shared::domain::call::Call;

use super::grammar::{Act, Fault};
use super::table::{End, Kind};

/// What a fault did, for the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultOutcome {
    /// As it was asked for.
    pub fault: String,
    /// What it does, as a sentence.
    pub happens: &'static str,
    /// The declared ends that are good.
    pub good_ends: &'static [End],
    /// How often it struck. 0: the drill rehearsed nothing.
    pub struck: u64,
    /// Where.
    pub strikes: Vec<Strike>,
    /// What it was to strike and did not.
    pub missed: Vec<String>,
}

impl FaultOutcome {
    /// Whether it struck everything that it was to strike.
    #[must_use]
    pub fn is_struck(&self) -> bool {
        self.struck > 0 && self.missed.is_empty()
    }
}

/// One place where a fault struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Strike {
    /// Step, operation and Region, or whatever else there is to say.
    pub what: String,
    /// How often.
    pub times: u64,
}

/// The faults of one drill.
#[derive(Debug, Default)]
pub(in crate::drill) struct Injection {
    faults: Vec<Fault>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mark: u64,
    /// The rules of each fault, in the faults' order, each with what it is to strike.
    rules: Vec<Vec<(FaultId, String)>>,
    /// What strikes besides the wire's rules, by the fault's place.
    others: BTreeMap<(usize, String), u64>,
}

impl Injection {
    /// Of these faults, none of them in force yet.
    pub(in crate::drill) fn new(faults: Vec<Fault>) -> Self {
        Self { faults, state: Mutex::default() }
    }

    /// Whether nothing is to break besides the database.
    pub(in crate::drill) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults with their places.
    pub(in crate::drill) fn faults(&self) -> impl Iterator<Item = (usize, &Fault)> {
        self.faults.iter().enumerate()
    }

    /// Puts every fault in force that strikes on the wire or in the world. The prediction, which says what is to be struck, is
    /// made before: it has to be what an undisturbed recovery would do.
    pub(in crate::drill) fn put_in_force(&self, stage: &Stage, account: &str, predicted: &[Call]) {
        let mut state = self.state();
        state.mark = stage.log.mark();
        for fault in &self.faults {
            let rules = rules_of(fault, predicted).into_iter().map(|rule| {
                let what = subject(&rule.select);
                let rule = FaultRule { select: rule.select.sparing(account), ..rule };
                (stage.faults.add(rule), what)
            });
            state.rules.push(rules.collect());
            if let Act::RegionDark(region) = &fault.act {
                stage.world().region_dark(region, true, stage.now());
            }
        }
    }

    /// Counts a strike that is none of the wire's rules.
    pub(in crate::drill) fn strike(&self, fault: usize, what: &str) {
        *self.state().others.entry((fault, what.to_owned())).or_default() += 1;
    }

    /// What each fault did.
    pub(in crate::drill) fn outcomes(&self, stage: &Stage) -> Vec<FaultOutcome> {
        let state = self.state();
        let records = stage.log.records_since(state.mark);
        let outcome = |(index, fault): (usize, &Fault)| {
            let mut strikes: BTreeMap<String, u64> = BTreeMap::new();
            for record in records.iter().filter(|record| record.fault.as_deref() == Some(fault.to_string().as_str())) {
                let step = record.step.as_deref().unwrap_or("the engine itself");
                let what = format!("{step}: {}:{} in {}", record.service, record.operation, record.region);
                *strikes.entry(what).or_default() += 1;
            }
            for ((_, what), times) in state.others.iter().filter(|((of, _), _)| *of == index) {
                *strikes.entry(what.clone()).or_default() += times;
            }
            let rules = state.rules.get(index).map(Vec::as_slice).unwrap_or_default();
            let missed = rules.iter().filter(|(id, _)| stage.faults.fired(*id) == 0).map(|(_, what)| what.clone());
            let row = fault.kind().row();
            FaultOutcome {
                fault: fault.to_string(),
                happens: row.happens,
                good_ends: row.ends,
                struck: strikes.values().sum(),
                strikes: strikes.into_iter().map(|(what, times)| Strike { what, times }).collect(),
                missed: missed.collect(),
            }
        };
        self.faults().map(outcome).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The wire's rules of a fault; the prediction says which calls change something.
pub(crate) fn rules_of(fault: &Fault, predicted: &[Call]) -> Vec<FaultRule> {
    let rule = |select: Selector, action: FaultAction| FaultRule::new(&fault.to_string(), select, action);
    match &fault.act {
        Act::Calls { kind, operation, count, seconds } => {
            let selectors = match operation {
                Some(operation) => vec![Selector { operation: Some(operation.clone()), ..Selector::default() }],
                None => predicted.iter().map(exactly).collect(),
            };
            let action = match kind {
                Kind::Throttle => FaultAction::Throttle,
                Kind::ServerError => FaultAction::ServerError(500),
                Kind::ReplyLost => FaultAction::ReplyLost,
                Kind::Slow => FaultAction::DelayReply(Duration::from_secs(*seconds)),
                _ => FaultAction::Reset,
            };
            selectors.into_iter().map(|select| rule(select.nth(Nth::First(*count)), action.clone())).collect()
        }
        Act::RegionDark(region) => vec![FaultRule { name: fault.to_string(), ..FaultRule::region_dark(region) }],
        Act::ControlPlaneDark { service, region } => {
            vec![FaultRule { name: fault.to_string(), ..FaultRule::control_plane_dark(service, region) }]
        }
        Act::KillAfter(steps) => {
            let selectors = steps.iter().flat_map(|step| changes_or_first_call(step, predicted));
            selectors.map(|select| rule(select, FaultAction::KillCallerAfterEffect)).collect()
        }
        Act::Timeout(step) => {
            let first = changes_or_first_call(step, predicted).into_iter().next();
            first.map(|select| rule(select, FaultAction::StopCallerAfterEffect)).into_iter().collect()
        }
        Act::StopExecution(_) | Act::AlarmAgain(_) => Vec::new(),
    }
}

/// Each changing call of a step once; the step's first call where it changes nothing.
fn changes_or_first_call(step: &str, predicted: &[Call]) -> Vec<Selector> {
    let once = Nth::First(1);
    let changes: Vec<Selector> =
        predicted.iter().filter(|call| call.step.as_str() == step).map(|call| exactly(call).nth(once)).collect();
    if changes.is_empty() { vec![Selector::default().of_step(step).nth(once)] } else { changes }
}

fn exactly(call: &Call) -> Selector {
    let of_step = Selector::operation(&call.service, &call.operation).of_step(call.step.as_str());
    of_step.in_region(call.region.as_str()).on(&call.resource)
}

/// What a rule is about, for people.
fn subject(select: &Selector) -> String {
    let text = |part: &Option<String>| part.clone();
    let operation = text(&select.operation).unwrap_or_else(|| "any call".to_owned());
    match (&select.step, &select.resource) {
        (Some(step), Some(resource)) => format!("{step}: {operation} on {resource}"),
        (Some(step), None) => format!("{step}: {operation}"),
        _ => operation,
    }
}
