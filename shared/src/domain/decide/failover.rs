//! Fail a Multi-AZ instance over to its standby: synchronous replication, so nothing is lost and nobody is asked.

use super::super::duration::Seconds;
use super::super::identifier::InstanceId;
use super::super::mutation::Mutation;
use super::super::observation::{Connection, InstanceView, Sight};
use super::super::step::{Direction, EffectOutcome, InstanceBefore, Memory};
use super::{Decision, POLL, StepCase};

/// How long a failover whose answer never came may take to show before it is sent again.
const UNANSWERED_FAILOVER: Seconds = Seconds(120);

/// Decides on `force_failover`.
pub(super) fn force_failover(case: StepCase<'_>, instance: &Sight<InstanceView>, connection: Connection) -> Decision {
    let mut memory = case.record.memory.clone();
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return Decision::Refuse { memory, reason: format!("{} is not a database of the plan", case.record.step.component) };
    };
    let id = database.primary.id.clone();
    let begun = case.record.may_have_changed_something();
    let end = |memory, reason: String| {
        if begun { Decision::Stuck { memory, reason } } else { Decision::Refuse { memory, reason } }
    };
    let view = match instance {
        Sight::Found { found } => found,
        Sight::Absent => return end(memory, format!("{id} does not exist")),
        Sight::Unreached { reason } if case.overdue => return end(memory, format!("{id} could not be described: {reason}")),
        Sight::Unreached { reason } => {
            return Decision::Wait { memory, wait: POLL, reason: format!("{id} could not be described: {reason}") };
        }
    };
    let mutation = Mutation::ForceFailover { region: case.plan.sites.primary.region.clone(), instance: id.clone() };
    if let Some(before) = memory.before.clone().filter(|_| begun) {
        return follow(case, memory, &before, view, connection, mutation, &id);
    }
    if case.overdue {
        return end(memory, format!("{id} did not fail over within the step's budget (status {})", view.status));
    }
    if !view.multi_az {
        return end(memory, format!("{id} is not Multi-AZ, so it has no standby to fail over to"));
    }
    if !view.is_available() {
        return Decision::Wait { memory, wait: POLL, reason: format!("{id} is {}", view.status) };
    }
    memory.before.get_or_insert(InstanceBefore { availability_zone: view.availability_zone.clone(), source: None });
    case.attempt(mutation, Direction::Apply, memory, format!("fail {id} over to its standby"))
}

/// Follows a failover that may have begun. It is over when the instance was seen on its way, or in another zone, and answers. The
/// zone alone is no measure: describe calls may show the new one several minutes late, and a second failover meanwhile would
/// lead back to where it came from.
fn follow(
    case: StepCase<'_>,
    mut memory: Memory,
    before: &InstanceBefore,
    view: &InstanceView,
    connection: Connection,
    mutation: Mutation,
    id: &InstanceId,
) -> Decision {
    let status = &view.status;
    memory.failover_seen |= status == "rebooting";
    let zone = view.availability_zone.as_ref().filter(|zone| Some(*zone) != before.availability_zone.as_ref());
    let from = before.availability_zone.as_deref().unwrap_or("its zone");
    if view.is_available() {
        let moved = match (zone, connection) {
            (Some(zone), Connection::Answers | Connection::NotTried) => Some(format!("moved from {from} to {zone}")),
            (None, Connection::Answers) if memory.failover_seen => {
                Some(format!("restarted on its standby and answers (describe calls still show {from})"))
            }
            _ => None,
        };
        if let Some(moved) = moved {
            return Decision::Done { memory, reason: format!("{id} {moved} and is available") };
        }
    }
    if case.overdue {
        let reason = format!("{id} did not fail over within the step's budget (status {status}, {connection:?})");
        return Decision::Stuck { memory, reason };
    }
    let unanswered = case.last_try(&mutation, Direction::Apply).is_some_and(|(outcome, at)| {
        matches!(outcome, EffectOutcome::Unknown { .. }) && Seconds::between(at, case.now) >= UNANSWERED_FAILOVER
    });
    let unchanged = view.is_available() && zone.is_none() && !memory.failover_seen && connection != Connection::Answers;
    if unanswered && unchanged {
        let reason = format!("the failover's answer never came, and nothing about {id} has changed: it is sent again");
        return Decision::Act { mutation, memory, reason };
    }
    Decision::Wait {
        memory,
        wait: POLL,
        reason: format!("{id} is failing over (status {status}, zone {})", zone.map_or(from, String::as_str)),
    }
}
