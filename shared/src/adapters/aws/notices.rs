//! Amazon SNS: notices and pages.

use async_trait::async_trait;

use super::Clients;
use crate::adapters::Sending;
use crate::config::TopicArn;
use crate::domain::operation::Operation;
use crate::ports::{Notices, PortResult};

/// SNS takes a subject of fewer than 100 ASCII characters without line breaks, and a message of 256 KiB.
const LONGEST_SUBJECT: usize = 99;
const LONGEST_BODY: usize = 200 * 1024;

/// [`Notices`] over one SNS topic.
#[derive(Debug, Clone)]
pub struct TopicNotices {
    clients: Clients,
    topic: TopicArn,
}

impl TopicNotices {
    /// Publishes to this topic.
    #[must_use]
    pub fn new(clients: Clients, topic: TopicArn) -> Self {
        Self { clients, topic }
    }
}

#[async_trait]
impl Notices for TopicNotices {
    async fn publish(&self, subject: &str, body: &str) -> PortResult<()> {
        let operation = Sending::of(Operation::Publish);
        self.clients
            .sns(self.topic.region())
            .publish()
            .topic_arn(self.topic.as_str())
            .subject(subject_of(subject))
            .message(body_of(body))
            .send()
            .await
            .map_err(|error| operation.failed(&error))?;
        Ok(())
    }
}

/// A subject that SNS cannot refuse: a page must not fail for a stray character.
fn subject_of(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_ascii() && !c.is_ascii_control() { c } else { ' ' }).collect();
    let subject: String = plain.trim().chars().take(LONGEST_SUBJECT).collect();
    if subject.is_empty() { "Recovery notice".to_owned() } else { subject }
}

fn body_of(text: &str) -> String {
    if text.is_empty() {
        return "(no text)".to_owned();
    }
    let mut end = text.len().min(LONGEST_BODY);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_made_such_that_the_service_takes_it() {
        assert_eq!(subject_of("SEV1: database\nis — down"), "SEV1: database is   down");
        assert_eq!(subject_of(&"x".repeat(500)).len(), LONGEST_SUBJECT);
        assert_eq!(subject_of(" \n "), "Recovery notice");
        assert!(body_of(&"é".repeat(LONGEST_BODY)).len() <= LONGEST_BODY);
        assert_eq!(body_of(""), "(no text)");
    }
}
