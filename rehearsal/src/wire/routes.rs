//! Operation names of the services that are called by method and path.
//!
//! Only what the platform's functions, their deployment and the rehearsal call is listed; what is not listed is named
//! by its method and path, and so still appears in the log.

use std::collections::BTreeMap;

/// An operation found by its route, with what the path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) operation: String,
    pub(crate) names: BTreeMap<String, String>,
}

type Route = (&'static str, &'static str, &'static str);

/// `*` is one segment that nobody asks for (an API's date), `{Name}` one that is kept, `{Name+}` all that follow.
const LAMBDA: &[Route] = &[
    ("POST", "/*/functions/{FunctionName}/invocations", "Invoke"),
    ("POST", "/*/functions/{FunctionName}/invoke-async", "InvokeAsync"),
    ("POST", "/*/functions/{FunctionName}/response-streaming-invocations", "InvokeWithResponseStream"),
    ("GET", "/*/functions/{FunctionName}/configuration", "GetFunctionConfiguration"),
    ("PUT", "/*/functions/{FunctionName}/configuration", "UpdateFunctionConfiguration"),
    ("PUT", "/*/functions/{FunctionName}/code", "UpdateFunctionCode"),
    ("GET", "/*/functions/{FunctionName}/versions", "ListVersionsByFunction"),
    ("POST", "/*/functions/{FunctionName}/versions", "PublishVersion"),
    ("GET", "/*/functions/{FunctionName}/aliases", "ListAliases"),
    ("POST", "/*/functions/{FunctionName}/aliases", "CreateAlias"),
    ("GET", "/*/functions/{FunctionName}/aliases/{Name}", "GetAlias"),
    ("PUT", "/*/functions/{FunctionName}/aliases/{Name}", "UpdateAlias"),
    ("DELETE", "/*/functions/{FunctionName}/aliases/{Name}", "DeleteAlias"),
    ("GET", "/*/functions/{FunctionName}/concurrency", "GetFunctionConcurrency"),
    ("PUT", "/*/functions/{FunctionName}/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "/*/functions/{FunctionName}/concurrency", "DeleteFunctionConcurrency"),
    ("GET", "/*/functions/{FunctionName}/provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("PUT", "/*/functions/{FunctionName}/provisioned-concurrency", "PutProvisionedConcurrencyConfig"),
    ("DELETE", "/*/functions/{FunctionName}/provisioned-concurrency", "DeleteProvisionedConcurrencyConfig"),
    ("GET", "/*/functions/{FunctionName}/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("PUT", "/*/functions/{FunctionName}/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("POST", "/*/functions/{FunctionName}/event-invoke-config", "UpdateFunctionEventInvokeConfig"),
    ("DELETE", "/*/functions/{FunctionName}/event-invoke-config", "DeleteFunctionEventInvokeConfig"),
    ("GET", "/*/functions/{FunctionName}/policy", "GetPolicy"),
    ("POST", "/*/functions/{FunctionName}/policy", "AddPermission"),
    ("DELETE", "/*/functions/{FunctionName}/policy/{StatementId}", "RemovePermission"),
    ("GET", "/*/functions/{FunctionName}", "GetFunction"),
    ("DELETE", "/*/functions/{FunctionName}", "DeleteFunction"),
    ("GET", "/*/functions", "ListFunctions"),
    ("POST", "/*/functions", "CreateFunction"),
    ("GET", "/*/event-source-mappings", "ListEventSourceMappings"),
    ("POST", "/*/event-source-mappings", "CreateEventSourceMapping"),
    ("GET", "/*/event-source-mappings/{UUID}", "GetEventSourceMapping"),
    ("PUT", "/*/event-source-mappings/{UUID}", "UpdateEventSourceMapping"),
    ("DELETE", "/*/event-source-mappings/{UUID}", "DeleteEventSourceMapping"),
    ("GET", "/*/tags/{Resource+}", "ListTags"),
    ("POST", "/*/tags/{Resource+}", "TagResource"),
    ("DELETE", "/*/tags/{Resource+}", "UntagResource"),
    ("GET", "/*/account-settings", "GetAccountSettings"),
];

const API_GATEWAY: &[Route] = &[
    ("GET", "/restapis", "GetRestApis"),
    ("POST", "/restapis", "CreateRestApi"),
    ("GET", "/restapis/{restApiId}", "GetRestApi"),
    ("PUT", "/restapis/{restApiId}", "PutRestApi"),
    ("PATCH", "/restapis/{restApiId}", "UpdateRestApi"),
    ("DELETE", "/restapis/{restApiId}", "DeleteRestApi"),
    ("GET", "/restapis/{restApiId}/stages", "GetStages"),
    ("POST", "/restapis/{restApiId}/stages", "CreateStage"),
    ("GET", "/restapis/{restApiId}/stages/{stageName}", "GetStage"),
    ("PATCH", "/restapis/{restApiId}/stages/{stageName}", "UpdateStage"),
    ("DELETE", "/restapis/{restApiId}/stages/{stageName}", "DeleteStage"),
    ("GET", "/restapis/{restApiId}/deployments", "GetDeployments"),
    ("POST", "/restapis/{restApiId}/deployments", "CreateDeployment"),
    ("GET", "/restapis/{restApiId}/resources", "GetResources"),
    ("POST", "/restapis/{restApiId}/resources/{parentId}", "CreateResource"),
    ("GET", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}", "GetMethod"),
    ("PUT", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}", "PutMethod"),
    ("PUT", "/restapis/{restApiId}/resources/{resourceId}/methods/{httpMethod}/integration", "PutIntegration"),
    ("GET", "/account", "GetAccount"),
    ("PATCH", "/account", "UpdateAccount"),
];

const API_GATEWAY_V2: &[Route] = &[
    ("GET", "/v2/apis", "GetApis"),
    ("POST", "/v2/apis", "CreateApi"),
    ("GET", "/v2/apis/{apiId}", "GetApi"),
    ("PATCH", "/v2/apis/{apiId}", "UpdateApi"),
    ("DELETE", "/v2/apis/{apiId}", "DeleteApi"),
    ("GET", "/v2/apis/{apiId}/stages", "GetStages"),
    ("POST", "/v2/apis/{apiId}/stages", "CreateStage"),
    ("GET", "/v2/apis/{apiId}/stages/{stageName}", "GetStage"),
    ("PATCH", "/v2/apis/{apiId}/stages/{stageName}", "UpdateStage"),
    ("DELETE", "/v2/apis/{apiId}/stages/{stageName}", "DeleteStage"),
    // A route's key holds a slash, which SDKs encode and other clients may not.
    ("DELETE", "/v2/apis/{apiId}/stages/{stageName}/routesettings/{routeKey+}", "DeleteRouteSettings"),
    ("GET", "/v2/apis/{apiId}/routes", "GetRoutes"),
    ("POST", "/v2/apis/{apiId}/routes", "CreateRoute"),
    ("GET", "/v2/apis/{apiId}/deployments", "GetDeployments"),
    ("POST", "/v2/apis/{apiId}/deployments", "CreateDeployment"),
];

const ROUTE_53: &[Route] = &[
    ("POST", "/*/hostedzone/{Id}/rrset", "ChangeResourceRecordSets"),
    ("GET", "/*/hostedzone/{Id}/rrset", "ListResourceRecordSets"),
    ("GET", "/*/hostedzone/{Id}", "GetHostedZone"),
    ("DELETE", "/*/hostedzone/{Id}", "DeleteHostedZone"),
    ("GET", "/*/hostedzone", "ListHostedZones"),
    ("POST", "/*/hostedzone", "CreateHostedZone"),
    ("GET", "/*/hostedzonesbyname", "ListHostedZonesByName"),
    ("GET", "/*/change/{Id}", "GetChange"),
    ("GET", "/*/healthcheck", "ListHealthChecks"),
    ("POST", "/*/healthcheck", "CreateHealthCheck"),
    ("GET", "/*/healthcheck/{HealthCheckId}", "GetHealthCheck"),
    ("POST", "/*/healthcheck/{HealthCheckId}", "UpdateHealthCheck"),
    ("DELETE", "/*/healthcheck/{HealthCheckId}", "DeleteHealthCheck"),
    ("GET", "/*/healthcheck/{HealthCheckId}/status", "GetHealthCheckStatus"),
];

const BACKUP: &[Route] = &[
    ("PUT", "/restore-jobs", "StartRestoreJob"),
    ("GET", "/restore-jobs", "ListRestoreJobs"),
    ("GET", "/restore-jobs/{RestoreJobId}", "DescribeRestoreJob"),
    ("PUT", "/restore-jobs/{RestoreJobId}/validations", "PutRestoreValidationResult"),
    ("PUT", "/backup-jobs", "StartBackupJob"),
    ("GET", "/backup-jobs", "ListBackupJobs"),
    ("GET", "/backup-jobs/{BackupJobId}", "DescribeBackupJob"),
    ("GET", "/backup-vaults", "ListBackupVaults"),
    ("GET", "/backup-vaults/{BackupVaultName}", "DescribeBackupVault"),
    ("GET", "/backup-vaults/{BackupVaultName}/recovery-points", "ListRecoveryPointsByBackupVault"),
    ("GET", "/backup-vaults/{BackupVaultName}/recovery-points/{RecoveryPointArn}", "DescribeRecoveryPoint"),
    (
        "GET",
        "/backup-vaults/{BackupVaultName}/recovery-points/{RecoveryPointArn}/restore-metadata",
        "GetRecoveryPointRestoreMetadata",
    ),
];

/// The operation that `method` and `path` name in `service`.
pub(crate) fn route(service: &str, method: &str, path: &str, query: &str) -> Routed {
    let table = match service {
        "lambda" => LAMBDA,
        "apigateway" => API_GATEWAY,
        "apigatewayv2" => API_GATEWAY_V2,
        "route53" => ROUTE_53,
        "backup" => BACKUP,
        "s3" => return s3(method, path, query),
        _ => &[],
    };
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    table
        .iter()
        .filter(|(wanted, _, _)| *wanted == method)
        .find_map(|(_, pattern, operation)| {
            names_in(pattern, &segments).map(|names| Routed { operation: (*operation).to_owned(), names })
        })
        .unwrap_or_else(|| Routed { operation: format!("{method} {path}"), names: BTreeMap::new() })
}

fn names_in(pattern: &str, segments: &[&str]) -> Option<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    let mut rest = segments;
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix("+}")) {
            if rest.is_empty() {
                return None;
            }
            names.insert(name.to_owned(), decoded(&rest.join("/")));
            return Some(names);
        }
        let (segment, following) = rest.split_first()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => {
                names.insert(name.to_owned(), decoded(segment));
            }
            None if part == "*" || part == *segment => {}
            None => return None,
        }
        rest = following;
    }
    rest.is_empty().then_some(names)
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// S3 tells its operations apart by how deep the path is and by a query name; addressed by path, as on loopback.
fn s3(method: &str, path: &str, query: &str) -> Routed {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let bucket = parts.next().filter(|part| !part.is_empty());
    let key = parts.next().filter(|part| !part.is_empty());
    let asks = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(found, _)| found == name);
    let operation = match (method, bucket.is_some(), key.is_some()) {
        ("GET", false, _) => "ListBuckets",
        ("GET", true, false) if asks("versions") => "ListObjectVersions",
        ("GET", true, false) if asks("location") => "GetBucketLocation",
        ("GET", true, false) if asks("versioning") => "GetBucketVersioning",
        ("GET", true, false) if asks("replication") => "GetBucketReplication",
        ("GET", true, false) if asks("list-type") => "ListObjectsV2",
        ("GET", true, false) => "ListObjects",
        ("HEAD", true, false) => "HeadBucket",
        ("PUT", true, false) if asks("versioning") => "PutBucketVersioning",
        ("PUT", true, false) if asks("replication") => "PutBucketReplication",
        ("PUT", true, false) => "CreateBucket",
        ("DELETE", true, false) => "DeleteBucket",
        ("POST", true, false) if asks("delete") => "DeleteObjects",
        ("GET", true, true) if asks("tagging") => "GetObjectTagging",
        ("GET", true, true) if asks("retention") => "GetObjectRetention",
        ("GET", true, true) if asks("uploadId") => "ListParts",
        ("GET", true, true) => "GetObject",
        ("HEAD", true, true) => "HeadObject",
        ("PUT", true, true) if asks("partNumber") => "UploadPart",
        ("PUT", true, true) if asks("tagging") => "PutObjectTagging",
        ("PUT", true, true) if asks("retention") => "PutObjectRetention",
        ("PUT", true, true) => "PutObject",
        ("POST", true, true) if asks("uploads") => "CreateMultipartUpload",
        ("POST", true, true) if asks("uploadId") => "CompleteMultipartUpload",
        ("DELETE", true, true) if asks("uploadId") => "AbortMultipartUpload",
        ("DELETE", true, true) => "DeleteObject",
        _ => {
            return Routed { operation: format!("{method} {path}"), names: BTreeMap::new() };
        }
    };
    let named = [("Bucket", bucket), ("Key", key)];
    let names = named.into_iter().filter_map(|(name, part)| part.map(|part| (name.to_owned(), decoded(part)))).collect();
    Routed { operation: operation.to_owned(), names }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, method: &str, path: &str, query: &str) -> (String, Vec<(String, String)>) {
        let routed = route(service, method, path, query);
        (routed.operation, routed.names.into_iter().collect())
    }

    #[test]
    fn method_and_path_name_the_operation() {
        for (service, method, path, query, expected) in [
            ("lambda", "PUT", "/2015-03-31/functions/orders/configuration", "", "UpdateFunctionConfiguration"),
            ("lambda", "GET", "/2015-03-31/functions/orders/configuration", "Qualifier=live", "GetFunctionConfiguration"),
            ("lambda", "POST", "/2015-03-31/functions/orders/invocations", "Qualifier=live", "Invoke"),
            ("lambda", "GET", "/2015-03-31/functions/orders", "", "GetFunction"),
            ("lambda", "GET", "/2015-03-31/functions/", "", "ListFunctions"),
            ("apigateway", "PATCH", "/restapis/a1/stages/prod", "", "UpdateStage"),
            ("apigateway", "GET", "/restapis/a1/stages/prod", "", "GetStage"),
            ("apigatewayv2", "PATCH", "/v2/apis/a1/stages/%24default", "", "UpdateStage"),
            ("apigatewayv2", "DELETE", "/v2/apis/a1/stages/prod", "", "DeleteStage"),
            (
                "apigatewayv2",
                "DELETE",
                "/v2/apis/a1/stages/prod/routesettings/POST%20%2Fpatients",
                "",
                "DeleteRouteSettings",
            ),
            ("apigatewayv2", "DELETE", "/v2/apis/a1/stages/prod/routesettings/%24default", "", "DeleteRouteSettings"),
            ("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset", "", "ChangeResourceRecordSets"),
            ("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset/", "", "ChangeResourceRecordSets"),
            ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "maxitems=1", "ListResourceRecordSets"),
            ("backup", "PUT", "/restore-jobs", "", "StartRestoreJob"),
            ("s3", "GET", "/backups/a/b.dump", "x-id=GetObject", "GetObject"),
            ("s3", "GET", "/backups", "list-type=2&prefix=a", "ListObjectsV2"),
            ("s3", "PUT", "/backups", "", "CreateBucket"),
            ("s3", "GET", "/backups/", "replication", "GetBucketReplication"),
            ("s3", "PUT", "/backups", "replication=", "PutBucketReplication"),
            ("s3", "PUT", "/backups/a", "partNumber=1&uploadId=u", "UploadPart"),
            ("s3", "HEAD", "/backups/a", "", "HeadObject"),
            ("lambda", "PATCH", "/2015-03-31/functions/orders", "", "PATCH /2015-03-31/functions/orders"),
            ("unheard-of", "GET", "/a/b", "", "GET /a/b"),
        ] {
            assert_eq!(named(service, method, path, query).0, expected, "{method} {path}");
        }
    }

    #[test]
    fn what_the_path_names_is_kept_and_decoded() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(
            named("lambda", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Ar%3Aa%3Afunction%3Aorders", "").1,
            pairs(&[("FunctionName", "arn:aws:lambda:r:a:function:orders")])
        );
        assert_eq!(
            named("apigatewayv2", "PATCH", "/v2/apis/a1/stages/%24default", "").1,
            pairs(&[("apiId", "a1"), ("stageName", "$default")])
        );
        for key in ["POST%20%2Fpatients%2F%7Bid%7D", "POST%20/patients/%7Bid%7D"] {
            let path = format!("/v2/apis/a1/stages/%24default/routesettings/{key}");
            assert_eq!(
                named("apigatewayv2", "DELETE", &path, "").1,
                pairs(&[("apiId", "a1"), ("routeKey", "POST /patients/{id}"), ("stageName", "$default")])
            );
        }
        assert_eq!(named("s3", "GET", "/b/k/1%20x", "").1, pairs(&[("Bucket", "b"), ("Key", "k/1 x")]));
        assert_eq!(
            named("lambda", "GET", "/2017-03-31/tags/arn:aws:lambda:r:a:function:f/x", "").1,
            pairs(&[("Resource", "arn:aws:lambda:r:a:function:f/x")])
        );
    }
}
