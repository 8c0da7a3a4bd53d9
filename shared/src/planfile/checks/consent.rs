//! What was allowed in advance, against the objectives.

use crate::domain::step::StepKind;

use super::super::code;
use super::super::draft::Draft;
use super::super::finding::Findings;
use super::steps::Scenario;

pub(super) fn check(draft: &Draft, scenario: &Scenario<'_>, findings: &mut Findings) {
    let Some(allowed) =
        scenario.draft.preauthorised.as_ref().and_then(|preauthorised| preauthorised.data_loss_up_to.as_ref())
    else {
        return;
    };
    let strictest = scenario
        .steps()
        .filter(|step| step.kind == StepKind::Promote)
        .filter_map(|step| Some((draft.objectives.get(step.name)?.rpo.as_ref()?.value, step.name)))
        .min();
    if let Some((rpo, name)) = strictest
        && allowed.value > rpo
    {
        findings.warning(
            code::DATA_LOSS_ABOVE_RPO,
            allowed.mark,
            format!("a loss of {} is allowed, but the RPO of {name} is {rpo}: the smaller counts", allowed.value),
            "write at most the RPO, so that the plan says what happens",
        );
    }
}
