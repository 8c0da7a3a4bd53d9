//! AWS Backup on the wire: the recovery points of the modelled world's vaults. All else is the emulator's.

use jiff::Timestamp;
use rehearsal_world::{ApiError, Fact, RecoveryPoint, World};
use serde_json::{Value, json};

use super::answer::WireAnswer;
use super::call::WireCall;

const LIST: &str = "ListRecoveryPointsByBackupVault";

/// Whether a call lists a vault that the world has, in whatever Region.
#[must_use]
pub fn concerns_the_world(world: &World, call: &WireCall) -> bool {
    call.operation == LIST && world.has_vault(vault(call))
}

/// Answers one call.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play (`World::reachable`); here it is
/// answered like a service that has failed.
pub fn answer(world: &mut World, call: &WireCall, now: Timestamp) -> WireAnswer {
    world.rely_on(Fact::BackupProtocol);
    match list(world, call, now) {
        Ok(document) => WireAnswer::new(200, "application/json", document.to_string()),
        Err(error) => WireAnswer::error(call, error.http_status, error.code, &error.message),
    }
}

fn vault(call: &WireCall) -> &str {
    call.path_parameters.get("BackupVaultName").map(String::as_str).unwrap_or_default()
}

fn list(world: &mut World, call: &WireCall, now: Timestamp) -> Result<Value, ApiError> {
    if let Some(left) = call.fields().keys().find(|name| *name != "resourceArn") {
        world.rely_on(Fact::UnmodelledIsRefused);
        return Err(ApiError::not_modelled(format_args!("the parameter {left} of {LIST}")));
    }
    let (vault, resource) = (vault(call), call.parameter("resourceArn"));
    let points = world.list_recovery_points(&call.region, vault, resource, now)?;
    let shown: Vec<Value> = points.iter().map(|point| element(point, vault)).collect();
    Ok(json!({"RecoveryPoints": shown}))
}

fn element(point: &RecoveryPoint, vault: &str) -> Value {
    json!({
        "RecoveryPointArn": point.arn,
        "BackupVaultName": vault,
        "ResourceArn": point.resource,
        "Status": point.status,
        "CreationDate": point.created.as_second(),
        "IsEncrypted": point.encrypted,
    })
}

#[cfg(test)]
mod tests {
    use rehearsal_world::PairConfig;

    use super::*;
    use crate::wire::tests::requests;

    const WEST: &str = "us-west-2";

    fn world() -> World {
        let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let mut world = World::pair(PairConfig::default(), 1, start);
        for (id, resource) in [("a", "arn:orders"), ("b", "arn:carts")] {
            let point = RecoveryPoint {
                arn: format!("arn:aws:backup:us-west-2:123456789012:recovery-point:{id}"),
                resource: resource.to_owned(),
                status: "PARTIAL".to_owned(),
                created: start,
                encrypted: true,
            };
            world.add_recovery_point(WEST, "dr", point);
        }
        world
    }

    fn call(path: &str, region: &str) -> WireCall {
        requests::rest("backup", "GET", path, Value::Null).in_region(region).call()
    }

    fn ask(world: &mut World, path: &str, region: &str) -> (u16, Value) {
        let now = world.now();
        let answered = answer(world, &call(path, region), now);
        (answered.status, serde_json::from_slice(&answered.body).unwrap())
    }

    #[test]
    fn a_vault_is_listed_in_the_documented_members() {
        let mut world = world();
        let (status, all) = ask(&mut world, "/backup-vaults/dr/recovery-points", WEST);
        assert_eq!((status, all["RecoveryPoints"].as_array().unwrap().len()), (200, 2));
        let (_, one) = ask(&mut world, "/backup-vaults/dr/recovery-points/?resourceArn=arn%3Acarts", WEST);
        let expected = json!([{
            "RecoveryPointArn": "arn:aws:backup:us-west-2:123456789012:recovery-point:b",
            "BackupVaultName": "dr",
            "ResourceArn": "arn:carts",
            "Status": "PARTIAL",
            "CreationDate": 1_795_183_200,
            "IsEncrypted": true,
        }]);
        assert_eq!(one["RecoveryPoints"], expected);
    }

    #[test]
    fn only_the_lists_of_the_worlds_vaults_are_the_worlds_and_what_it_does_not_know_is_refused() {
        let mut world = world();
        for (path, its) in [
            ("/backup-vaults/dr/recovery-points", true),
            ("/backup-vaults/other/recovery-points", false),
            ("/backup-vaults/dr", false),
        ] {
            assert_eq!(concerns_the_world(&world, &call(path, WEST)), its, "{path}");
        }
        assert_eq!(ask(&mut world, "/backup-vaults/dr/recovery-points", "us-east-1").0, 400, "a vault of the other Region");
        assert_eq!(ask(&mut world, "/backup-vaults/dr/recovery-points?maxResults=1", WEST).0, 400);
    }
}
