//! DynamoDB on the wire: `DescribeTable` and `DescribeContinuousBackups` of the modelled world's global tables. All other tables are the emulator's.

use jiff::Timestamp;
use rehearsal_world::{ApiError, DescribedTable, Fact, World};
use serde_json::{Value, json};

use super::answer::WireAnswer;
use super::call::{Protocol, WireCall};

const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

/// Whether a call describes a table that the world has, in whatever Region.
#[must_use]
pub fn concerns_the_world(world: &World, call: &WireCall) -> bool {
    let described = ["DescribeTable", "DescribeContinuousBackups"].contains(&call.operation.as_str());
    described && call.protocol == Protocol::Json && world.has_table(&named(call))
}

/// Answers one call.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play (`World::reachable`); here it is
/// answered like a service that has failed.
pub fn answer(world: &mut World, call: &WireCall, now: Timestamp) -> WireAnswer {
    world.rely_on(Fact::DynamodbProtocol);
    let answered = match call.operation.as_str() {
        "DescribeContinuousBackups" => describe_continuous_backups(world, call, now),
        _ => describe_table(world, call, now),
    };
    match answered {
        Ok(document) => WireAnswer::new(200, CONTENT_TYPE, document.to_string()),
        Err(error) => WireAnswer::error(call, error.http_status, error.code, &error.message),
    }
}

/// The table's name: both calls take an ARN as well.
fn named(call: &WireCall) -> String {
    let stated = call.parameter("TableName").unwrap_or_default();
    stated.rsplit_once(":table/").map_or(stated, |(_, name)| name).to_owned()
}

/// Refuses a call that says more than the world understands.
fn only_the_name(world: &mut World, call: &WireCall) -> Result<(), ApiError> {
    if let Some(left) = call.fields().keys().find(|name| *name != "TableName") {
        world.rely_on(Fact::UnmodelledIsRefused);
        return Err(ApiError::not_modelled(format_args!("the parameter {left} of {}", call.operation)));
    }
    Ok(())
}

fn describe_continuous_backups(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Value, ApiError> {
    only_the_name(world, call)?;
    let found = world.describe_continuous_backups(&call.region, &named(call), now)?;
    let mut recovery = json!({"PointInTimeRecoveryStatus": if found.enabled { "ENABLED" } else { "DISABLED" }});
    if let (Some(latest), Some(recovery)) = (found.latest, recovery.as_object_mut()) {
        recovery.insert("LatestRestorableDateTime".to_owned(), json!(latest.as_second()));
    }
    let description = json!({"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery});
    Ok(json!({"ContinuousBackupsDescription": description}))
}

fn describe_table(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Value, ApiError> {
    only_the_name(world, call)?;
    world.describe_table(&call.region, &named(call), now).map(|table| json!({"Table": element(&table)}))
}

fn element(table: &DescribedTable) -> Value {
    let replicas: Vec<Value> = table
        .replicas
        .iter()
        .map(|(region, status)| json!({"RegionName": region, "ReplicaStatus": status.as_str()}))
        .collect();
    json!({
        "TableName": table.name,
        "TableArn": table.arn,
        "TableStatus": table.status.as_str(),
        "CreationDateTime": table.created.as_second(),
        "GlobalTableVersion": "2019.11.21",
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "Replicas": replicas,
    })
}

#[cfg(test)]
mod tests;
