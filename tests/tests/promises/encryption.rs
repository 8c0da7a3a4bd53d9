//! A platform whose archives are encrypted, and what `backup-verify` says of the newest.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::domain::described::ArchiveEncryption;
use shared::domain::plan::Component;
use shared::domain::step::FunctionName;
use simulation::{Outcome, Platform, Simulation};

pub(crate) const PRIMARY: &str = "healthcare-platform-backups";
pub(crate) const COPY: &str = "healthcare-platform-backups-dr";
pub(crate) const NEWEST: &str = "2026-11-20.dump";

/// A platform whose plan says this of its archives' encryption.
pub(crate) fn stand_up_with(encryption: Option<ArchiveEncryption>) -> Simulation {
    let platform = Platform::default().with_plan(|plan| {
        for component in plan.components.values_mut() {
            if let Component::BackupArchives(archives) = component {
                archives.encryption.clone_from(&encryption);
            }
        }
    });
    let simulation = platform.stand_up();
    // What was recorded is of the archive itself, which the tests change.
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            bucket.retain(|key, _| !key.ends_with(".manifest.json"));
        }
    });
    simulation
}

/// The verdict on the newest archive, and the status of the answer.
pub(crate) fn asked(simulation: &mut Simulation, payload: Value) -> (Value, Value) {
    match simulation.invoke(FunctionName::BackupVerify, "live", &payload) {
        Outcome::Answered(answer) => (answer["backups"][0].clone(), answer["status"].clone()),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn read(simulation: &mut Simulation) -> (Value, Value) {
    asked(simulation, json!({"component": "database_archives"}))
}

pub(crate) fn looked(simulation: &mut Simulation) -> (Value, Value) {
    asked(simulation, json!({"component": "database_archives", "level": "present"}))
}

pub(crate) fn first_finding(verdict: &Value) -> &str {
    verdict["findings"][0].as_str().unwrap_or_else(|| panic!("nothing was found: {verdict:#}"))
}

/// The newest archive as it is before anybody encrypts it.
pub(crate) fn nightly() -> Arc<[u8]> {
    Platform::default().stand_up().cloud.with(|state| state.buckets[COPY][NEWEST].content.clone())
}

/// Puts this in the place of the newest archive of both sites.
pub(crate) fn store(simulation: &Simulation, content: &[u8]) {
    let content: Arc<[u8]> = content.into();
    simulation.cloud.with(|state| {
        for bucket in [PRIMARY, COPY] {
            state.buckets.get_mut(bucket).unwrap().get_mut(NEWEST).unwrap().content = content.clone();
        }
    });
}
