//! The gate before a promotion, and the promotion. One way: after the first intent, nothing here answers "refused" unless the
//! service itself said that nothing happened.

use super::super::consent::{Case, Consent, consent};
use super::super::duration::Seconds;
use super::super::incident::Mode;
use super::super::loss_bound::{FenceProof, LossBound};
use super::super::mutation::Mutation;
use super::super::observation::{Connection, InstanceView, LagSample, Sight};
use super::super::plan::{RdsInstance, SiteName};
use super::super::step::{Direction, EffectOutcome, InstanceBefore, Memory, Unreached};
use super::{Decision, Fence, POLL, StepCase};

/// How long a promotion whose answer never came may take to show before it is sent again. RDS keeps the old status for a while
/// after accepting one; sending it a second time is refused (InvalidDBInstanceState) and harmless, but noise.
const UNANSWERED_PROMOTION: Seconds = Seconds(120);
/// How long a figure of the lag is looked for before its absence is taken for an answer. A read that fails once must not wake a
/// person, and then wait for one.
const FIGURE_AWAITED: Seconds = Seconds(30);
/// How often a fence that was proven is looked for before it counts as gone.
const LOOKS: u32 = 6;
const SIGHT_OF_THE_FENCE: &str = "sight of the old primary's fence";

/// How long a graceful switchover waits for the replica, whatever the gate's budget. RDS closes a log segment every five minutes
/// whether or not anybody writes, and the figure that shows it is taken once a minute and published late: a replica that has
/// everything shows so within seven minutes.
const CAUGHT_UP_WITHIN: Seconds = Seconds(8 * 60);

/// Why the plan's replica must not be promoted for its primary, where it is somebody else's.
fn of_another(case: StepCase<'_>, database: &RdsInstance, replica: &InstanceView) -> Option<String> {
    let why_not = replica.of_another(case.plan.region(SiteName::Primary), &database.primary.id)?;
    Some(format!("{} must not be promoted: {why_not}", database.recovery.id))
}

/// Decides on `gate: { loss_bound }`.
pub(super) fn gate(
    case: StepCase<'_>,
    replica: &Sight<InstanceView>,
    fence: Fence<'_>,
    lag: Option<&LagSample>,
) -> Decision {
    let mut memory = case.record.memory.clone();
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return Decision::Refuse { memory, reason: format!("{} is not a database of the plan", case.record.step.component) };
    };
    let id = &database.recovery.id;
    match replica {
        Sight::Found { found } if !found.is_standalone() => {
            if let Some(why_not) = of_another(case, database, found) {
                return Decision::Refuse { memory, reason: why_not };
            }
        }
        Sight::Found { .. } => {
            // It was a replica when the course was chosen: somebody promoted it since. Undoing now would make two primaries.
            memory.found_promoted = true;
            let reason = format!("{id} was promoted by somebody else during the incident, so nothing is undone");
            return Decision::Stuck { memory, reason };
        }
        Sight::Absent => return Decision::Refuse { memory, reason: format!("{id} does not exist") },
        Sight::Unreached { reason } => {
            let reason = format!("{id} could not be described: {reason}");
            return if case.overdue {
                Decision::Refuse { memory, reason }
            } else {
                Decision::Wait { memory, wait: POLL, reason }
            };
        }
    }
    let fence = match seen_fence(case, database, fence, &mut memory) {
        Ok(fence) => fence,
        Err(wait) => return *wait,
    };
    if let Some(decision) = wait_until_caught_up(case, database, lag, fence, &memory) {
        return decision;
    }
    if let Some(decision) = wait_for_a_figure(case, database, lag, &memory) {
        return decision;
    }
    let bound = LossBound::of(lag, fence, case.now);
    memory.loss_bound = Some(bound.clone());
    match ask(case, database, &bound, fence) {
        Consent::Granted(why) => Decision::Done { memory, reason: format!("the promotion may go on: {why}") },
        Consent::Ask(question) => Decision::Ask { memory, question },
        Consent::Denied(why) => Decision::Refuse { memory, reason: why },
    }
}

/// In a graceful switchover the replica must have caught up to within `max_lag`. Once writes have provably stopped that is said of
/// what may be missing, and not of the lag: PostgreSQL counts its lag from the last transaction that was replayed, so behind a
/// fence it only grows, until the next log segment is closed and replayed.
fn wait_until_caught_up(
    case: StepCase<'_>,
    database: &RdsInstance,
    lag: Option<&LagSample>,
    fence: Option<&FenceProof>,
    memory: &Memory,
) -> Option<Decision> {
    if case.incident.assessment.as_ref().map(|assessment| assessment.mode) != Some(Mode::Graceful) {
        return None;
    }
    let id = &database.recovery.id;
    let missing = match (lag, fence) {
        (Some(_), Some(_)) => LossBound::of(lag, fence, case.now).at_most,
        (sample, _) => sample.map(|sample| sample.lag),
    };
    let reason = match missing {
        Some(missing) if missing <= database.max_lag => return None,
        Some(missing) => format!("{id} may lack {missing}, and a switchover waits for {}", database.max_lag),
        None => format!("there is no figure of {id}'s lag, and a switchover waits for {}", database.max_lag),
    };
    let memory = memory.clone();
    let patient = case.record.working_since.is_none_or(|began| Seconds::between(began, case.now) < CAUGHT_UP_WITHIN);
    Some(if patient { Decision::Wait { memory, wait: POLL, reason } } else { Decision::Refuse { memory, reason } })
}

/// A lag that cannot be read is looked for a little longer.
fn wait_for_a_figure(
    case: StepCase<'_>,
    database: &RdsInstance,
    lag: Option<&LagSample>,
    memory: &Memory,
) -> Option<Decision> {
    let began = case.record.working_since?;
    let patient = lag.is_none() && !case.overdue && Seconds::between(began, case.now) < FIGURE_AWAITED;
    patient.then(|| Decision::Wait {
        memory: memory.clone(),
        wait: POLL,
        reason: format!("there is no figure of {}'s lag yet", database.recovery.id),
    })
}

/// The fence's proof; or another look, where the old primary can be neither described nor probed. Looks are counted, and not time: a
/// person may have taken long to answer, and what they said must not be asked again because one look failed.
fn seen_fence<'a>(
    case: StepCase<'_>,
    database: &RdsInstance,
    fence: Fence<'a>,
    memory: &mut Memory,
) -> Result<Option<&'a FenceProof>, Box<Decision>> {
    let proof = match fence {
        Fence::Stands(proof) => Some(proof),
        Fence::Unproven => None,
        Fence::OutOfSight => {
            let reason = format!("{} can be neither described nor probed, so its fence may be gone", database.primary.id);
            let fresh = || Unreached { times: 0, reason: reason.clone() };
            let entry = memory.unreached.entry(SIGHT_OF_THE_FENCE.to_owned()).or_insert_with(fresh);
            entry.times += 1;
            if entry.times <= LOOKS && !case.overdue {
                return Err(Box::new(Decision::Wait { memory: memory.clone(), wait: POLL, reason }));
            }
            None
        }
    };
    memory.unreached.remove(SIGHT_OF_THE_FENCE);
    Ok(proof)
}

/// Decides on `promote`.
pub(super) fn promote(
    case: StepCase<'_>,
    replica: &Sight<InstanceView>,
    fence: Fence<'_>,
    lag: Option<&LagSample>,
    connection: Connection,
    written: Option<&Sight<bool>>,
) -> Decision {
    let mut memory = case.record.memory.clone();
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return Decision::Refuse { memory, reason: format!("{} is not a database of the plan", case.record.step.component) };
    };
    let id = &database.recovery.id;
    let mutation = Mutation::PromoteReplica {
        region: case.plan.sites.recovery.region.clone(),
        instance: id.clone(),
        backup_retention_days: database.backup_retention_days,
    };
    let begun = case.record.may_have_promoted();
    let view = match replica {
        Sight::Found { found } => found,
        Sight::Absent => return give_up(case, memory, begun, format!("{id} does not exist")),
        Sight::Unreached { reason } => {
            let reason = format!("{id} could not be described: {reason}");
            return if case.overdue {
                give_up(case, memory, begun, reason)
            } else {
                Decision::Wait { memory, wait: POLL, reason }
            };
        }
    };
    if view.is_standalone() {
        memory.found_promoted |= !begun;
        return finish(case, memory, begun, database, view, connection, written);
    }
    if begun {
        return follow(case, memory, database, view, lag, fence, mutation);
    }
    if case.overdue {
        return Decision::Refuse {
            memory,
            reason: format!("{id} was {} and could not be promoted within the step's budget", view.status),
        };
    }
    if let Some(why_not) = of_another(case, database, view) {
        return Decision::Refuse { memory, reason: why_not };
    }
    if !view.is_available() {
        let why = if view.status == "backing-up" { ", and PromoteReadReplica is refused while it is" } else { "" };
        return Decision::Wait { memory, wait: POLL, reason: format!("{id} is {}{why}", view.status) };
    }
    if let Some(decision) = wait_for_a_figure(case, database, lag, &memory) {
        return decision;
    }
    let fence = match seen_fence(case, database, fence, &mut memory) {
        Ok(fence) => fence,
        Err(wait) => return *wait,
    };
    // Decided again here, after the fence and with the latest figures: the gate's word is not taken for it.
    let bound = LossBound::of(lag, fence, case.now);
    memory.loss_bound = Some(bound.clone());
    match ask(case, database, &bound, fence) {
        Consent::Granted(why) => {
            memory.before =
                Some(InstanceBefore { availability_zone: view.availability_zone.clone(), source: view.source.clone() });
            case.attempt(mutation, Direction::Apply, memory, format!("promote {id}: {why}"))
        }
        Consent::Ask(question) => Decision::Ask { memory, question },
        Consent::Denied(why) => Decision::Refuse { memory, reason: why },
    }
}

/// Follows a promotion that may have begun while the instance still shows as a replica.
fn follow(
    case: StepCase<'_>,
    mut memory: Memory,
    database: &RdsInstance,
    view: &InstanceView,
    lag: Option<&LagSample>,
    fence: Fence<'_>,
    mutation: Mutation,
) -> Decision {
    let status = &view.status;
    if case.overdue {
        return give_up(case, memory, true, format!("the promotion did not complete within its budget (status {status})"));
    }
    let unanswered = case.last_try(&mutation, Direction::Apply).is_some_and(|(outcome, at)| {
        matches!(outcome, EffectOutcome::Unknown { .. }) && Seconds::between(at, case.now) >= UNANSWERED_PROMOTION
    });
    if unanswered && view.is_available() {
        let reason =
            "the promotion's answer never came, and the instance is still an available replica: it never began, so it is \
                      sent again"
                .to_owned();
        let fence = match seen_fence(case, database, fence, &mut memory) {
            Ok(fence) => fence,
            Err(wait) => return *wait,
        };
        // Time has passed since consent was given, so it is asked for again; what cannot be granted now is a person's matter.
        let bound = LossBound::of(lag, fence, case.now);
        let consent = ask(case, database, &bound, fence);
        memory.loss_bound = Some(bound);
        return match consent {
            Consent::Granted(_) => Decision::Act { mutation, memory, reason },
            // A person had it go on, so a person is there to be asked.
            Consent::Ask(question) if !case.incident.reopened.is_empty() => Decision::Ask { memory, question },
            Consent::Ask(question) => {
                give_up(case, memory, true, format!("{reason}, but that would need consent: {}", question.text))
            }
            Consent::Denied(why) => give_up(case, memory, true, format!("{reason}, but {why}")),
        };
    }
    Decision::Wait { memory, wait: POLL, reason: format!("the promotion is under way (status {status})") }
}

/// Done only when the instance has left replication *and* can be used *and* takes connections *and* takes a write where a write
/// probe is configured. Status alone lags behind on both sides.
fn finish(
    case: StepCase<'_>,
    mut memory: Memory,
    begun: bool,
    database: &RdsInstance,
    view: &InstanceView,
    connection: Connection,
    written: Option<&Sight<bool>>,
) -> Decision {
    let id = &database.recovery.id;
    let wait_or_give_up = |memory: Memory, reason: String| {
        if case.overdue { give_up(case, memory, true, reason) } else { Decision::Wait { memory, wait: POLL, reason } }
    };
    // A write that went through says more than our own connection, which may lack a network path to a private database. It also
    // says more than the status: the first backup of a large database may take hours, and keeps no writer out.
    let wrote = matches!(written, Some(Sight::Found { found: true }));
    let usable = view.is_available() || (view.serves() && wrote);
    if !usable {
        return wait_or_give_up(memory, format!("{id} has left replication and is {}", view.status));
    }
    if !wrote && matches!(connection, Connection::Refused | Connection::TimedOut | Connection::Silent) {
        return wait_or_give_up(memory, format!("{id} is available but does not answer yet ({connection:?})"));
    }
    match written {
        Some(Sight::Found { found: true }) | None => {}
        Some(sight) => {
            let reason = format!("{id} is available, but the write probe did not write: {}", sight.why_not());
            return wait_or_give_up(memory, reason);
        }
    }
    let probe = match (written, connection) {
        (Some(_), _) => "takes a write",
        (None, Connection::NotTried) => "was not probed",
        (None, _) => "answers connections",
    };
    memory.promoted_host.clone_from(&view.host);
    if !begun {
        memory.notes.push(format!("{id} was promoted by someone else during the incident"));
    }
    let bound = memory.loss_bound.as_ref().map_or("the loss was not bounded", |bound| bound.basis.as_str());
    let reason = format!("{id} has left replication, is {} and {probe}; loss {bound}", view.status);
    Decision::Done { memory, reason }
}

fn give_up(case: StepCase<'_>, memory: Memory, begun: bool, reason: String) -> Decision {
    if begun || case.record.may_have_promoted() {
        let reason = format!("{reason}; a promotion may have happened, so nothing is undone and the fence stays");
        Decision::Stuck { memory, reason }
    } else {
        Decision::Refuse { memory, reason }
    }
}

fn ask(case: StepCase<'_>, database: &RdsInstance, bound: &LossBound, fence: Option<&FenceProof>) -> Consent {
    consent(Case {
        step: &case.record.id,
        target: database.recovery.id.as_str(),
        scenario: case.scenario,
        rpo: case.plan.objectives.get(&case.record.step.component).and_then(|objective| objective.rpo),
        bound,
        fence,
        verdicts: &case.incident.verdicts,
        question: case.incident.question.as_ref(),
        course_changed: case.course_changed(),
        now: case.now,
    })
}

/// A promotion or a failover is never taken back by us.
pub(super) fn cannot_undo(case: StepCase<'_>) -> Decision {
    let memory = case.record.memory.clone();
    if case.record.may_have_changed_something() {
        let reason = format!("{} cannot be undone", case.record.step.kind.as_str());
        Decision::Stuck { memory, reason }
    } else {
        Decision::Done { memory, reason: "it changed nothing, so there is nothing to undo".to_owned() }
    }
}
