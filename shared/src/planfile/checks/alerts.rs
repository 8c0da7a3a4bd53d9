//! Who is told: channels and escalations that exist, in an order that makes sense.

use std::collections::HashMap;

use crate::domain::identifier::AlertName;

use super::super::code;
use super::super::draft::{Draft, DraftAlerts, DraftLevel};
use super::super::fields::did_you_mean;
use super::super::finding::{Findings, quote};

pub(super) fn check(draft: &Draft, findings: &mut Findings) {
    let Some(alerts) = &draft.alerts else { return };
    for (name, levels) in &alerts.escalations {
        in_order(name, levels, findings);
        for channel in levels.iter().flat_map(|level| &level.channels) {
            if !alerts.channels.is_empty() && !alerts.channels.contains(&channel.value) {
                let message = format!("there is no channel {}", quote(channel.value.as_str()));
                let known = alerts.channels.iter().map(AlertName::as_str);
                let meant = did_you_mean(channel.value.as_str(), known, findings);
                findings.error(code::UNKNOWN_CHANNEL, channel.mark, message, meant.help()).meant(meant);
            }
        }
    }
    taken(alerts, findings);
    let mut lines = HashMap::new();
    for alarm in &alerts.alarms {
        if let Some(first) = lines.insert(&alarm.value, alarm.mark.line) {
            let message = format!("alarm {} is listed a second time; first in line {first}", quote(&alarm.value));
            findings.error(code::DUPLICATE, alarm.mark, message, "one alarm takes one escalation: leave one out");
        }
    }
}

fn taken(alerts: &DraftAlerts, findings: &mut Findings) {
    for name in &alerts.taken {
        if !alerts.escalations.is_empty() && !alerts.escalations.contains_key(&name.value) {
            let message = format!("there is no escalation {}", quote(name.value.as_str()));
            let meant = did_you_mean(name.value.as_str(), alerts.escalations.keys().map(AlertName::as_str), findings);
            findings.error(code::UNKNOWN_ESCALATION, name.mark, message, meant.help()).meant(meant);
        }
    }
}

fn in_order(name: &AlertName, levels: &[DraftLevel], findings: &mut Findings) {
    let mut before = None;
    for after in levels.iter().filter_map(|level| level.after.as_ref()) {
        if before.is_some_and(|before| after.value <= before) {
            findings.error(
                code::ESCALATION_ORDER,
                after.mark,
                format!("a level of {name} after {} does not come later than the one before it", after.value),
                "list the levels in the order of their times, and what happens at one time in one level",
            );
        }
        before = Some(after.value);
    }
}
