//! One alarm change in its three wire shapes: EventBridge event, direct Lambda action, SNS notification.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::domain::trigger::AlarmChange;
use crate::error::{Code, RecoveryError};
use crate::printable::printable;

/// Reads an alarm change, if the payload has one of the three shapes; `None` when it has none of them.
///
/// # Errors
/// `payload_unreadable` when it has the shape of an alarm but lacks what is needed.
pub fn read(payload: &Value) -> Option<Result<AlarmChange, RecoveryError>> {
    if payload.get("detail-type").and_then(Value::as_str) == Some("CloudWatch Alarm State Change") {
        return Some(event_bridge(payload));
    }
    if payload.get("alarmData").is_some() && payload.get("source").and_then(Value::as_str) == Some("aws.cloudwatch") {
        return Some(lambda_action(payload));
    }
    let first_source = payload.pointer("/Records/0/EventSource").and_then(Value::as_str);
    (first_source == Some("aws:sns")).then(|| notification(payload))
}

#[derive(Deserialize)]
struct Event {
    source: String,
    account: String,
    region: String,
    #[serde(default)]
    resources: Vec<String>,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    alarm_name: String,
    state: State,
    previous_state: Option<State>,
}

#[derive(Deserialize)]
struct State {
    value: String,
    #[serde(default)]
    reason: String,
    timestamp: Option<String>,
}

/// The documented EventBridge event; `resources` holds the alarm's ARN.
fn event_bridge(payload: &Value) -> Result<AlarmChange, RecoveryError> {
    let event = Event::deserialize(payload).map_err(|error| unreadable(&error.to_string()))?;
    if event.source != "aws.cloudwatch" {
        return Err(unreadable(&format!("its source is {}, and only aws.cloudwatch may say so", event.source)));
    }
    let arn = match event.resources.as_slice() {
        [arn] => arn.clone(),
        other => return Err(unreadable(&format!("it names {} resources instead of the one alarm", other.len()))),
    };
    change(arn, event.account, event.region, event.detail)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    alarm_arn: String,
    account_id: String,
    region: String,
    alarm_data: Detail,
}

/// What CloudWatch sends when the alarm's own action is the function.
fn lambda_action(payload: &Value) -> Result<AlarmChange, RecoveryError> {
    let action = Action::deserialize(payload).map_err(|error| unreadable(&error.to_string()))?;
    change(action.alarm_arn, action.account_id, action.region, action.alarm_data)
}

fn change(arn: String, account: String, region: String, detail: Detail) -> Result<AlarmChange, RecoveryError> {
    let changed = detail.state.timestamp.as_deref().unwrap_or_default();
    Ok(AlarmChange {
        changed_at: moment(changed)?,
        arn,
        name: detail.alarm_name,
        account,
        region,
        state: detail.state.value,
        previous: detail.previous_state.map(|state| state.value),
        reason: bounded(&detail.state.reason),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    alarm_name: String,
    alarm_arn: String,
    #[serde(rename = "AWSAccountId")]
    account: String,
    new_state_value: String,
    #[serde(default)]
    new_state_reason: String,
    old_state_value: Option<String>,
    state_change_time: String,
}

/// SNS's envelope, as far as it is read. Not the whole of it, as types for it elsewhere have it: an attribute in a new form or an
/// absent certificate must not refuse the alarm.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<NotificationRecord>,
}

#[derive(Deserialize)]
struct NotificationRecord {
    #[serde(rename = "Sns")]
    sns: Published,
}

#[derive(Deserialize)]
struct Published {
    #[serde(rename = "Message")]
    message: String,
}

/// What an alarm publishes to SNS. Its `Region` is a display name ("US West (Oregon)"), so the ARN's Region counts.
fn notification(payload: &Value) -> Result<AlarmChange, RecoveryError> {
    let event = Notification::deserialize(payload).map_err(|error| unreadable(&error.to_string()))?;
    let [record] = event.records.as_slice() else {
        return Err(unreadable(&format!("it has {} records, and SNS delivers one at a time", event.records.len())));
    };
    let message: Message =
        serde_json::from_str(&record.sns.message).map_err(|error| unreadable(&format!("its SNS message: {error}")))?;
    let region = message.alarm_arn.split(':').nth(3).unwrap_or_default().to_owned();
    Ok(AlarmChange {
        changed_at: moment(&message.state_change_time)?,
        arn: message.alarm_arn,
        name: message.alarm_name,
        account: message.account,
        region,
        state: message.new_state_value,
        previous: message.old_state_value,
        reason: bounded(&message.new_state_reason),
    })
}

/// CloudWatch writes `2026-11-20T10:00:00.123+0000`, the offset without a colon. Kept to the millisecond, on which all three
/// shapes agree.
fn moment(text: &str) -> Result<Timestamp, RecoveryError> {
    let with_colon = match text.len().checked_sub(5).and_then(|at| text.split_at_checked(at)) {
        Some((head, zone))
            if zone.starts_with(['+', '-'])
                && zone.get(1..).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit())) =>
        {
            format!("{head}{}:{}", zone.get(..3).unwrap_or_default(), zone.get(3..).unwrap_or_default())
        }
        _ => text.to_owned(),
    };
    let exact: Timestamp =
        with_colon.parse().map_err(|_| unreadable(&format!("its time of change {:?} is no time", bounded(text))))?;
    Timestamp::from_millisecond(exact.as_millisecond()).map_err(|_| unreadable("its time of change is out of range"))
}

/// CloudWatch's words, and those of whoever named its metrics: they go into the journal and into notices.
fn bounded(text: &str) -> String {
    printable(text, 500)
}

fn unreadable(why: &str) -> RecoveryError {
    let why = printable(why, 300);
    RecoveryError::new(Code::PayloadUnreadable, format!("the event looks like an alarm's, but {why}"))
}
