//! Declare a change that a person asks for apart from a recovery: an incident of one step, under the same lock, run by the same state
//! machine.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::assess::{Assessment, Course, longest_incident};
use crate::domain::change::{Change, held_in, places_in, put_over};
use crate::domain::duration::Seconds;
use crate::domain::endpoint::confirm;
use crate::domain::identifier::{ComponentName, Digest, IncidentId};
use crate::domain::incident::{Incident, IncidentStatus, Mode, Origin, PlatformState};
use crate::domain::observation::InstanceView;
use crate::domain::plan::{Plan, RdsInstance, SiteName};
use crate::domain::step::{LONGEST_UNSEEN, Memory, PlannedStep, SavedHold, StepKind, StepRecord, StepStatus};
use crate::error::{Code, RecoveryError};
use crate::ports::{Commit, Databases};

use super::Engine;
use super::book::{Versioned, note, write_incident, write_plan, write_platform, write_step};
use super::declare::describe;
use super::hands::sight;
use super::notices::notice;

/// How often a lost race is run again.
const RACES: usize = 5;

/// What came of asking for a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Changing {
    /// It is new.
    New(Box<Incident>),
    /// The same request, or another one for the same change that is under way, declared it before.
    Again(Box<Incident>),
}

/// Declares the change, once it is certain that it may be made.
///
/// # Errors
/// `component_not_in_plan`, `endpoint_not_confirmed`, `nothing_to_undo`, `nothing_to_restore`, `platform_busy`, journal errors. Nothing
/// is written then.
pub async fn declare_change(
    engine: Engine<'_>,
    databases: &dyn Databases,
    plan: &Plan,
    change: &Change,
    id: &IncidentId,
    origin: &Origin,
) -> Result<Changing, RecoveryError> {
    let book = engine.book();
    check_change(engine, databases, plan, change).await?;
    for _ in 0..RACES {
        if let Some(existing) = book.find(id).await? {
            return Ok(Changing::Again(Box::new(existing.value)));
        }
        let mut platform = book.platform(&plan.platform).await?;
        if let Some(active) = &platform.value.active {
            let active = book.incident(active).await?.value;
            if active.change.as_ref() == Some(change) && !active.status.is_end() {
                return Ok(Changing::Again(Box::new(active)));
            }
            return Err(busy(&active));
        }
        let records = records_of(engine, plan, &platform.value, change).await?;
        platform.value.generation = platform.value.generation.next();
        platform.value.active = Some(id.clone());
        platform.value.latest = Some(id.clone());
        platform.value.noticed.insert(id.clone());
        let (mut incident, why) = incident_of(engine, plan, &platform.value, change, id, origin)?;
        let now = incident.declared_at;
        let entry = note(id, &mut incident, now, "declared", &why);
        let subject = format!("{}: {} asked for", plan.platform, change.as_str());
        let page = notice(id, "declared", &subject, &format!("Incident {id}: {} {why}.", change.as_str()), now);
        let fresh = Versioned { value: incident, revision: 0 };
        let mut writes = vec![write_incident(&fresh), write_platform(&plan.platform, &platform), entry, page];
        writes.extend(write_plan(id, plan));
        writes.extend(records.into_iter().map(|value| write_step(id, &Versioned { value, revision: 0 })));
        if book.commit(&writes).await? == Commit::Committed {
            return Ok(Changing::New(Box::new(fresh.value)));
        }
    }
    Err(RecoveryError::new(Code::JournalUnavailable, "other writers were faster each time; send the same request again"))
}

/// Another incident holds the platform.
pub(super) fn busy(active: &Incident) -> RecoveryError {
    let (id, what, status) = (&active.id, &active.scenario, active.status.as_str());
    let then = if active.status == IncidentStatus::Stuck { "acknowledge it first" } else { "try again once it has ended" };
    RecoveryError::new(
        Code::PlatformBusy,
        format!("incident {id} ({what}, {status}) holds {}; {then}; nothing was changed", active.platform),
    )
}

/// Whether the change may be made, by the plan, by what is described and by what the journal holds. The function that is asked checks
/// this before it asks `recovery`, and `recovery` before it declares.
///
/// # Errors
/// `component_not_in_plan`, `endpoint_not_confirmed`, `nothing_to_undo`, `incident_unknown`.
pub async fn check_change(
    engine: Engine<'_>,
    databases: &dyn Databases,
    plan: &Plan,
    change: &Change,
) -> Result<(), RecoveryError> {
    for component in change.components() {
        let database = database(plan, &component)?;
        match change {
            Change::Repoint { .. } => {
                let id = &database.recovery.id;
                let seen = sight(databases.describe(plan.region(SiteName::Recovery), id).await);
                // Its own host: what is asked here is whether the instance stands alone and is available.
                let host = seen.found().and_then(|view| view.host.clone()).unwrap_or_default();
                confirm(&host, id.as_str(), &seen).map_err(|why| {
                    RecoveryError::new(Code::EndpointNotConfirmed, format!("{}; nothing was changed", why.0))
                })?;
            }
            Change::UndoRepoint { incident, .. } => {
                written_by(engine, incident, &component).await?;
                let id = &database.primary.id;
                let seen = sight(databases.describe(plan.region(SiteName::Primary), id).await);
                let Some(view) = seen.found() else {
                    return Err(unfit(&format!("{id} could not be described: {}", seen.why_not())));
                };
                may_take_clients_back(database, view).map_err(|why| unfit(&why))?;
            }
            Change::HoldWrites { .. } | Change::ResumeWrites { .. } => {}
        }
    }
    Ok(())
}

fn unfit(why: &str) -> RecoveryError {
    RecoveryError::new(
        Code::EndpointNotConfirmed,
        format!("clients are not pointed back at the primary site: {why}; nothing was changed"),
    )
}

/// Clients go back only to an instance that serves and that no fence of ours, or anybody's, has isolated.
fn may_take_clients_back(database: &RdsInstance, view: &InstanceView) -> Result<(), String> {
    let id = &database.primary.id;
    let isolation = database.primary.isolation_security_group.as_ref();
    if isolation.is_some_and(|group| view.security_groups.contains_key(group.as_str())) {
        return Err(format!("{id} is behind its isolation group, so nobody could reach it there"));
    }
    if !view.is_standalone() || !view.is_available() {
        return Err(format!("{id} is {} and does not stand alone and available", view.status));
    }
    Ok(())
}

fn database<'a>(plan: &'a Plan, component: &ComponentName) -> Result<&'a RdsInstance, RecoveryError> {
    plan.rds_instance(component).ok_or_else(|| {
        RecoveryError::new(Code::ComponentNotInPlan, format!("the plan for {} has no database {component}", plan.platform))
    })
}

/// What the incident's `repoint` remembers for the component.
async fn written_by(engine: Engine<'_>, id: &IncidentId, component: &ComponentName) -> Result<Memory, RecoveryError> {
    let book = engine.book();
    book.incident(id).await?;
    let wrote = |record: &StepRecord| {
        record.step.kind == StepKind::Repoint
            && &record.step.component == component
            && record.status != StepStatus::Undone
            && !record.memory.places.is_empty()
    };
    let steps = book.steps(id).await?;
    let Some(record) = steps.into_iter().map(|step| step.value).find(wrote) else {
        let message = format!("incident {id} wrote no endpoint of {component} that could be taken back");
        return Err(RecoveryError::new(Code::NothingToUndo, message));
    };
    nothing_on_its_way(id, &record, engine.clock.now())?;
    Ok(record.memory)
}

/// What may still take effect cannot be taken back yet: it would come afterwards, when nobody knows of it any more.
fn nothing_on_its_way(id: &IncidentId, record: &StepRecord, now: Timestamp) -> Result<(), RecoveryError> {
    let Some(effect) = record.effects.iter().rev().find(|effect| effect.may_come_after(now)) else { return Ok(()) };
    let (sent, after) = (Seconds::between(effect.intended_at, now), LONGEST_UNSEEN.after(effect.intended_at));
    Err(RecoveryError::new(
        Code::StepBusy,
        format!(
            "call #{} of {} of incident {id} was sent {sent} ago, was not answered and may still take effect; nothing was changed: try \
             again after {after}",
            effect.ordinal, record.id
        ),
    ))
}

/// The databases of which an incident wrote the endpoint, for a request that names the incident only.
///
/// # Errors
/// `incident_unknown`, `nothing_to_undo`, journal errors.
pub async fn undoing(engine: Engine<'_>, id: &IncidentId) -> Result<Change, RecoveryError> {
    let book = engine.book();
    book.incident(id).await?;
    let steps = book.steps(id).await?;
    let wrote = steps.into_iter().map(|step| step.value).find(|record| record.step.kind == StepKind::Repoint);
    match wrote {
        Some(record) => Ok(Change::UndoRepoint { component: record.step.component, incident: id.clone() }),
        None => Err(RecoveryError::new(Code::NothingToUndo, format!("incident {id} wrote no endpoint"))),
    }
}

/// The steps with which the change begins, with what earlier incidents saved.
async fn records_of(
    engine: Engine<'_>,
    plan: &Plan,
    state: &PlatformState,
    change: &Change,
) -> Result<Vec<StepRecord>, RecoveryError> {
    let mut records = Vec::new();
    for step in change.steps() {
        let memory = match change {
            Change::UndoRepoint { incident, .. } => taken_from(engine, plan, incident, &step).await?,
            Change::ResumeWrites { .. } => Memory { held: all_held(engine, plan, state, &step).await?, ..Memory::default() },
            Change::Repoint { .. } | Change::HoldWrites { .. } => Memory::default(),
        };
        records.push(StepRecord { memory, ..StepRecord::pending(1, step) });
    }
    let holds = records.iter().any(|record| !record.memory.held.is_empty());
    if matches!(change, Change::ResumeWrites { .. }) && !holds {
        return Err(RecoveryError::new(
            Code::NothingToRestore,
            format!(
                "no hold of ours is in place at {}, and nothing else is opened: {{\"mode\":\"status\"}} shows every point; nothing was \
                 changed",
                plan.platform
            ),
        ));
    }
    Ok(records)
}

async fn taken_from(engine: Engine<'_>, plan: &Plan, id: &IncidentId, step: &PlannedStep) -> Result<Memory, RecoveryError> {
    let memory = written_by(engine, id, &step.component).await?;
    let old = engine.book().plan(id).await?;
    let places = places_in(plan, &old, &step.component, &memory).map_err(|label| gone(id, &label))?;
    Ok(Memory { places, promoted_host: memory.promoted_host, ..Memory::default() })
}

/// What every hold of ours that is in place at the component saved, the latest word on each point.
async fn all_held(
    engine: Engine<'_>,
    plan: &Plan,
    state: &PlatformState,
    step: &PlannedStep,
) -> Result<BTreeMap<usize, SavedHold>, RecoveryError> {
    let book = engine.book();
    let mut saved = BTreeMap::new();
    for id in state.held.get(&step.component).into_iter().flatten() {
        let old = book.plan(id).await?;
        let holds =
            |record: &&StepRecord| record.step.kind == StepKind::HoldWrites && record.step.component == step.component;
        let steps: Vec<StepRecord> = book.steps(id).await?.into_iter().map(|step| step.value).collect();
        for record in steps.iter().filter(holds) {
            nothing_on_its_way(id, record, engine.clock.now())?;
            put_over(&mut saved, held_in(plan, &old, &step.component, &record.memory).map_err(|label| gone(id, &label))?);
        }
    }
    Ok(saved)
}

/// What an incident did to a point that the plan does not have any more is nothing that may be guessed at.
fn gone(id: &IncidentId, label: &str) -> RecoveryError {
    RecoveryError::new(
        Code::ComponentNotInPlan,
        format!(
            "incident {id} changed {label}, which this plan does not have any more: put it back into the plan, or restore it by hand; \
             nothing was changed"
        ),
    )
}

fn incident_of(
    engine: Engine<'_>,
    plan: &Plan,
    state: &PlatformState,
    change: &Change,
    id: &IncidentId,
    origin: &Origin,
) -> Result<(Incident, String), RecoveryError> {
    let now = engine.clock.now();
    let (Some(scenario), Some(name)) = (change.scenario(), change.name()) else {
        return Err(RecoveryError::new(Code::PayloadUnreadable, "a change names at least one database"));
    };
    let why = describe(origin);
    let assessment = Assessment {
        on_an_alarms_word: false,
        at: now,
        mode: Mode::Graceful,
        course: Course::Branch { index: 0 },
        reason: why.clone(),
        basis: Digest::of_json(change),
    };
    let mut incident = Incident::imagined(plan, &name, origin.clone(), assessment, state.generation, now);
    incident.id = id.clone();
    incident.failing_site = state.active_site;
    incident.change = Some(change.clone());
    incident.deadline = longest_incident(&scenario).after(now);
    Ok((incident, why))
}
