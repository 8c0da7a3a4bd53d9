//! Hold writes back at the clients, and let them through again exactly as before. Advisory: a point out of reach is recorded
//! and never blocks the recovery.

mod environment;
mod http;
mod rest;

use std::collections::{BTreeMap, BTreeSet};

use super::super::identifier::{Region, ResourceName};
use super::super::mutation::Mutation;
use super::super::non_empty::NonEmpty;
use super::super::observation::{HoldView, Sight};
use super::super::plan::{ApiMethod, ApiProtocol, HoldPoint, Reads};
use super::super::step::{Direction, EffectOutcome, Memory, SavedHold, StepKind, Unreached};
use super::{Decision, POLL, StepCase};
use crate::guard::{self, Guard};
use environment::Flag;

/// How often a point is tried before it is recorded as unreached. Holds are best effort, and an outage has better uses for time.
const TRIES: u32 = 2;
/// Why nothing is done at a point whose view is of another kind; two versions of the functions may meet for a moment.
const MISMATCH: &str = "what was read or saved of it belongs to another kind of point";

/// Decides on `hold_writes`.
pub(super) fn hold(case: StepCase<'_>, points: &[Sight<HoldView>]) -> Decision {
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return no_database(case);
    };
    let mut memory = case.record.memory.clone();
    let mut waiting = None;
    for (index, (point, sight)) in database.holds.iter().zip(points).enumerate() {
        let label = point.label();
        if given_up(&memory, &label) {
            continue;
        }
        let view = match sight {
            Sight::Found { found } => found,
            Sight::Absent | Sight::Unreached { .. } => {
                if note_unreached(&mut memory, &label, sight.why_not()) < TRIES && !case.overdue {
                    waiting = Some(format!("{label} is out of reach: {}", sight.why_not()));
                }
                continue;
            }
        };
        if is_updating(view) && !case.overdue {
            waiting = Some(format!("{label} is still taking an earlier update"));
            continue;
        }
        let (mutation, saved) = match close(point, view) {
            Closing::Closed => continue,
            Closing::Needed(mutation, saved) => (mutation, saved),
            Closing::Mismatch => {
                note_given_up(&mut memory, &label, MISMATCH);
                continue;
            }
        };
        if case.overdue {
            note_given_up(&mut memory, &label, "the step's budget ran out");
            continue;
        }
        if let Some((EffectOutcome::Refused { code, message, retryable: false, .. }, _)) =
            case.last_try(&mutation, Direction::Apply)
        {
            note_given_up(&mut memory, &label, &format!("{code}: {message}"));
            continue;
        }
        if !guard::removed(Guard::HoldSaved) {
            remember(&mut memory, index, saved);
        }
        if let Some(shortfall) = shortfall(point) {
            note(&mut memory, shortfall);
        }
        // A point that does not answer must not keep the next one open.
        match case.attempt(mutation, Direction::Apply, memory.clone(), format!("hold writes at {label}")) {
            Decision::Wait { reason, .. } => waiting = Some(reason),
            other => return other,
        }
    }
    if let Some(reason) = waiting {
        return Decision::Wait { memory, wait: POLL, reason };
    }
    let held = points.len().saturating_sub(memory.unreached.len());
    let reason = match memory.unreached.len() {
        0 => format!("writes are held at all {held} points (advisory: clients that bypass them still write)"),
        _ => {
            let list: Vec<String> =
                memory.unreached.iter().map(|(label, why)| format!("{label} ({})", why.reason)).collect();
            format!("writes are held at {held} of {} points; unreached: {}", points.len(), list.join("; "))
        }
    };
    Decision::Done { memory, reason }
}

/// Decides on `resume_writes`, and on the undo of `hold_writes`: both restore what the hold saved. A resume apart from a recovery
/// brings what earlier incidents saved in its own memory.
pub(super) fn resume(case: StepCase<'_>, direction: Direction, points: &[Sight<HoldView>]) -> Decision {
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return no_database(case);
    };
    let mut memory = case.record.memory.clone();
    let saved: BTreeMap<usize, SavedHold> =
        case.memory_of(StepKind::HoldWrites).map_or_else(|| memory.held.clone(), |hold| hold.held.clone());
    let mut waiting = None;
    let mut left = Vec::new();
    for (index, (point, sight)) in database.holds.iter().zip(points).enumerate().rev() {
        let Some(before) = saved.get(&index) else { continue };
        let label = point.label();
        let Sight::Found { found } = sight else {
            if case.overdue {
                left.push(format!("{label} is out of reach ({})", sight.why_not()));
            } else {
                waiting = Some(format!("{label} is out of reach: {}", sight.why_not()));
            }
            continue;
        };
        if is_updating(found) && !case.overdue {
            waiting = Some(format!("{label} is still taking an earlier update"));
            continue;
        }
        match restore(case, point, found, before) {
            Restoring::AsBefore => {}
            Restoring::ChangedByOthers(what) => {
                note(
                    &mut memory,
                    format!("{label} was changed by someone else during the incident ({what}); it was left so"),
                );
            }
            Restoring::Mismatch => left.push(format!("{label} was not touched, because {MISMATCH}")),
            Restoring::Needed(_) if case.overdue => left.push(format!("{label} still holds writes")),
            Restoring::Needed(mutations) => {
                for mutation in mutations {
                    // What has to wait or was refused does not keep the rest closed.
                    match case.attempt(mutation, direction, memory.clone(), format!("let writes through at {label}")) {
                        Decision::Wait { reason, .. } => waiting = Some(reason),
                        Decision::Refuse { reason, .. } => left.push(reason),
                        other => return other,
                    }
                }
            }
        }
    }
    if let Some(reason) = waiting {
        return Decision::Wait { memory, wait: POLL, reason };
    }
    if left.is_empty() {
        let count = saved.len();
        Decision::Done { memory, reason: format!("writes pass again at {count} points, each as it was before the hold") }
    } else {
        let reason = format!("writes could not be let through everywhere: {}; restore them by hand", left.join("; "));
        Decision::Stuck { memory, reason }
    }
}

/// What it takes to close a point.
enum Closing {
    Closed,
    /// This call, and what undo must know.
    Needed(Mutation, SavedHold),
    Mismatch,
}

/// What it takes to bring a point back.
enum Restoring {
    AsBefore,
    ChangedByOthers(String),
    /// These calls, in this order, one an attempt.
    Needed(Vec<Mutation>),
    Mismatch,
}

impl Restoring {
    fn unless_changed(foreign: &[&str]) -> Self {
        if foreign.is_empty() { Self::AsBefore } else { Self::ChangedByOthers(foreign.join(", ")) }
    }
}

/// A stage of an API, as the plan lists it.
#[derive(Clone, Copy)]
struct Stage<'a> {
    region: &'a Region,
    api: &'a ResourceName,
    name: &'a ResourceName,
    methods: &'a NonEmpty<ApiMethod>,
    reads: Reads,
}

impl Stage<'_> {
    /// The keys of the listed methods, in the one form in which adapters hand us both kinds of API: `POST /patients`.
    fn listed(&self) -> BTreeSet<String> {
        self.methods.iter().map(|method| format!("{} {}", method.verb(), method.path())).collect()
    }
}

/// A point with what its kind needs.
enum Kind<'a> {
    Rest(Stage<'a>),
    Http(Stage<'a>),
    Environment(Flag<'a>),
}

fn kind(point: &HoldPoint) -> Kind<'_> {
    match point {
        HoldPoint::ApiGatewayStage { protocol, api, stage, methods, reads, region } => {
            let stage = Stage { region, api, name: stage, methods, reads: *reads };
            match protocol {
                ApiProtocol::Rest => Kind::Rest(stage),
                ApiProtocol::Http => Kind::Http(stage),
            }
        }
        HoldPoint::LambdaEnvironment { function, variable, held, region } => {
            Kind::Environment(Flag { region, function, variable, held })
        }
    }
}

fn close(point: &HoldPoint, view: &HoldView) -> Closing {
    match (kind(point), view) {
        (Kind::Rest(stage), HoldView::Throttles { by_method }) => rest::close(stage, by_method),
        (Kind::Http(stage), HoldView::Routes { by_route }) => http::close(stage, by_route),
        (Kind::Environment(flag), HoldView::Variable { value, others, .. }) => {
            environment::close(flag, value.as_deref(), others)
        }
        _ => Closing::Mismatch,
    }
}

fn restore(case: StepCase<'_>, point: &HoldPoint, view: &HoldView, before: &SavedHold) -> Restoring {
    match (kind(point), view, before) {
        (Kind::Rest(stage), HoldView::Throttles { by_method }, SavedHold::Throttles { by_method: saved }) => {
            rest::restore(stage, by_method, saved)
        }
        (Kind::Http(stage), HoldView::Routes { by_route }, SavedHold::Routes { by_route: saved }) => {
            http::restore(case, stage, by_route, saved)
        }
        (Kind::Environment(flag), HoldView::Variable { value, others, .. }, SavedHold::Variable { value: saved }) => {
            environment::restore(flag, value.as_deref(), others, saved.as_deref())
        }
        _ => Restoring::Mismatch,
    }
}

fn shortfall(point: &HoldPoint) -> Option<String> {
    match kind(point) {
        Kind::Http(stage) => http::shortfall(stage),
        Kind::Rest(_) | Kind::Environment(_) => None,
    }
}

/// Keeps the first look at each method, which is what undo restores: a second try must not save our own half-applied hold as
/// "before", and a setting that appears in between has not been touched by us yet.
fn remember(memory: &mut Memory, index: usize, saved: SavedHold) {
    match (memory.held.get_mut(&index), saved) {
        (None, saved) => {
            memory.held.insert(index, saved);
        }
        (Some(SavedHold::Throttles { by_method: known }), SavedHold::Throttles { by_method }) => {
            keep_first(known, by_method)
        }
        (Some(SavedHold::Routes { by_route: known }), SavedHold::Routes { by_route }) => keep_first(known, by_route),
        (Some(_), _) => {}
    }
}

fn keep_first<V>(known: &mut BTreeMap<String, V>, seen: BTreeMap<String, V>) {
    for (key, value) in seen {
        known.entry(key).or_insert(value);
    }
}

fn note(memory: &mut Memory, text: String) {
    if !memory.notes.contains(&text) {
        memory.notes.push(text);
    }
}

fn is_updating(view: &HoldView) -> bool {
    matches!(view, HoldView::Variable { updating: true, .. })
}

fn given_up(memory: &Memory, label: &str) -> bool {
    memory.unreached.get(label).is_some_and(|unreached| unreached.times >= TRIES)
}

fn note_unreached(memory: &mut Memory, label: &str, why: &str) -> u32 {
    let entry = memory.unreached.entry(label.to_owned()).or_insert(Unreached { times: 0, reason: String::new() });
    entry.times += 1;
    why.clone_into(&mut entry.reason);
    entry.times
}

fn note_given_up(memory: &mut Memory, label: &str, why: &str) {
    memory.unreached.insert(label.to_owned(), Unreached { times: TRIES, reason: why.to_owned() });
}

fn no_database(case: StepCase<'_>) -> Decision {
    Decision::Refuse {
        memory: case.record.memory.clone(),
        reason: format!("{} is not a database of the plan, so it has no holds", case.record.step.component),
    }
}

#[cfg(test)]
mod tests;
