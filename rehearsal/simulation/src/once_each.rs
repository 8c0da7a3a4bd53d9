//! Invariant I8: what a recovery carries out more often than once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use shared::domain::identifier::{IncidentId, StepId};
use shared::domain::mutation::Mutation;
use shared::domain::step::{EffectOutcome, SETTLING_TIME, StepRecord};

use super::accounting::Effect;
use super::cloud::State;

/// Mutations that were carried out more often than once in one recovery. A reboot of the fenced primary is no such thing: one that
/// no describe call showed proves nothing, so it is made again.
pub(crate) fn doubled_effects(state: &State) -> Vec<String> {
    let intents = intents(state);
    let mut made: BTreeMap<String, Vec<&Effect>> = BTreeMap::new();
    let (mut places_written, took_effect) = (0, state.effects.iter().filter(|effect| effect.took_effect));
    for effect in took_effect {
        // Consumers are restarted again when a place that they read was only written after their restart.
        let since = match &effect.mutation {
            Mutation::RebootInstance { .. } => continue,
            // What somebody undid by hand has to be done again.
            Mutation::SetSecurityGroups { .. } if state.interfered => continue,
            Mutation::RestartService { .. } => format!(" after {places_written} writes"),
            Mutation::PutParameter { .. } | Mutation::MoveSecretStage { .. } => {
                places_written += 1;
                String::new()
            }
            _ => String::new(),
        };
        let call = effect.call();
        let incident = effect.incident.as_ref().map(ToString::to_string).unwrap_or_default();
        let key =
            format!("{} on {} in {} with {}{since} {incident}", call.operation, call.resource, call.region, call.parameters);
        made.entry(key).or_default().push(effect);
    }
    let times = |effects: &[&Effect]| {
        let mut intents: Vec<_> = effects.iter().map(|effect| intents.get(&intent_of(effect)).copied()).collect();
        intents.sort();
        // Nothing excuses a call whose intent the journal does not have, nor two calls of one intent.
        let excused = intents.windows(2).filter(|pair| match pair {
            [Some((earlier, false)), Some((later, _))] => SETTLING_TIME.after(*earlier) <= *later,
            _ => false,
        });
        let repeatable = effects.iter().all(|effect| sets_a_value(&effect.mutation));
        effects.len() - if repeatable { excused.count() } else { 0 }
    };
    let doubled = made.iter().map(|(call, effects)| (call, times(effects))).filter(|(_, times)| *times > 1);
    doubled.map(|(call, times)| format!("{times} times: {call}")).collect()
}

/// Whether making it twice is the same as making it once.
fn sets_a_value(mutation: &Mutation) -> bool {
    !matches!(
        mutation,
        Mutation::ForceFailover { .. }
            | Mutation::RebootInstance { .. }
            | Mutation::PromoteReplica { .. }
            | Mutation::RestartService { .. }
    )
}

type Intent = (Option<IncidentId>, StepId, u32);

fn intent_of(effect: &Effect) -> Intent {
    (effect.incident.clone(), effect.step.clone(), effect.ordinal)
}

/// When the journal was told of each effect, and whether it ever heard the answer.
fn intents(state: &State) -> BTreeMap<Intent, (Timestamp, bool)> {
    let documents = state.journal.documents().filter(|(_, name, _)| name.starts_with("step#"));
    let records = documents.filter_map(|(partition, _, content)| {
        let incident = partition.strip_prefix("incident#").and_then(|id| IncidentId::new(id).ok())?;
        Some((incident, serde_json::from_str::<StepRecord>(content).ok()?))
    });
    let mut found = BTreeMap::new();
    for (incident, record) in records {
        found.extend(record.effects.iter().map(|effect| {
            let answered = !matches!(effect.outcome, None | Some(EffectOutcome::Unknown { .. }));
            ((Some(incident.clone()), record.id.clone(), effect.ordinal), (effect.intended_at, answered))
        }));
    }
    found
}
