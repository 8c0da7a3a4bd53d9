//! What AWS Backup says to EventBridge of a restore job (developer guide, "Monitoring AWS Backup events using Amazon EventBridge"). It
//! only names the job: all else is asked of AWS Backup itself.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::identifier::RestoreJobId;
use crate::error::{Code, RecoveryError};
use crate::printable::printable;

use super::{check_shape, strictly};

/// What the events are called.
pub const DETAIL_TYPE: &str = "Restore Job State Change";
/// Characters of an event that an error repeats.
const LONGEST: usize = 300;

/// A restore job that something happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreJobChange {
    /// The job.
    pub job: RestoreJobId,
    /// The account and the Region that the event says it is of; nothing where somebody asks by hand.
    pub of: Option<(String, String)>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    account: String,
    region: String,
    detail: Detail,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    restore_job_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByHand {
    restore_job: RestoreJobId,
}

/// Reads an event, or `{"restore_job":"…"}`, with which a person asks for the same; nothing where the payload is neither.
///
/// # Errors
/// `payload_*` when it is another event, or lacks what is needed.
#[must_use]
pub fn read(payload: &Value) -> Option<Result<RestoreJobChange, RecoveryError>> {
    if payload.get("detail-type").is_some() {
        return Some(check_shape(payload).and_then(|()| event(payload)));
    }
    payload.get("restore_job")?;
    let asked = check_shape(payload)
        .and_then(|()| strictly::<ByHand>(payload, "{\"restore_job\":\"1B234A56-789B-01CD-2A34-4567A08901FD\"}"));
    Some(asked.map(|asked| RestoreJobChange { job: asked.restore_job, of: None }))
}

fn event(payload: &Value) -> Result<RestoreJobChange, RecoveryError> {
    let event = Event::deserialize(payload).map_err(|error| unreadable(&error.to_string()))?;
    if event.detail_type != DETAIL_TYPE {
        return Err(unreadable(&format!("it is called {}", event.detail_type)));
    }
    if event.source != "aws.backup" {
        return Err(unreadable(&format!("its source is {}, and only aws.backup may say so", event.source)));
    }
    let job = RestoreJobId::new(event.detail.restore_job_id).map_err(|error| unreadable(&error.to_string()))?;
    Ok(RestoreJobChange { job, of: Some((event.account, event.region)) })
}

fn unreadable(detail: &str) -> RecoveryError {
    let message = format!("the payload is not an event \"{DETAIL_TYPE}\": {}", printable(detail, LONGEST));
    RecoveryError::new(Code::PayloadUnreadable, message)
}
