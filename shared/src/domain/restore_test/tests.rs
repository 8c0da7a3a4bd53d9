//! What may be asked, and what answers prove.

use std::collections::BTreeMap;

use super::*;
use crate::domain::described::PostgresqlServer;
use crate::domain::identifier::InstanceId;
use crate::domain::observation::InstanceView;
use crate::domain::plan::{Component, Plan};
use crate::planfile;

const RESTORED_ARN: &str = "arn:aws:rds:us-west-2:123456789012:db:awsbackup-restore-test-1a2b";

fn test() -> RestoreTest {
    serde_json::from_value(serde_json::json!({
        "database": "shop", "secret": "shop/restore-test",
        "queries": [
            {"name": "orders", "sql": "SELECT count(*) FROM orders", "expect": {"at_least": 10}},
            {"name": "orphans", "sql": "SELECT count(*) FROM lines", "expect": {"equals": 0}},
            {"name": "recent", "sql": "SELECT true", "expect": "true"},
        ],
    }))
    .unwrap()
}

fn plan() -> Plan {
    let read = planfile::read(planfile::tests::SOUND);
    let mut plan = read.plan.unwrap();
    for component in plan.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            let mut backups = serde_json::json!({"encrypted": true});
            backups["restore_test"] = serde_json::to_value(test()).unwrap();
            database.backups = Some(serde_json::from_value(backups).unwrap());
        }
    }
    plan
}

fn source(plan: &Plan) -> String {
    plan.components
        .values()
        .map(|component| crate::domain::backup::protected(plan, component))
        .find(|arn| arn.contains(":db:"))
        .unwrap()
}

fn job(plan: &Plan) -> RestoreJobView {
    RestoreJobView {
        account: Some("123456789012".to_owned()),
        status: "COMPLETED".to_owned(),
        testing_plan: Some("arn:aws:backup:us-west-2:123456789012:restore-testing-plan:monthly".to_owned()),
        source: Some(source(plan)),
        restored: Some(RESTORED_ARN.to_owned()),
        ..RestoreJobView::default()
    }
}

fn code(standing: &Standing<'_>) -> String {
    match standing {
        Standing::Nothing(code, _) => (*code).to_owned(),
        other => format!("{other:?}"),
    }
}

fn refused(plan: &Plan, restored: &str) -> String {
    match standing(plan, &RestoreJobView { restored: Some(restored.to_owned()), ..job(plan) }) {
        Standing::Refused(reason) => reason,
        other => panic!("{restored}: {other:?}"),
    }
}

#[test]
fn a_copy_that_was_restored_for_a_test_is_asked() {
    let plan = plan();
    match standing(&plan, &job(&plan)) {
        Standing::Ask { component, instance, .. } => {
            assert_eq!((component.as_str(), instance.as_str()), ("database", "awsbackup-restore-test-1a2b"));
        }
        other => panic!("{other:?}"),
    }
    let validating = RestoreJobView { validation: Some("VALIDATING".to_owned()), ..job(&plan) };
    assert!(matches!(standing(&plan, &validating), Standing::Ask { .. }), "it is not decided yet");
}

#[test]
fn what_is_not_ours_to_answer_is_left_alone() {
    let plan = plan();
    let with = |change: &dyn Fn(&mut RestoreJobView)| {
        let mut job = job(&plan);
        change(&mut job);
        code(&standing(&plan, &job))
    };
    assert_eq!(with(&|job| job.testing_plan = None), "not_a_restore_test");
    assert_eq!(with(&|job| job.source = None), "restore_source_unknown");
    for other in ["", "arn:aws:rds:us-east-1:123456789012:db:another", "arn:aws:ec2:us-east-1:123456789012:volume/v"] {
        assert_eq!(with(&|job| job.source = Some(other.to_owned())), "restore_not_in_plan", "{other}");
    }
    let carts = "arn:aws:dynamodb:us-east-1:123456789012:table/shop-carts";
    assert_eq!(with(&|job| job.source = Some(carts.to_owned())), "restore_not_checked");
    for set in ["SUCCESSFUL", "FAILED", "TIMED_OUT"] {
        assert_eq!(with(&|job| job.validation = Some(set.to_owned())), "restore_already_validated");
    }
    assert_eq!(with(&|job| job.deletion = Some("DELETING".to_owned())), "restore_window_over");
    for (status, expected) in
        [("RUNNING", "Running"), ("FAILED", "NotRestored"), ("ABORTED", "NotRestored"), ("", "NotRestored")]
    {
        assert!(with(&|job| job.status = status.to_owned()).starts_with(expected), "{status}");
    }
    assert!(with(&|job| job.account = Some("210987654321".to_owned())).starts_with("Refused"));
}

#[test]
fn a_database_of_the_plan_is_never_taken_for_a_restored_one() {
    let mut plan = plan();
    let arn = |name: &str| format!("arn:aws:rds:us-west-2:123456789012:db:{name}");
    let named: Vec<String> = plan
        .components
        .keys()
        .filter_map(|name| plan.rds_instance(name))
        .flat_map(|database| [database.primary.id.to_string(), database.recovery.id.to_string()])
        .collect();
    assert!(named.len() >= 2);
    for name in &named {
        assert!(refused(&plan, &arn(name)).contains("is a database of the plan"), "{name}");
    }
    for component in plan.components.values_mut() {
        if let Component::RdsInstance(database) = component {
            database.recovery.id = InstanceId::new("awsbackup-restore-test-1a2b").unwrap();
        }
    }
    assert!(refused(&plan, RESTORED_ARN).contains("is a database of the plan"), "even under a name like theirs");
    for other in [
        "",
        "awsbackup-restore-test-1",
        "arn:aws:rds:us-east-1:123456789012:db:awsbackup-restore-test-1",
        "arn:aws:rds:us-west-2:210987654321:db:awsbackup-restore-test-1",
        "arn:aws:rds:us-west-2:123456789012:cluster:awsbackup-restore-test-1",
        "arn:aws:rds:us-west-2:123456789012:db:orders",
    ] {
        refused(&plan, other);
    }
}

#[test]
fn a_server_of_the_plan_or_a_replica_is_never_asked_under_the_name_of_a_restored_one() {
    let plan = plan();
    let instance = InstanceId::new("awsbackup-restore-test-1a2b").unwrap();
    let seen = InstanceView {
        status: "available".to_owned(),
        multi_az: false,
        availability_zone: None,
        source: None,
        replicating: None,
        host: Some("awsbackup-restore-test-1a2b.c0.us-west-2.rds.amazonaws.com".to_owned()),
        port: Some(5_432),
        security_groups: BTreeMap::new(),
        backup_retention_days: 0,
        latest_restorable: None,
    };
    let server = server_of(&plan, &instance, &seen).unwrap();
    assert_eq!(server.port, PostgresqlServer::PORT);
    let ever = |seen: InstanceView| matches!(server_of(&plan, &instance, &seen), Err(NotAsked::Ever(_)));
    let yet = |seen: InstanceView| matches!(server_of(&plan, &instance, &seen), Err(NotAsked::Yet(_)));
    assert!(ever(InstanceView { source: Some("shop-prod".to_owned()), ..seen.clone() }));
    assert!(ever(InstanceView { host: Some("pg-0.shop.internal".to_owned()), ..seen.clone() }), "a server of the plan");
    assert!(yet(InstanceView { status: "creating".to_owned(), ..seen.clone() }));
    assert!(yet(InstanceView { host: None, ..seen.clone() }));
    assert!(yet(InstanceView { host: Some("no host".to_owned()), ..seen }));
}

#[test]
fn one_wrong_answer_is_enough_and_a_missing_one_decides_nothing() {
    let right = [Told::Number(12), Told::Number(0), Told::Truth(true)];
    let with = |index: usize, told: Told| {
        let mut answers = right.to_vec();
        answers[index] = told;
        judge(&test(), &answers).1
    };
    assert_eq!(judge(&test(), &right).1, Proof::Holds);
    for (index, wrong) in [
        (0, Told::Number(9)),
        (0, Told::Number(-1)),
        (0, Told::Truth(true)),
        (1, Told::Number(1)),
        (2, Told::Truth(false)),
        (2, Told::Number(1)),
        (2, Told::Other("null")),
        // A table that is not there, an answer that cannot be computed, a damaged page.
        (0, Told::Refused("42P01".to_owned())),
        (0, Told::Refused("22012".to_owned())),
        (0, Told::Refused("XX001".to_owned())),
    ] {
        assert!(matches!(with(index, wrong.clone()), Proof::Fails(reasons) if reasons.len() == 1), "{wrong:?}");
    }
    // A missing right, a slip in the statement, a server that goes away.
    for open in [Told::Refused("42501".to_owned()), Told::Refused("42601".to_owned()), Told::Silent("no answer in time")] {
        assert!(matches!(with(0, open.clone()), Proof::Open(_)), "{open:?}");
    }
    assert!(matches!(judge(&test(), &right[..2]).1, Proof::Open(_)), "one was not asked");
    let both = [Told::Silent("no answer in time"), Told::Number(3), Told::Truth(true)];
    let (asked, proof) = judge(&test(), &both);
    assert!(matches!(proof, Proof::Fails(_)), "what is wrong stays wrong");
    assert_eq!(asked.iter().map(|asked| asked.holds).collect::<Vec<_>>(), [None, Some(false), Some(true)]);
    assert_eq!((asked[1].answered.as_str(), asked[1].expected.as_str()), ("3", "exactly 0"));
}

#[test]
fn the_bounds_themselves_hold() {
    let ask = |expect: Expectation, number: i64| {
        let mut test = test();
        let queries = vec![IntegrityQuery { expect, ..test.queries.as_slice()[0].clone() }];
        test.queries = crate::domain::non_empty::NonEmpty::new(queries).unwrap();
        judge(&test, &[Told::Number(number)]).1 == Proof::Holds
    };
    assert_eq!([9, 10, 11].map(|number| ask(Expectation::AtLeast(10), number)), [false, true, true]);
    assert_eq!([9, 10, 11].map(|number| ask(Expectation::AtMost(10), number)), [true, true, false]);
    assert_eq!([9, 10, 11].map(|number| ask(Expectation::Equals(10), number)), [false, true, false]);
}
