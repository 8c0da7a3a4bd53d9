//! Faults at random, many in one run: it may take longer and it may need a person, but it ends, and no promise is broken.

use std::collections::BTreeMap;

use shared::domain::incident::IncidentStatus;
use simulation::Platform;

use crate::common::{Before, broken_promises, hang_and_raise, minutes, timeline};

/// Runs one seed, and says how it ended; nothing where the alarm was lost three times over, which dead-letters it.
fn ride_out(seed: u64, per_mille: u64) -> Option<IncidentStatus> {
    let platform = Platform { seed, ..Platform::default() }.brisk();
    let platform = match seed % 5 {
        0 => platform.multi_az(),
        1 => platform.with_http_api(),
        _ => platform,
    };
    let mut simulation = hang_and_raise(platform, "alarm.eventbridge.json");
    let before = Before::of(&simulation);
    simulation.unleash(seed, per_mille);
    if !simulation.run_until(minutes(10), |simulation| simulation.latest_incident().is_some()) {
        return None;
    }
    let ended = simulation.run_to_end();
    // What is still to be told is told once the storm is over.
    simulation.clear_the_way();
    simulation.run_for(minutes(2));
    let broken = broken_promises(&simulation, &ended, &before);
    let told = timeline(&simulation, &ended.incident.id);
    let again = format!("RECOVERY_STORM={seed},{seed},{per_mille} cargo test -p recovery-tests --test promises storm");
    assert!(broken.is_empty(), "{broken:#?}\n{told}\nagain with: {again}");
    Some(ended.incident.status)
}

/// The seeds to try, and how many calls in a thousand are struck: `RECOVERY_STORM=<first seed>,<last seed>,<per mille>` asks for
/// others than the usual ones.
fn seeds() -> (std::ops::RangeInclusive<u64>, u64) {
    let Ok(asked) = std::env::var("RECOVERY_STORM") else { return (1..=60, 20) };
    let numbers: Vec<u64> = asked.split(',').map(|number| number.parse().unwrap()).collect();
    let [first, last, per_mille] = numbers.as_slice() else { panic!("RECOVERY_STORM is not three numbers: {asked}") };
    (*first..=*last, *per_mille)
}

#[test]
fn a_storm_of_faults_breaks_no_promise() {
    let (seeds, per_mille) = seeds();
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in seeds.clone() {
        *ends.entry(ride_out(seed, per_mille).map_or("never declared", IncidentStatus::as_str)).or_default() += 1;
    }
    println!("{ends:?}");
    let completed = ends.get("completed").copied().unwrap_or_default();
    assert!(completed * 10 >= seeds.count() as u64 * 7 || per_mille > 20, "most go through all the same: {ends:?}");
}
