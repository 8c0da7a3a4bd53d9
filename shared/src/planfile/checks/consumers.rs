//! Services that a recovery proves to serve, and that nothing has reread the endpoint.

use std::collections::BTreeSet;

use crate::domain::identifier::ComponentName;
use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::{ComponentKind, Draft};
use super::super::finding::Findings;
use super::steps::{Branch, Scenario, Step};

pub(super) fn check(draft: &Draft, scenario: &Scenario<'_>, findings: &mut Findings) {
    for branch in scenario.branches.iter().filter(|branch| branch.draft.whole) {
        check_branch(draft, branch, findings);
    }
}

fn check_branch(draft: &Draft, branch: &Branch<'_>, findings: &mut Findings) {
    let mut repointed: Vec<Step<'_>> = Vec::new();
    for wave in &branch.waves {
        for step in wave {
            let service = step.component.is_some_and(|component| component.kind == Some(ComponentKind::EcsService));
            if step.kind == StepKind::Validate && service && !repointed.is_empty() && !rereads(draft, step.name, &repointed)
            {
                let databases: BTreeSet<&str> = repointed.iter().map(|step| step.name.as_str()).collect();
                findings.warning(
                    code::MISSING_CONSUMER,
                    step.mark,
                    format!(
                        "{} is validated, and is a consumer of no endpoint of {}: tasks that run already go on with the old host",
                        step.name,
                        databases.into_iter().collect::<Vec<_>>().join(", ")
                    ),
                    format!("add `consumers: [{}]` to the place that it reads at its start", step.name),
                );
            }
        }
        repointed.extend(wave.iter().filter(|step| step.kind == StepKind::Repoint));
    }
}

/// Whether a service is restarted by one of these steps. A place that names something that is no service was reported already, and
/// may mean this one.
fn rereads(draft: &Draft, service: &ComponentName, repointed: &[Step<'_>]) -> bool {
    let is_service =
        |name: &ComponentName| draft.components.get(name).is_some_and(|found| found.kind == Some(ComponentKind::EcsService));
    repointed.iter().filter_map(|step| step.component).any(|component| {
        let mut consumers = component.endpoints.iter().flat_map(|place| &place.consumers).map(|consumer| &consumer.value);
        component.component.is_none()
            || component.endpoints.is_empty()
            || consumers.any(|consumer| consumer == service || !is_service(consumer))
    })
}
