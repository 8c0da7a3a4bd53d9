//! RDS.

use shared::adapters::aws::{RdsDatabases, ReadOnlyToggleMutations, RecoveryMutations};
use shared::domain::call::{Call, Permitted};
use shared::domain::identifier::{InstanceId, SecurityGroupId, StepId};
use shared::domain::mutation::Mutation;
use shared::ports::{Databases, FailureKind, Mutations};

use crate::stub::{Answer, Stub, east, replica, scope, west, xml, xml_error};

fn instance_answer(operation: &str, fields: &str) -> Answer {
    let instance =
        format!("<DBInstance><DBInstanceIdentifier>healthcare-platform-dr</DBInstanceIdentifier>{fields}</DBInstance>");
    let content =
        if operation == "DescribeDBInstances" { format!("<DBInstances>{instance}</DBInstances>") } else { instance };
    xml(
        200,
        &format!(
            "<{operation}Response xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><{operation}Result>{content}</{operation}Result></{operation}Response>"
        ),
    )
}

fn promotion() -> Mutation {
    Mutation::PromoteReplica { region: west(), instance: replica(), backup_retention_days: 7 }
}

#[tokio::test]
async fn a_promotion_is_one_signed_call_with_the_retention_and_the_step_that_makes_it() {
    let stub =
        Stub::answering(|_, _| instance_answer("PromoteReadReplica", "<DBInstanceStatus>modifying</DBInstanceStatus>"))
            .await;
    let mutations = RecoveryMutations::new(stub.clients());
    let performed = scope("04-promote-database#1", vec![Permitted::of(&promotion())])
        .run(mutations.perform(&promotion()))
        .await
        .unwrap();
    assert_eq!(performed.instance_status.as_deref(), Some("modifying"));

    let asked = stub.asked();
    assert_eq!(asked.len(), 1);
    let asked = &asked[0];
    let mut form: Vec<&str> = asked.body.split('&').collect();
    form.sort_unstable();
    assert_eq!(
        form,
        [
            "Action=PromoteReadReplica",
            "BackupRetentionPeriod=7",
            "DBInstanceIdentifier=healthcare-platform-dr",
            "Version=2014-10-31"
        ]
    );
    assert_eq!(asked.header("x-recovery-step"), Some("04-promote-database#1"));
    let authorization = asked.header("authorization").unwrap();
    assert!(authorization.contains("/us-west-2/rds/aws4_request"), "{authorization}");
    let signed = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    assert!(signed.split(';').any(|header| header == "x-recovery-step"), "{signed}");
}

#[tokio::test]
async fn every_instance_mutation_sends_what_a_dry_run_shows() {
    let groups = vec![SecurityGroupId::new("sg-0f00d").unwrap(), SecurityGroupId::new("sg-0beef").unwrap()];
    let recovery = [promotion(), Mutation::ForceFailover { region: east(), instance: replica() }];
    let toggle = [
        Mutation::SetSecurityGroups { region: east(), instance: replica(), groups },
        Mutation::RebootInstance { region: east(), instance: replica() },
    ];
    let stub = Stub::answering(|_, asked| instance_answer(asked.operation(), "")).await;
    for mutation in &recovery {
        RecoveryMutations::new(stub.clients()).perform(mutation).await.unwrap();
    }
    for mutation in &toggle {
        ReadOnlyToggleMutations::new(stub.clients()).perform(mutation).await.unwrap();
    }
    let step = StepId::new("01-step").unwrap();
    for (asked, mutation) in stub.asked().iter().zip(recovery.iter().chain(&toggle)) {
        let call = Call::of(&step, 1, mutation);
        let sent: serde_json::Map<String, serde_json::Value> = asked
            .body
            .split('&')
            .filter_map(|field| field.split_once('='))
            .filter(|(name, _)| !["Action", "Version"].contains(name))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        assert_eq!(asked.operation(), call.operation);
        assert_eq!(serde_json::Value::Object(sent), call.parameters, "{}", call.operation);
    }
}

#[tokio::test]
async fn an_instance_is_seen_as_it_is_described() {
    let stub = Stub::answering(|_, _| {
        instance_answer(
            "DescribeDBInstances",
            "<DBInstanceStatus>available</DBInstanceStatus><MultiAZ>true</MultiAZ><AvailabilityZone>us-west-2a</AvailabilityZone>\
             <ReadReplicaSourceDBInstanceIdentifier>arn:aws:rds:us-east-1:123456789012:db:healthcare-platform-prod</ReadReplicaSourceDBInstanceIdentifier>\
             <StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType><Normal>true</Normal><Status>replicating</Status></DBInstanceStatusInfo></StatusInfos>\
             <Endpoint><Address>dr.example.rds.amazonaws.com</Address><Port>5432</Port></Endpoint>\
             <VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId><Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups>\
             <BackupRetentionPeriod>7</BackupRetentionPeriod><LatestRestorableTime>2026-11-20T09:55:00Z</LatestRestorableTime>",
        )
    })
    .await;
    let view = RdsDatabases::new(stub.clients()).describe(&west(), &replica()).await.unwrap();
    assert!(view.is_available() && view.multi_az && !view.is_standalone());
    assert_eq!(view.replicating, Some(true));
    assert_eq!((view.host.as_deref(), view.port), (Some("dr.example.rds.amazonaws.com"), Some(5432)));
    assert_eq!(view.security_groups.get("sg-1").map(String::as_str), Some("active"));
    assert_eq!(view.backup_retention_days, 7);
    assert_eq!(view.latest_restorable.unwrap().to_string(), "2026-11-20T09:55:00Z");
}

#[tokio::test]
async fn an_answer_about_another_instance_is_no_answer_and_only_not_found_is_absent() {
    let other = "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceIdentifier>other</DBInstanceIdentifier></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>";
    let stub = Stub::answering(move |number, _| match number {
        0 => xml(200, other),
        _ => xml_error(404, "DBInstanceNotFound", "DBInstance healthcare-platform-dr not found."),
    })
    .await;
    let databases = RdsDatabases::new(stub.clients());
    assert_eq!(databases.describe(&west(), &replica()).await.unwrap_err().kind, FailureKind::NoAnswer);
    assert_eq!(databases.describe(&west(), &replica()).await.unwrap_err().kind, FailureKind::NotFound);
}

#[tokio::test]
async fn the_newest_snapshot_is_the_newest_available_one_of_all_pages() {
    let page = |snapshots: &[(&str, &str, &str)], marker: &str| {
        let list: String = snapshots
            .iter()
            .map(|(id, status, time)| {
                format!("<DBSnapshot><DBSnapshotIdentifier>{id}</DBSnapshotIdentifier><Status>{status}</Status><SnapshotCreateTime>{time}</SnapshotCreateTime></DBSnapshot>")
            })
            .collect();
        xml(
            200,
            &format!(
                "<DescribeDBSnapshotsResponse><DescribeDBSnapshotsResult><Marker>{marker}</Marker><DBSnapshots>{list}</DBSnapshots></DescribeDBSnapshotsResult></DescribeDBSnapshotsResponse>"
            ),
        )
    };
    let stub = Stub::answering(move |number, _| match number {
        0 => page(&[("a", "available", "2026-11-18T03:00:00Z"), ("b", "available", "2026-11-19T03:00:00Z")], "more"),
        _ => page(&[("c", "creating", "2026-11-20T03:00:00Z"), ("d", "available", "2026-11-17T03:00:00Z")], ""),
    })
    .await;
    let newest = RdsDatabases::new(stub.clients()).newest_snapshot(&west(), &replica()).await.unwrap().unwrap();
    assert_eq!(newest.id, "b");
    assert!(stub.asked()[1].body.contains("Marker=more"));
}

#[tokio::test]
async fn several_instances_are_described_a_page_at_a_time_in_the_order_asked() {
    let stub = Stub::answering(|_, asked| {
        // Everything that the filter names, in the other order, but for one that RDS does not know.
        let names = asked.body.split('&').filter(|field| field.contains(".Values."));
        let mut names: Vec<&str> = names.map(|field| field.split('=').nth(1).unwrap()).collect();
        names.retain(|name| *name != "d7");
        names.reverse();
        let instances: String =
            names.iter().map(|name| format!("<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier></DBInstance>")).collect();
        xml(
            200,
            &format!(
                "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeDBInstancesResult><DBInstances>{instances}</DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
            ),
        )
    })
    .await;
    let asked: Vec<InstanceId> = (0..250).map(|number| InstanceId::new(format!("d{number}")).unwrap()).collect();
    let views = RdsDatabases::new(stub.clients()).describe_each(&west(), &asked).await;
    assert_eq!(views.len(), 250);
    for (number, view) in views.iter().enumerate() {
        let missing = view.as_ref().is_err_and(|error| error.kind == FailureKind::NotFound);
        assert_eq!(missing, number == 7, "d{number}: {view:?}");
    }
    assert_eq!(stub.asked().len(), 3, "a hundred a call");
    let one = RdsDatabases::new(stub.clients()).describe_each(&west(), &asked[..1]).await;
    assert_eq!(one.len(), 1);
    assert!(stub.asked()[3].body.contains("DBInstanceIdentifier=d0"), "one is asked for by its name");
}
