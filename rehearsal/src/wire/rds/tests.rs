use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{ClusterKey, InstanceKey, PairConfig, Timings, World};

use super::answer;

pub(super) const EAST: &str = "us-east-1";
pub(super) const WEST: &str = "us-west-2";

fn start() -> Timestamp {
    "2026-11-20T14:00:00Z".parse().unwrap()
}

pub(super) fn world() -> World {
    let config = PairConfig {
        primary_id: "orders-prod".to_owned(),
        primary_groups: vec!["sg-c11e475".to_owned()],
        isolation_group: "sg-150a7ed".to_owned(),
        recovery_id: "orders-dr".to_owned(),
        modifying_during_group_change: Some(false),
        timings: Timings { variation_percent: 0, ..Timings::default() },
        ..PairConfig::default()
    };
    World::pair(config, 1, start())
}

pub(super) fn ask(world: &mut World, region: &str, form: &str) -> (u16, String) {
    let form = format!("{form}&Version=2014-10-31");
    let (status, content_type, body) = answer(world, region, form.as_bytes(), world.now());
    assert_eq!(content_type, "text/xml");
    (status, String::from_utf8(body).unwrap())
}

/// The text between the first pair of tags of that name.
pub(super) fn text<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let begins = document.find(&format!("<{name}>"))? + name.len() + 2;
    let length = document[begins..].find(&format!("</{name}>"))?;
    Some(&document[begins..begins + length])
}

pub(super) fn code(answer: &(u16, String)) -> (u16, &str) {
    assert!(answer.1.starts_with("<ErrorResponse "), "{}", answer.1);
    (answer.0, text(&answer.1, "Code").unwrap())
}

#[test]
fn describe_is_answered_in_the_documented_elements() {
    let mut world = world();
    let (status, document) = ask(&mut world, WEST, "Action=DescribeDBInstances&DBInstanceIdentifier=orders-dr");
    assert_eq!(status, 200);
    assert!(document.starts_with(
        "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult>\
         <DBInstances><DBInstance>"
    ));
    assert!(document.ends_with("</ResponseMetadata></DescribeDBInstancesResponse>"));
    let element = |name| text(&document, name);
    assert_eq!(element("DBInstanceIdentifier"), Some("orders-dr"));
    assert_eq!(element("DBInstanceStatus"), Some("available"));
    assert_eq!(element("Engine"), Some("postgres"));
    assert_eq!(element("MultiAZ"), Some("false"));
    assert_eq!(element("Port"), Some("5432"));
    assert!(element("Address").unwrap().ends_with(".us-west-2.rds.amazonaws.com"));
    assert_eq!(element("PendingModifiedValues"), Some(""));
    assert_eq!(element("ReadReplicaSourceDBInstanceIdentifier"), Some("arn:aws:rds:us-east-1:123456789012:db:orders-prod"));
    assert_eq!(
        element("StatusInfos"),
        Some(
            "<DBInstanceStatusInfo><StatusType>read replication</StatusType><Status>replicating</Status>\
             <Normal>true</Normal></DBInstanceStatusInfo>"
        )
    );
    assert_eq!(element("Marker"), None);

    let (_, primary) = ask(&mut world, EAST, "Action=DescribeDBInstances");
    assert_eq!(text(&primary, "LatestRestorableTime"), Some("2026-11-20T14:00:00.000Z"));
    assert_eq!(text(&primary, "ReadReplicaSourceDBInstanceIdentifier"), None);
    assert_eq!(
        text(&primary, "ReadReplicaDBInstanceIdentifiers"),
        Some(
            "<ReadReplicaDBInstanceIdentifier>arn:aws:rds:us-west-2:123456789012:db:orders-dr\
             </ReadReplicaDBInstanceIdentifier>"
        )
    );
}

#[test]
fn a_fence_and_a_promotion_go_over_the_wire() {
    let mut world = world();
    let form = "Action=ModifyDBInstance&DBInstanceIdentifier=orders-prod\
                &VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-150a7ed&ApplyImmediately=true";
    let (status, document) = ask(&mut world, EAST, form);
    assert_eq!(status, 200, "{document}");
    assert_eq!(
        text(&document, "VpcSecurityGroups"),
        Some(
            "<VpcSecurityGroupMembership><VpcSecurityGroupId>sg-150a7ed</VpcSecurityGroupId><Status>adding</Status>\
             </VpcSecurityGroupMembership><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-c11e475\
             </VpcSecurityGroupId><Status>removing</Status></VpcSecurityGroupMembership>"
        )
    );
    world.advance(start() + SignedDuration::from_secs(60));
    let (_, document) = ask(&mut world, EAST, "Action=RebootDBInstance&DBInstanceIdentifier=orders-prod");
    assert_eq!(text(&document, "DBInstanceStatus"), Some("rebooting"));
    let form = "Action=PromoteReadReplica&DBInstanceIdentifier=orders-dr&BackupRetentionPeriod=7\
                &PreferredBackupWindow=01%3A00-01%3A30";
    let (_, document) = ask(&mut world, WEST, form);
    assert_eq!(text(&document, "DBInstanceStatus"), Some("available"));
    world.advance(start() + SignedDuration::from_secs(660));
    let (_, document) = ask(&mut world, WEST, "Action=DescribeDBInstances");
    assert_eq!(text(&document, "BackupRetentionPeriod"), Some("7"));
    assert_eq!(text(&document, "PreferredBackupWindow"), Some("01:00-01:30"));
    assert_eq!(text(&document, "StatusInfos"), Some(""));
}

#[test]
fn refusals_carry_the_documented_codes_and_statuses() {
    let mut world = world();
    let mut refused = |region: &str, form: &str| {
        let answer = ask(&mut world, region, form);
        let (status, code) = code(&answer);
        assert_eq!(text(&answer.1, "Type"), Some("Sender"));
        (status, code.to_owned())
    };
    let expect = |status: u16, code: &str| (status, code.to_owned());
    let nobody = "DBInstanceIdentifier=nobody";
    assert_eq!(refused(EAST, &format!("Action=DescribeDBInstances&{nobody}")), expect(404, "DBInstanceNotFound"));
    assert_eq!(refused(EAST, &format!("Action=PromoteReadReplica&{nobody}")), expect(404, "DBInstanceNotFound"));
    let primary = "DBInstanceIdentifier=orders-prod";
    assert_eq!(refused(EAST, &format!("Action=PromoteReadReplica&{primary}")), expect(400, "InvalidDBInstanceState"));
    assert_eq!(
        refused(EAST, &format!("Action=RebootDBInstance&{primary}&ForceFailover=true")),
        expect(400, "InvalidParameterCombination")
    );
    assert_eq!(refused(EAST, "Action=DescribeDBSnapshots&DBSnapshotIdentifier=nothing"), expect(404, "DBSnapshotNotFound"));
    assert_eq!(refused(EAST, "Action=RebootDBInstance"), expect(400, "MissingParameter"));
}

#[test]
fn throttling_and_failing_are_answered_as_the_service_does() {
    let mut world = world();
    world.throttle(EAST, 1);
    assert_eq!(code(&ask(&mut world, EAST, "Action=DescribeDBInstances")), (400, "Throttling"));
    world.control_plane_dark(EAST, true, start());
    let answer = ask(&mut world, EAST, "Action=DescribeDBInstances");
    assert_eq!(code(&answer), (503, "ServiceUnavailable"));
    assert_eq!(text(&answer.1, "Type"), Some("Receiver"));
}

#[test]
fn an_unknown_action_is_an_invalid_action() {
    let mut world = world();
    assert_eq!(code(&ask(&mut world, EAST, "Action=MakeCoffee")), (400, "InvalidAction"));
    let (status, _, body) = answer(&mut world, EAST, b"Action=DescribeDBInstances&Version=2013-01-10", start());
    assert_eq!(code(&(status, String::from_utf8(body).unwrap())), (400, "InvalidAction"));
    let (status, _, body) = answer(&mut world, EAST, b"", start());
    assert_eq!(code(&(status, String::from_utf8(body).unwrap())), (400, "MissingParameter"));
}

#[test]
fn a_parameter_that_is_not_modelled_is_refused() {
    let mut world = world();
    let before = ask(&mut world, EAST, "Action=DescribeDBInstances").1;
    for form in [
        "Action=ModifyDBInstance&DBInstanceIdentifier=orders-prod&MultiAZ=true",
        "Action=ModifyDBInstance&DBInstanceIdentifier=orders-prod&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-150a7ed\
         &BackupRetentionPeriod=3",
        "Action=PromoteReadReplica&DBInstanceIdentifier=orders-dr&TagSpecifications.item.1.ResourceType=auto-backup",
        "Action=DescribeDBInstances&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=postgres",
        "Action=DescribeDBSnapshots&IncludeShared=true",
        "Action=DescribeDBSnapshots&SnapshotType=awsbackup",
    ] {
        let answer = ask(&mut world, EAST, form);
        assert_eq!(code(&answer), (400, "ValidationError"), "{form}");
        assert!(text(&answer.1, "Message").unwrap().contains("does not model"), "{form}");
    }
    assert_eq!(ask(&mut world, EAST, "Action=DescribeDBInstances").1, before);
}

#[test]
fn forms_that_cannot_be_read_are_refused() {
    let mut world = world();
    let long = format!("Action=DescribeDBInstances&Marker={}", "m".repeat(70_000));
    for form in [
        "Action=DescribeDBInstances&Action=RebootDBInstance",
        "Action=DescribeDBInstances&MaxRecords=many",
        "Action=RebootDBInstance&DBInstanceIdentifier=orders-prod&ForceFailover=perhaps",
        "Action=ModifyDBInstance&DBInstanceIdentifier=orders-prod&VpcSecurityGroupIds.VpcSecurityGroupId.2=sg-150a7ed",
        "Action=ModifyDBInstance&DBInstanceIdentifier=orders-prod&VpcSecurityGroupIds.VpcSecurityGroupId.x=sg-150a7ed",
        long.as_str(),
    ] {
        assert_eq!(code(&ask(&mut world, EAST, form)), (400, "ValidationError"));
    }
}

#[test]
fn what_a_caller_sends_cannot_break_the_document() {
    let mut world = world();
    let answer = ask(&mut world, EAST, "Action=DescribeDBInstances&DBInstanceIdentifier=%3C%2FMessage%3E%26%00%0D%22");
    assert_eq!(code(&answer), (404, "DBInstanceNotFound"));
    let message = text(&answer.1, "Message").unwrap();
    assert!(message.contains("&lt;/Message&gt;&amp;\u{fffd}&#13;&quot;"), "{message}");
}

#[test]
fn pages_go_on_where_the_marker_says() {
    let mut world = world();
    let primary = InstanceKey::new(EAST, "orders-prod");
    for number in 0..30 {
        world.add_manual_snapshot(&primary, &format!("by-hand-{number:02}"), start());
    }
    let (_, first) = ask(&mut world, EAST, "Action=DescribeDBSnapshots&MaxRecords=20&SnapshotType=manual");
    let marker = text(&first, "Marker").unwrap();
    let (_, second) =
        ask(&mut world, EAST, &format!("Action=DescribeDBSnapshots&MaxRecords=20&SnapshotType=manual&Marker={marker}"));
    let count = |document: &str| document.matches("<DBSnapshot>").count();
    assert_eq!((count(&first), count(&second)), (20, 10));
    assert_eq!(text(&second, "Marker"), None);
    assert_eq!(code(&ask(&mut world, EAST, "Action=DescribeDBSnapshots&MaxRecords=5")), (400, "InvalidParameterValue"));
}

#[test]
fn what_is_made_goes_over_the_wire() {
    let mut world = world();
    let (status, document) = ask(
        &mut world,
        WEST,
        "Action=CreateDBInstanceReadReplica&DBInstanceIdentifier=orders-third&KmsKeyId=alias%2Forders&SourceRegion=us-east-1\
         &SourceDBInstanceIdentifier=arn%3Aaws%3Ards%3Aus-east-1%3A123456789012%3Adb%3Aorders-prod",
    );
    assert_eq!(status, 200, "{document}");
    assert_eq!(text(&document, "DBInstanceStatus"), Some("creating"));
    assert_eq!((text(&document, "Endpoint"), text(&document, "StatusInfos")), (None, Some("")));
    let form = "Action=CreateDBSnapshot&DBInstanceIdentifier=orders-prod&DBSnapshotIdentifier=by-hand";
    let (_, document) = ask(&mut world, EAST, form);
    assert_eq!((text(&document, "Status"), text(&document, "SnapshotCreateTime")), (Some("creating"), None));
    world.advance(start() + SignedDuration::from_secs(400));
    let (_, document) = ask(&mut world, EAST, "Action=DescribeDBSnapshots&DBSnapshotIdentifier=by-hand");
    assert_eq!((text(&document, "Status"), text(&document, "PercentProgress")), (Some("available"), Some("100")));
    let (_, document) = ask(
        &mut world,
        EAST,
        "Action=RestoreDBInstanceFromDBSnapshot&DBInstanceIdentifier=restored&DBSnapshotIdentifier=by-hand\
         &VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-c11e475",
    );
    assert_eq!(text(&document, "VpcSecurityGroupId"), Some("sg-c11e475"));
    assert_eq!(text(&document, "DeletionProtection"), Some("false"));
    let (_, document) = ask(
        &mut world,
        EAST,
        "Action=RestoreDBInstanceToPointInTime&SourceDBInstanceIdentifier=orders-prod\
         &TargetDBInstanceIdentifier=rewound&RestoreTime=2026-11-20T14%3A02%3A00Z",
    );
    assert_eq!(text(&document, "DBInstanceIdentifier"), Some("rewound"));
}

#[test]
fn a_restore_asks_for_exactly_one_time() {
    let mut world = world();
    let form =
        "Action=RestoreDBInstanceToPointInTime&SourceDBInstanceIdentifier=orders-prod&TargetDBInstanceIdentifier=rewound";
    let time = "RestoreTime=2026-11-20T13%3A00%3A00Z";
    for (rest, expected) in [
        ("UseLatestRestorableTime=false", "InvalidParameterCombination"),
        (&format!("UseLatestRestorableTime=true&{time}"), "InvalidParameterCombination"),
        ("RestoreTime=yesterday", "InvalidParameterValue"),
        ("UseLatestRestorableTime=true&MultiAZ=true", "ValidationError"),
    ] {
        assert_eq!(code(&ask(&mut world, EAST, &format!("{form}&{rest}"))), (400, expected), "{rest}");
    }
    assert_eq!(ask(&mut world, EAST, &format!("{form}&UseLatestRestorableTime=false&{time}")).0, 200);
}

#[test]
fn a_global_database_is_described_in_the_documented_elements() {
    let mut world = world();
    let (east, west) = (ClusterKey::new(EAST, "ledger-east"), ClusterKey::new(WEST, "ledger-west"));
    world.add_global_cluster("ledger", east, west.clone());
    world.set_cluster_connected(&west, false);
    let (status, document) = ask(&mut world, WEST, "Action=DescribeGlobalClusters&GlobalClusterIdentifier=ledger");
    assert_eq!(status, 200);
    assert_eq!(text(&document, "GlobalClusterArn"), Some("arn:aws:rds::123456789012:global-cluster:ledger"));
    assert_eq!(text(&document, "Status"), Some("available"));
    let clusters = text(&document, "GlobalClusterMembers").unwrap();
    assert!(
        clusters
            .contains("<DBClusterArn>arn:aws:rds:us-east-1:123456789012:cluster:ledger-east</DBClusterArn><IsWriter>true")
    );
    assert!(clusters.ends_with("<SynchronizationStatus>pending-resync</SynchronizationStatus></GlobalClusterMember>"));
    let refused = ask(&mut world, WEST, "Action=DescribeGlobalClusters&GlobalClusterIdentifier=nobody");
    assert_eq!(code(&refused), (404, "GlobalClusterNotFoundFault"));
    let refused = ask(&mut world, WEST, "Action=DescribeGlobalClusters&MaxRecords=20");
    assert_eq!(code(&refused).0, 400, "pages are not modelled, and not ignored");
}
