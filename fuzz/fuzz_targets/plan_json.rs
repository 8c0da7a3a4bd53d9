//! Compiled plans, as the functions load them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use fuzz::config::read_plan;
use fuzz::domain::assess::longest_incident;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(plan) = read_plan(bytes, "plan.json") {
        for scenario in plan.scenarios.values() {
            assert!(longest_incident(scenario).0 >= 600);
        }
        let again = serde_json::to_vec(&plan).unwrap_or_default();
        assert!(read_plan(&again, "plan.json").is_ok_and(|loaded| loaded.digest() == plan.digest()));
    }
});
