//! A batch of changes against a zone: everything is looked at before anything is done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::alias::AliasResource;
use super::flaw::{Flaw, Refusal};
use super::name::DnsName;
use super::record::{Change, ChangeAction, ChangeBatch, Content, RecordKey, RecordSet, RecordType};
use super::rules;
use super::statement::{self, Problem};
use super::zone::{Records, Zone, group};
use crate::errors::ApiError;
use crate::facts::Fact;

/// The most `ResourceRecord` elements of a batch; those of an `UPSERT` count twice.
const MOST_VALUES: usize = 1_000;
/// The most characters in the values of a batch; those of an `UPSERT` count twice.
const MOST_CHARACTERS: usize = 32_000;
/// The zone that every CloudFront distribution lies in.
const CLOUDFRONT: &str = "Z2FDTNDATAQYW2";

/// What a batch may refer to besides its zone.
pub(super) struct Surroundings<'a> {
    pub(super) alias_resources: &'a BTreeMap<DnsName, AliasResource>,
    pub(super) health_checks: &'a dyn Fn(&str) -> bool,
}

/// What the zone holds once all of a batch is done.
///
/// # Errors
/// Whatever is wrong with any of its changes; nothing of the batch counts then.
pub(super) fn apply(zone: &Zone, batch: &ChangeBatch, around: &Surroundings<'_>) -> Result<Arc<Records>, Refusal> {
    keep_limits(batch)?;
    let (sets, mut flaws) = read(zone, batch)?;
    for check in sets.iter().filter_map(|(_, set)| set.health_check.as_deref()) {
        if !(around.health_checks)(check) {
            return Err(Refusal::new(Fact::HealthCheckIsThere, ApiError::no_such_health_check(check)));
        }
    }
    flaws.extend(repeated(&sets));
    let mut after = Arc::clone(&zone.current);
    for (action, set) in &sets {
        flaws.extend(make(*action, set, Arc::make_mut(&mut after)));
    }
    for (_, set) in sets.iter().filter(|(action, _)| *action != ChangeAction::Delete) {
        flaws.extend(rules::flaws(zone, &after, set));
        flaws.extend(flaw_of_alias(zone, &after, set, around));
    }
    flaws.extend(rules::flaws_at_apex(zone, &after));
    if flaws.is_empty() { Ok(after) } else { Err(Refusal::of(flaws)) }
}

fn keep_limits(batch: &ChangeBatch) -> Result<(), Refusal> {
    if batch.changes.is_empty() {
        let error = ApiError::invalid_input("Invalid request: A change batch has at least one change");
        return Err(Refusal::new(Fact::BatchLimits, error));
    }
    let count = |measure: &dyn Fn(&[String]) -> usize| -> usize {
        batch
            .changes
            .iter()
            .map(|change| {
                let times = if change.action == ChangeAction::Upsert { 2 } else { 1 };
                change.record_set.values.as_deref().map_or(0, measure) * times
            })
            .sum()
    };
    let mut flaws = Vec::new();
    if count(&<[String]>::len) > MOST_VALUES {
        flaws.push(Flaw::new(Fact::BatchLimits, format!("Number of records limit of {MOST_VALUES} exceeded.")));
    }
    if count(&|values| values.iter().map(|value| value.chars().count()).sum()) > MOST_CHARACTERS {
        flaws.push(Flaw::new(Fact::BatchLimits, format!("Number of characters limit of {MOST_CHARACTERS} exceeded.")));
    }
    if flaws.is_empty() { Ok(()) } else { Err(Refusal::of(flaws)) }
}

type ReadChanges = (Vec<(ChangeAction, RecordSet)>, Vec<Flaw>);

fn read(zone: &Zone, batch: &ChangeBatch) -> Result<ReadChanges, Refusal> {
    let (mut sets, mut flaws) = (Vec::new(), Vec::new());
    for change in &batch.changes {
        match statement::read(change) {
            Ok(set) => {
                keep_to_what_is_modelled(zone, change, &set)?;
                sets.push((change.action, set));
            }
            Err(Problem::Refused(error)) => return Err(error),
            Err(Problem::Flaws(more)) => flaws.extend(more),
        }
    }
    Ok((sets, flaws))
}

/// A zone delegated to others has answers that are not its own.
fn keep_to_what_is_modelled(zone: &Zone, change: &Change, set: &RecordSet) -> Result<(), Refusal> {
    let about_authority = matches!(set.key.kind, RecordType::Ns | RecordType::Soa);
    if about_authority && set.key.name != zone.name && change.action != ChangeAction::Delete {
        let error = ApiError::not_modelled(format_args!("records of type {} below the apex of a zone", set.key.kind));
        return Err(Refusal::new(Fact::UnmodelledIsRefused, error));
    }
    Ok(())
}

/// A batch says one thing of a record set, or that it is taken away and then made anew.
fn repeated(sets: &[(ChangeAction, RecordSet)]) -> Vec<Flaw> {
    let mut actions: BTreeMap<&RecordKey, Vec<ChangeAction>> = BTreeMap::new();
    for (action, set) in sets {
        actions.entry(&set.key).or_default().push(*action);
    }
    actions
        .into_iter()
        .filter(|(_, actions)| actions.len() > 1 && *actions != [ChangeAction::Delete, ChangeAction::Create])
        .map(|(key, _)| {
            let set = format!("'{} {}'", key.kind, key.name);
            let text = format!("The request contains an invalid set of changes for a resource record set {set}");
            Flaw::new(Fact::OneChangePerRecordSet, text)
        })
        .collect()
}

fn make(action: ChangeAction, set: &RecordSet, records: &mut Records) -> Option<Flaw> {
    let tried = |fact, what: &str| {
        let action = action.as_str().to_lowercase();
        Some(Flaw::new(fact, format!("Tried to {action} resource record set {} but {what}", set.key)))
    };
    match (action, records.get(&set.key)) {
        (ChangeAction::Create, Some(_)) => tried(Fact::CreateNeedsAbsence, "it already exists"),
        (ChangeAction::Delete, None) => tried(Fact::DeleteStatesExactValues, "it was not found"),
        (ChangeAction::Delete, Some(present)) if !present.is_stated_by(set) => {
            tried(Fact::DeleteStatesExactValues, "the values provided do not match the current values")
        }
        (ChangeAction::Delete, Some(_)) => {
            records.remove(&set.key);
            None
        }
        (ChangeAction::Create | ChangeAction::Upsert, _) => {
            records.insert(set.key.clone(), set.clone());
            None
        }
    }
}

fn flaw_of_alias(zone: &Zone, after: &Records, set: &RecordSet, around: &Surroundings<'_>) -> Option<Flaw> {
    let Content::Alias(target) = &set.content else {
        return None;
    };
    let tried = |what: &str| {
        let (name, kind, zone) = (&target.name, set.key.kind, &target.hosted_zone);
        let text = format!("Tried to create an alias that targets {name}, type {kind} in zone {zone}, but {what}");
        Flaw::new(Fact::AliasTargetIsThere, text)
    };
    if target.hosted_zone == CLOUDFRONT && target.evaluate_target_health {
        return Some(tried("EvaluateTargetHealth cannot be set to true when the alias target is a CloudFront distribution"));
    }
    let lies_within = if target.hosted_zone == zone.id {
        target.name.lies_within(&zone.name)
    } else {
        around.alias_resources.get(&target.name).is_some_and(|resource| resource.hosted_zone == target.hosted_zone)
    };
    if !lies_within {
        return Some(tried("the alias target name does not lie within the target zone"));
    }
    (target.hosted_zone == zone.id && group(after, &target.name, set.key.kind).is_empty())
        .then(|| tried("that target was not found"))
}
