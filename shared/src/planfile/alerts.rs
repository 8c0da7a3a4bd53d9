//! Reads `alerts`: who is told, and who next.

use std::collections::BTreeMap;

use crate::domain::alerts::{AlertedAlarm, Alerts, Channel, Level};
use crate::domain::duration::Seconds;
use crate::domain::identifier::{AlertName, EmailAddress, ResourceName};
use crate::domain::non_empty::NonEmpty;
use crate::domain::plan::Severity;

use super::components::variant;
use super::draft::{DraftAlerts, DraftLevel};
use super::fields::{Fields, Marked, Place};
use super::finding::Findings;
use super::{code, format};

const A_CHANNEL: &str = "a channel's name";
const AN_ESCALATION: &str = "an escalation's name";

pub(super) fn read(place: &Place<'_>, findings: &mut Findings) -> DraftAlerts {
    let mut draft = DraftAlerts::default();
    let Some(fields) = place.fields(&format::ALERTS, findings) else {
        return draft;
    };
    let channels = read_channels(&fields, &mut draft, findings);
    let escalations = read_escalations(&fields, &mut draft, findings);
    let incidents = read_incidents(&fields, &mut draft, findings);
    let alarms = read_alarms(&fields, &mut draft, findings);
    draft.alerts = match (channels, escalations, incidents, alarms) {
        (Some(channels), Some(escalations), Some(incidents), Some(alarms)) => {
            Some(Alerts { channels, escalations, incidents, alarms })
        }
        _ => None,
    };
    draft
}

fn read_channels(
    fields: &Fields<'_>,
    draft: &mut DraftAlerts,
    findings: &mut Findings,
) -> Option<BTreeMap<AlertName, Channel>> {
    let named = fields
        .required("channels", "ways to reach people, such as `on_call: { email: [a@example.com] }`", findings)?
        .named::<AlertName>("channels by name", findings)?;
    let mut channels = Some(BTreeMap::new());
    for (name, place) in named {
        draft.channels.insert(name.value.clone());
        channels = channels.zip(read_channel(&place, findings)).map(|(mut channels, channel)| {
            channels.insert(name.value, channel);
            channels
        });
    }
    channels
}

fn read_channel(place: &Place<'_>, findings: &mut Findings) -> Option<Channel> {
    let fields = place.fields_of(format::CHANNELS.to_vec(), findings)?;
    let kind = variant(&fields, place, &["email", "pagerduty", "slack", "sns_topic"], findings)?;
    let place = fields.optional(kind)?;
    if kind == "email" {
        let items = place.items("a list of mail addresses", findings)?;
        let read = |item: &Place<'_>| item.identifier::<EmailAddress>("a mail address", findings);
        let addresses: Vec<Option<Marked<EmailAddress>>> = items.iter().map(read).collect();
        let addresses: Vec<EmailAddress> =
            addresses.into_iter().map(|address| Some(address?.value)).collect::<Option<_>>()?;
        return Some(Channel::Email { to: NonEmpty::new(addresses).ok()? });
    }
    let expected = if kind == "sns_topic" { "a topic's name" } else { "the name of the secret that holds the key" };
    let name = place.identifier::<ResourceName>(expected, findings)?.value;
    Some(match kind {
        "pagerduty" => Channel::Pagerduty { secret: name },
        "slack" => Channel::Slack { secret: name },
        _ => Channel::SnsTopic { topic: name },
    })
}

fn read_escalations(
    fields: &Fields<'_>,
    draft: &mut DraftAlerts,
    findings: &mut Findings,
) -> Option<BTreeMap<AlertName, NonEmpty<Level>>> {
    let named = fields
        .required("escalations", "levels, such as `critical: [ { after: 0s, channels: [on_call] } ]`", findings)?
        .named::<AlertName>("escalations by name", findings)?;
    let mut escalations = Some(BTreeMap::new());
    for (name, place) in named {
        let mut levels = Vec::new();
        let mut drafts = Vec::new();
        let items = place.items("a list of `{ after: …, channels: […] }`", findings);
        let mut whole = items.is_some();
        for item in items.into_iter().flatten() {
            let mut level = DraftLevel { after: None, channels: Vec::new() };
            match read_level(&item, &mut level, findings) {
                Some(read) => levels.push(read),
                None => whole = false,
            }
            drafts.push(level);
        }
        draft.escalations.insert(name.value.clone(), drafts);
        let levels = if whole { NonEmpty::new(levels).ok() } else { None };
        escalations = escalations.zip(levels).map(|(mut escalations, levels)| {
            escalations.insert(name.value, levels);
            escalations
        });
    }
    escalations
}

fn read_level(item: &Place<'_>, draft: &mut DraftLevel, findings: &mut Findings) -> Option<Level> {
    let fields = item.fields(&format::LEVEL, findings)?;
    draft.after = fields
        .required("after", "a duration such as 15m, or 0s for at once", findings)
        .and_then(|place| place.duration(Seconds(0), findings));
    let items = fields
        .required("channels", "a list of channels", findings)
        .and_then(|place| place.items("a list of channels", findings))?;
    let count = items.len();
    draft.channels = items.iter().filter_map(|item| item.identifier::<AlertName>(A_CHANNEL, findings)).collect();
    let channels: Vec<AlertName> = draft.channels.iter().map(|name| name.value.clone()).collect();
    let channels = if channels.len() == count { NonEmpty::new(channels).ok()? } else { return None };
    Some(Level { after: draft.after.as_ref()?.value, channels })
}

fn read_incidents(
    fields: &Fields<'_>,
    draft: &mut DraftAlerts,
    findings: &mut Findings,
) -> Option<BTreeMap<Severity, AlertName>> {
    let Some(place) = fields.optional("incidents") else {
        return Some(BTreeMap::new());
    };
    let mut incidents = Some(BTreeMap::new());
    for (severity, place) in place.chosen(format::SEVERITIES, code::UNKNOWN_VALUE, findings)? {
        let name = place.identifier::<AlertName>(AN_ESCALATION, findings);
        draft.taken.extend(name.clone());
        incidents = incidents.zip(name).map(|(mut incidents, name)| {
            incidents.insert(severity, name.value);
            incidents
        });
    }
    incidents
}

fn read_alarms(fields: &Fields<'_>, draft: &mut DraftAlerts, findings: &mut Findings) -> Option<Vec<AlertedAlarm>> {
    let Some(place) = fields.optional("alarms") else {
        return Some(Vec::new());
    };
    let items = place.items("a list of `{ alarm: …, escalation: … }`", findings)?;
    let mut alarms = Some(Vec::with_capacity(items.len()));
    for item in &items {
        let read = read_alarm(item, draft, findings);
        alarms = alarms.zip(read).map(|(mut alarms, alarm)| {
            alarms.push(alarm);
            alarms
        });
    }
    alarms
}

fn read_alarm(item: &Place<'_>, draft: &mut DraftAlerts, findings: &mut Findings) -> Option<AlertedAlarm> {
    let fields = item.fields(&format::ALERTED_ALARM, findings)?;
    let alarm = fields
        .required("alarm", "the alarm's name", findings)
        .and_then(|place| place.identifier::<ResourceName>("the alarm's name", findings));
    let escalation = fields
        .required("escalation", AN_ESCALATION, findings)
        .and_then(|place| place.identifier::<AlertName>(AN_ESCALATION, findings));
    draft.alarms.extend(alarm.as_ref().map(|alarm| Marked { value: alarm.value.to_string(), mark: alarm.mark }));
    draft.taken.extend(escalation.clone());
    Some(AlertedAlarm { alarm: alarm?.value, escalation: escalation?.value })
}
