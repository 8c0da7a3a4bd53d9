//! The table of operations has a row for all that is sent, and none for what is not.

use std::collections::{BTreeMap, BTreeSet};

use shared::domain::operation::{On, Operation};
use shared::domain::permission::uses;
use shared::domain::step::FunctionName;

use crate::common::{repository, variants};

#[test]
fn a_row_names_exactly_the_functions_whose_plans_can_lead_to_it() {
    let mut used: BTreeMap<Operation, BTreeSet<FunctionName>> = BTreeMap::new();
    for variant in variants() {
        for each in uses(&variant.plan) {
            used.entry(each.operation).or_default().insert(each.function);
        }
    }
    for operation in Operation::ALL {
        let by: BTreeSet<FunctionName> = operation.row().by.iter().copied().collect();
        assert_eq!(used.remove(operation).unwrap_or_default(), by, "{operation:?}");
    }
}

#[test]
fn every_row_is_sent_by_an_adapter() {
    let mut code = String::new();
    for directory in ["shared/src/adapters", "shared/src/adapters/aws"] {
        for entry in std::fs::read_dir(repository().join(directory)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(path).unwrap();
                code.push_str(text.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    for operation in Operation::ALL {
        assert!(code.contains(&format!("Sending::of(Operation::{operation:?})")), "no adapter sends {operation:?}");
    }
}

#[test]
fn no_row_has_a_pattern_for_an_action_or_a_wildcard_without_a_reason() {
    for operation in Operation::ALL {
        for grant in operation.row().grants {
            assert!(!grant.action.contains(['*', '?']), "{operation:?}");
            if let On::Below { reason, .. } | On::Beside { reason, .. } | On::Anything { reason, .. } = grant.on {
                assert!(reason.len() > 20, "{operation:?} has no reason: {reason}");
            }
        }
    }
}
