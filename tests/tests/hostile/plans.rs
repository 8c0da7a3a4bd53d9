//! Plans, as people write them and as they are compiled, changed in any place.

use std::sync::OnceLock;

use proptest::prelude::*;
use serde_json::Value;
use shared::config::read_plan;
use shared::domain::assess::longest_incident;
use shared::domain::plan::Plan;
use shared::planfile::{self, Severity};
use shared::printable::misleads;

use crate::examples::{plan, plan_text};
use crate::mutation::{apply, edits};
use crate::untouched::moment;

/// The plan file as a value. JSON is YAML, so what is changed as a value is written as JSON and read as a plan file.
fn written() -> &'static Value {
    static WRITTEN: OnceLock<Value> = OnceLock::new();
    WRITTEN.get_or_init(|| serde_saphyr::from_str(plan_text()).unwrap())
}

fn read_calmly(bytes: &[u8]) -> Option<Plan> {
    let reading = planfile::read_bytes(bytes);
    for finding in &reading.findings {
        assert!(finding.message.len() < 2_000 && !finding.message.chars().any(misleads), "{finding:?}");
        assert!(!finding.help.chars().any(misleads), "{finding:?}");
        assert!(!finding.code.is_empty(), "{finding:?}");
    }
    let refused = reading.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(reading.plan.is_none(), refused, "a plan is refused exactly for an error that is named");
    reading.plan
}

/// What is read of a compiled plan must be fit for what is done with it first, on the day.
fn load_calmly(bytes: &[u8]) -> Option<Plan> {
    match read_plan(bytes, "plan.json") {
        Ok(plan) => {
            for scenario in plan.scenarios.values() {
                assert!(longest_incident(scenario).after(moment()) > moment());
            }
            for trigger in &plan.triggers {
                assert!(plan.alarm_arn(trigger).starts_with("arn:"));
            }
            let again = serde_json::to_vec(&plan).unwrap();
            assert_eq!(read_plan(&again, "plan.json").unwrap().digest(), plan.digest());
            Some(plan)
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.chars().count() < 1_000 && !message.chars().any(misleads), "{message:?}");
            None
        }
    }
}

#[test]
fn a_plan_written_as_json_is_the_same_plan() {
    assert_eq!(read_calmly(written().to_string().as_bytes()).as_ref(), Some(plan()));
    assert_eq!(load_calmly(&serde_json::to_vec(plan()).unwrap()).as_ref(), Some(plan()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_file_changed_in_any_place_is_read_calmly(edits in edits()) {
        let mut value = written().clone();
        apply(&mut value, &edits);
        // What the plan file accepts, the functions accept: it is what `plan build` writes into the layer.
        if let Some(plan) = read_calmly(value.to_string().as_bytes()) {
            prop_assert!(load_calmly(&serde_json::to_vec(&plan).unwrap()) == Some(plan));
        }
    }

    #[test]
    fn a_compiled_plan_changed_in_any_place_is_loaded_calmly(edits in edits()) {
        let mut value = serde_json::to_value(plan()).unwrap();
        apply(&mut value, &edits);
        load_calmly(value.to_string().as_bytes());
    }

    #[test]
    fn any_bytes_at_all_are_no_compiled_plan(bytes in proptest::collection::vec(any::<u8>(), 0..500)) {
        prop_assert!(load_calmly(&bytes).is_none());
    }
}
