//! What a recovery achieved: computed from the journal's records, never from constants.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::duration::Seconds;
use super::identifier::{ComponentName, Digest, IncidentId, PlatformName, ScenarioName, StepId};
use super::incident::{Incident, IncidentStatus, Mode};
use super::plan::Plan;
use super::step::{Direction, EffectOutcome, StepKind, StepRecord, StepStatus};

/// The evidence of one recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The incident.
    pub incident_id: IncidentId,
    /// The platform.
    pub platform: PlatformName,
    /// The scenario.
    pub scenario: ScenarioName,
    /// The mode, once assessed.
    pub mode: Option<Mode>,
    /// The declared end.
    pub status: IncidentStatus,
    /// Why it ended so.
    pub reason: String,
    /// When the RTO's clock started.
    pub clock_started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Objectives against what was achieved.
    pub objectives: Vec<Achieved>,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// Every mutation that was tried, by the journal's word.
    pub calls: Vec<Call>,
    /// What a person should know although it stopped nothing.
    pub notes: Vec<String>,
    /// The exact commands left to a person.
    pub commands_left: Vec<String>,
    /// The digest of the plan that the steps followed.
    pub plan_digest: Digest,
    /// The head of each step's chain of journal entries.
    pub chain_heads: Vec<(StepId, Digest)>,
}

/// One component's objectives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achieved {
    /// The component.
    pub component: ComponentName,
    /// Recovery time.
    pub rto: Figure,
    /// Recovery point; `None` for a component without data.
    pub rpo: Option<Figure>,
}

/// One objective and what was achieved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// The objective in seconds.
    pub objective_s: u64,
    /// What was achieved, an upper bound; `None`: not achieved or not known.
    pub achieved_s: Option<u64>,
    /// Whether it was met. Unknown is not met.
    pub met: bool,
    /// Where the figure comes from.
    pub source: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// Its id.
    pub step: StepId,
    /// Its phase.
    pub phase: String,
    /// Where it ended.
    pub status: StepStatus,
    /// First attempt.
    pub started_at: Option<Timestamp>,
    /// When it settled.
    pub ended_at: Option<Timestamp>,
    /// Attempts.
    pub attempts: u32,
    /// The last reason.
    pub reason: String,
}

/// Draws the report up.
#[must_use]
pub fn report(plan: &Plan, incident: &Incident, records: &[StepRecord], now: Timestamp) -> Report {
    let ended_at = incident.ended_at.unwrap_or(now);
    let objectives = plan
        .objectives
        .iter()
        // A change is no recovery, and has no objective to reach.
        .filter(|_| incident.change.is_none())
        .filter(|(component, _)| records.iter().any(|record| &record.step.component == *component))
        .map(|(component, objective)| Achieved {
            component: component.clone(),
            rto: recovery_time(incident, records, component, objective.rto),
            rpo: objective
                .rpo
                .filter(|_| plan.rds_instance(component).is_some())
                .map(|rpo| recovery_point(records, component, rpo)),
        })
        .collect();
    let calls = records
        .iter()
        .flat_map(|record| record.effects.iter().map(|effect| Call::of(&record.id, effect.ordinal, &effect.mutation)))
        .collect();
    let notes = records
        .iter()
        .flat_map(|record| {
            let unreached = record.memory.unreached.iter().map(|(what, why)| format!("{what}: {}", why.reason));
            unreached.chain(record.memory.notes.iter().cloned())
        })
        .collect();
    Report {
        incident_id: incident.id.clone(),
        platform: incident.platform.clone(),
        scenario: incident.scenario.clone(),
        mode: incident.assessment.as_ref().map(|assessment| assessment.mode),
        status: incident.status,
        reason: incident.end_reason.clone().unwrap_or_default(),
        clock_started_at: incident.clock_started_at,
        ended_at,
        objectives,
        steps: records.iter().map(step_report).collect(),
        calls,
        notes,
        commands_left: incident.commands_left.clone(),
        plan_digest: incident.plan_digest.clone(),
        chain_heads: records.iter().filter_map(|record| Some((record.id.clone(), record.head.clone()?))).collect(),
    }
}

/// From the alarm's state change (operator: receipt) to the component's last passed `validate` (design §5).
fn recovery_time(incident: &Incident, records: &[StepRecord], component: &ComponentName, objective: Seconds) -> Figure {
    let of_component =
        || records.iter().filter(|record| record.step.kind == StepKind::Validate && &record.step.component == component);
    let all_passed = of_component().next().is_some() && of_component().all(|record| record.status == StepStatus::Done);
    let last = of_component().filter_map(|record| record.ended_at).max().filter(|_| all_passed);
    let achieved = last.map(|at| Seconds::between(incident.clock_started_at, at));
    Figure {
        objective_s: objective.0,
        achieved_s: achieved.map(|achieved| achieved.0),
        met: achieved.is_some_and(|achieved| achieved <= objective) && incident.status == IncidentStatus::Completed,
        source: match last {
            Some(at) => format!("from {} to its last passed validate at {at}", incident.clock_started_at),
            None => "it was never validated".to_owned(),
        },
    }
}

/// The loss bound at the moment of the promotion; nothing is lost where nothing was promoted and the instance only moved.
fn recovery_point(records: &[StepRecord], component: &ComponentName, objective: Seconds) -> Figure {
    let of_kind = |kind| records.iter().find(move |record| record.step.kind == kind && &record.step.component == component);
    let (achieved, source) = match (of_kind(StepKind::Promote), of_kind(StepKind::ForceFailover)) {
        (Some(record), _) if record.may_have_promoted() => match &record.memory.loss_bound {
            Some(bound) if bound.growing => (
                None,
                format!(
                    "not bounded, because the old primary was never proven fenced; when it was promoted: {}",
                    bound.basis
                ),
            ),
            Some(bound) => (bound.at_most, bound.basis.clone()),
            None => (None, "the promotion's loss was not bounded".to_owned()),
        },
        (None, Some(record)) if record.status == StepStatus::Done => {
            (Some(Seconds(0)), "a Multi-AZ failover keeps every acknowledged commit (synchronous standby)".to_owned())
        }
        _ => (None, "nothing was promoted".to_owned()),
    };
    Figure {
        objective_s: objective.0,
        achieved_s: achieved.map(|achieved| achieved.0),
        met: achieved.is_some_and(|achieved| achieved <= objective),
        source,
    }
}

fn step_report(record: &StepRecord) -> StepReport {
    StepReport {
        step: record.id.clone(),
        phase: record.step.kind.phase().to_owned(),
        status: record.status,
        started_at: record.started_at,
        ended_at: record.ended_at,
        attempts: record.attempt,
        reason: record.reason.clone(),
    }
}

/// The effects that a person reads first: what was changed, and what is unknown.
#[must_use]
pub fn effects_in_words(records: &[StepRecord]) -> Vec<String> {
    let mut lines = Vec::new();
    for record in records {
        for effect in &record.effects {
            let call = Call::of(&record.id, effect.ordinal, &effect.mutation);
            let outcome = match &effect.outcome {
                Some(EffectOutcome::Applied { .. }) => "applied",
                Some(EffectOutcome::Refused { .. }) => "refused",
                Some(EffectOutcome::Unknown { .. }) | None => "UNKNOWN",
            };
            let way = if effect.direction == Direction::Undo { "undo " } else { "" };
            lines.push(format!("{way}{} {} on {} in {}: {outcome}", call.step, call.operation, call.resource, call.region));
        }
    }
    lines
}
