//! What a plan that reads well can still get wrong. Each file is one group of rules; none changes anything.

mod alerts;
mod budgets;
mod components;
mod consent;
mod consumers;
pub(super) mod dates;
mod described;
mod execution;
mod failed_region;
mod objectives;
mod order;
mod size;
mod steps;
mod triggers;

use crate::domain::identifier::ComponentName;

use super::code;
use super::draft::{Draft, DraftComponent};
use super::fields::did_you_mean;
use super::finding::{Findings, quote};
use super::tree::Mark;

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    components::check(draft, findings);
    described::check(draft, findings);
    alerts::check(draft, findings);
    objectives::check(draft, findings);
    triggers::check(draft, findings);
    for scenario in draft.scenarios.values() {
        let scenario = steps::resolve(draft, scenario, findings);
        order::check(&scenario, findings);
        failed_region::check(draft, &scenario, findings);
        consent::check(draft, &scenario, findings);
        consumers::check(draft, &scenario, findings);
        budgets::check(draft, &scenario, findings);
        size::check(&scenario, findings);
        execution::check(&scenario, findings);
    }
}

/// The component of that name. An unknown one is reported, and read as what was probably meant, so that the checks that follow
/// do not report the slip again in other words.
fn find_component<'a>(
    draft: &'a Draft,
    name: &ComponentName,
    mark: Mark,
    findings: &mut Findings,
) -> Option<(&'a ComponentName, &'a DraftComponent)> {
    if let Some(found) = draft.components.get_key_value(name) {
        return Some(found);
    }
    // Without a single component that could be read, every name would be unknown, and that is another finding's matter.
    if draft.components.is_empty() {
        return None;
    }
    let message = format!("the plan has no component {}", quote(name.as_str()));
    let meant = did_you_mean(name.as_str(), draft.components.keys().map(ComponentName::as_str), findings);
    let nearest = meant.nearest;
    findings.error(code::UNKNOWN_COMPONENT, mark, message, meant.help()).meant(meant);
    let nearest = nearest?;
    draft.components.iter().find(|(candidate, _)| candidate.as_str() == nearest)
}
