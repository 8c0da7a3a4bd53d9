//! What replication-check says of global tables, global databases and replicated buckets, as their world changes.

use rehearsal_world::{ClusterKey, Metric, ReplicaStatus};
use serde_json::{Value, json};
use shared::domain::step::FunctionName::ReplicationCheck;
use simulation::{Outcome, Platform, Simulation};

use crate::common::minutes;

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const TABLE: &str = "healthcare-platform-carts";

fn ledger() -> ClusterKey {
    ClusterKey::new(WEST, "healthcare-platform-ledger-west")
}

fn table_latency() -> Metric {
    Metric::TableLatency { region: EAST.to_owned(), table: TABLE.to_owned(), receiving: WEST.to_owned() }
}

fn platform() -> Simulation {
    let mut simulation = Platform::default().with_global_data().stand_up();
    simulation.run_for(minutes(5));
    simulation
}

/// The row of a component, and the verdict on everything.
fn row(simulation: &mut Simulation, component: &str) -> (Value, String) {
    let answer = match simulation.invoke(ReplicationCheck, "live", &json!({})) {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    };
    let rows = answer["replicas"].as_array().unwrap();
    let row = rows.iter().find(|row| row["component"] == component).unwrap_or_else(|| panic!("{answer:#}"));
    (row.clone(), answer["status"].as_str().unwrap().to_owned())
}

fn assert_row(simulation: &mut Simulation, component: &str, verdict: &str, reason: &str) {
    let (row, all) = row(simulation, component);
    assert_eq!(row["rpo"], verdict, "{row:#}");
    assert!(row["reason"].as_str().unwrap().contains(reason), "{row:#}");
    assert_eq!(all, verdict, "one replica that is not within makes the whole not so");
}

#[test]
fn everything_that_is_copied_is_within_its_objective_with_the_time_and_the_source_of_its_figure() {
    let mut simulation = platform();
    for (component, source) in [
        ("carts", "CloudWatch AWS/DynamoDB ReplicationLatency"),
        ("data_lake", "CloudWatch AWS/S3 ReplicationLatency"),
        ("database", "CloudWatch AWS/RDS ReplicaLag"),
        ("ledger", "CloudWatch AWS/RDS AuroraGlobalDBRPOLag"),
    ] {
        let (row, all) = row(&mut simulation, component);
        assert_eq!((row["rpo"].as_str(), row["source"].as_str()), (Some("within"), Some(source)), "{row:#}");
        assert!(row["observed_at"].is_string() && row["lag_at_worst_s"].as_u64() >= row["lag_s"].as_u64(), "{row:#}");
        assert_eq!(all, "within");
    }
}

#[test]
fn a_table_whose_replica_is_not_active_or_of_which_nothing_is_published_is_not_known() {
    let mut simulation = platform();
    simulation.cloud.with(|state| state.world.set_table_replica(TABLE, EAST, ReplicaStatus::Creating, state.now));
    assert_row(&mut simulation, "carts", "unknown", "not every replica of healthcare-platform-carts is ACTIVE: CREATING in");
    simulation.cloud.with(|state| {
        state.world.set_table_replica(TABLE, EAST, ReplicaStatus::Active, state.now);
        state.world.publish(table_latency(), None, state.now);
    });
    simulation.run_for(minutes(12));
    assert_row(&mut simulation, "carts", "unknown", "either nothing was written to it, or nothing arrives");
    simulation.cloud.with(|state| state.world.publish(table_latency(), Some(1_200_000.0), state.now));
    simulation.run_for(minutes(3));
    assert_row(&mut simulation, "carts", "beyond", "healthcare-platform-carts is at most 2");
}

#[test]
fn a_dark_primary_region_leaves_what_only_it_publishes_unknown_and_the_rest_as_it_was_last_seen() {
    let mut simulation = platform();
    simulation.cloud.with(|state| state.world.region_dark(EAST, true, state.now));
    simulation.run_for(minutes(1));
    assert_row(&mut simulation, "carts", "unknown", "could not be read: cloudwatch GetMetricData failed");
    let (lake, _) = row(&mut simulation, "data_lake");
    assert_eq!(lake["rpo"], "within", "{lake:#}");
}

#[test]
fn a_secondary_cluster_counts_by_the_worse_of_its_lags_and_only_while_it_is_connected() {
    let mut simulation = platform();
    let replication = Metric::ClusterReplicationLag(ledger());
    simulation.cloud.with(|state| state.world.publish(replication, Some(900_000.0), state.now));
    simulation.run_for(minutes(3));
    assert_row(&mut simulation, "ledger", "beyond", "healthcare-platform-ledger-west is at most");
    assert_eq!(row(&mut simulation, "ledger").0["source"], "CloudWatch AWS/RDS AuroraGlobalDBReplicationLag");
    simulation.cloud.with(|state| state.world.set_cluster_connected(&ledger(), false));
    assert_row(&mut simulation, "ledger", "unknown", "is pending-resync in global database healthcare-platform-ledger");
}

#[test]
fn one_component_is_checked_without_a_call_for_another() {
    let mut simulation = platform();
    let before = simulation.cloud.with(|state| state.calls.len());
    let Outcome::Answered(answer) = simulation.invoke(ReplicationCheck, "live", &json!({"component": "carts"})) else {
        panic!("no answer");
    };
    assert_eq!((answer["status"].as_str(), answer["replicas"].as_array().unwrap().len()), (Some("within"), 1));
    let asked: Vec<&str> = simulation.cloud.with(|state| state.calls[before..].iter().map(|call| call.operation).collect());
    assert_eq!(asked, ["DescribeTable", "GetMetricData"]);
}
