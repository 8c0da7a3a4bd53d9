//! Who is told, by which way, and who is told next when nobody answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::identifier::{AlertName, EmailAddress, ResourceName};
use super::non_empty::NonEmpty;
use super::plan::Severity;

/// The ways to reach people, and the order in which they are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Ways to reach people.
    pub channels: BTreeMap<AlertName, Channel>,
    /// Levels in order, by a name of their own.
    pub escalations: BTreeMap<AlertName, NonEmpty<Level>>,
    /// Which escalation an incident takes, by its severity.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub incidents: BTreeMap<Severity, AlertName>,
    /// Which escalation an alarm takes that starts no recovery.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlertedAlarm>,
}

/// One way to reach people. Keys and addresses of web hooks are secrets: the plan names the secret of the recovery site that holds
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "channel", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Mail.
    Email {
        /// To whom.
        to: NonEmpty<EmailAddress>,
    },
    /// A PagerDuty service.
    Pagerduty {
        /// The secret with its routing key.
        secret: ResourceName,
    },
    /// A Slack channel.
    Slack {
        /// The secret with its web hook's address.
        secret: ResourceName,
    },
    /// An SNS topic of the recovery site.
    SnsTopic {
        /// The topic's name.
        topic: ResourceName,
    },
}

impl Channel {
    /// How answers and reports name it.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Email { to } => {
                let names: Vec<&str> = to.iter().map(EmailAddress::as_str).collect();
                format!("mail to {}", names.join(", "))
            }
            Self::Pagerduty { secret } => format!("PagerDuty, routing key in secret {secret}"),
            Self::Slack { secret } => format!("Slack, web hook in secret {secret}"),
            Self::SnsTopic { topic } => format!("SNS topic {topic}"),
        }
    }
}

/// One level of an escalation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// How long after the alert, unless somebody acknowledged it meanwhile.
    pub after: Seconds,
    /// The channels that are used.
    pub channels: NonEmpty<AlertName>,
}

/// An alarm that people are told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertedAlarm {
    /// The alarm's name.
    pub alarm: ResourceName,
    /// The escalation that it takes.
    pub escalation: AlertName,
}
