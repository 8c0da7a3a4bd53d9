//! What people are told: a queue that is subscribed to the notices' topic, as an operator's mailbox is.

use serde_json::{Value, json};

use super::super::console::Line;
use crate::drill::Drill;

const QUEUE: &str = "rehearsal-people";
const TOPIC: &str = "NoticesTopicArn";

/// The queue; none if the stack says no topic.
#[derive(Debug)]
pub(super) struct Mailbox {
    queue: Option<String>,
}

impl Mailbox {
    /// Subscribes a queue. Where that fails, notices are not shown, and the rehearsal goes on.
    pub(super) async fn open(drill: &Drill) -> Self {
        Self { queue: subscribe(drill).await }
    }

    pub(super) async fn look(&mut self, drill: &Drill) -> Vec<Line> {
        let Some(queue) = &self.queue else { return Vec::new() };
        let call = async |operation: &str, parameters: Value| {
            drill.stage.client.call("sqs", drill.platform.region(), operation, parameters).await.unwrap_or_default()
        };
        let received = call("receive_message", json!({"QueueUrl": queue, "MaxNumberOfMessages": 10})).await;
        let mut lines = Vec::new();
        for message in received.get("Messages").and_then(Value::as_array).into_iter().flatten() {
            lines.push(Line::new(drill.stage.now(), "people", told(message)));
            let handle = message.get("ReceiptHandle").cloned().unwrap_or_default();
            call("delete_message", json!({"QueueUrl": queue, "ReceiptHandle": handle})).await;
        }
        lines
    }
}

async fn subscribe(drill: &Drill) -> Option<String> {
    let topic = drill.stage.deployment.outputs.get(TOPIC)?;
    let region = drill.platform.region();
    let made = drill.stage.client.call("sqs", region, "create_queue", json!({"QueueName": QUEUE})).await.ok()?;
    let queue = made.get("QueueUrl")?.as_str()?.to_owned();
    let asked = json!({"QueueUrl": queue, "AttributeNames": ["QueueArn"]});
    let attributes = drill.stage.client.call("sqs", region, "get_queue_attributes", asked).await.ok()?;
    let arn = attributes.pointer("/Attributes/QueueArn")?.as_str()?;
    // As on AWS, a queue takes nothing from a topic that its policy does not name.
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }]});
    let allowed = json!({"QueueUrl": queue, "Attributes": {"Policy": policy.to_string()}});
    drill.stage.client.call("sqs", region, "set_queue_attributes", allowed).await.ok()?;
    let wanted = json!({"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn});
    drill.stage.client.call("sns", region, "subscribe", wanted).await.ok()?;
    Some(queue)
}

/// Subject and text of a notification, which the message holds as JSON.
fn told(message: &Value) -> String {
    let body = message.get("Body").and_then(Value::as_str).unwrap_or_default();
    let notification: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| notification.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("Subject") {
        "" => text("Message").to_owned(),
        subject => format!("{subject} | {}", text("Message")),
    }
}
