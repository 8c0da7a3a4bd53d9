//! Fail a Multi-AZ instance over to its standby: synchronous replication, so nothing is lost and nobody is asked.

use super::super::mutation::Mutation;
use super::super::observation::{Connection, InstanceView, Sight};
use super::super::step::{Direction, InstanceBefore};
use super::{Decision, POLL, StepCase};

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
    let zone = view.availability_zone.clone();
    if let Some(before) = memory.before.clone().filter(|_| begun)
        && view.is_available()
        && zone.is_some()
        && zone != before.availability_zone
    {
        let (from, to) = (before.availability_zone.unwrap_or_default(), zone.clone().unwrap_or_default());
        if matches!(connection, Connection::Answers | Connection::NotTried) {
            return Decision::Done { memory, reason: format!("{id} moved from {from} to {to} and is available") };
        }
        if !case.overdue {
            let reason = format!("{id} moved from {from} to {to} and does not answer yet");
            return Decision::Wait { memory, wait: POLL, reason };
        }
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
    memory.before.get_or_insert(InstanceBefore { availability_zone: zone, source: None });
    let mutation = Mutation::ForceFailover { region: case.plan.sites.primary.region.clone(), instance: id.clone() };
    case.attempt(mutation, Direction::Apply, memory, format!("fail {id} over to its standby"))
}
