//! The normal form, row by row: a request as it stands on the wire, and what the log may keep of it.

use serde_json::{Value, json};

use super::requests::{self, Wire};
use crate::wire::call::CallClass::{self, Control, Mutation, Read};
use crate::wire::normalise::{NormalCall, Normaliser};

struct Row {
    wire: Wire,
    class: CallClass,
    resource: &'static str,
    parameters: Value,
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            wire: requests::form(
                "rds",
                "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=healthcare-platform-dr&BackupRetentionPeriod=7",
            ),
            class: Mutation,
            resource: "db:healthcare-platform-dr",
            parameters: json!({"DBInstanceIdentifier": "healthcare-platform-dr", "BackupRetentionPeriod": "7"}),
        },
        Row {
            wire: requests::form(
                "rds",
                "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=dr&MasterUserPassword=hunter2",
            ),
            class: Mutation,
            resource: "db:dr",
            parameters: json!({"DBInstanceIdentifier": "dr", "MasterUserPassword": "${secret}"}),
        },
        Row {
            wire: requests::form("rds", "Action=DescribeDBInstances&Version=2014-10-31&DBInstanceIdentifier=dr"),
            class: Read,
            resource: "db:dr",
            parameters: json!({"DBInstanceIdentifier": "dr"}),
        },
        Row {
            wire: requests::target(
                "ssm",
                "AmazonSSM.PutParameter",
                json!({"Name": "/platform/host", "Value": "dr.example", "Type": "String", "Overwrite": true}),
            ),
            class: Mutation,
            resource: "parameter/platform/host",
            parameters: json!({"Name": "/platform/host", "Value": "dr.example", "Type": "String", "Overwrite": true}),
        },
        Row {
            wire: requests::target(
                "ssm",
                "AmazonSSM.PutParameter",
                json!({"Name": "/platform/url", "Value": "postgres://u:hunter2@h", "Type": "SecureString"}),
            ),
            class: Mutation,
            resource: "parameter/platform/url",
            parameters: json!({"Name": "/platform/url", "Value": "${secret}", "Type": "SecureString"}),
        },
        Row {
            // No type: the parameter keeps the one it has, which may be a secret's.
            wire: requests::target(
                "ssm",
                "AmazonSSM.PutParameter",
                json!({"Name": "/a", "Value": "hunter2", "Overwrite": true}),
            ),
            class: Mutation,
            resource: "parameter/a",
            parameters: json!({"Name": "/a", "Value": "${secret}", "Overwrite": true}),
        },
        Row {
            wire: requests::target(
                "secretsmanager",
                "secretsmanager.PutSecretValue",
                json!({"SecretId": "app/db", "SecretString": "hunter2", "ClientRequestToken": "t-1", "VersionStages": ["NEXT"]}),
            ),
            class: Mutation,
            resource: "secret:app/db",
            parameters: json!({"SecretId": "app/db", "SecretString": "${secret}", "ClientRequestToken": "${token}",
                "VersionStages": ["NEXT"]}),
        },
        Row {
            wire: requests::target(
                "secretsmanager",
                "secretsmanager.UpdateSecretVersionStage",
                json!({"SecretId": "app/db", "VersionStage": "AWSCURRENT", "MoveToVersionId": "v2", "RemoveFromVersionId": "v1"}),
            ),
            class: Mutation,
            resource: "secret:app/db",
            parameters: json!({"SecretId": "app/db", "VersionStage": "AWSCURRENT", "MoveToVersionId": "${version}",
                "RemoveFromVersionId": "${version}"}),
        },
        Row {
            wire: requests::target(
                "secretsmanager",
                "secretsmanager.CreateSecret",
                json!({"Name": "x", "SecretString": "hunter2"}),
            ),
            class: Mutation,
            resource: "secret:x",
            parameters: json!({"Name": "${hidden}", "SecretString": "${hidden}"}),
        },
        Row {
            wire: requests::rest(
                "lambda",
                "PUT",
                "/2015-03-31/functions/orders/configuration",
                json!({"Environment": {"Variables": {"DATABASE_HOST": "dr.example", "API_KEY": "hunter2"}}, "RevisionId": "r-1"}),
            ),
            class: Mutation,
            resource: "function:orders",
            parameters: json!({"FunctionName": "orders",
                "Environment": {"Variables": {"DATABASE_HOST": "dr.example", "API_KEY": "${kept}"}}, "RevisionId": "${revision}"}),
        },
        Row {
            wire: requests::rest("lambda", "PUT", "/2015-03-31/functions/orders/code", json!({"ZipFile": "hunter2"})),
            class: Mutation,
            resource: "function:orders",
            parameters: json!({"FunctionName": "orders", "ZipFile": "${hidden}"}),
        },
        Row {
            wire: requests::rest(
                "lambda",
                "POST",
                "/2015-03-31/functions/toggle/invocations",
                json!({"password": "hunter2"}),
            ),
            class: Control,
            resource: "function:toggle",
            parameters: Value::Null,
        },
        Row {
            wire: requests::target(
                "ecs",
                "AmazonEC2ContainerServiceV20141113.UpdateService",
                json!({"cluster": "main", "service": "web", "forceNewDeployment": true}),
            ),
            class: Mutation,
            resource: "service/main/web",
            parameters: json!({"cluster": "main", "service": "web", "forceNewDeployment": true}),
        },
        Row {
            wire: requests::rest(
                "apigateway",
                "PATCH",
                "/restapis/a1/stages/prod",
                json!({"patchOperations": [
                    {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"},
                    {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "0"}]}),
            ),
            class: Mutation,
            resource: "/restapis/a1/stages/prod",
            parameters: json!({"patchOperations": [
                {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": "0"},
                {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "0"}]}),
        },
        Row {
            wire: requests::rest(
                "apigateway",
                "PATCH",
                "/v2/apis/a1/stages/prod",
                json!({"defaultRouteSettings": {"throttlingRateLimit": 0.0}}),
            ),
            class: Mutation,
            resource: "/apis/a1/stages/prod",
            parameters: json!({"defaultRouteSettings": {"throttlingRateLimit": 0.0}}),
        },
        Row {
            wire: requests::rest(
                "apigateway",
                "DELETE",
                "/v2/apis/a1/stages/%24default/routesettings/POST%20%2Fpatients",
                json!(null),
            ),
            class: Mutation,
            resource: "/apis/a1/stages/$default",
            parameters: json!({"routeKey": "POST /patients"}),
        },
        Row {
            wire: requests::target(
                "dynamodb",
                "DynamoDB_20120810.PutItem",
                json!({"TableName": "journal", "Item": "hunter2"}),
            ),
            class: Control,
            resource: "table/journal",
            parameters: Value::Null,
        },
        Row {
            wire: requests::target("kms", "TrentService.Encrypt", json!({"Plaintext": "hunter2"})),
            class: Mutation,
            resource: "*",
            parameters: json!({"Plaintext": "${hidden}"}),
        },
    ]
}

#[test]
fn each_call_has_the_form_that_predictions_are_compared_with() {
    let normaliser = Normaliser::new(["DATABASE_HOST"]);
    for row in rows() {
        let call = row.wire.tagged("change#2").call();
        assert_eq!(call.class, row.class, "{call:?}");
        let expected = NormalCall {
            step: "change".to_owned(),
            ordinal: 2,
            service: call.service.replace("apigatewayv2", "apigateway"),
            operation: call.operation.clone(),
            region: "us-west-2".to_owned(),
            resource: row.resource.to_owned(),
            parameters: row.parameters,
        };
        assert_eq!(normaliser.normal(&call), Some(expected));
    }
}

#[test]
fn no_secret_survives_normalisation_nor_debug_output() {
    let normaliser = Normaliser::new(["DATABASE_HOST"]);
    for row in rows() {
        let call = row.wire.tagged("change#2").call();
        let shown = serde_json::to_string(&normaliser.normal(&call)).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!format!("{call:?}").contains("hunter2"), "{call:?}");
    }
}

#[test]
fn services_go_by_the_names_that_policies_use() {
    let named = |wire: Wire| {
        let call = wire.call();
        (call.service, call.operation)
    };
    let pair = |service: &str, operation: &str| (service.to_owned(), operation.to_owned());
    assert_eq!(
        named(requests::cbor("monitoring", "/service/GraniteServiceVersion20100801/operation/GetMetricData", b"\xa0")),
        pair("cloudwatch", "GetMetricData")
    );
    assert_eq!(named(requests::form("monitoring", "Action=PutMetricData&Version=1")), pair("cloudwatch", "PutMetricData"));
    assert_eq!(named(requests::rest("apigateway", "GET", "/v2/apis", json!(null))), pair("apigatewayv2", "GetApis"));
}
