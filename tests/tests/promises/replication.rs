//! What replication-check says of global tables, global databases and replicated buckets, as their world changes.

use jiff::Timestamp;
use rehearsal_world::{ClusterKey, HealthCheckUpdate, Metric, ReplicaStatus};
use serde_json::{Value, json};
use shared::domain::observation::Sight;
use shared::domain::replication::{Position, RuleView, StandbyView};
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
fn a_dark_primary_region_leaves_what_only_it_says_unknown_and_the_rest_as_it_was_last_seen() {
    let mut simulation = platform();
    simulation.cloud.with(|state| state.world.region_dark(EAST, true, state.now));
    simulation.run_for(minutes(1));
    assert_row(&mut simulation, "carts", "unknown", "could not be read: cloudwatch GetMetricData failed");
    let (lake, _) = row(&mut simulation, "data_lake");
    assert_eq!((lake["rpo"].as_str(), lake["lag_s"].as_u64()), (Some("unknown"), Some(2)), "{lake:#}");
    let reason = lake["reason"].as_str().unwrap();
    assert!(reason.starts_with("what rule everything of healthcare-platform-data-lake copies is not known: s3"), "{reason}");
    assert!(reason.contains("whether operations failed could not be read"), "{reason}");
    assert_eq!(row(&mut simulation, "ledger").0["rpo"], "within");
}

#[test]
fn a_rule_that_does_not_copy_what_the_plan_says_is_never_good_however_near_its_figure_is() {
    let with = |change: fn(&mut Vec<RuleView>), reason: &str| {
        let mut simulation = platform();
        simulation.cloud.with(|state| change(state.rules.get_mut("healthcare-platform-data-lake").unwrap()));
        assert_row(&mut simulation, "data_lake", "unknown", reason);
        assert_row(&mut simulation, "data_lake", "unknown", "healthcare-platform-data-lake-dr is at most");
    };
    with(|rules| rules[0].enabled = false, "is disabled, so nothing that is written now is copied");
    with(Vec::clear, "bucket healthcare-platform-data-lake has no replication rule everything");
    with(|rules| rules[0].destination = "elsewhere".to_owned(), "copies to elsewhere, and not to");
    with(|rules| rules[0].prefix = "scans/".to_owned(), "copies only what is below scans/");
    with(|rules| rules[0].tags.push("kind=scan".to_owned()), "only objects with the tags kind=scan");
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

#[test]
fn objects_whose_copying_was_given_up_are_missing_however_near_the_rest_is() {
    let mut simulation = platform();
    let failures = Metric::BucketFailures {
        region: EAST.to_owned(),
        source: "healthcare-platform-data-lake".to_owned(),
        destination: "healthcare-platform-data-lake-dr".to_owned(),
        rule: "everything".to_owned(),
    };
    simulation.cloud.with(|state| state.world.publish(failures.clone(), Some(0.0), state.now));
    simulation.run_for(minutes(3));
    assert_eq!(row(&mut simulation, "data_lake").0["rpo"], "within");
    simulation.cloud.with(|state| state.world.publish(failures.clone(), Some(1.0), state.now));
    simulation.run_for(minutes(2));
    simulation.cloud.with(|state| state.world.publish(failures, Some(0.0), state.now));
    simulation.run_for(minutes(60));
    assert_row(&mut simulation, "data_lake", "beyond", "operations of the last 24 hours failed and are not tried again");
}

/// The platform with a PostgreSQL pair of its own, whose standby is another one now.
fn with_standby(change: fn(&mut StandbyView)) -> Simulation {
    let mut simulation = Platform::default().with_postgresql().stand_up();
    simulation.run_for(minutes(5));
    simulation.cloud.with(|state| {
        for pair in state.standbys.values_mut() {
            let Sight::Found { found } = &mut pair.standby else { panic!("{pair:?}") };
            change(found);
        }
    });
    simulation
}

#[test]
fn servers_of_the_teams_own_are_asked_and_an_idle_standby_is_not_late() {
    // Its last transaction is as old as its server.
    let mut simulation = with_standby(|standby| standby.last_commit = Some(Timestamp::UNIX_EPOCH));
    let (orders, all) = row(&mut simulation, "orders");
    assert_eq!((orders["rpo"].as_str(), all.as_str(), orders["role"].as_str()), (Some("within"), "within", Some("replica")));
    assert_eq!(
        (orders["bytes_behind"].as_u64(), orders["replica"].as_str()),
        (Some(0), Some("pg-1.healthcare.internal:5432"))
    );
    assert_eq!(orders["source"], "PostgreSQL pg_current_wal_lsn and pg_last_wal_replay_lsn");
}

#[test]
fn a_standby_that_lacks_something_of_long_ago_is_beyond_its_objective() {
    let mut simulation = with_standby(|standby| {
        standby.replayed = Some(Position(0x2_3FFF_0000));
        standby.last_commit = Some(Timestamp::UNIX_EPOCH);
        standby.paused = true;
    });
    assert_row(
        &mut simulation,
        "orders",
        "beyond",
        "65536 bytes of log up to 2/40000000 not replayed, all of them received",
    );
}

#[test]
fn a_standby_alone_is_known_as_far_as_it_has_heard_of_its_primary_and_no_further() {
    let mut simulation = with_standby(|_| {});
    simulation.cloud.with(|state| state.world.region_dark(EAST, true, state.now));
    let (orders, _) = row(&mut simulation, "orders");
    assert_eq!(
        (orders["rpo"].as_str(), orders["source"].as_str()),
        (Some("within"), Some("PostgreSQL pg_stat_wal_receiver"))
    );
    let mut simulation = with_standby(|standby| standby.heard = None);
    simulation.cloud.with(|state| state.world.region_dark(EAST, true, state.now));
    let (orders, _) = row(&mut simulation, "orders");
    assert_eq!(orders["rpo"], "unknown", "{orders:#}");
    assert!(orders["reason"].as_str().unwrap().contains("hears from nobody"), "{orders:#}");
}

const SWITCH: &str = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";

fn health_of(simulation: &mut Simulation, payload: &Value) -> (Value, Value) {
    let Outcome::Answered(answer) = simulation.invoke(ReplicationCheck, "live", payload) else { panic!("no answer") };
    (answer["health_checks"][0].clone(), answer["status"].clone())
}

#[test]
fn what_records_follow_is_judged_by_the_quorum_of_its_checkers() {
    let mut simulation = platform();
    let (row, status) = health_of(&mut simulation, &json!({}));
    assert_eq!(
        (row["health"].as_str(), row["health_check"].as_str(), status.as_str()),
        (Some("healthy"), Some(SWITCH), Some("within"))
    );
    assert_eq!((row["finding_healthy"].as_u64(), row["checkers"].as_u64()), (Some(0), Some(16)), "it is inverted: {row:#}");

    // Somebody threw the switch: the object is there.
    simulation.cloud.with(|state| state.world.endpoint_answers(SWITCH, true, state.now));
    simulation.run_for(minutes(2));
    let (row, status) = health_of(&mut simulation, &json!({"component": row["component"]}));
    assert_eq!((row["health"].as_str(), status.as_str()), (Some("unhealthy"), Some("beyond")), "{row:#}");

    simulation.cloud.with(|state| state.world.dns_control_plane_dark(true, state.now));
    let (row, status) = health_of(&mut simulation, &json!({}));
    assert_eq!((row["health"].as_str(), status.as_str()), (Some("unknown"), Some("unknown")), "{row:#}");
}

#[test]
fn a_health_check_that_was_disabled_is_never_called_healthy() {
    let mut simulation = platform();
    let disabled = HealthCheckUpdate { disabled: Some(true), ..HealthCheckUpdate::default() };
    simulation.cloud.with(|state| state.world.update_health_check(SWITCH, &disabled, state.now)).unwrap();
    let (row, status) = health_of(&mut simulation, &json!({}));
    assert_eq!((row["health"].as_str(), status.as_str()), (Some("unknown"), Some("unknown")), "{row:#}");
    assert!(row["reason"].as_str().unwrap().contains("is disabled: Route 53 takes it for unhealthy"), "{row:#}");
}
