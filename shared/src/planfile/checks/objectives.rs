//! Objectives against components.

use super::super::code;
use super::super::draft::{ComponentKind, Draft};
use super::super::finding::Findings;
use super::find_component;

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    for objective in draft.objectives.values() {
        let name = &objective.name;
        let Some((name_found, component)) = find_component(draft, &name.value, name.mark, findings) else {
            continue;
        };
        if component.kind.is_some_and(ComponentKind::holds_data) && !objective.rpo_written {
            findings.error(
                code::MISSING_RPO,
                name.mark,
                format!("{name_found} holds data, and its objective has no `rpo`"),
                "add `rpo:` with the loss that is acceptable, such as 15m: what is lost is measured against it",
            );
        }
    }
}
