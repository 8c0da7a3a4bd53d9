//! One pure decision per step kind: from what was seen to what is done next, with a reason.

mod failover;
mod fence;
mod holds;
mod promote;
mod repoint;
mod validate;

use jiff::Timestamp;

use super::duration::Seconds;
use super::incident::{Incident, Question};
use super::loss_bound::FenceProof;
use super::mutation::Mutation;
use super::observation::{Connection, InstanceView, Observation, Sight};
use super::plan::{Plan, Scenario};
use super::step::{Direction, Effect, EffectOutcome, Memory, SETTLING_TIME, StepKind, StepRecord, StepStatus};
use crate::guard::{self, Guard};

/// Everything that a decision may depend on besides what was just seen.
#[derive(Debug, Clone, Copy)]
pub struct StepCase<'a> {
    /// The incident's copy of the plan.
    pub plan: &'a Plan,
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The incident.
    pub incident: &'a Incident,
    /// The step's own record.
    pub record: &'a StepRecord,
    /// All records, for what earlier steps found.
    pub records: &'a [StepRecord],
    /// Now.
    pub now: Timestamp,
    /// Whether the step's budget is used up.
    pub overdue: bool,
}

impl StepCase<'_> {
    /// The memory of the step of this kind for the same component.
    fn memory_of(&self, kind: StepKind) -> Option<&Memory> {
        self.records
            .iter()
            .find(|record| record.step.kind == kind && record.step.component == self.record.step.component)
            .map(|record| &record.memory)
    }

    /// How the fence of the component's old primary stands now: somebody may have given it its groups back since it was proven, or
    /// another name. One that cannot be described keeps its proof only if nobody gets in there either.
    fn fence(&self, primary: &Sight<InstanceView>, connection: Connection) -> Fence<'_> {
        let proof = self.memory_of(StepKind::Fence).and_then(|memory| memory.fence.proof.as_ref());
        let database = self.plan.rds_instance(&self.record.step.component);
        let group = database.and_then(|database| database.primary.isolation_security_group.as_ref());
        let (Some(proof), Some(group)) = (proof, group) else { return Fence::Unproven };
        let isolated = |view: &InstanceView| {
            view.security_groups.len() == 1
                && view.security_groups.get(group.as_str()).is_some_and(|status| status == "active")
        };
        match primary {
            _ if guard::removed(Guard::FenceLookedAtAgain) => Fence::Stands(proof),
            Sight::Found { found } if isolated(found) => Fence::Stands(proof),
            Sight::Found { .. } | Sight::Absent => Fence::Unproven,
            Sight::Unreached { .. } if guard::removed(Guard::UnseenFenceProbed) => Fence::Stands(proof),
            Sight::Unreached { .. } => match connection {
                Connection::Refused | Connection::TimedOut => Fence::Stands(proof),
                Connection::Answers | Connection::Silent => Fence::Unproven,
                Connection::NotTried => Fence::OutOfSight,
            },
        }
    }

    /// Whether a person changed the course in a way that what was allowed in advance did not foresee: skipped what makes a promotion
    /// safe, or had a stuck incident go on long after it was assessed.
    fn course_changed(&self) -> bool {
        let guards = [StepKind::Fence, StepKind::Gate];
        let skipped = |record: &StepRecord| record.status == StepStatus::Skipped && guards.contains(&record.step.kind);
        !self.incident.reopened.is_empty() || self.records.iter().any(skipped)
    }

    /// Whether more than half of the budget is used up: then what can be finished is finished without the rest.
    fn patience_is_over(&self) -> bool {
        match (self.record.working_since, self.record.deadline) {
            (Some(began), Some(deadline)) => Seconds::between(began, self.now).0 * 2 > Seconds::between(began, deadline).0,
            _ => self.overdue,
        }
    }

    /// How the same mutation went the last time it was tried in this direction.
    fn last_try(&self, mutation: &Mutation, direction: Direction) -> Option<(&EffectOutcome, Timestamp)> {
        self.record
            .effects
            .iter()
            .rev()
            .find(|effect| &effect.mutation == mutation && effect.direction == direction)
            .and_then(|effect| effect.outcome.as_ref().map(|outcome| (outcome, effect.intended_at)))
            // A person who has a step tried again may have mended what refused it.
            .filter(|(outcome, at)| {
                !matches!(outcome, EffectOutcome::Refused { .. })
                    || self.record.working_since.is_none_or(|since| *at >= since)
            })
    }

    /// Whether any step of the incident tried this mutation and was not refused. An unanswered try counts.
    fn may_have_made(&self, mutation: &Mutation) -> bool {
        let effects = self.records.iter().flat_map(|record| &record.effects);
        effects
            .filter(|effect| &effect.mutation == mutation)
            .any(|effect| !matches!(effect.outcome, Some(EffectOutcome::Refused { .. })))
    }

    /// The latest effect, among those that this step takes back, that it may not have seen yet: sent, and neither shown nor old enough for
    /// it never to come.
    fn unseen_effect(&self, direction: Direction) -> Option<&Effect> {
        // What a hold made is undone by its own undo, or by the step that lets writes through again.
        let held = |record: &&StepRecord| {
            record.step.kind == StepKind::HoldWrites && record.step.component == self.record.step.component
        };
        let taken_back: Vec<&StepRecord> = match (self.record.step.kind, direction) {
            (_, Direction::Undo) => vec![self.record],
            (StepKind::ResumeWrites, Direction::Apply) => self.records.iter().filter(held).collect(),
            _ => return None,
        };
        // Only what was there can be replaced, and only an answer says that it was.
        let replaced = |effect: &Effect| {
            self.record.effects.iter().any(|later| {
                later.direction == direction
                    && later.intended_at > effect.intended_at
                    && later.mutation.changed() == effect.mutation.changed()
                    && matches!(later.outcome, Some(EffectOutcome::Applied { .. }))
            })
        };
        let unseen =
            |effect: &&Effect| effect.may_come_after(self.now) || (effect.may_not_show(self.now) && !replaced(effect));
        let effects = taken_back.into_iter().flat_map(|record| record.effects.iter().rev());
        effects.filter(|effect| effect.direction == Direction::Apply && effect.mutation.changed().is_some()).find(unseen)
    }

    /// What to do about a mutation that is needed: try it, wait for an earlier try to show, or give up on it.
    fn attempt(&self, mutation: Mutation, direction: Direction, memory: Memory, reason: String) -> Decision {
        match self.last_try(&mutation, direction) {
            Some((EffectOutcome::Refused { code, message, retryable: false, .. }, _)) => {
                Decision::Refuse { memory, reason: format!("{reason}, but it was refused for good: {code}: {message}") }
            }
            Some((EffectOutcome::Refused { code, message, .. }, at)) if Seconds::between(at, self.now) < RETRY_PAUSE => {
                Decision::Wait { memory, wait: RETRY_PAUSE, reason: format!("{reason}; refused for now: {code}: {message}") }
            }
            // Describe calls may lag behind a write: give an applied or unanswered one time to show before it is sent again.
            Some((EffectOutcome::Applied { .. } | EffectOutcome::Unknown { .. }, at))
                if Seconds::between(at, self.now) < SETTLING_TIME && !guard::removed(Guard::UnansweredLookedFor) =>
            {
                Decision::Wait { memory, wait: POLL, reason: format!("{reason}; waiting for it to show") }
            }
            _ => Decision::Act { mutation, memory, reason },
        }
    }
}

/// How a fence stands.
#[derive(Debug, Clone, Copy)]
enum Fence<'a> {
    /// It was proven, and nothing says that it is gone.
    Stands(&'a FenceProof),
    /// It was never proven, or is gone.
    Unproven,
    /// It was proven, and whether it still stands cannot be seen now.
    OutOfSight,
}

/// How long a step waits between looks at the world.
pub const POLL: Seconds = Seconds(5);
/// How long a retryable refusal rests.
pub const RETRY_PAUSE: Seconds = Seconds(5);

/// What a step does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Carry this out, once.
    Act {
        /// What.
        mutation: Mutation,
        /// What to remember, written together with the intent.
        memory: Memory,
        /// Why.
        reason: String,
    },
    /// Look again later.
    Wait {
        /// What to remember.
        memory: Memory,
        /// How long.
        wait: Seconds,
        /// What is waited for.
        reason: String,
    },
    /// Ask a person.
    Ask {
        /// What to remember.
        memory: Memory,
        /// What to ask.
        question: Question,
    },
    /// The postcondition holds.
    Done {
        /// What to remember.
        memory: Memory,
        /// What holds, and how it is known.
        reason: String,
    },
    /// It will not come to hold; what was applied can be taken back.
    Refuse {
        /// What to remember.
        memory: Memory,
        /// Why.
        reason: String,
    },
    /// It will not come to hold, and what was applied cannot be taken back by us.
    Stuck {
        /// What to remember.
        memory: Memory,
        /// Why, with what a person should do.
        reason: String,
    },
}

impl Decision {
    /// The reason sentence.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Act { reason, .. }
            | Self::Wait { reason, .. }
            | Self::Done { reason, .. }
            | Self::Refuse { reason, .. }
            | Self::Stuck { reason, .. } => reason,
            Self::Ask { question, .. } => &question.text,
        }
    }

    /// What to remember.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        match self {
            Self::Act { memory, .. }
            | Self::Wait { memory, .. }
            | Self::Done { memory, .. }
            | Self::Ask { memory, .. }
            | Self::Refuse { memory, .. }
            | Self::Stuck { memory, .. } => memory,
        }
    }
}

/// Decides what a step does next.
#[must_use]
pub fn decide(case: StepCase<'_>, direction: Direction, seen: &Observation) -> Decision {
    let decision = decide_by_kind(case, direction, seen);
    let unseen = case.unseen_effect(direction).filter(|_| !guard::removed(Guard::LateEffectAwaited));
    match (decision, unseen) {
        (Decision::Done { memory, .. }, Some(effect)) => {
            let sent = Seconds::between(effect.intended_at, case.now);
            let [kind, region, name, part] = effect.mutation.changed().unwrap_or_default();
            let reason = format!("what was sent to {kind} {name} {part} in {region} {sent} ago may still take effect");
            // However late it is: this ends by itself, and whoever gives up here leaves what comes to nobody.
            Decision::Wait { memory, wait: POLL, reason }
        }
        (decision, _) => decision,
    }
}

fn decide_by_kind(case: StepCase<'_>, direction: Direction, seen: &Observation) -> Decision {
    let memory = case.record.memory.clone();
    let mismatch = || Decision::Refuse {
        memory: case.record.memory.clone(),
        reason: format!("what was observed does not belong to a step of kind {}", case.record.step.kind.as_str()),
    };
    match (case.record.step.kind, direction, seen) {
        (StepKind::HoldWrites, Direction::Apply, Observation::Holds { points }) => holds::hold(case, points),
        (StepKind::HoldWrites, Direction::Undo, Observation::Holds { points })
        | (StepKind::ResumeWrites, Direction::Apply, Observation::Holds { points }) => {
            holds::resume(case, direction, points)
        }
        (StepKind::Fence, Direction::Apply, Observation::Instance { instance, connection }) => {
            fence::fence(case, instance, *connection)
        }
        (StepKind::Fence, Direction::Undo, Observation::Instance { instance, .. }) => fence::lift(case, instance),
        (StepKind::Gate, Direction::Apply, Observation::Replica { replica, primary, primary_connection, lag, .. }) => {
            promote::gate(case, replica, case.fence(primary, *primary_connection), lag.as_ref())
        }
        (
            StepKind::Promote,
            Direction::Apply,
            Observation::Replica { replica, primary, primary_connection, lag, connection, written },
        ) => {
            let fence = case.fence(primary, *primary_connection);
            promote::promote(case, replica, fence, lag.as_ref(), *connection, written.as_ref())
        }
        (StepKind::Promote | StepKind::ForceFailover, Direction::Undo, _) => promote::cannot_undo(case),
        (StepKind::ForceFailover, Direction::Apply, Observation::Instance { instance, connection }) => {
            failover::force_failover(case, instance, *connection)
        }
        (StepKind::Repoint, _, Observation::Places { target, places, consumers }) => {
            repoint::repoint(case, direction, target, places, consumers)
        }
        (StepKind::Validate, Direction::Apply, Observation::Instance { instance, connection }) => {
            validate::database(case, instance, *connection)
        }
        (StepKind::Validate, Direction::Apply, Observation::Service { service }) => validate::service(case, service),
        (StepKind::Gate | StepKind::Validate | StepKind::ResumeWrites, Direction::Undo, _) => {
            Decision::Done { memory, reason: "it changed nothing, so there is nothing to undo".to_owned() }
        }
        _ => mismatch(),
    }
}
