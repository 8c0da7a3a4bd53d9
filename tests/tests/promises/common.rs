//! What the promises have in common: the disaster, the event that tells of it, and what must hold whatever happened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rehearsal_world::{Breakage, InstanceKey, PageRequest};
use serde_json::Value;
use shared::domain::identifier::{Digest, IncidentId, ScenarioName};
use shared::domain::incident::IncidentStatus;
use shared::domain::mutation::Mutation;
use shared::domain::report::Achieved;
use shared::domain::step::RouteSettings;
use shared::engine::Entry;
use simulation::{
    DATABASE_PARAMETER, DATABASE_SECRET, Ended, LambdaFunction, Platform, REPORTS_FUNCTION, RestStage, Simulation, State,
    primary_key, replica_key,
};

pub(crate) const ALARM_SHAPES: [&str; 3] = ["alarm.eventbridge.json", "alarm.lambda.json", "alarm.sns.json"];

/// Seconds.
pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Minutes.
pub(crate) fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Where the example events stand.
pub(crate) fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../events")
}

/// One of the example events.
pub(crate) fn event(name: &str) -> Value {
    let path = events().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The platform two minutes after its primary broke, at the moment that the alarm's examples speak of.
pub(crate) fn broken(platform: Platform, breakage: Breakage) -> Simulation {
    let mut simulation = platform.stand_up();
    simulation.run_for(seconds(215));
    simulation.cloud.with(|state| state.world.break_instance(&primary_key(), breakage, state.now));
    simulation.run_for(seconds(117));
    simulation
}

/// The primary hangs, and the alarm is delivered in this shape.
pub(crate) fn hang_and_raise(platform: Platform, shape: &str) -> Simulation {
    let mut simulation = broken(platform, Breakage::Hung);
    simulation.deliver(&event(shape));
    simulation
}

/// The plan's scenario for a database that failed.
pub(crate) fn database_failure() -> ScenarioName {
    ScenarioName::new("database_failure").unwrap()
}

/// The host under which clients reach an instance.
pub(crate) fn host_of(simulation: &Simulation, key: &InstanceKey) -> String {
    let endpoints = simulation.cloud.with(|state| state.world.endpoints());
    endpoints.into_iter().find(|(of, _)| of == key).map(|(_, endpoint)| endpoint.host).unwrap()
}

/// What clients read in every place where they look for the database, by place.
pub(crate) fn hosts(state: &State) -> BTreeMap<&'static str, String> {
    let west = |name: &str| ("us-west-2".to_owned(), name.to_owned());
    let secret = state.secrets[&west(DATABASE_SECRET)].current()["host"].as_str().unwrap_or_default().to_owned();
    BTreeMap::from([
        ("parameter", state.parameters[&west(DATABASE_PARAMETER)].value().to_owned()),
        ("secret", secret),
        ("function", state.functions[&west(REPORTS_FUNCTION)].variables["DATABASE_HOST"].clone()),
        ("tasks", state.services[&west("healthcare-platform-production/api-service")].host.clone()),
    ])
}

/// The figures that a report has for a component.
pub(crate) fn achieved<'a>(ended: &'a Ended, component: &str) -> &'a Achieved {
    ended.report.objectives.iter().find(|achieved| achieved.component.as_str() == component).unwrap()
}

/// The names of the operations that were carried out, in order.
pub(crate) fn operations(simulation: &Simulation) -> Vec<String> {
    simulation.cloud.with(|state| {
        let made = state.effects.iter().filter(|effect| effect.took_effect);
        made.map(|effect| format!("{} {}", effect.call().operation, effect.call().resource)).collect()
    })
}

/// The security groups that an instance has, as asked for.
pub(crate) fn groups_of(simulation: &Simulation, key: &InstanceKey) -> Vec<String> {
    simulation.cloud.with(|state| {
        let page = PageRequest::default();
        let shown = state.world.describe_db_instances(&key.region, Some(&key.identifier), &page, state.now).unwrap();
        shown.items[0].groups.iter().map(|membership| membership.group.clone()).collect()
    })
}

/// Everything of the platform that a recovery may change for a while, as it was before.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    stages: BTreeMap<(String, String), RestStage>,
    routes: BTreeMap<(String, String), BTreeMap<String, RouteSettings>>,
    functions: BTreeMap<(String, String), LambdaFunction>,
    secret: Value,
    hosts: BTreeMap<&'static str, String>,
}

impl Before {
    /// How it stands now.
    pub(crate) fn of(simulation: &Simulation) -> Self {
        simulation.cloud.with(|state| Self {
            stages: state.rest_stages.clone(),
            routes: state.http_stages.clone(),
            functions: state.functions.clone(),
            secret: state.secrets[&("us-west-2".to_owned(), DATABASE_SECRET.to_owned())].current().clone(),
            hosts: hosts(state),
        })
    }

    /// Every difference from it, in the holds and in whatever lies beside an endpoint.
    pub(crate) fn differences(&self, simulation: &Simulation) -> Vec<String> {
        let mut found = Vec::new();
        simulation.cloud.with(|state| {
            if state.rest_stages != self.stages {
                found.push(format!("the API's stage is {:?}, and was {:?}", state.rest_stages, self.stages));
            }
            if state.http_stages != self.routes {
                found.push(format!("the API's routes are {:?}, and were {:?}", state.http_stages, self.routes));
            }
            for (key, function) in &self.functions {
                let now = &state.functions[key];
                let without_host = |of: &LambdaFunction| {
                    let mut variables = of.variables.clone();
                    let host = variables.remove("DATABASE_HOST").filter(|_| key.0 == "us-west-2");
                    (variables, host.is_some())
                };
                if without_host(now) != without_host(function) {
                    found.push(format!("function {key:?} has {:?}, and had {:?}", now.variables, function.variables));
                }
            }
            let mut secret = state.secrets[&("us-west-2".to_owned(), DATABASE_SECRET.to_owned())].current().clone();
            secret["host"] = self.secret["host"].clone();
            if secret != self.secret {
                found.push("the secret holds something else beside its host".to_owned());
            }
        });
        found
    }

    /// Whether clients are pointed where they were.
    pub(crate) fn points_to_the_same(&self, simulation: &Simulation) -> bool {
        simulation.cloud.with(|state| hosts(state)) == self.hosts
    }
}

/// What must hold after every run, whatever struck it; each sentence is a promise that was broken.
pub(crate) fn broken_promises(simulation: &Simulation, ended: &Ended, before: &Before) -> Vec<String> {
    let mut broken = simulation.cloud.with(|state| state.violations.clone());
    broken.extend(doubled_effects(simulation));
    broken.extend(broken_chains(simulation, &ended.incident.id, ended));
    let promotions = simulation.cloud.with(|state| state.world.losses());
    if promotions.len() > 1 {
        broken.push(format!("{} promotions", promotions.len()));
    }
    if simulation.cloud.with(|state| state.world.writer_overlap().is_split_brain()) {
        broken.push("both sides took commits".to_owned());
    }
    let writers = simulation.cloud.with(|state| state.writable_at_promotion.clone());
    let allowed = ended.incident.verdicts.iter().any(|verdict| verdict.approved && verdict.unproven_fence);
    if writers.iter().flatten().any(|writable| writable.instance == primary_key()) && !allowed {
        broken
            .push("the old primary still took writes when its replica was promoted, and nobody had allowed that".to_owned());
    }
    let (old, new) = (host_of(simulation, &primary_key()), host_of(simulation, &replica_key()));
    let promoted = !promotions.is_empty();
    let wanted = match ended.incident.status {
        IncidentStatus::Completed if promoted => Some(&new),
        IncidentStatus::Completed | IncidentStatus::RolledBack => Some(&old),
        _ => None,
    };
    for (place, host) in simulation.cloud.with(|state| hosts(state)) {
        if ![&old, &new].contains(&&host) || wanted.is_some_and(|wanted| *wanted != host) {
            broken.push(format!("{place} points to {host:?} after {}", ended.incident.status.as_str()));
        }
    }
    if ended.incident.status == IncidentStatus::Stuck {
        if simulation.platform().active.is_none() {
            broken.push("a stuck incident let go of the platform".to_owned());
        }
    } else {
        broken.extend(before.differences(simulation));
        if simulation.platform().active.is_some() {
            broken.push("the platform is not free".to_owned());
        }
    }
    if let Some(truth) = simulation.cloud.with(|state| state.world.true_rpo()) {
        let reported = achieved(ended, "database").rpo.as_ref().and_then(|rpo| rpo.achieved_s);
        if reported.is_some_and(|reported| seconds(reported) < truth) {
            broken.push(format!("{truth:?} were lost, and {reported:?} s reported"));
        }
    }
    for needed in ["declared", "ended"] {
        let sent =
            simulation.notices(&ended.incident.id).iter().any(|notice| notice.name == needed && notice.settled_at.is_some());
        if !sent {
            broken.push(format!("nobody was told that it {needed}"));
        }
    }
    if simulation.cloud.with(|state| state.executions.len()) != 1 {
        broken.push("there is not exactly one execution".to_owned());
    }
    broken
}

/// Mutations that were carried out more often than once. A reboot of the fenced primary is no such thing: one that no describe call
/// showed proves nothing, so it is made again.
fn doubled_effects(simulation: &Simulation) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    simulation.cloud.with(|state| {
        let (mut places_written, made) = (0, state.effects.iter().filter(|effect| effect.took_effect));
        for effect in made {
            // Consumers are restarted again when a place that they read was only written after their restart.
            let since = match &effect.mutation {
                Mutation::RebootInstance { .. } => continue,
                Mutation::RestartService { .. } => format!(" after {places_written} writes"),
                Mutation::PutParameter { .. } | Mutation::MoveSecretStage { .. } => {
                    places_written += 1;
                    String::new()
                }
                _ => String::new(),
            };
            let call = effect.call();
            let key = format!("{} on {} in {} with {}{since}", call.operation, call.resource, call.region, call.parameters);
            *counts.entry(key).or_default() += 1;
        }
    });
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(call, count)| format!("{count} times: {call}")).collect()
}

/// Entries that do not follow from the ones before them.
fn broken_chains(simulation: &Simulation, id: &IncidentId, ended: &Ended) -> Vec<String> {
    let mut chains: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in simulation.entries(id) {
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
            if entry.previous != previous || entry.sequence as usize != index + 1 {
                broken.push(format!("entry {} about {about} does not follow from the one before", entry.sequence));
            }
            previous = Some(Digest::of_json(entry));
        }
        if previous != head_of(&about) {
            broken.push(format!("the chain about {about} does not end at its head"));
        }
    }
    broken
}

/// Asserts that nothing was broken.
pub(crate) fn assert_sound(simulation: &Simulation, ended: &Ended, before: &Before) {
    let broken = broken_promises(simulation, ended, before);
    assert!(broken.is_empty(), "{broken:#?}\n{}", timeline(simulation, &ended.incident.id));
}

/// An incident's evidence by time, a line each.
pub(crate) fn timeline(simulation: &Simulation, id: &IncidentId) -> String {
    let mut entries = simulation.entries(id);
    entries.sort_by_key(|entry| (entry.at, entry.sequence));
    let line = |entry: &Entry| format!("{} {} {}: {}", entry.at, entry.about, entry.event, entry.reason);
    entries.iter().map(line).collect::<Vec<_>>().join("\n")
}
