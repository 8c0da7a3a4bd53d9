//! What a call acts on, in one short spelling per kind of resource.

use std::collections::BTreeMap;

use serde_json::Value;

/// The resource a call names, e.g. `db:orders`, `parameter/app/host`, `service/cluster/name`; `*` where it names none.
pub fn resource_of(service: &str, operation: &str, parameters: &Value, names: &BTreeMap<String, String>) -> String {
    let field = |name: &str| parameters.get(name).and_then(Value::as_str);
    let name = |name: &str| names.get(name).map(String::as_str);
    match service {
        "rds" => rds(operation, &field),
        "ssm" => field("Name").map_or_else(|| "*".to_owned(), parameter),
        "secretsmanager" => field("SecretId").or_else(|| field("Name")).map_or("*".to_owned(), |id| format!("secret:{id}")),
        "lambda" => name("FunctionName").or_else(|| field("FunctionName")).map_or("*".to_owned(), function),
        "ecs" => ecs(parameters),
        "apigateway" => rest_api(name("restApiId"), name("stageName")).unwrap_or_else(|| "*".to_owned()),
        "apigatewayv2" => stage_of("/apis", name("apiId"), name("stageName")).unwrap_or_else(|| "*".to_owned()),
        "route53" if operation == "GetChange" => name("Id").map_or("*".to_owned(), |id| format!("change/{id}")),
        "route53" => match (name("Id"), name("HealthCheckId")) {
            (Some(zone), _) => format!("hostedzone/{zone}"),
            (None, Some(check)) => format!("healthcheck/{check}"),
            (None, None) => "*".to_owned(),
        },
        "s3" => match (name("Bucket"), name("Key")) {
            (Some(bucket), Some(key)) => format!("{bucket}/{key}"),
            (Some(bucket), None) => bucket.to_owned(),
            (None, _) => "*".to_owned(),
        },
        "backup" => match (field("RecoveryPointArn").or_else(|| name("RecoveryPointArn")), name("BackupVaultName")) {
            (Some(point), _) => point.to_owned(),
            (None, Some(vault)) => format!("backup-vault:{vault}"),
            (None, None) => "*".to_owned(),
        },
        "cloudwatch" => alarms(parameters),
        "dynamodb" => field("TableName").map_or("*".to_owned(), |table| format!("table/{table}")),
        "states" => field("stateMachineArn").or_else(|| field("executionArn")).unwrap_or("*").to_owned(),
        "sns" => field("TopicArn").unwrap_or("*").to_owned(),
        _ => "*".to_owned(),
    }
}

/// The kinds of RDS resource: the word in an operation's name, the field that names one, and the kind in an ARN.
///
/// The order matters: `FailoverGlobalCluster` also names a cluster, `CreateDBSnapshot` also an instance.
const RDS_KINDS: [(&str, &str, &str); 5] = [
    ("GlobalCluster", "GlobalClusterIdentifier", "global-cluster"),
    ("DBClusterSnapshot", "DBClusterSnapshotIdentifier", "cluster-snapshot"),
    ("DBSnapshot", "DBSnapshotIdentifier", "snapshot"),
    ("DBCluster", "DBClusterIdentifier", "cluster"),
    ("", "DBInstanceIdentifier", "db"),
];

fn rds<'a>(operation: &str, field: &impl Fn(&str) -> Option<&'a str>) -> String {
    // Tag operations name whatever they tag by its ARN.
    if let Some(arn) = field("ResourceName").or_else(|| field("ResourceIdentifier")) {
        return rds_name(arn).unwrap_or(arn).to_owned();
    }
    let meant = RDS_KINDS.iter().filter(|(word, _, _)| operation.contains(word));
    for (_, parameter, kind) in meant {
        if let Some(id) = field(parameter) {
            return rds_name(id).map_or_else(|| format!("{kind}:{id}"), str::to_owned);
        }
    }
    let plural = RDS_KINDS[..4].iter().find(|(word, _, _)| operation.contains(word));
    match plural {
        Some((_, _, kind)) => format!("{kind}:*"),
        None if operation.contains("DBInstance") => "db:*".to_owned(),
        None => "*".to_owned(),
    }
}

/// `arn:aws:rds:region:account:kind:name` → `kind:name`.
fn rds_name(arn: &str) -> Option<&str> {
    arn.starts_with("arn:").then(|| arn.splitn(6, ':').nth(5)).flatten()
}

fn parameter(name: &str) -> String {
    let name = match name.split_once(":parameter") {
        Some((arn, path)) if arn.starts_with("arn:") => path,
        _ => name,
    };
    if name.starts_with('/') { format!("parameter{name}") } else { format!("parameter/{name}") }
}

/// A function is named by itself, by an ARN or by part of one, with or without a version or alias.
fn function(name: &str) -> String {
    let name = match name.split_once("function:") {
        Some((_, rest)) => rest,
        None => name,
    };
    let name = name.split(':').next().unwrap_or(name);
    format!("function:{name}")
}

fn ecs(parameters: &Value) -> String {
    let field = |name: &str| parameters.get(name).and_then(Value::as_str);
    let cluster = last_part(field("cluster").unwrap_or("default")).to_owned();
    if let Some(service) = field("service") {
        return ecs_service(&cluster, service);
    }
    match parameters.get("services").and_then(Value::as_array) {
        Some(services) => {
            let named: Vec<String> =
                services.iter().filter_map(Value::as_str).map(|service| ecs_service(&cluster, service)).collect();
            named.join(",")
        }
        None => format!("service/{cluster}/*"),
    }
}

fn ecs_service(cluster: &str, service: &str) -> String {
    match service.split_once(":service/") {
        // The long form of a service's ARN names its cluster, the old one does not.
        Some((_, path)) if path.contains('/') => format!("service/{path}"),
        Some((_, name)) => format!("service/{cluster}/{name}"),
        None => format!("service/{cluster}/{service}"),
    }
}

fn last_part(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}

fn rest_api(api: Option<&str>, stage: Option<&str>) -> Option<String> {
    stage_of("/restapis", api, stage)
}

fn stage_of(collection: &str, api: Option<&str>, stage: Option<&str>) -> Option<String> {
    Some(match (api?, stage) {
        (api, Some(stage)) => format!("{collection}/{api}/stages/{stage}"),
        (api, None) => format!("{collection}/{api}"),
    })
}

/// Alarms by name: one field per name in a form, a list in a document.
fn alarms(parameters: &Value) -> String {
    let names = alarm_names(parameters);
    if names.is_empty() {
        "*".to_owned()
    } else {
        names.iter().map(|name| format!("alarm:{name}")).collect::<Vec<_>>().join(",")
    }
}

/// The alarms that a CloudWatch call names.
pub(crate) fn alarm_names(parameters: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(names) = parameters.get("AlarmNames").and_then(Value::as_array) {
        return names.iter().filter_map(text).collect();
    }
    if let Some(name) = parameters.get("AlarmName").and_then(text) {
        return vec![name];
    }
    let fields = parameters.as_object().into_iter().flatten();
    fields.filter(|(name, _)| name.starts_with("AlarmNames.member.")).filter_map(|(_, value)| text(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_resource_has_one_spelling() {
        let none = json!({});
        for (service, operation, parameters, names, expected) in [
            ("rds", "PromoteReadReplica", json!({"DBInstanceIdentifier": "dr"}), &[][..], "db:dr"),
            ("rds", "DescribeDBInstances", none.clone(), &[], "db:*"),
            ("rds", "DescribeDBInstances", json!({"DBInstanceIdentifier": "arn:aws:rds:r:1:db:dr"}), &[], "db:dr"),
            ("rds", "DescribeDBClusters", none.clone(), &[], "cluster:*"),
            (
                "rds",
                "FailoverGlobalCluster",
                json!({"GlobalClusterIdentifier": "g", "TargetDbClusterIdentifier": "arn:aws:rds:r:1:cluster:c"}),
                &[],
                "global-cluster:g",
            ),
            (
                "rds",
                "CreateDBSnapshot",
                json!({"DBSnapshotIdentifier": "s", "DBInstanceIdentifier": "d"}),
                &[],
                "snapshot:s",
            ),
            ("rds", "ListTagsForResource", json!({"ResourceName": "arn:aws:rds:r:1:db:dr"}), &[], "db:dr"),
            ("rds", "DescribeEvents", none.clone(), &[], "*"),
            ("ssm", "PutParameter", json!({"Name": "/app/host"}), &[], "parameter/app/host"),
            ("ssm", "GetParameter", json!({"Name": "host"}), &[], "parameter/host"),
            ("ssm", "GetParameter", json!({"Name": "arn:aws:ssm:r:1:parameter/app/host"}), &[], "parameter/app/host"),
            ("secretsmanager", "PutSecretValue", json!({"SecretId": "app/db"}), &[], "secret:app/db"),
            ("lambda", "UpdateFunctionConfiguration", none.clone(), &[("FunctionName", "orders")], "function:orders"),
            (
                "lambda",
                "Invoke",
                none.clone(),
                &[("FunctionName", "arn:aws:lambda:us-west-2:1:function:orders:live")],
                "function:orders",
            ),
            ("lambda", "Invoke", none.clone(), &[("FunctionName", "orders:live")], "function:orders"),
            ("ecs", "UpdateService", json!({"cluster": "main", "service": "web"}), &[], "service/main/web"),
            (
                "ecs",
                "UpdateService",
                json!({"cluster": "arn:aws:ecs:r:1:cluster/main", "service": "arn:aws:ecs:r:1:service/main/web"}),
                &[],
                "service/main/web",
            ),
            ("ecs", "DescribeServices", json!({"services": ["a", "b"]}), &[], "service/default/a,service/default/b"),
            ("apigateway", "UpdateStage", none.clone(), &[("restApiId", "a"), ("stageName", "p")], "/restapis/a/stages/p"),
            ("apigatewayv2", "UpdateStage", none.clone(), &[("apiId", "a"), ("stageName", "p")], "/apis/a/stages/p"),
            (
                "apigatewayv2",
                "DeleteRouteSettings",
                none.clone(),
                &[("apiId", "a"), ("stageName", "p"), ("routeKey", "POST /x")],
                "/apis/a/stages/p",
            ),
            ("route53", "ChangeResourceRecordSets", none.clone(), &[("Id", "Z1")], "hostedzone/Z1"),
            ("route53", "GetChange", none.clone(), &[("Id", "C1")], "change/C1"),
            ("cloudwatch", "DisableAlarmActions", json!({"AlarmNames": ["a", "b"]}), &[], "alarm:a,alarm:b"),
            ("cloudwatch", "DisableAlarmActions", json!({"AlarmNames.member.1": "a"}), &[], "alarm:a"),
            ("cloudwatch", "GetMetricData", none.clone(), &[], "*"),
            ("dynamodb", "PutItem", json!({"TableName": "journal"}), &[], "table/journal"),
            ("unheard-of", "GET /x", none.clone(), &[], "*"),
        ] {
            let names = names.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(resource_of(service, operation, &parameters, &names), expected, "{service}:{operation}");
        }
    }
}
