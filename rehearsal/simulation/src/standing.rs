//! How a run stands: everything in it that can still make a difference, but for how late it is.
//!
//! A fault leaves traces for a while: a step that is tried again, a notice that is sent twice. Once they are gone the run stands as
//! one stood before it, and what strikes it from there on has been tried. Without this, pairs of faults are millions, and almost all
//! of them are two faults that have nothing to do with each other.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::cloud::State;
use super::faults::{Fault, STALE};
use super::simulation::Simulation;

/// What an incident may be late by, and still be the same: it has all its steps' budgets, half an hour and more.
const NO_MATTER: Duration = Duration::from_secs(60);
/// The same of a step that is working, in seconds: the shortest budget is 90.
const NO_MATTER_TO_A_STEP: i64 = 15;

/// Fields of the journal's documents that nothing is decided by: words, how often something was tried, and the chain of evidence.
const WITHOUT_CONSEQUENCE: [&str; 4] = ["attempt", "entries", "head", "reason"];

/// How runs have stood.
#[derive(Debug, Default)]
pub(crate) struct Standings(HashMap<u64, Vec<Timestamp>>);

impl Standings {
    /// Whether this run stands as one did before, at about the same time of the incident; from now on one has.
    pub(crate) fn know(&mut self, run: &Simulation) -> bool {
        let Some(standing) = run.standing() else { return false };
        let now = run.cloud.now();
        let times = self.0.entry(standing).or_default();
        let known = times.iter().any(|time| time.duration_since(now).unsigned_abs() < NO_MATTER);
        if !known {
            times.push(now);
        }
        known
    }
}

impl Simulation {
    /// How it stands, as a number. Nothing while something is under way that shows nowhere yet.
    pub(crate) fn standing(&self) -> Option<u64> {
        let to_come = self.to_come();
        self.cloud.with(|state| {
            let stale = state.faults.struck.iter().any(|(call, fault)| {
                *fault == Fault::Stale && state.calls.get(*call).is_some_and(|call| call.at + STALE > state.now)
            });
            if stale || !state.late.is_empty() || state.interruption.is_some() {
                return None;
            }
            let mut hasher = DefaultHasher::new();
            hash(&Value::from(to_come), state.now, &mut hasher);
            hash(&journal(state), state.now, &mut hasher);
            hash(&databases(state), state.now, &mut hasher);
            platform(state).hash(&mut hasher);
            for effect in &state.effects {
                let call = effect.call();
                (call.operation, call.resource, call.region.as_str(), effect.took_effect).hash(&mut hasher);
            }
            for (call, fault) in state.faults.by_number.range(state.calls.len()..) {
                (call - state.calls.len(), fault.as_str()).hash(&mut hasher);
            }
            Some(hasher.finish())
        })
    }
}

/// Hashes a value whose times only count as past or to come.
fn hash(value: &Value, now: Timestamp, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !WITHOUT_CONSEQUENCE.contains(&name.as_str())) {
                name.hash(hasher);
                hash(value, now, hasher);
            }
        }
        Value::Array(items) => {
            items.len().hash(hasher);
            items.iter().for_each(|item| hash(item, now, hasher));
        }
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(time) => (time <= now).hash(hasher),
            Err(_) => text.hash(hasher),
        },
        other => other.to_string().hash(hasher),
    }
}

/// The documents that invocations decide by. Of a notice it matters whether it still has to be sent.
fn journal(state: &State) -> Value {
    let mut documents = Map::new();
    for (partition, name, content) in state.journal.documents() {
        if name.starts_with("entry#") {
            continue;
        }
        let mut content: Value = serde_json::from_str(content).unwrap_or_default();
        if name.starts_with("notice#") {
            content = json!(content["settled_at"].is_null());
        } else if ["running", "undoing"].iter().any(|working| content["status"] == *working)
            && let Some(deadline) = content["deadline"].as_str().and_then(|time| time.parse::<Timestamp>().ok())
        {
            content["deadline"] = json!(deadline.duration_since(state.now).as_secs() / NO_MATTER_TO_A_STEP);
        }
        documents.insert(format!("{partition} {name}"), content);
    }
    Value::Object(documents)
}

fn databases(state: &mut State) -> Value {
    let now = state.now;
    let instances = state.world.watch_instances(now);
    let connections: Vec<String> =
        instances.iter().map(|instance| format!("{:?}", state.world.accepts_connections(&instance.key, now))).collect();
    json!([instances, connections, state.world.losses().len()])
}

/// Everything beside the databases that a recovery may change.
fn platform(state: &State) -> String {
    let functions = state.functions.iter().map(|(key, function)| {
        (key, &function.variables, function.revision, function.updating_until.is_some_and(|until| until > state.now))
    });
    let services = state.services.iter().map(|(key, service)| {
        (key, service.desired, service.running, service.deployments, &service.host, service.rolled_out > state.now)
    });
    let executions = state.executions.iter().map(|(name, record)| (name, record.begun, &record.ended));
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        functions.collect::<Vec<_>>(),
        services.collect::<Vec<_>>(),
        executions.collect::<Vec<_>>(),
        state.parameters,
        state.secrets,
        state.rest_stages,
        state.http_stages
    )
}
