//! What `backup-verify` says of the backups that AWS keeps: where they are, how new they are, and whether they are what the plan requires.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{ClusterKey, ClusterSnapshot, RecoveryPoint};
use serde_json::{Value, json};
use shared::domain::backup::ManagedBackups;
use shared::domain::duration::Seconds;
use shared::domain::plan::Component;
use shared::domain::step::FunctionName;
use simulation::{Outcome, Platform, Simulation, primary_key};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const VAULT: &str = "healthcare-platform";
const COPIES: &str = "healthcare-platform-dr";
const TABLE: &str = "healthcare-platform-carts";

fn required() -> Simulation {
    Platform::default().with_required_backups().stand_up()
}

/// Requires so much of every component's backups.
fn requiring(backups: &Value) -> Simulation {
    let backups: ManagedBackups = serde_json::from_value(backups.clone()).unwrap();
    let platform = Platform::default().with_required_backups().with_plan(|plan| {
        for component in plan.components.values_mut() {
            match component {
                Component::RdsInstance(database) => database.backups = Some(backups.clone()),
                Component::DynamodbTable(table) => table.backups = Some(backups.clone()),
                Component::AuroraGlobalDatabase(database) => database.backups = Some(backups.clone()),
                _ => {}
            }
        }
    });
    platform.stand_up()
}

fn checked(simulation: &mut Simulation, payload: &Value) -> Value {
    match simulation.invoke(FunctionName::BackupVerify, "live", payload) {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn row(simulation: &mut Simulation, component: &str) -> Value {
    let answer = checked(simulation, &json!({"component": component}));
    let row = answer["backups"][0].clone();
    let sufficient = if row["sufficient"] == true { "sufficient" } else { "insufficient" };
    assert_eq!(answer["status"], sufficient, "{answer:#}");
    row
}

fn assert_good(simulation: &mut Simulation, component: &str) {
    let row = row(simulation, component);
    assert_eq!((&row["sufficient"], &row["freshness"]), (&json!(true), &json!("within")), "{row:#}");
    assert_eq!(row["findings"], json!([]), "{row:#}");
}

/// The component is insufficient with this finding, and the reason says so.
fn assert_lacks(simulation: &mut Simulation, component: &str, freshness: &str, finding: &str) -> Value {
    let row = row(simulation, component);
    assert_eq!((&row["sufficient"], &row["freshness"]), (&json!(false), &json!(freshness)), "{row:#}");
    let findings = row["findings"].as_array().unwrap();
    assert!(findings.iter().any(|found| found.as_str().unwrap().starts_with(finding)), "no {finding}: {row:#}");
    let code = finding.split(':').next().unwrap();
    assert!(row["reason"].as_str().unwrap().contains(code), "{row:#}");
    row
}

fn assert_beyond_objective(simulation: &mut Simulation, component: &str, freshness: &str, reason: &str) -> Value {
    let row = row(simulation, component);
    assert_eq!((&row["sufficient"], &row["freshness"]), (&json!(false), &json!(freshness)), "{row:#}");
    assert!(row["reason"].as_str().unwrap().contains(reason), "{row:#}");
    row
}

fn now(simulation: &Simulation) -> Timestamp {
    simulation.cloud.now()
}

/// Changes the newest recovery point of every component in a vault.
fn points(simulation: &Simulation, region: &str, vault: &str, change: impl Fn(&mut RecoveryPoint)) {
    simulation.cloud.with(|state| {
        state.world.change_recovery_points(region, vault, |points| points.iter_mut().for_each(&change));
    });
}

fn ago(simulation: &Simulation, seconds: i64) -> Timestamp {
    now(simulation) - SignedDuration::from_secs(seconds)
}

#[test]
fn everything_that_a_plan_requires_is_found_in_both_regions_and_in_both_vaults() {
    let mut simulation = required();
    let answer = checked(&mut simulation, &json!({}));
    assert_eq!(answer["status"], "sufficient", "{answer:#}");
    for (component, elsewhere) in [("database", 3), ("carts", 3), ("ledger", 3)] {
        assert_good(&mut simulation, component);
        let row = row(&mut simulation, component);
        let places = row["elsewhere"].as_array().unwrap();
        assert_eq!(places.len(), elsewhere, "{row:#}");
        assert!(places.iter().any(|place| place["site"] == "primary" && place["vault"] == VAULT), "{row:#}");
        assert!(places.iter().any(|place| place["site"] == "recovery" && place["vault"] == COPIES), "{row:#}");
        assert_eq!((&row["level"], &row["encrypted"]), (&json!("present"), &json!(true)), "{row:#}");
    }
}

#[test]
fn a_copy_is_looked_for_where_none_is_required_and_is_no_finding() {
    let mut simulation = Platform::default().stand_up();
    assert_good(&mut simulation, "database");
    let without = row(&mut simulation, "database");
    assert_eq!(
        without["elsewhere"][0]["reason"], "there is no backup of healthcare-platform-prod in us-west-2",
        "{without:#}"
    );
    assert!(!without["not_checked"].to_string().contains("copy in the recovery Region"), "it was checked: {without:#}");
    simulation.cloud.with(|state| state.world.replicate_backups(&primary_key(), WEST, Duration::from_secs(60)));
    let with = row(&mut simulation, "database");
    assert!(with["evidence"].to_string().contains("replicated automated backup"), "{with:#}");
    assert_eq!(with["elsewhere"][0]["encrypted"], true);
}

#[test]
fn a_required_copy_that_is_missing_late_stopped_or_unencrypted_is_a_finding() {
    let only_a_copy = json!({"copy_within": 3_600, "encrypted": true});
    let mut simulation = requiring(&only_a_copy);
    assert_good(&mut simulation, "database");
    let behind = |simulation: &Simulation, status: &str, seconds: u64, encrypted: bool| {
        let behind = Duration::from_secs(seconds);
        simulation.cloud.with(|state| state.world.set_replicated_backups(&primary_key(), status, behind, encrypted));
    };
    behind(&simulation, "replicating", 4_000, true);
    assert_lacks(
        &mut simulation,
        "database",
        "beyond",
        "copy_too_old: the newest backup of healthcare-platform-prod in us-west-2 is replicated",
    );
    behind(&simulation, "retained", 60, true);
    let row = assert_lacks(&mut simulation, "database", "beyond", "copy_missing");
    assert!(row["reason"].as_str().unwrap().contains("is retained"), "{row:#}");
    behind(&simulation, "replicating", 60, false);
    assert_lacks(&mut simulation, "database", "within", "not_encrypted");
    let mut any = requiring(&json!({"copy_within": 3_600, "encrypted": false}));
    behind(&any, "replicating", 60, false);
    assert_good(&mut any, "database");
}

#[test]
fn a_copy_is_too_old_at_the_age_that_it_may_have_and_a_copied_snapshot_is_as_old_as_its_original() {
    let mut simulation = Platform::default()
        .with_plan(|plan| {
            for component in plan.components.values_mut() {
                if let Component::RdsInstance(database) = component {
                    let copy_within = Some(Seconds(3_600));
                    database.backups =
                        Some(ManagedBackups { copy_within, encrypted: true, vaults: None, restore_test: None });
                }
            }
        })
        .stand_up();
    simulation.cloud.with(|state| {
        let behind = Duration::from_secs(90_000);
        state.world.set_replicated_backups(&primary_key(), "replicating", behind, true);
    });
    for (age, good) in [(3_601, false), (3_600, false), (3_599, true)] {
        let taken = ago(&simulation, age);
        simulation.cloud.with(|state| {
            state.world.add_copied_snapshot(WEST, &format!("copy-{age}"), &primary_key(), taken, true);
        });
        if good {
            assert_good(&mut simulation, "database");
        } else {
            assert_lacks(&mut simulation, "database", "beyond", "copy_too_old");
        }
    }
}

#[test]
fn a_snapshot_of_another_instance_of_the_same_name_is_no_copy() {
    let mut simulation = requiring(&json!({"copy_within": 3_600, "encrypted": true}));
    simulation.cloud.with(|state| {
        state.world.set_replicated_backups(&primary_key(), "retained", Duration::ZERO, true);
        let namesake = rehearsal_world::InstanceKey::new("eu-west-1", &primary_key().identifier);
        state.world.add_copied_snapshot(WEST, "a-namesake", &namesake, state.now, true);
    });
    assert_lacks(&mut simulation, "database", "beyond", "copy_missing");
}

#[test]
fn only_complete_recovery_points_count_and_each_vault_is_held_to_how_often_one_is_made() {
    let mut simulation =
        requiring(&json!({"encrypted": true, "vaults": {"primary": VAULT, "recovery": COPIES, "every": 86_400}}));
    for component in ["database", "carts", "ledger"] {
        assert_good(&mut simulation, component);
        for status in ["PARTIAL", "EXPIRED", "DELETING", "STOPPED", "CREATING", "A_NEW_ONE"] {
            points(&simulation, WEST, COPIES, |point| status.clone_into(&mut point.status));
            let row = assert_lacks(&mut simulation, component, "beyond", "recovery_point_missing");
            assert!(row["reason"].as_str().unwrap().contains(&format!("is {status}")), "{row:#}");
        }
        points(&simulation, WEST, COPIES, |point| "COMPLETED".clone_into(&mut point.status));
        for (region, vault) in [(EAST, VAULT), (WEST, COPIES)] {
            let (old, new) = (ago(&simulation, 86_400), ago(&simulation, 80_000));
            points(&simulation, region, vault, |point| point.created = old);
            assert_lacks(&mut simulation, component, "beyond", "recovery_point_too_old");
            points(&simulation, region, vault, |point| (point.created, point.encrypted) = (new, false));
            assert_lacks(&mut simulation, component, "within", "not_encrypted");
            points(&simulation, region, vault, |point| point.encrypted = true);
            assert_good(&mut simulation, component);
        }
    }
}

#[test]
fn recovery_points_of_something_else_and_from_the_future_do_not_count_and_a_vault_that_is_not_there_holds_none() {
    let declared = json!({"encrypted": true, "vaults": {"primary": VAULT, "recovery": COPIES, "every": 86_400}});
    let mut simulation = requiring(&declared);
    points(&simulation, WEST, COPIES, |point| point.resource.push('2'));
    assert_lacks(&mut simulation, "carts", "beyond", "recovery_point_missing");
    let mut simulation = requiring(&declared);
    let tomorrow = now(&simulation) + SignedDuration::from_hours(24);
    points(&simulation, WEST, COPIES, |point| point.created = tomorrow);
    let row = assert_lacks(&mut simulation, "carts", "beyond", "recovery_point_missing");
    assert!(row["reason"].as_str().unwrap().contains("yet to come"), "{row:#}");
    let mut elsewhere = requiring(&json!({"encrypted": true, "vaults": {"primary": "nobodys", "every": 86_400}}));
    elsewhere.cloud.with(|state| state.world.change_recovery_points(EAST, "nobodys", Vec::clear));
    assert_lacks(&mut elsewhere, "carts", "beyond", "recovery_point_missing");
}

#[test]
fn a_dark_region_leaves_the_other_ones_backups_checked_and_is_never_good() {
    let mut simulation = required();
    simulation.cloud.with(|state| state.world.region_dark(EAST, true, state.now));
    for component in ["database", "carts", "ledger"] {
        let row = row(&mut simulation, component);
        assert_eq!((&row["sufficient"], &row["freshness"]), (&json!(false), &json!("unknown")), "{row:#}");
        let recovery = row["elsewhere"].as_array().unwrap().iter().filter(|place| place["site"] == "recovery");
        let within = recovery.filter(|place| place["freshness"] == "within").count();
        assert!(within >= 1, "the copies were looked at all the same: {row:#}");
    }
    let mut simulation = required();
    simulation.cloud.with(|state| state.world.region_dark(WEST, true, state.now));
    for component in ["database", "carts", "ledger"] {
        let row = assert_lacks(&mut simulation, component, "unknown", "copy_unknown");
        assert_eq!(row["level"], "present", "its own Region's backups were looked at all the same: {row:#}");
    }
    let mut plain = Platform::default().stand_up();
    plain.cloud.with(|state| state.world.region_dark(WEST, true, state.now));
    assert_good(&mut plain, "database");
    let row = row(&mut plain, "database");
    assert!(row["not_checked"].to_string().contains("copy in the recovery Region: "), "{row:#}");
}

#[test]
fn a_table_without_point_in_time_recovery_cannot_be_restored() {
    let mut simulation = Platform::default().with_global_data().stand_up();
    assert_good(&mut simulation, "carts");
    simulation.cloud.with(|state| state.world.set_table_recovery(TABLE, EAST, false));
    assert_beyond_objective(&mut simulation, "carts", "beyond", "cannot be restored");
    let mut simulation = requiring(&json!({"copy_within": 3_600, "encrypted": true}));
    assert_good(&mut simulation, "carts");
    simulation.cloud.with(|state| state.world.set_table_recovery(TABLE, WEST, false));
    assert_lacks(&mut simulation, "carts", "beyond", "copy_missing");
}

#[test]
fn a_cluster_is_held_to_its_objective_its_encryption_and_its_copies() {
    let (east, west) =
        (ClusterKey::new(EAST, "healthcare-platform-ledger-east"), ClusterKey::new(WEST, "healthcare-platform-ledger-west"));
    let mut simulation = requiring(&json!({"copy_within": 3_600, "encrypted": true}));
    assert_lacks(&mut simulation, "ledger", "beyond", "copy_missing");
    let set = |simulation: &Simulation, cluster: &ClusterKey, status: &str, behind: u64, encrypted: bool| {
        let behind = Some(Duration::from_secs(behind));
        simulation.cloud.with(|state| state.world.set_cluster_backup(cluster, status, behind, encrypted));
    };
    set(&simulation, &west, "available", 60, true);
    assert_good(&mut simulation, "ledger");
    for (behind, good) in [(898, true), (900, false)] {
        set(&simulation, &east, "available", behind, true);
        if good {
            assert_good(&mut simulation, "ledger");
        } else {
            assert_beyond_objective(&mut simulation, "ledger", "beyond", "older than its objective");
        }
    }
    set(&simulation, &east, "available", 60, false);
    assert_lacks(&mut simulation, "ledger", "within", "not_encrypted");
    set(&simulation, &east, "inaccessible-encryption-credentials-recoverable", 60, true);
    assert_beyond_objective(&mut simulation, "ledger", "beyond", "inaccessible-encryption-credentials");
}

#[test]
fn a_copied_snapshot_of_a_cluster_is_as_old_as_the_one_that_it_was_copied_from() {
    let mut simulation = requiring(&json!({"copy_within": 3_600, "encrypted": true}));
    let taken = |simulation: &Simulation, region: &str, identifier: &str, age: i64, source: Option<String>| {
        let snapshot = ClusterSnapshot {
            region: region.to_owned(),
            identifier: identifier.to_owned(),
            cluster: "healthcare-platform-ledger-east".to_owned(),
            status: "available".to_owned(),
            created: ago(simulation, age),
            source,
            encrypted: true,
        };
        simulation.cloud.with(|state| state.world.add_cluster_snapshot(snapshot));
    };
    let original = format!("arn:aws:rds:{EAST}:123456789012:cluster-snapshot:rds:ledger-1");
    taken(&simulation, WEST, "ledger-copy", 60, Some(original));
    assert_good(&mut simulation, "ledger");
    let unmatched = row(&mut simulation, "ledger");
    assert!(unmatched["not_checked"].to_string().contains("only when it was copied is known"), "{unmatched:#}");
    taken(&simulation, EAST, "rds:ledger-1", 7_200, None);
    assert_lacks(&mut simulation, "ledger", "beyond", "copy_too_old");
}
