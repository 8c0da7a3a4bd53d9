//! Write the new endpoint to every place where clients read it, one place at a time, then have the consumers reread it.
//! Undo writes back what each place held, by version, and only where the value is still ours.

use std::collections::{BTreeMap, BTreeSet};

use super::super::identifier::{ComponentName, Digest};
use super::super::mutation::Mutation;
use super::super::observation::{InstanceView, PlaceView, ServiceView, Sight};
use super::super::plan::{EndpointPlace, RdsInstance, SiteName};
use super::super::step::{Direction, EffectOutcome, Memory, SavedPlace, StepKind};
use super::{Decision, POLL, StepCase};
use crate::guard::{self, Guard};

/// Decides on `repoint`, both ways.
pub(super) fn repoint(
    case: StepCase<'_>,
    direction: Direction,
    target: &Sight<InstanceView>,
    places: &[Sight<PlaceView>],
    consumers: &BTreeMap<String, Sight<ServiceView>>,
) -> Decision {
    let mut memory = case.record.memory.clone();
    let Some(database) = case.plan.rds_instance(&case.record.step.component) else {
        return Decision::Refuse { memory, reason: format!("{} is not a database of the plan", case.record.step.component) };
    };
    let host = match direction {
        Direction::Apply => match confirmed_host(case, database, target) {
            Ok(host) => host,
            Err(reason) if case.overdue => return Decision::Refuse { memory, reason },
            Err(reason) => return Decision::Wait { memory, wait: POLL, reason },
        },
        Direction::Undo => memory.promoted_host.clone().unwrap_or_default(),
    };
    if direction == Direction::Apply {
        memory.promoted_host = Some(host.clone());
    }
    let mut waiting = None;
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    for (index, (place, sight)) in database.endpoints.iter().zip(places).enumerate() {
        let label = place.label();
        let Sight::Found { found: view } = sight else {
            waiting = Some(format!("{label} is out of reach: {}", sight.why_not()));
            continue;
        };
        let wish = match direction {
            Direction::Apply => wish_to_write(case, place, view, &host, index, &mut memory),
            Direction::Undo => wish_to_restore(case, place, view, &host, index, &memory),
        };
        match wish {
            Wish::Nothing => {
                if memory.places.contains_key(&index) {
                    memory.seen_written.entry(keyed(direction, &label)).or_insert(case.record.next_ordinal());
                }
                written.push(place);
            }
            Wish::Later(why) => waiting = Some(why),
            Wish::Change(mutation) if !case.overdue => {
                memory.seen_written.remove(&keyed(direction, &label));
                // One place that refuses must not keep the others on the fenced host.
                match case.attempt(mutation, direction, memory.clone(), format!("write {host} to {label}")) {
                    Decision::Refuse { reason, .. } => refused.push(reason),
                    Decision::Wait { reason, .. } => waiting = Some(reason),
                    act => return act,
                }
            }
            Wish::Change(_) => waiting = Some(format!("{label} is not written yet")),
        }
    }
    // Consumers reread once nothing more is to be written now: what refuses or is out of reach must not keep them waiting for ever.
    if (waiting.is_none() || case.patience_is_over()) && !memory.places.is_empty() {
        let all: BTreeSet<&ComponentName> = memory
            .places
            .keys()
            .filter_map(|index| database.endpoints.get(*index))
            .flat_map(EndpointPlace::consumers)
            .collect();
        for consumer in all {
            match restart(case, &written, direction, consumer, consumers.get(consumer.as_str()), &mut memory) {
                Restart::Restarted => {}
                Restart::Later(why) => waiting = Some(why),
                Restart::Change(mutation) if !case.overdue => {
                    let reason = format!("have {consumer} reread its database's endpoint");
                    match case.attempt(mutation, direction, memory.clone(), reason) {
                        Decision::Refuse { reason, .. } => refused.push(reason),
                        Decision::Wait { reason, .. } => waiting = Some(reason),
                        act => return act,
                    }
                }
                Restart::Change(_) => waiting = Some(format!("{consumer} is not restarted yet")),
            }
        }
    }
    if waiting.is_none() && !refused.is_empty() {
        let reason = refused.join("; ");
        return match direction {
            Direction::Apply => Decision::Refuse { memory, reason },
            Direction::Undo => Decision::Stuck { memory, reason },
        };
    }
    match waiting {
        Some(reason) if case.overdue && direction == Direction::Undo => Decision::Stuck { memory, reason },
        Some(reason) if case.overdue => Decision::Refuse { memory, reason },
        Some(reason) => Decision::Wait { memory, wait: POLL, reason },
        None => {
            let reason = match direction {
                Direction::Apply => {
                    let written: Vec<String> = written.iter().map(|place| place.label()).collect();
                    format!("{host} stands in {}", written.join(", "))
                }
                Direction::Undo => "every place holds what it held before".to_owned(),
            };
            Decision::Done { memory, reason }
        }
    }
}

/// The host to write: what describe says now, of an instance that stands alone and is available. Never a payload's word, and
/// never the host of an instance that nobody promoted.
fn confirmed_host(case: StepCase<'_>, database: &RdsInstance, target: &Sight<InstanceView>) -> Result<String, String> {
    let id = &database.recovery.id;
    let Some(view) = target.found() else {
        return Err(format!("{id} could not be described: {}", target.why_not()));
    };
    if guard::removed(Guard::TargetConfirmed) {
        return view.host.clone().ok_or_else(|| format!("{id} has no endpoint"));
    }
    let promoted = case.memory_of(StepKind::Promote).is_none_or(|memory| memory.promoted_host.is_some());
    if !view.is_standalone() || !view.serves() || !promoted {
        return Err(format!("{id} is {} and not yet a confirmed primary, so nothing is pointed at it", view.status));
    }
    view.host.clone().ok_or_else(|| format!("{id} has no endpoint"))
}

enum Wish {
    Nothing,
    Later(String),
    Change(Mutation),
}

fn wish_to_write(
    case: StepCase<'_>,
    place: &EndpointPlace,
    view: &PlaceView,
    host: &str,
    index: usize,
    memory: &mut Memory,
) -> Wish {
    match (place, view) {
        (EndpointPlace::SsmParameter { name, region, .. }, PlaceView::Parameter { value, parameter_type, version }) => {
            if value == host {
                return Wish::Nothing;
            }
            let shown = (*parameter_type != super::super::mutation::ParameterType::SecureString).then(|| value.clone());
            save(memory, index, shown, Some(version.clone()));
            Wish::Change(Mutation::PutParameter {
                region: region.clone(),
                name: name.clone(),
                parameter_type: *parameter_type,
                value: host.to_owned(),
            })
        }
        (EndpointPlace::Secret { name, field, region, .. }, PlaceView::SecretField { value, current_version, staged }) => {
            if value.as_deref() == Some(host) {
                return Wish::Nothing;
            }
            let stage = format!("recovery-{}", case.incident.generation);
            save(memory, index, None, Some(current_version.clone()));
            // The token is the new version's id. It depends on the version it is based on, so that neither a try against older
            // content nor an older recovery's leftover is ever made current.
            let version = version_id(&[case.incident.id.as_str(), case.record.id.as_str(), name.as_str(), current_version]);
            if staged.get(&stage) == Some(&version) {
                return Wish::Change(Mutation::MoveSecretStage {
                    region: region.clone(),
                    secret: name.clone(),
                    to_version: version,
                    from_version: current_version.clone(),
                });
            }
            Wish::Change(Mutation::StageSecretVersion {
                region: region.clone(),
                secret: name.clone(),
                field: field.clone(),
                value: host.to_owned(),
                base_version: current_version.clone(),
                version,
                stage,
            })
        }
        (
            EndpointPlace::LambdaEnvironment { function, variable, region, .. },
            PlaceView::Variable { value, others, updating },
        ) => {
            if value.as_deref() == Some(host) {
                return Wish::Nothing;
            }
            if *updating {
                return Wish::Later(format!("{} is still taking an earlier update", place.label()));
            }
            if value.as_deref().is_some_and(|value| !is_plain_host(value)) {
                // It may be a whole connection string with a password: neither ours to replace nor to write into the journal.
                return Wish::Later(format!("{} holds something other than a host name", place.label()));
            }
            save(memory, index, value.clone(), None);
            Wish::Change(Mutation::SetFunctionVariable {
                region: region.clone(),
                function: function.clone(),
                variable: variable.clone(),
                value: Some(host.to_owned()),
                kept: others.clone(),
            })
        }
        _ => Wish::Later(format!("{} does not look like what the plan says it is", place.label())),
    }
}

fn wish_to_restore(
    case: StepCase<'_>,
    place: &EndpointPlace,
    view: &PlaceView,
    host: &str,
    index: usize,
    memory: &Memory,
) -> Wish {
    let Some(saved) = memory.places.get(&index) else {
        return Wish::Nothing;
    };
    match (place, view) {
        (EndpointPlace::SsmParameter { name, region, .. }, PlaceView::Parameter { value, parameter_type, .. }) => {
            match (&saved.version, value == host) {
                (Some(version), true) => Wish::Change(Mutation::RestoreParameter {
                    region: region.clone(),
                    name: name.clone(),
                    parameter_type: *parameter_type,
                    version: version.clone(),
                }),
                // Already restored, or changed by someone else since: then it is theirs.
                _ => Wish::Nothing,
            }
        }
        (EndpointPlace::Secret { name, region, .. }, PlaceView::SecretField { value, current_version, .. }) => {
            match (&saved.version, value.as_deref() == Some(host)) {
                (Some(version), true) if version != current_version => Wish::Change(Mutation::MoveSecretStage {
                    region: region.clone(),
                    secret: name.clone(),
                    to_version: version.clone(),
                    from_version: current_version.clone(),
                }),
                _ => Wish::Nothing,
            }
        }
        (
            EndpointPlace::LambdaEnvironment { function, variable, region, .. },
            PlaceView::Variable { value, others, updating },
        ) => {
            if value.as_deref() != Some(host) || value == &saved.value {
                Wish::Nothing
            } else if *updating {
                Wish::Later(format!("{} is still taking an earlier update", place.label()))
            } else {
                Wish::Change(Mutation::SetFunctionVariable {
                    region: region.clone(),
                    function: function.clone(),
                    variable: variable.clone(),
                    value: saved.value.clone(),
                    kept: others.clone(),
                })
            }
        }
        _ => Wish::Later(format!("{} of incident {} cannot be read back", place.label(), case.incident.id)),
    }
}

/// Whether a value can only be a host name.
fn is_plain_host(value: &str) -> bool {
    value.len() <= 253 && value.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

fn save(memory: &mut Memory, index: usize, value: Option<String>, version: Option<String>) {
    memory.places.entry(index).or_insert(SavedPlace { value, version });
}

/// A version id of the form that Secrets Manager asks of a ClientRequestToken: 32 to 64 characters, here a UUID's shape.
fn version_id(parts: &[&str]) -> String {
    let digest = Digest::of(parts.join("\u{1f}").as_bytes());
    let hex: String = digest.as_str().chars().take(32).collect();
    let piece = |from: usize, to: usize| hex.chars().skip(from).take(to - from).collect::<String>();
    format!("{}-{}-{}-{}-{}", piece(0, 8), piece(8, 12), piece(12, 16), piece(16, 20), piece(20, 32))
}

/// A name in the step's memory, which keeps both ways apart.
fn keyed(direction: Direction, name: &str) -> String {
    match direction {
        Direction::Apply => name.to_owned(),
        Direction::Undo => format!("undo {name}"),
    }
}

enum Restart {
    Restarted,
    Later(String),
    Change(Mutation),
}

/// Whether this mutation changes what readers of the place find.
fn writes(mutation: &Mutation, place: &EndpointPlace) -> bool {
    match (mutation, place) {
        (
            Mutation::PutParameter { name, region, .. } | Mutation::RestoreParameter { name, region, .. },
            EndpointPlace::SsmParameter { name: of, region: at, .. },
        ) => (name, region) == (of, at),
        (Mutation::MoveSecretStage { secret, region, .. }, EndpointPlace::Secret { name, region: at, .. }) => {
            (secret, region) == (name, at)
        }
        (
            Mutation::SetFunctionVariable { function, variable, region, .. },
            EndpointPlace::LambdaEnvironment { function: of, variable: name, region: at, .. },
        ) => (function, variable, region) == (of, name, at),
        _ => false,
    }
}

/// A consumer is restarted once in each direction, and again when a place that it reads was only written after that; a new primary
/// deployment is the proof.
fn restart(
    case: StepCase<'_>,
    written: &[&EndpointPlace],
    direction: Direction,
    consumer: &ComponentName,
    sight: Option<&Sight<ServiceView>>,
    memory: &mut Memory,
) -> Restart {
    let Some(service) = case.plan.ecs_service(consumer) else {
        return Restart::Later(format!("{consumer} is not a service of the plan"));
    };
    let Some(Sight::Found { found: view }) = sight else {
        return Restart::Later(format!(
            "{consumer} could not be described: {}",
            sight.map_or("it was not looked at", Sight::why_not)
        ));
    };
    let site = service.at(SiteName::Recovery);
    let stray = guard::removed(Guard::StrayCall);
    let mutation = Mutation::RestartService {
        region: case.plan.region(if stray { SiteName::Primary } else { SiteName::Recovery }).clone(),
        cluster: site.cluster.clone(),
        service: site.service.clone(),
    };
    let key = keyed(direction, consumer.as_str());
    let tries = |wanted: &dyn Fn(&Mutation) -> bool| {
        let tried = case.record.effects.iter().filter(|effect| effect.direction == direction && wanted(&effect.mutation));
        let may_have_happened = tried.filter(|effect| !matches!(effect.outcome, Some(EffectOutcome::Refused { .. })));
        may_have_happened.collect::<Vec<_>>()
    };
    let read = written.iter().filter(|place| place.consumers().contains(consumer));
    // What was not answered took effect before it was seen, and nobody knows how long before: perhaps after the last restart.
    let last_write = read.flat_map(|place| {
        let seen = memory.seen_written.get(&keyed(direction, &place.label())).copied();
        tries(&|tried| writes(tried, place)).into_iter().map(move |effect| match effect.outcome {
            Some(EffectOutcome::Applied { .. }) => effect.ordinal,
            _ if guard::removed(Guard::LateWriteRestarts) => effect.ordinal,
            _ => seen.unwrap_or(effect.ordinal).max(effect.ordinal),
        })
    });
    let last_write = last_write.max();
    if tries(&|tried| *tried == mutation).iter().map(|effect| effect.ordinal).max() < last_write {
        memory.deployments.insert(key, view.deployment.clone());
        return Restart::Change(mutation);
    }
    let before = memory.deployments.entry(key).or_insert_with(|| view.deployment.clone());
    let applied = matches!(case.last_try(&mutation, direction), Some((EffectOutcome::Applied { .. }, _)));
    if applied || *before != view.deployment { Restart::Restarted } else { Restart::Change(mutation) }
}
