//! Triggers against scenarios.

use std::collections::HashMap;

use crate::domain::identifier::ScenarioName;
use crate::domain::plan::SiteName;

use super::super::code;
use super::super::draft::Draft;
use super::super::fields::did_you_mean;
use super::super::finding::{Findings, quote};

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    let mut alarms = HashMap::new();
    for trigger in &draft.triggers {
        if let Some(alarm) = &trigger.alarm
            && let Some(first) = alarms.insert((alarm, trigger.site), trigger.mark.line)
        {
            let message = format!("alarm {} triggers a second time; first in line {first}", quote(alarm));
            findings.error(code::DUPLICATE, trigger.mark, message, "one alarm starts one scenario: leave one out");
        }
        let Some(name) = &trigger.scenario else {
            continue;
        };
        let Some(scenario) = draft.scenarios.get(&name.value) else {
            if !draft.scenarios.is_empty() {
                let message = format!("the plan has no scenario {}", quote(name.value.as_str()));
                let meant = did_you_mean(name.value.as_str(), draft.scenarios.keys().map(ScenarioName::as_str), findings);
                findings.error(code::UNKNOWN_SCENARIO, name.mark, message, meant.help()).meant(meant);
            }
            continue;
        };
        if scenario.failed_region && trigger.site == SiteName::Primary {
            findings.error(
                code::TRIGGER_IN_FAILED_REGION,
                trigger.mark,
                format!("{} is about the primary site's Region being gone, and a dark Region raises no alarm", name.value),
                "use an alarm in the recovery site over what an outside probe publishes there",
            );
        }
    }
}
