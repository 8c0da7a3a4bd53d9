//! Plan files, as people write them. What is accepted here, the functions must accept once it is compiled.
#![no_main]

use libfuzzer_sys::fuzz_target;
use fuzz::config::read_plan;
use fuzz::planfile::{Severity, read_bytes};

fuzz_target!(|bytes: &[u8]| {
    let reading = read_bytes(bytes);
    let refused = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(reading.plan.is_none(), refused, "a plan is refused exactly for an error that is named");
    if let Some(plan) = reading.plan {
        let compiled = serde_json::to_vec(&plan).unwrap_or_default();
        assert!(read_plan(&compiled, "plan.json").is_ok_and(|loaded| loaded == plan));
    }
});
