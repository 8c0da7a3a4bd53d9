//! Hold writes back at the clients, and let them through again exactly as before. Advisory: a point out of reach is recorded
//! and never blocks the recovery.

use std::collections::BTreeMap;

use super::super::mutation::{Mutation, PatchOperation, RouteThrottle};
use super::super::observation::{HoldView, Sight};
use super::super::plan::{ApiMethod, ApiProtocol, HoldPoint, Reads};
use super::super::step::{Direction, EffectOutcome, Memory, SavedHold, StepKind, Throttle, Unreached};
use super::{Decision, POLL, StepCase};

/// How often a point is tried before it is recorded as unreached. Holds are best effort, and an outage has better uses for time.
const TRIES: u32 = 2;
/// The key under which a stage keeps the settings of all its methods.
const EVERY_METHOD: &str = "*/*";
/// No request passes.
const CLOSED: Throttle = Throttle { rate: 0.0, burst: 0 };

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
        let Some((mutation, saved)) = change_to_hold(point, view) else { continue };
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
        // The first look is what undo restores; a second try must not save our own half-applied hold as "before".
        memory.held.entry(index).or_insert(saved);
        return case.attempt(mutation, Direction::Apply, memory, format!("hold writes at {label}"));
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

/// Decides on `resume_writes`, and on the undo of `hold_writes`: both restore what the hold saved.
pub(super) fn resume(case: StepCase<'_>, direction: Direction, points: &[Sight<HoldView>]) -> Decision {
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return no_database(case);
    };
    let mut memory = case.record.memory.clone();
    let saved: BTreeMap<usize, SavedHold> =
        case.memory_of(StepKind::HoldWrites).map(|hold| hold.held.clone()).unwrap_or_default();
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
        match change_to_resume(point, found, before) {
            Restoring::AsBefore => {}
            Restoring::ChangedByOthers(what) => {
                let note = format!("{label} was changed by someone else during the incident ({what}); it was left so");
                if !memory.notes.contains(&note) {
                    memory.notes.push(note);
                }
            }
            Restoring::Needed(_) if case.overdue => left.push(format!("{label} still holds writes")),
            Restoring::Needed(mutation) => {
                return match case.attempt(mutation, direction, memory, format!("let writes through at {label}")) {
                    Decision::Refuse { memory, reason } => Decision::Stuck { memory, reason },
                    other => other,
                };
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

enum Restoring {
    AsBefore,
    ChangedByOthers(String),
    Needed(Mutation),
}

fn change_to_hold(point: &HoldPoint, view: &HoldView) -> Option<(Mutation, SavedHold)> {
    match (point, view) {
        (HoldPoint::ApiGatewayStage { protocol, api, stage, methods, reads, region }, HoldView::Throttles { by_method }) => {
            let mut keys: Vec<String> = methods.iter().map(|method| method_key(*protocol, method)).collect();
            if *reads == Reads::Stopped {
                // A method's own setting wins over the stage's, so each that has one is closed too.
                keys.extend(by_method.keys().cloned());
                keys.push(EVERY_METHOD.to_owned());
                keys.sort();
                keys.dedup();
            }
            let open: Vec<&String> = keys.iter().filter(|key| by_method.get(*key) != Some(&CLOSED)).collect();
            if open.is_empty() {
                return None;
            }
            let before = keys.iter().map(|key| (key.clone(), by_method.get(key).copied())).collect();
            let wanted: Vec<(String, Option<Throttle>)> = keys.iter().map(|key| (key.clone(), Some(CLOSED))).collect();
            let mutation = match protocol {
                ApiProtocol::Rest => Mutation::PatchRestStage {
                    region: region.clone(),
                    api: api.clone(),
                    stage: stage.clone(),
                    operations: patches(&wanted),
                },
                ApiProtocol::Http => Mutation::PutHttpRouteSettings {
                    region: region.clone(),
                    api: api.clone(),
                    stage: stage.clone(),
                    routes: routes(by_method, &wanted),
                },
            };
            Some((mutation, SavedHold::Throttles { by_method: before }))
        }
        (HoldPoint::LambdaEnvironment { function, variable, held, region }, HoldView::Variable { value, others, .. }) => {
            if value.as_deref() == Some(held.as_str()) {
                return None;
            }
            let mutation = Mutation::SetFunctionVariable {
                region: region.clone(),
                function: function.clone(),
                variable: variable.clone(),
                value: Some(held.clone()),
                kept: others.clone(),
            };
            Some((mutation, SavedHold::Variable { value: value.clone() }))
        }
        _ => None,
    }
}

fn change_to_resume(point: &HoldPoint, view: &HoldView, before: &SavedHold) -> Restoring {
    match (point, view, before) {
        (
            HoldPoint::ApiGatewayStage { protocol, api, stage, region, .. },
            HoldView::Throttles { by_method },
            SavedHold::Throttles { by_method: saved },
        ) => {
            if saved.iter().all(|(key, throttle)| by_method.get(key) == throttle.as_ref()) {
                return Restoring::AsBefore;
            }
            let foreign: Vec<&str> = saved
                .iter()
                .filter(|(key, throttle)| {
                    let now = by_method.get(*key);
                    now != Some(&CLOSED) && now != throttle.as_ref()
                })
                .map(|(key, _)| key.as_str())
                .collect();
            let wanted: Vec<(String, Option<Throttle>)> = saved
                .iter()
                .filter(|(key, throttle)| by_method.get(*key) == Some(&CLOSED) && by_method.get(*key) != throttle.as_ref())
                .map(|(key, throttle)| (key.clone(), *throttle))
                .collect();
            if wanted.is_empty() {
                return Restoring::ChangedByOthers(foreign.join(", "));
            }
            Restoring::Needed(match protocol {
                ApiProtocol::Rest => Mutation::PatchRestStage {
                    region: region.clone(),
                    api: api.clone(),
                    stage: stage.clone(),
                    operations: patches(&wanted),
                },
                ApiProtocol::Http => Mutation::PutHttpRouteSettings {
                    region: region.clone(),
                    api: api.clone(),
                    stage: stage.clone(),
                    routes: routes(by_method, &wanted),
                },
            })
        }
        (
            HoldPoint::LambdaEnvironment { function, variable, held, region },
            HoldView::Variable { value, others, .. },
            SavedHold::Variable { value: saved },
        ) => {
            if value == saved {
                Restoring::AsBefore
            } else if value.as_deref() == Some(held.as_str()) {
                Restoring::Needed(Mutation::SetFunctionVariable {
                    region: region.clone(),
                    function: function.clone(),
                    variable: variable.clone(),
                    value: saved.clone(),
                    kept: others.clone(),
                })
            } else {
                Restoring::ChangedByOthers(variable.to_string())
            }
        }
        _ => Restoring::AsBefore,
    }
}

/// The key of a method's settings, in the one form that the adapters hand us: `POST /patients` for both kinds of API.
fn method_key(_protocol: ApiProtocol, method: &ApiMethod) -> String {
    format!("{} {}", method.verb(), method.path())
}

/// The patch list of a REST API's UpdateStage: `/{resourcePath}/{httpMethod}/throttling/…`, slashes of the path as `~1`. A
/// method's settings can only be removed as a whole; API Gateway refuses the removal of one field.
fn patches(wanted: &[(String, Option<Throttle>)]) -> Vec<PatchOperation> {
    let mut operations = Vec::new();
    for (key, throttle) in wanted {
        let base = patch_base(key);
        match throttle {
            Some(throttle) => {
                operations.push(PatchOperation {
                    op: "replace".to_owned(),
                    path: format!("{base}/throttling/rateLimit"),
                    value: Some(decimal(throttle.rate)),
                });
                operations.push(PatchOperation {
                    op: "replace".to_owned(),
                    path: format!("{base}/throttling/burstLimit"),
                    value: Some(throttle.burst.to_string()),
                });
            }
            None => operations.push(PatchOperation { op: "remove".to_owned(), path: base, value: None }),
        }
    }
    operations
}

fn patch_base(key: &str) -> String {
    match key.split_once(' ') {
        Some((verb, path)) => format!("/{}/{verb}", path.replace('~', "~0").replace('/', "~1")),
        None => format!("/{key}"),
    }
}

/// All routes' settings after the change: UpdateStage of an HTTP API replaces the map.
fn routes(present: &BTreeMap<String, Throttle>, wanted: &[(String, Option<Throttle>)]) -> Vec<RouteThrottle> {
    let mut after: BTreeMap<String, Option<Throttle>> =
        present.iter().map(|(route, throttle)| (route.clone(), Some(*throttle))).collect();
    after.extend(wanted.iter().cloned());
    after
        .into_iter()
        .map(|(route, throttle)| RouteThrottle {
            route,
            throttle: throttle.map(|throttle| (decimal(throttle.rate), throttle.burst)),
        })
        .collect()
}

/// A rate as the API writes it: whole numbers without a fraction.
fn decimal(rate: f64) -> String {
    format!("{rate}")
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
