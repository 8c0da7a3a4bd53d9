//! What starts a recovery, once the wire form is taken off: an alarm's change or an operator's request; and the key that makes
//! two deliveries of the same thing one incident.

use jiff::Timestamp;

use super::identifier::{AccountId, IncidentId, PlatformName, Region};
use super::plan::{Plan, Trigger};

/// An alarm's change of state, whichever way it was delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// The alarm's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its account.
    pub account: String,
    /// Its Region.
    pub region: String,
    /// The state it changed to: `ALARM`, `OK` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// The state it had before, where the event says so.
    pub previous: Option<String>,
    /// When it changed, to the millisecond: the three shapes agree on it there and no further.
    pub changed_at: Timestamp,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// Why an alarm starts nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmRefused {
    /// Not a call for help: nothing to do, and not an error.
    Ignored(String),
    /// Not an alarm of this plan.
    NotInPlan(String),
}

/// The plan's trigger for this alarm.
///
/// # Errors
/// [`AlarmRefused`] when the change is none to act on, or the alarm is not exactly one of the plan's: name, account and Region.
pub fn match_alarm<'a>(plan: &'a Plan, change: &AlarmChange) -> Result<&'a Trigger, AlarmRefused> {
    let trigger = plan.triggers.iter().find(|trigger| plan.alarm_arn(trigger) == change.arn);
    let Some(trigger) = trigger else {
        return Err(AlarmRefused::NotInPlan(format!(
            "alarm {} is not a trigger of the plan for {}: a trigger is an alarm of account {} in one of the plan's Regions, listed under `triggers`",
            change.arn, plan.platform, plan.account
        )));
    };
    let agrees = AccountId::new(change.account.as_str()).is_ok_and(|account| account == plan.account)
        && Region::new(change.region.as_str()).is_ok_and(|region| &region == plan.region(trigger.site))
        && change.name == trigger.alarm.as_str();
    if !agrees {
        return Err(AlarmRefused::NotInPlan(format!(
            "the event calls itself alarm {} of account {} in {}, which does not agree with its ARN {}",
            change.name, change.account, change.region, change.arn
        )));
    }
    if change.state != "ALARM" {
        return Err(AlarmRefused::Ignored(format!(
            "alarm {} changed to {}: only a change to ALARM starts a recovery, and missing data never does by itself",
            change.name, change.state
        )));
    }
    Ok(trigger)
}

/// The incident that this alarm change starts, in every shape and at every delivery the same.
#[must_use]
pub fn incident_of_alarm(platform: &PlatformName, change: &AlarmChange) -> IncidentId {
    let moment = change.changed_at.as_millisecond().to_string();
    IncidentId::derive(platform, &["alarm", &change.account, &change.arn, &moment])
}

/// The incident of a change that a request asks for.
#[must_use]
pub fn incident_of_change(platform: &PlatformName, request_id: &str) -> IncidentId {
    IncidentId::derive(platform, &["change", request_id])
}

/// The incident that an operator's request starts. The request id is the operator's own, or Lambda's, which stays the same when
/// Lambda retries an asynchronous invocation.
#[must_use]
pub fn incident_of_request(platform: &PlatformName, request_id: &str) -> IncidentId {
    IncidentId::derive(platform, &["request", request_id])
}
