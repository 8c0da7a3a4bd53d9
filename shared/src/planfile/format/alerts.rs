//! The form of `alerts`.

use crate::domain::identifier::{AlertName, EmailAddress};

use super::scenarios::SEVERITIES;
use super::{Form, Mapping, RESOURCE, optional, required, words};

const NAME: Form = Form::Pattern(AlertName::PATTERN);

pub(in super::super) static ALERTS: Mapping = Mapping {
    name: "alerts",
    about: "Who is told, by which way, and who is told next when nobody answers.",
    fields: &[
        required(
            "channels",
            Form::Named(AlertName::PATTERN, &Form::OneOf(CHANNELS)),
            "Ways to reach people. Their secrets and topics are those of the recovery site.",
        ),
        required(
            "escalations",
            Form::Named(AlertName::PATTERN, &Form::List(&Form::Mapping(&LEVEL))),
            "Levels in the order in which they are used.",
        ),
        optional(
            "incidents",
            Form::ByWord(|| words(SEVERITIES), &NAME),
            "Which escalation an incident takes, by its severity.",
        ),
        optional(
            "alarms",
            Form::List(&Form::Mapping(&ALERTED_ALARM)),
            "Which escalation an alarm takes that starts no recovery.",
        ),
    ],
};

/// A way to reach people is one of these, told apart by its one field.
pub(in super::super) const CHANNELS: &[&Mapping] = &[&EMAIL, &PAGERDUTY, &SLACK, &SNS_TOPIC];

pub(in super::super) static EMAIL: Mapping = Mapping {
    name: "email",
    about: "Mail.",
    fields: &[required("email", Form::List(&Form::Pattern(EmailAddress::PATTERN)), "The addresses.")],
};

pub(in super::super) static PAGERDUTY: Mapping = Mapping {
    name: "pagerduty",
    about: "A PagerDuty service.",
    fields: &[required("pagerduty", RESOURCE, "The secret of the recovery site that holds its routing key.")],
};

pub(in super::super) static SLACK: Mapping = Mapping {
    name: "slack",
    about: "A Slack channel.",
    fields: &[required("slack", RESOURCE, "The secret of the recovery site that holds its web hook's address.")],
};

pub(in super::super) static SNS_TOPIC: Mapping = Mapping {
    name: "sns_topic",
    about: "An SNS topic.",
    fields: &[required("sns_topic", RESOURCE, "The topic's name, in the recovery site.")],
};

pub(in super::super) static LEVEL: Mapping = Mapping {
    name: "level",
    about: "One level of an escalation.",
    fields: &[
        required("after", Form::Duration, "How long after the alert, unless somebody acknowledged it meanwhile."),
        required("channels", Form::List(&NAME), "The channels that are used."),
    ],
};

pub(in super::super) static ALERTED_ALARM: Mapping = Mapping {
    name: "alerted_alarm",
    about: "An alarm that people are told of.",
    fields: &[
        required("alarm", RESOURCE, "The alarm's name."),
        required("escalation", NAME, "The escalation that it takes."),
    ],
};
