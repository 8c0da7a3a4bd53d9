//! Fence the old primary: no new connections (the isolation security group), and no old ones (a reboot after it), both proven.
//!
//! A security group change leaves established connections open, because security groups track connections; only the reboot ends
//! them. A probe that never got through proves nothing when it fails later.

use jiff::Timestamp;

use super::super::commands::lift_fence;
use super::super::identifier::SecurityGroupId;
use super::super::loss_bound::FenceProof;
use super::super::mutation::Mutation;
use super::super::observation::{Connection, InstanceView, Sight};
use super::super::step::{Direction, EffectOutcome, FenceMemory, Memory, Unreached};
use super::{Decision, POLL, StepCase};
use crate::guard::{self, Guard};

/// How often the old primary's control plane is asked before the fence is left unproven. A dark Region answers nobody, and the
/// consent rule decides what an unproven fence is worth.
const TRIES: u32 = 3;
const CONTROL_PLANE: &str = "control plane of the old primary";
const PROBE: &str = "probe of the old primary";

/// Decides on `fence`.
pub(super) fn fence(case: StepCase<'_>, instance: &Sight<InstanceView>, connection: Connection) -> Decision {
    let mut memory = case.record.memory.clone();
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return Decision::Refuse { memory, reason: format!("{} is not a database of the plan", case.record.step.component) };
    };
    let region = case.plan.sites.primary.region.clone();
    let primary = &database.primary.id;
    let Some(isolation) = database.primary.isolation_security_group.clone() else {
        return unproven(
            memory,
            format!("the plan names no isolation security group for {primary}, so it cannot be fenced"),
        );
    };
    let view = match instance {
        Sight::Found { found } => found,
        Sight::Absent => {
            return unproven(
                memory,
                format!("{primary} does not exist any more, which is no proof that its sessions ended"),
            );
        }
        Sight::Unreached { reason } => {
            let entry =
                memory.unreached.entry(CONTROL_PLANE.to_owned()).or_insert(Unreached { times: 0, reason: String::new() });
            entry.times += 1;
            reason.clone_into(&mut entry.reason);
            if entry.times >= TRIES || case.overdue {
                let reason = format!("{primary} could not be described {} times: {reason}", entry.times);
                return unproven(memory, reason);
            }
            return Decision::Wait { memory, wait: POLL, reason: format!("{primary} could not be described: {reason}") };
        }
    };
    if case.overdue {
        let reason =
            format!("the fence of {primary} could not be proven within its budget (status {}, {connection:?})", view.status);
        return unproven(memory, reason);
    }
    memory.fence.endpoint = view.endpoint().or(memory.fence.endpoint);
    let isolate =
        Mutation::SetSecurityGroups { region: region.clone(), instance: primary.clone(), groups: vec![isolation.clone()] };
    let isolation_now = isolation_of(view, &isolation);
    remember_since_when(&mut memory.fence, &isolation_now, case.now);
    match isolation_now {
        Isolation::None => {
            let believed = case.incident.assessment.as_ref().is_some_and(|assessment| assessment.on_an_alarms_word);
            if believed && connection == Connection::Answers && !guard::removed(Guard::ProbeTriedAgain) {
                let reason = format!(
                    "{primary} could not be probed when the alarm was heard, and answers us now: it is not replaced on an alarm's word"
                );
                return Decision::Refuse { memory, reason };
            }
            memory.fence.reached_before |= connection.is_reached();
            // What was never reached before the swap can never be proven fenced after it.
            if !memory.fence.reached_before && connection == Connection::NotTried && probe_again(&mut memory) {
                let reason = format!("{primary} could not be probed before it is isolated");
                return Decision::Wait { memory, wait: POLL, reason };
            }
            memory.fence.previous_groups.get_or_insert_with(|| view.security_groups.keys().cloned().collect());
            match case.attempt(isolate, Direction::Apply, memory, format!("isolate {primary} behind {isolation}")) {
                // Without control over the instance there is no proof; whether to go on is the consent rule's question.
                Decision::Refuse { memory, reason } => unproven(memory, reason),
                other => other,
            }
        }
        Isolation::Changing => {
            Decision::Wait { memory, wait: POLL, reason: format!("the security group change of {primary} is under way") }
        }
        Isolation::Active => end_sessions(case, memory, view, connection, region, primary.clone()),
    }
}

fn end_sessions(
    case: StepCase<'_>,
    mut memory: Memory,
    view: &InstanceView,
    connection: Connection,
    region: super::super::identifier::Region,
    primary: super::super::identifier::InstanceId,
) -> Decision {
    let reboot = Mutation::RebootInstance { region, instance: primary.clone() };
    // A refused request is none: somebody else's reboot before the swap must not pass for ours after it. Nor is one from before a
    // time in which the groups were open again.
    let isolated_since = memory.fence.isolated_since.filter(|_| !guard::removed(Guard::RebootAfterTheLastSwap));
    let asked = case
        .last_try(&reboot, Direction::Apply)
        .filter(|(outcome, _)| matches!(outcome, EffectOutcome::Applied { .. } | EffectOutcome::Unknown { .. }))
        .filter(|(_, at)| isolated_since.is_none_or(|since| since <= *at));
    // Only a describe that shows the reboot counts: the answer to RebootDBInstance says `rebooting` at once, but a describe
    // that lags behind may still say `available` from before it.
    if asked.is_some() && !view.is_available() {
        memory.fence.reboot_seen |= view.status == "rebooting";
        return Decision::Wait { memory, wait: POLL, reason: format!("{primary} is {}", view.status) };
    }
    let sessions_ended = memory.fence.reboot_seen || guard::removed(Guard::RebootSeen);
    if sessions_ended && view.is_available() {
        let reached_before = memory.fence.reached_before || guard::removed(Guard::ProbeReachedBefore);
        return match (connection, reached_before) {
            (Connection::Refused | Connection::TimedOut, true) => {
                let how = format!(
                    "{primary} is behind its isolation group, a probe that reached it before is refused, and a reboot completed \
                     after the swap"
                );
                memory.fence.proof = Some(FenceProof { at: case.now, how: how.clone() });
                Decision::Done { memory, reason: format!("the fence is proven: {how}") }
            }
            (Connection::Refused | Connection::TimedOut, false) => unproven(
                memory,
                format!("{primary} is isolated and rebooted, but no probe ever reached it, so its silence proves nothing"),
            ),
            (Connection::NotTried, _) if probe_again(&mut memory) => {
                Decision::Wait { memory, wait: POLL, reason: format!("{primary} could not be probed") }
            }
            (Connection::NotTried, _) => {
                unproven(memory, format!("{primary} is isolated and rebooted, but it could not be probed"))
            }
            _ => Decision::Wait {
                memory,
                wait: POLL,
                reason: format!("{primary} still takes connections although its isolation group is active"),
            },
        };
    }
    if !view.is_available() {
        return Decision::Wait {
            memory,
            wait: POLL,
            reason: format!("{primary} is {}, and RebootDBInstance needs it available", view.status),
        };
    }
    match case.attempt(
        reboot,
        Direction::Apply,
        memory,
        format!("reboot {primary} to end the sessions that the group change left open"),
    ) {
        Decision::Refuse { memory, reason } => unproven(memory, reason),
        other => other,
    }
}

/// Sessions that were opened while the groups were not the isolation alone are open still, whatever was rebooted before.
fn remember_since_when(fence: &mut FenceMemory, isolation: &Isolation, now: Timestamp) {
    if matches!(isolation, Isolation::Active) {
        fence.isolated_since.get_or_insert(now);
    } else if !guard::removed(Guard::RebootAfterTheLastSwap) {
        fence.isolated_since = None;
        fence.reboot_seen = false;
    }
}

/// Decides on the undo of `fence`: the groups that were there before. Only ever run when no promotion can have happened.
pub(super) fn lift(case: StepCase<'_>, instance: &Sight<InstanceView>) -> Decision {
    let memory = case.record.memory.clone();
    let (Some(database), Some(previous)) =
        (case.plan.rds_instance(&case.record.step.component), memory.fence.previous_groups.clone())
    else {
        return Decision::Done { memory, reason: "the fence changed nothing, so there is nothing to undo".to_owned() };
    };
    let primary = &database.primary.id;
    let region = case.plan.sites.primary.region.clone();
    let command = lift_fence(case.plan, primary, &previous);
    let promoted = case.records.iter().any(super::super::step::StepRecord::may_have_promoted);
    if promoted && !guard::removed(Guard::NoUndoAfterPromotion) {
        return Decision::Stuck {
            memory,
            reason: "a promotion may have happened: the fence stays, and only the failback's rebuild lifts it".to_owned(),
        };
    }
    let Sight::Found { found: view } = instance else {
        let why = format!("{primary} could not be described: {}", instance.why_not());
        return if case.overdue {
            Decision::Stuck { memory, reason: format!("{why}; lift the fence by hand: {command}") }
        } else {
            Decision::Wait { memory, wait: POLL, reason: why }
        };
    };
    let now: Vec<&String> = view.security_groups.keys().collect();
    if now.iter().copied().eq(previous.iter()) && view.security_groups.values().all(|status| status == "active") {
        return Decision::Done {
            memory,
            reason: format!("{primary} has its security groups back: {}", previous.join(", ")),
        };
    }
    let groups: Result<Vec<SecurityGroupId>, _> =
        previous.iter().map(|group| SecurityGroupId::new(group.as_str())).collect();
    let (Ok(groups), false) = (groups, case.overdue) else {
        return Decision::Stuck {
            memory,
            reason: format!("the fence of {primary} could not be lifted in time; by hand: {command}"),
        };
    };
    let mutation = Mutation::SetSecurityGroups { region, instance: primary.clone(), groups };
    match case.attempt(mutation, Direction::Undo, memory, format!("give {primary} its security groups back")) {
        Decision::Refuse { memory, reason } => Decision::Stuck { memory, reason: format!("{reason}; by hand: {command}") },
        other => other,
    }
}

/// Whether a probe that could not be made is worth another try.
fn probe_again(memory: &mut Memory) -> bool {
    let fresh = || Unreached { times: 0, reason: "the probe could not be made".to_owned() };
    let entry = memory.unreached.entry(PROBE.to_owned()).or_insert_with(fresh);
    entry.times += 1;
    entry.times < TRIES
}

enum Isolation {
    None,
    Changing,
    Active,
}

fn isolation_of(view: &InstanceView, isolation: &SecurityGroupId) -> Isolation {
    match view.security_groups.get(isolation.as_str()).map(String::as_str) {
        Some("active") if view.security_groups.len() == 1 => Isolation::Active,
        Some(_) => Isolation::Changing,
        None => Isolation::None,
    }
}

fn unproven(mut memory: Memory, reason: String) -> Decision {
    let note = format!("the old primary is NOT proven fenced: {reason}");
    if !memory.notes.contains(&note) {
        memory.notes.push(note);
    }
    Decision::Done { memory, reason: format!("NOT proven fenced: {reason}") }
}
