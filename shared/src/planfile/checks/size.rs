//! What the journal or Step Functions would not carry: too many steps in all or side by side, too long a history.

use crate::domain::decide::POLL;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::DraftScenario;
use super::super::finding::Findings;
use super::steps::{Branch, Scenario, Step};

/// The end of an incident, and an order to it, write every step's record in one TransactWriteItems, which takes 100 writes; what
/// else they write has the rest. (Two digits number the waves in step ids: fewer steps than a hundred keep that too.)
const MOST_STEPS: usize = 90;
/// The state machine's Map runs this many steps at once; more would wait for one another.
const MOST_STEPS_TOGETHER: usize = 40;
/// Step Functions ends a Standard execution at 25,000 events. What retries after errors add is not predicted, hence the room.
const MOST_EVENTS: u64 = 15_000;

/// Events of the execution itself, of assessing and of reporting, each looked at for a minute.
const EVENTS_OF_EXECUTION: u64 = 2 + 2 * 12 * EVENTS_OF_ATTEMPT;
/// A wave: the task that advances, the choice that follows it, and the Map around the steps.
const EVENTS_OF_WAVE: u64 = 5 + 2 + 4;
/// A step besides its attempts: the Map's iteration and the state that ends it.
const EVENTS_OF_STEP: u64 = 2 + 2;
/// One attempt: the choice of the function, the task, the choice by its answer, the wait.
const EVENTS_OF_ATTEMPT: u64 = 2 + 5 + 2 + 2;
/// A question to a person, and the attempt that takes the answer.
const EVENTS_OF_APPROVAL: u64 = 6 + EVENTS_OF_ATTEMPT;

pub(super) fn check(scenario: &Scenario<'_>, findings: &mut Findings) {
    for branch in &scenario.branches {
        let steps: usize = branch.draft.waves.iter().map(|wave| wave.steps.len()).sum();
        if steps > MOST_STEPS {
            findings.error(
                code::TOO_MANY_STEPS,
                branch.draft.mark,
                format!("the branch has {steps} steps, and the most that one commit of the journal can end is {MOST_STEPS}"),
                "recover some of the components by a scenario of their own",
            );
        }
        for wave in &branch.draft.waves {
            if wave.steps.len() > MOST_STEPS_TOGETHER {
                let message =
                    format!("{} steps run side by side here, and the most is {MOST_STEPS_TOGETHER}", wave.steps.len());
                findings.error(code::TOO_MANY_STEPS_TOGETHER, wave.mark, message, "split them into several `together`");
            }
        }
        let events = predicted_events(scenario.draft, branch);
        if events > MOST_EVENTS {
            findings.error(
                code::HISTORY_TOO_LONG,
                branch.draft.mark,
                format!("the state machine's history may grow to {events} events in this branch; from {MOST_EVENTS} on it gets near \
                         the 25000 at which Step Functions ends it"),
                "shorten budgets, or split the scenario: every step adds events for as long as it may take",
            );
        }
    }
}

/// The most events that a branch makes when every step uses its whole budget, forward and then, if it must, back.
fn predicted_events(scenario: &DraftScenario, branch: &Branch<'_>) -> u64 {
    let steps: u64 = branch.steps().map(|step| events_of(scenario, &step)).fold(0, u64::saturating_add);
    let waves = EVENTS_OF_WAVE * branch.waves.len() as u64;
    EVENTS_OF_EXECUTION.saturating_add(steps.saturating_add(waves).saturating_mul(2))
}

fn events_of(scenario: &DraftScenario, step: &Step<'_>) -> u64 {
    let looks = scenario.budget(step.kind).0.div_ceil(POLL.0.max(1));
    let attempts = looks.saturating_add(mutations(step)).saturating_add(1);
    let asks = matches!(step.kind, StepKind::Gate | StepKind::Promote);
    attempts.saturating_mul(EVENTS_OF_ATTEMPT).saturating_add(EVENTS_OF_STEP).saturating_add(if asks {
        EVENTS_OF_APPROVAL
    } else {
        0
    })
}

/// How many calls that change something a step makes: each is an attempt that asks to be run again at once.
fn mutations(step: &Step<'_>) -> u64 {
    match step.kind {
        StepKind::ForceFailover | StepKind::Promote => 1,
        // The security group, and the reboot that ends the sessions it leaves open.
        StepKind::Fence => 2,
        StepKind::HoldWrites | StepKind::ResumeWrites => step.component.map_or(0, |component| component.holds.len() as u64),
        StepKind::Repoint => step.component.map_or(0, |component| {
            component.endpoints.iter().map(|place| place.writes + place.consumers.len() as u64).sum()
        }),
        StepKind::Gate | StepKind::Validate => 0,
    }
}
