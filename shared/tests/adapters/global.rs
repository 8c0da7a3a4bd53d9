//! Global tables and global databases.

use serde_json::json;
use shared::adapters::aws::{DynamodbTables, RdsGlobalClusters};
use shared::domain::identifier::{ClusterId, TableName};
use shared::domain::replication::ClusterMember;
use shared::ports::{FailureKind, GlobalClusters, GlobalTables};

use crate::stub::{Answer, Stub, json as answer, json_error, west, xml, xml_error};

fn carts() -> TableName {
    TableName::new("carts").unwrap()
}

fn ledger() -> ClusterId {
    ClusterId::new("ledger").unwrap()
}

#[tokio::test]
async fn a_table_is_what_its_region_says_with_every_replica() {
    let stub = Stub::answering(|_, _| {
        let replicas = json!([{"RegionName": "us-east-1", "ReplicaStatus": "ACTIVE"}, {"RegionName": "eu-west-1"}]);
        answer(200, &json!({"Table": {"TableName": "carts", "TableStatus": "UPDATING", "Replicas": replicas}}))
    })
    .await;
    let found = DynamodbTables::new(stub.clients()).describe(&west(), &carts()).await.unwrap();
    assert_eq!(found.status, "UPDATING");
    assert_eq!(found.replicas["us-east-1"], "ACTIVE");
    assert_eq!(found.replicas["eu-west-1"], "without a status");
    assert_eq!(stub.asked()[0].json(), json!({"TableName": "carts"}));
    assert_eq!(stub.asked()[0].header("x-amz-target"), Some("DynamoDB_20120810.DescribeTable"));
}

#[tokio::test]
async fn an_answer_about_another_table_or_without_a_status_is_none() {
    for document in [
        json!({"Table": {"TableName": "baskets", "TableStatus": "ACTIVE"}}),
        json!({"Table": {"TableName": "carts"}}),
        json!({}),
    ] {
        let stub = Stub::answering(move |_, _| answer(200, &document)).await;
        let refused = DynamodbTables::new(stub.clients()).describe(&west(), &carts()).await.unwrap_err();
        assert_eq!((refused.kind, refused.code.as_str()), (FailureKind::NoAnswer, "other_table"));
    }
    let stub = Stub::answering(|_, _| json_error(400, "ResourceNotFoundException", "not found")).await;
    let absent = DynamodbTables::new(stub.clients()).describe(&west(), &carts()).await.unwrap_err();
    assert_eq!(absent.kind, FailureKind::NotFound);
}

fn clusters(content: &str) -> Answer {
    xml(
        200,
        &format!(
            "<DescribeGlobalClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><DescribeGlobalClustersResult>\
             <GlobalClusters>{content}</GlobalClusters></DescribeGlobalClustersResult></DescribeGlobalClustersResponse>"
        ),
    )
}

#[tokio::test]
async fn a_global_database_is_what_rds_says_with_every_cluster() {
    let stub = Stub::answering(|_, _| {
        clusters(
            "<GlobalClusterMember><GlobalClusterIdentifier>ledger</GlobalClusterIdentifier><Status>available</Status>\
             <GlobalClusterMembers><GlobalClusterMember><DBClusterArn>one</DBClusterArn><IsWriter>true</IsWriter>\
             </GlobalClusterMember><GlobalClusterMember><DBClusterArn>two</DBClusterArn><IsWriter>false</IsWriter>\
             <SynchronizationStatus>pending-resync</SynchronizationStatus></GlobalClusterMember></GlobalClusterMembers>\
             </GlobalClusterMember>",
        )
    })
    .await;
    let found = RdsGlobalClusters::new(stub.clients()).describe(&west(), &ledger()).await.unwrap();
    assert_eq!(found.status, "available");
    let member = |arn: &str, writer, synchronization: Option<&str>| ClusterMember {
        arn: arn.to_owned(),
        writer,
        synchronization: synchronization.map(str::to_owned),
    };
    assert_eq!(found.members, [member("one", true, None), member("two", false, Some("pending-resync"))]);
    let asked = stub.asked();
    assert!(
        asked[0].body.contains("Action=DescribeGlobalClusters") && asked[0].body.contains("GlobalClusterIdentifier=ledger")
    );
}

#[tokio::test]
async fn a_global_database_that_is_not_there_is_absent_and_another_one_is_no_answer() {
    let other = "<GlobalClusterMember><GlobalClusterIdentifier>books</GlobalClusterIdentifier></GlobalClusterMember>";
    for (reply, kind) in [
        (clusters(""), FailureKind::NotFound),
        (clusters(other), FailureKind::NoAnswer),
        (xml_error(404, "GlobalClusterNotFoundFault", "not found"), FailureKind::NotFound),
    ] {
        let stub = Stub::answering(move |_, _| reply.clone()).await;
        let refused = RdsGlobalClusters::new(stub.clients()).describe(&west(), &ledger()).await.unwrap_err();
        assert_eq!(refused.kind, kind, "{refused}");
    }
}
