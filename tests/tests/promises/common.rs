//! What the promises have in common: the disaster, the event that tells of it, and what must hold whatever happened.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rehearsal_world::{Breakage, InstanceKey, PageRequest};
use serde_json::Value;
use shared::domain::described::{ArchiveFormat, BackupArchives};
use shared::domain::identifier::{IncidentId, ScenarioName};
use shared::domain::plan::Component;
use shared::domain::report::Achieved;
use shared::engine::Entry;
pub(crate) use simulation::{Before, hosts};
use simulation::{Ended, Platform, SimulatedObject, Simulation, at_the_end, dated, primary_key};

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

/// What must hold after every run, whatever struck it; each sentence is a promise that was broken.
pub(crate) fn broken_promises(simulation: &Simulation, ended: &Ended, before: &Before) -> Vec<String> {
    let found = simulation.cloud.with(|state| state.violations.clone());
    let mut broken: Vec<String> = found.iter().map(ToString::to_string).collect();
    let found = at_the_end(simulation, ended, before).into_iter();
    broken.extend(found.map(|(invariant, sentence)| format!("{}: {sentence}", invariant.number())));
    if simulation.cloud.with(|state| state.executions.len()) != ended.incident.run() as usize {
        broken.push("there is not exactly one execution for each run".to_owned());
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

/// The files of a directory archive of pg_dump, in both sites.
pub(crate) fn with_directory(fixture: &str, change: impl Fn(&mut BackupArchives)) -> Simulation {
    let platform = Platform::default().with_plan(|plan| {
        for component in plan.components.values_mut() {
            if let Component::BackupArchives(archives) = component {
                archives.format = ArchiveFormat::Directory;
                change(archives);
            }
        }
    });
    let simulation = platform.stand_up();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pgdump/tests/fixtures").join(fixture);
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            bucket.clear();
            for file in std::fs::read_dir(&fixture).unwrap().flatten() {
                let key = format!("nightly/{}", file.file_name().to_str().unwrap());
                let content = dated(&std::fs::read(file.path()).unwrap(), state.now);
                bucket.insert(key, SimulatedObject::new(content, state.now));
            }
        }
    });
    simulation
}
