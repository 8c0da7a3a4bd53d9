//! One change of an alarm in each of the shapes in which it can come, made from the examples that the repository keeps of them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::platform::Platform;
use super::grammar::Shape;

/// The example of a shape, and where it says when the alarm changed.
fn example(shape: Shape) -> (&'static str, &'static str) {
    match shape {
        Shape::EventBridge => (include_str!("../../../../events/alarm.eventbridge.json"), "/detail/state/timestamp"),
        Shape::Lambda => (include_str!("../../../../events/alarm.lambda.json"), "/alarmData/state/timestamp"),
        Shape::Sns => (include_str!("../../../../events/alarm.sns.json"), MESSAGE),
    }
}

/// A notification's message is JSON inside JSON.
const MESSAGE: &str = "/Records/0/Sns/Message";
/// What the examples name.
const ALARM: &str = "healthcare-platform-database-unreachable";
const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-west-2";

/// The alarm of this platform went off at this moment, in this shape.
#[must_use]
pub fn event(platform: &Platform, shape: Shape, changed_at: Timestamp) -> Value {
    let (example, pointer) = example(shape);
    let text = example
        .replace(ALARM, platform.alarm().unwrap_or(ALARM))
        .replace(ACCOUNT, platform.plan.account.as_str())
        .replace(REGION, platform.region());
    let mut event: Value = serde_json::from_str(&text).unwrap_or_default();
    // As CloudWatch writes it: milliseconds, and an offset without a colon.
    let changed_at = changed_at.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string();
    if let Some(slot) = event.pointer_mut(pointer) {
        *slot = match shape {
            Shape::EventBridge | Shape::Lambda => json!(changed_at),
            Shape::Sns => json!(message_at(slot, &changed_at)),
        };
    }
    event
}

fn message_at(message: &Value, changed_at: &str) -> String {
    let mut message: Value = message.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if let Some(time) = message.get_mut("StateChangeTime") {
        *time = json!(changed_at);
    }
    message.to_string()
}
