use jiff::Timestamp;
use rehearsal_world::{PairConfig, ReplicaStatus, World};
use serde_json::{Value, json};

use super::{answer, concerns_the_world};
use crate::wire::call::WireCall;
use crate::wire::tests::requests;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";

fn world() -> World {
    let start: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
    let mut world = World::pair(PairConfig::default(), 1, start);
    world.add_global_table("carts", &[EAST, WEST], start);
    world
}

fn call(operation: &str, region: &str, parameters: &Value) -> WireCall {
    requests::target("dynamodb", &format!("DynamoDB_20120810.{operation}"), parameters.clone()).in_region(region).call()
}

fn ask(world: &mut World, region: &str, parameters: &Value) -> (u16, Value) {
    let now = world.now();
    let answered = answer(world, &call("DescribeTable", region, parameters), now);
    assert_eq!(answered.header("content-type"), Some("application/x-amz-json-1.0"));
    (answered.status, serde_json::from_slice(&answered.body).unwrap())
}

#[test]
fn a_table_is_described_in_the_documented_members() {
    let mut world = world();
    let now = world.now();
    world.set_table_replica("carts", EAST, ReplicaStatus::RegionDisabled, now);
    for name in ["carts", "arn:aws:dynamodb:us-west-2:123456789012:table/carts"] {
        let (status, document) = ask(&mut world, WEST, &json!({"TableName": name}));
        assert_eq!(status, 200);
        let table = &document["Table"];
        assert_eq!(table["TableName"], "carts");
        assert_eq!(table["TableStatus"], "ACTIVE");
        assert_eq!(table["TableArn"], "arn:aws:dynamodb:us-west-2:123456789012:table/carts");
        assert_eq!(table["CreationDateTime"], 1_795_183_200);
        assert_eq!(table["Replicas"], json!([{"RegionName": EAST, "ReplicaStatus": "REGION_DISABLED"}]));
    }
}

#[test]
fn point_in_time_recovery_is_described_in_the_documented_members() {
    let mut world = world();
    let mut ask = |region: &str, enabled: bool| {
        world.set_table_recovery("carts", region, enabled);
        let now = world.now();
        let answered = answer(&mut world, &call("DescribeContinuousBackups", region, &json!({"TableName": "carts"})), now);
        let document: Value = serde_json::from_slice(&answered.body).unwrap();
        (answered.status, document["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"].clone())
    };
    let on = json!({"PointInTimeRecoveryStatus": "ENABLED", "LatestRestorableDateTime": 1_795_182_900});
    assert_eq!(ask(WEST, true), (200, on));
    assert_eq!(ask(WEST, false), (200, json!({"PointInTimeRecoveryStatus": "DISABLED"})));
    assert_eq!(ask("eu-west-1", true).0, 400);
}

#[test]
fn only_the_description_of_the_worlds_tables_is_the_worlds_to_answer() {
    let world = world();
    for (operation, parameters, its) in [
        ("DescribeTable", json!({"TableName": "carts"}), true),
        ("DescribeContinuousBackups", json!({"TableName": "carts"}), true),
        ("DescribeContinuousBackups", json!({"TableName": "journal"}), false),
        ("DescribeTable", json!({"TableName": "journal"}), false),
        ("DescribeTable", json!({}), false),
        ("GetItem", json!({"TableName": "carts"}), false),
    ] {
        assert_eq!(concerns_the_world(&world, &call(operation, WEST, &parameters)), its, "{operation} {parameters}");
    }
}

#[test]
fn what_cannot_be_described_is_refused_by_name() {
    let mut world = world();
    let (status, refused) = ask(&mut world, "eu-west-1", &json!({"TableName": "carts"}));
    assert_eq!((status, refused["__type"].as_str()), (400, Some("ResourceNotFoundException")));
    let (status, refused) = ask(&mut world, WEST, &json!({"TableName": "carts", "Consistent": true}));
    assert_eq!((status, refused["__type"].as_str()), (400, Some("ValidationError")));
}
