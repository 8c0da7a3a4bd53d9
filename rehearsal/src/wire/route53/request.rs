//! From the fields of a request to what the world is asked to do.

use rehearsal_world::{
    ApiError, Change, ChangeAction, ChangeBatch, HealthCheckUpdate, InsufficientDataStatus, StatedAlias, StatedRecordSet,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::wire::call::WireCall;

/// The batch of a call of `ChangeResourceRecordSets`.
pub(super) fn change_batch(call: &WireCall) -> Result<ChangeBatch, ApiError> {
    let request: ChangeRequest = read(&call.parameters)?;
    let changes: Result<Vec<Change>, ApiError> = request.change_batch.changes.into_iter().map(Change::try_from).collect();
    Ok(ChangeBatch { comment: request.change_batch.comment, changes: changes? })
}

/// The update of a call of `UpdateHealthCheck`.
pub(super) fn health_check_update(call: &WireCall) -> Result<HealthCheckUpdate, ApiError> {
    let request: UpdateRequest = read(&call.parameters)?;
    let insufficient_data = request
        .insufficient_data_health_status
        .map(|text| {
            InsufficientDataStatus::parse(&text)
                .ok_or_else(|| invalid(format!("{text} is no value of InsufficientDataHealthStatus")))
        })
        .transpose()?;
    Ok(HealthCheckUpdate {
        version: request.health_check_version.map(|number| number.0),
        inverted: request.inverted.map(|truth| truth.0),
        disabled: request.disabled.map(|truth| truth.0),
        health_threshold: request.health_threshold.map(|number| number.0),
        insufficient_data,
    })
}

fn invalid(what: impl std::fmt::Display) -> ApiError {
    ApiError::invalid_input(format!("Invalid XML ; {what}"))
}

/// Reads strictly: an element that is not known here may change what the request means.
fn read<T: DeserializeOwned>(parameters: &Value) -> Result<T, ApiError> {
    if parameters.is_null() {
        return Err(invalid("the document is not well formed"));
    }
    T::deserialize(parameters).map_err(|error| {
        let error = error.to_string();
        match error.split('`').nth(1) {
            Some(element) if error.starts_with("unknown field") => {
                ApiError::not_modelled(format_args!("the element {element} of Route 53"))
            }
            _ => invalid(error),
        }
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeRequest {
    change_batch: BatchElement,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct BatchElement {
    comment: Option<String>,
    changes: Vec<ChangeElement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ChangeElement {
    action: String,
    resource_record_set: RecordSetElement,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RecordSetElement {
    name: String,
    r#type: String,
    set_identifier: Option<String>,
    weight: Option<Number>,
    failover: Option<String>,
    #[serde(rename = "TTL")]
    ttl: Option<Number>,
    resource_records: Option<Vec<ValueElement>>,
    alias_target: Option<AliasElement>,
    health_check_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ValueElement {
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AliasElement {
    hosted_zone_id: String,
    #[serde(rename = "DNSName")]
    dns_name: String,
    evaluate_target_health: Truth,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UpdateRequest {
    health_check_version: Option<Number>,
    inverted: Option<Truth>,
    disabled: Option<Truth>,
    health_threshold: Option<Number>,
    insufficient_data_health_status: Option<String>,
}

/// A number, which a document holds as text.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Number(i64);

impl TryFrom<String> for Number {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| format!("'{text}' is not a valid value for 'long'"))
    }
}

/// A truth value, which a document holds as text.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Truth(bool);

impl TryFrom<String> for Truth {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| format!("'{text}' is not a valid value for 'boolean'"))
    }
}

impl TryFrom<ChangeElement> for Change {
    type Error = ApiError;

    fn try_from(element: ChangeElement) -> Result<Self, Self::Error> {
        let action = ChangeAction::parse(&element.action)
            .ok_or_else(|| invalid(format!("'{}' is not a valid value for 'ChangeAction'", element.action)))?;
        let set = element.resource_record_set;
        let record_set = StatedRecordSet {
            name: set.name,
            kind: set.r#type,
            set_identifier: set.set_identifier,
            weight: set.weight.map(|number| number.0),
            failover: set.failover,
            ttl: set.ttl.map(|number| number.0),
            values: set.resource_records.map(|values| values.into_iter().map(|value| value.value).collect()),
            alias: set.alias_target.map(|alias| StatedAlias {
                hosted_zone: alias.hosted_zone_id,
                name: alias.dns_name,
                evaluate_target_health: alias.evaluate_target_health.0,
            }),
            health_check: set.health_check_id,
        };
        Ok(Self { action, record_set })
    }
}
