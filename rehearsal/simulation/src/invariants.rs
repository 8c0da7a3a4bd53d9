//! What must hold whatever happens (design §9), judged by the world's own truth and never by what the journal claims.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rehearsal_world::{Connection, InstanceKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::domain::identifier::{Digest, IncidentId};
use shared::domain::incident::{Incident, IncidentStatus};
use shared::domain::plan::{Component, EndpointPlace, HoldPoint, Plan, RdsInstance};
use shared::domain::step::{RouteSettings, StepKind, StepRecord, StepStatus};
use shared::engine::Entry;

use super::cloud::{LambdaFunction, Regional, RestStage, State};
use super::once_each::doubled_effects;
use super::simulation::{Ended, Simulation};

/// An invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// At most one writable primary that clients are routed to.
    OnePrimary,
    /// The applied generation never decreases: a recovery that is over, or older than another, changes nothing.
    GenerationsGrow,
    /// Traffic never points at nothing.
    PointsAtSomething,
    /// Every effect is in the journal before it is tried.
    JournalledFirst,
    /// No promotion without a proven fence, or leave to do without; and none that loses more than was allowed.
    FencedOrAllowed,
    /// When unsure, hold and page.
    UnsureHolds,
    /// Every incident ends, in a declared state, before its deadline.
    Ends,
    /// Each mutation takes effect at most once per generation.
    OnceEach,
    /// Undo restores exactly the saved state.
    RestoredExactly,
    /// No call outside `may`.
    InsideMay,
    /// The report never promises more than the truth.
    ReportIsTrue,
}

impl Invariant {
    /// Every invariant.
    pub const ALL: [Self; 11] = [
        Self::OnePrimary,
        Self::GenerationsGrow,
        Self::PointsAtSomething,
        Self::JournalledFirst,
        Self::FencedOrAllowed,
        Self::UnsureHolds,
        Self::Ends,
        Self::OnceEach,
        Self::RestoredExactly,
        Self::InsideMay,
        Self::ReportIsTrue,
    ];

    /// Its number in the design; the report's truth has none of its own there.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::OnePrimary => "I1",
            Self::GenerationsGrow => "I2",
            Self::PointsAtSomething => "I3",
            Self::JournalledFirst => "I4",
            Self::FencedOrAllowed => "I5",
            Self::UnsureHolds => "I6",
            Self::Ends => "I7",
            Self::OnceEach => "I8",
            Self::RestoredExactly => "I9",
            Self::InsideMay => "I10",
            Self::ReportIsTrue => "I11",
        }
    }

    /// It, as a sentence.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::OnePrimary => "at most one writable primary that clients are routed to",
            Self::GenerationsGrow => "the applied generation never decreases",
            Self::PointsAtSomething => "traffic never points at nothing",
            Self::JournalledFirst => "every effect is journalled before it is tried",
            Self::FencedOrAllowed => "no promotion without a proven fence, a pre-authorisation or an approval",
            Self::UnsureHolds => "unsure means hold and page",
            Self::Ends => "every incident ends, in a declared state, before its deadline",
            Self::OnceEach => {
                "each mutation takes effect at most once per generation; one that sets a value, also after a call without an answer"
            }
            Self::RestoredExactly => "undo restores exactly the saved state",
            Self::InsideMay => "no call outside what a step may do",
            Self::ReportIsTrue => "a report never promises more than the truth",
        }
    }
}

/// An invariant that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// When it was found.
    pub at: Timestamp,
    /// What was found.
    pub sentence: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} ({})", self.invariant.number(), self.sentence, self.at)
    }
}

/// The databases that the plan's scenarios are about.
fn databases(plan: &Plan) -> impl Iterator<Item = &RdsInstance> {
    plan.components.values().filter_map(|component| match component {
        Component::RdsInstance(database) => Some(database),
        _ => None,
    })
}

/// What clients read in every place where they look for a database, by the place's label; and what their tasks read when they
/// started.
#[must_use]
pub fn hosts(state: &State) -> BTreeMap<String, String> {
    let mut hosts = BTreeMap::new();
    for place in databases(&state.plan).flat_map(|database| &database.endpoints) {
        let key = |name: &str| (place.region().to_string(), name.to_owned());
        let host = match place {
            EndpointPlace::SsmParameter { name, .. } => {
                state.parameters.get(&key(name.as_str())).map(|parameter| parameter.value().to_owned())
            }
            EndpointPlace::Secret { name, field, .. } => state
                .secrets
                .get(&key(name.as_str()))
                .and_then(|secret| secret.current().get(field.as_str())?.as_str().map(str::to_owned)),
            EndpointPlace::LambdaEnvironment { function, variable, .. } => state
                .functions
                .get(&key(function.as_str()))
                .and_then(|function| function.variables.get(variable.as_str()).cloned()),
        };
        hosts.insert(place.label(), host.unwrap_or_default());
    }
    for ((_, name), service) in &state.services {
        hosts.insert(format!("tasks of {name}"), service.host.clone());
    }
    hosts
}

/// Everything of the platform that a recovery may change for a while, as it was before.
#[derive(Debug, Clone)]
pub struct Before {
    stages: Regional<RestStage>,
    routes: Regional<BTreeMap<String, RouteSettings>>,
    functions: Regional<LambdaFunction>,
    secrets: Regional<Value>,
    hosts: BTreeMap<String, String>,
}

impl Before {
    /// How it stands now.
    #[must_use]
    pub fn of(simulation: &Simulation) -> Self {
        simulation.cloud.with(|state| Self {
            stages: state.rest_stages.clone(),
            routes: state.http_stages.clone(),
            functions: state.functions.clone(),
            secrets: state.secrets.iter().map(|(key, secret)| (key.clone(), secret.current().clone())).collect(),
            hosts: hosts(state),
        })
    }

    /// Every difference from it, in the holds and in whatever lies beside an endpoint.
    #[must_use]
    pub fn differences(&self, simulation: &Simulation) -> Vec<String> {
        simulation.cloud.with(|state| self.differences_in(state, true))
    }

    /// `holds`: whether writes must be let through again as well.
    fn differences_in(&self, state: &State, holds: bool) -> Vec<String> {
        let mut found = Vec::new();
        if holds && state.rest_stages != self.stages {
            found.push(format!("the stages of REST APIs are {:?}, and were {:?}", state.rest_stages, self.stages));
        }
        if holds && state.http_stages != self.routes {
            found.push(format!("the routes of HTTP APIs are {:?}, and were {:?}", state.http_stages, self.routes));
        }
        let endpoints: Vec<&EndpointPlace> = databases(&state.plan).flat_map(|database| &database.endpoints).collect();
        for (key, before) in &self.functions {
            let held = databases(&state.plan).flat_map(|database| &database.holds).filter_map(|point| match point {
                HoldPoint::LambdaEnvironment { function, variable, region, .. } => {
                    (!holds && region.as_str() == key.0 && function.as_str() == key.1).then_some(variable.as_str())
                }
                HoldPoint::ApiGatewayStage { .. } => None,
            });
            let ours: BTreeSet<&str> = endpoints
                .iter()
                .filter_map(|place| match place {
                    EndpointPlace::LambdaEnvironment { function, variable, region, .. } => {
                        (region.as_str() == key.0 && function.as_str() == key.1).then_some(variable.as_str())
                    }
                    _ => None,
                })
                .chain(held)
                .collect();
            let others = |of: &LambdaFunction| -> BTreeMap<String, String> {
                let others = of.variables.iter().filter(|(name, _)| !ours.contains(name.as_str()));
                others.map(|(name, value)| (name.clone(), value.clone())).collect()
            };
            let now = state.functions.get(key).map(others).unwrap_or_default();
            if now != others(before) {
                found.push(format!("function {key:?} has {now:?}, and had {:?}", others(before)));
            }
        }
        for (key, before) in &self.secrets {
            let field = endpoints.iter().find_map(|place| match place {
                EndpointPlace::Secret { name, field, region, .. } => {
                    (region.as_str() == key.0 && name.as_str() == key.1).then_some(field.as_str())
                }
                _ => None,
            });
            let without_host = |value: &Value| {
                let mut value = value.clone();
                if let (Some(field), Some(object)) = (field, value.as_object_mut()) {
                    object.remove(field);
                }
                value
            };
            if state.secrets.get(key).map(|secret| without_host(secret.current())) != Some(without_host(before)) {
                found.push(format!("secret {key:?} holds something else beside its host"));
            }
        }
        found
    }

    /// Whether clients are pointed where they were.
    #[must_use]
    pub fn points_to_the_same(&self, simulation: &Simulation) -> bool {
        simulation.cloud.with(|state| hosts(state)) == self.hosts
    }
}

/// Looks after every event of a run.
#[derive(Debug, Clone)]
pub struct Watcher {
    before: Before,
    hosts: BTreeMap<String, String>,
    effects: usize,
}

impl Watcher {
    /// A watcher that has seen the platform in order.
    #[must_use]
    pub fn new(simulation: &Simulation) -> Self {
        let before = Before::of(simulation);
        Self { hosts: before.hosts.clone(), before, effects: 0 }
    }

    /// Looks again, after an event.
    pub fn look(&mut self, simulation: &Simulation) {
        simulation.cloud.with(|state| {
            // Where clients are routed only changes with an effect of ours, and who is writable with time as well.
            let changed = state.effects.len() != self.effects;
            self.effects = state.effects.len();
            if changed {
                self.look_where_clients_point(state);
            }
            if !self.hosts.values().all(|host| Some(host) == self.hosts.values().next()) {
                look_for_two_primaries(state, &self.hosts);
            }
        });
    }

    fn look_where_clients_point(&mut self, state: &mut State) {
        let now = state.now;
        let hosts = hosts(state);
        for (place, host) in hosts.iter().filter(|(place, host)| self.hosts.get(*place) != Some(*host)) {
            let key = state.instance_at(host, 5_432);
            let answers = key.as_ref().is_some_and(|key| state.world.accepts_connections(key, now) == Connection::Answers);
            let returned = self.before.hosts.get(place) == Some(host);
            match key {
                None => {
                    state.violate(Invariant::PointsAtSomething, format!("{place} was pointed to {host:?}, which is nothing"))
                }
                Some(key) if !returned && !is_promoted(state, &key) => {
                    let sentence = format!("{place} was pointed to {key}, which is no primary");
                    state.violate(Invariant::PointsAtSomething, sentence);
                }
                Some(key) if returned && !state.world.losses().is_empty() => {
                    let sentence = format!("{place} was pointed back to {key} after its replica had been promoted");
                    state.violate(Invariant::PointsAtSomething, sentence);
                }
                Some(key) if !returned && !answers => {
                    state.violate(
                        Invariant::PointsAtSomething,
                        format!("{place} was pointed to {key}, which does not answer"),
                    );
                }
                Some(_) => {}
            }
        }
        self.hosts = hosts;
    }

    /// Looks once more, at the end; every violation of the run.
    #[must_use]
    pub fn finish(&mut self, simulation: &Simulation, ended: &[Ended]) -> Vec<Violation> {
        self.look(simulation);
        for (index, one) in ended.iter().enumerate() {
            // How the platform stands in the end is the last recovery's doing.
            let findings = if index + 1 == ended.len() {
                at_the_end(simulation, one, &self.before)
            } else {
                of_the_incident(simulation, one)
            };
            simulation.cloud.with(|state| {
                for (invariant, sentence) in findings {
                    state.violate(invariant, sentence);
                }
            });
        }
        simulation.cloud.with(|state| state.violations.clone())
    }
}

fn is_promoted(state: &State, key: &InstanceKey) -> bool {
    state.world.losses().iter().any(|loss| loss.promoted == *key)
}

fn look_for_two_primaries(state: &mut State, hosts: &BTreeMap<String, String>) {
    let now = state.now;
    let writable = state.world.writable_instances(now);
    let mut routed = BTreeSet::new();
    for host in hosts.values() {
        let key = state.instance_at(host, 5_432);
        routed.extend(key.filter(|key| writable.iter().any(|one| one.instance == *key && !one.only_in_old_sessions)));
    }
    if routed.len() > 1 && !unfenced_was_allowed(state) {
        state.violate(Invariant::OnePrimary, format!("clients are routed to {routed:?}, and all take writes"));
    }
}

/// Whether somebody allowed to promote beside a primary that may still take writes.
fn unfenced_was_allowed(state: &State) -> bool {
    let by_plan = state.plan.scenarios.values().filter_map(|scenario| scenario.preauthorised.as_ref());
    let by_plan = by_plan.into_iter().any(|allowed| allowed.unproven_fence);
    by_plan
        || incidents(state)
            .any(|incident| incident.verdicts.iter().any(|verdict| verdict.approved && verdict.unproven_fence))
}

fn incidents(state: &State) -> impl Iterator<Item = Incident> {
    let documents = state.journal.documents().filter(|(_, name, _)| *name == "incident");
    documents.filter_map(|(_, _, content)| serde_json::from_str(content).ok())
}

/// What must hold after every run, whatever struck it.
#[must_use]
pub fn at_the_end(simulation: &Simulation, ended: &Ended, before: &Before) -> Vec<(Invariant, String)> {
    let mut broken: Vec<(Invariant, String)> = Vec::new();
    let mut note = |invariant, sentence| broken.push((invariant, sentence));
    let status = ended.incident.status;
    simulation.cloud.with(|state| {
        for sentence in doubled_effects(state) {
            note(Invariant::OnceEach, sentence);
        }
        let losses = state.world.losses();
        if losses.len() > 1 {
            note(Invariant::OnceEach, format!("{} promotions", losses.len()));
        }
        if let Some(other) = state.replica_of.as_ref().filter(|_| !losses.is_empty()) {
            note(Invariant::FencedOrAllowed, format!("a replica of {other} was promoted: nothing of the primary is on it"));
        }
        let unfenced_allowed = unfenced_was_allowed(state);
        if state.world.writer_overlap().is_split_brain() && !unfenced_allowed {
            note(Invariant::OnePrimary, "both sides took commits".to_owned());
        }
        for sentence in misdirected(state, ended, before) {
            note(Invariant::PointsAtSomething, sentence);
        }
        if status != IncidentStatus::Stuck {
            for sentence in before.differences_in(state, !resumption_is_left_to_a_person(ended)) {
                note(Invariant::RestoredExactly, sentence);
            }
        }
        if let Some(truth) = state.world.true_rpo()
            && let Some(loss) = losses.last()
        {
            if let Some(allowed) = loss_allowed(state, ended).filter(|allowed| truth > *allowed && !unfenced_allowed) {
                let sentence = format!("{truth:?} of writes were lost, and {allowed:?} were allowed");
                note(Invariant::FencedOrAllowed, sentence);
            }
            let database = ended.report.objectives.iter().find(|objective| objective.rpo.is_some());
            let reported = database.and_then(|objective| objective.rpo.as_ref()?.achieved_s).map(Duration::from_secs);
            if let Some(reported) = reported.filter(|reported| *reported < truth) {
                let sentence = format!("{truth:?} of writes to {} were lost, and {reported:?} reported", loss.source);
                note(Invariant::ReportIsTrue, sentence);
            }
        }
    });
    let platform = simulation.platform();
    match (status, &platform.active) {
        (IncidentStatus::Stuck, None) if ended.incident.acknowledged.is_none() => {
            note(Invariant::UnsureHolds, "a stuck incident let go of the platform".to_owned());
        }
        (IncidentStatus::Completed | IncidentStatus::RolledBack, Some(active)) if *active == ended.incident.id => {
            note(Invariant::Ends, "the incident has ended, and the platform is not free".to_owned());
        }
        _ => {}
    }
    broken.extend(of_the_incident(simulation, ended));
    broken
}

/// What must hold of an incident, however the platform stands by now.
fn of_the_incident(simulation: &Simulation, ended: &Ended) -> Vec<(Invariant, String)> {
    let chains = broken_chains(simulation, ended).into_iter().map(|sentence| (Invariant::JournalledFirst, sentence));
    let untold = untold(simulation, &ended.incident.id).into_iter().map(|sentence| (Invariant::UnsureHolds, sentence));
    let answered = simulation.cloud.with(|state| state.answered.clone());
    let given = ended.incident.verdicts.iter().filter(|verdict| !answered.contains(verdict.digest.as_str()));
    let given = given.filter(|_| !answered.is_empty());
    let unasked = given.map(|verdict| {
        (Invariant::FencedOrAllowed, format!("a verdict of {} stands on a question that nobody answered", verdict.actor))
    });
    chains.chain(untold).chain(unasked).collect()
}

/// Places that point somewhere else than the end calls for.
fn misdirected(state: &State, ended: &Ended, before: &Before) -> Vec<String> {
    let promoted: Vec<InstanceKey> = state.world.losses().into_iter().map(|loss| loss.promoted).collect();
    let new: BTreeSet<String> = state
        .world
        .endpoints()
        .into_iter()
        .filter(|(key, _)| promoted.contains(key))
        .map(|(_, endpoint)| endpoint.host)
        .collect();
    let mut found = Vec::new();
    for (place, host) in hosts(state) {
        let old = before.hosts.get(&place);
        let right = match ended.incident.status {
            IncidentStatus::Completed if !new.is_empty() => {
                new.contains(&host) || (Some(&host) == old && is_left_to_a_person(ended, &place))
            }
            IncidentStatus::Completed | IncidentStatus::RolledBack => Some(&host) == old,
            _ => new.contains(&host) || Some(&host) == old,
        };
        if !right {
            found.push(format!("{place} points to {host:?} after {}", ended.incident.status.as_str()));
        }
    }
    found
}

/// Whether a person had the repointing left out, and the report has the command for this place.
fn is_left_to_a_person(ended: &Ended, place: &str) -> bool {
    let skipped = |step: &StepRecord| step.step.kind == StepKind::Repoint && step.status == StepStatus::Skipped;
    // `parameter /a/b in us-west-2`, `tasks of cluster/service`: the last word that names it.
    let place = place.rsplit_once(" in ").map_or(place, |(place, _)| place);
    let name = place.rsplit(' ').next().unwrap_or(place);
    let name = if place.starts_with("tasks of") { name.rsplit('/').next().unwrap_or(name) } else { name };
    ended.steps.iter().any(skipped) && ended.report.commands_left.iter().any(|left| left.contains(name))
}

/// Whether a person had writes left held, or an earlier incident left them so, and the report says how to let them through.
fn resumption_is_left_to_a_person(ended: &Ended) -> bool {
    let skipped = |step: &StepRecord| step.step.kind == StepKind::ResumeWrites && step.status == StepStatus::Skipped;
    let left = &ended.report.commands_left;
    (ended.steps.iter().any(skipped) && !left.is_empty()) || left.iter().any(|left| left.contains("read_write"))
}

/// The most that anybody allowed to lose; nothing where an unknown loss was allowed.
fn loss_allowed(state: &State, ended: &Ended) -> Option<Duration> {
    let scenario = state.plan.scenarios.get(&ended.incident.scenario)?;
    let promoted = ended.steps.iter().find(|step| step.may_have_promoted())?;
    let rpo = state.plan.objectives.get(&promoted.step.component).and_then(|objective| objective.rpo);
    let in_advance = scenario.preauthorised.as_ref().zip(rpo).map(|(allowed, rpo)| allowed.data_loss_up_to.min(rpo));
    let mut most = in_advance.map_or(Duration::ZERO, |most| Duration::from_secs(most.0));
    for verdict in ended.incident.verdicts.iter().filter(|verdict| verdict.approved) {
        most = most.max(Duration::from_secs(verdict.loss_up_to?.0));
    }
    // Somebody else's promotion during the incident is not ours to bound.
    ended.steps.iter().all(|step| !step.memory.found_promoted).then_some(most)
}

/// Entries that do not follow from the ones before them.
fn broken_chains(simulation: &Simulation, ended: &Ended) -> Vec<String> {
    let mut chains: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in simulation.entries(&ended.incident.id) {
        chains.entry(entry.about.clone()).or_default().push(entry);
    }
    let head_of = |about: &str| match ended.steps.iter().find(|step| step.id.as_str() == about) {
        Some(step) => step.head.clone(),
        None => ended.incident.head.clone(),
    };
    let mut broken = Vec::new();
    for (about, mut entries) in chains {
        entries.sort_by_key(|entry| entry.sequence);
        let mut previous: Option<Digest> = None;
        for (index, entry) in entries.iter().enumerate() {
            if usize::try_from(entry.sequence).ok() != Some(index + 1) || entry.previous != previous {
                broken.push(format!("{about}: entry {} does not follow", entry.sequence));
            }
            previous = Some(Digest::of_json(entry));
        }
        if previous != head_of(&about) {
            broken.push(format!("{about}: the chain's head is not its last entry"));
        }
    }
    broken
}

/// What somebody should have been told, and was not.
fn untold(simulation: &Simulation, id: &IncidentId) -> Vec<String> {
    let notices = simulation.notices(id);
    let mut missing = Vec::new();
    for needed in ["declared", "ended"] {
        if !notices.iter().any(|notice| notice.name == needed && notice.settled_at.is_some()) {
            missing.push(format!("nobody was told that it {needed}"));
        }
    }
    let asked = simulation.entries(id).iter().filter(|entry| entry.event == "asked").count();
    let told = notices.iter().filter(|notice| notice.name.starts_with("asked-") && !notice.name.ends_with("-again")).count();
    if told < asked {
        missing.push(format!("{asked} questions were asked, and {told} pages tell of them"));
    }
    missing
}
