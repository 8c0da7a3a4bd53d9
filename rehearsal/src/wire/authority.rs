//! The five calls that the emulator refuses although the role allows them.
//!
//! It checks `ecs:UpdateService` and `ecs:DescribeServices` against the cluster, and the other three against `*`; AWS checks
//! the services, both clusters of a global failover, the recovery point and the alarms. Exactly these are judged here.

use super::answer::WireAnswer;
use super::call::WireCall;
use super::denial::refused;
use super::resource::alarm_names;
use policies::iam::{Roles, Verdict};

/// The account for which a falsely refused call may be made after all; `None` where the refusal stands.
pub(crate) fn overruled(call: &WireCall, answer: &WireAnswer, roles: &Roles) -> Option<String> {
    let refused = refused(answer)?;
    if refused.action != call.action() {
        return None;
    }
    let resources = resources_of(call, &refused.account)?;
    let allowed = roles.verdict(&refused.role, &refused.action, &resources) == Verdict::Allowed;
    allowed.then_some(refused.account)
}

/// What AWS checks the action against; `None` for every other action, and where the call names nothing.
fn resources_of(call: &WireCall, account: &str) -> Option<Vec<String>> {
    let region = &call.region;
    match (call.service.as_str(), call.operation.as_str()) {
        ("ecs", "UpdateService") => {
            call.parameter("service")?;
            Some(vec![format!("arn:aws:ecs:{region}:{account}:{}", call.resource)])
        }
        ("ecs", "DescribeServices") => {
            call.parameters.get("services")?.as_array().filter(|services| !services.is_empty())?;
            Some(call.resource.split(',').map(|service| format!("arn:aws:ecs:{region}:{account}:{service}")).collect())
        }
        ("rds", "FailoverGlobalCluster") => {
            let global = format!("arn:aws:rds::{account}:global-cluster:{}", call.parameter("GlobalClusterIdentifier")?);
            Some(vec![global, call.parameter("TargetDbClusterIdentifier")?.to_owned()])
        }
        ("backup", "StartRestoreJob") => Some(vec![call.parameter("RecoveryPointArn")?.to_owned()]),
        ("cloudwatch", "DisableAlarmActions") => {
            let names = alarm_names(&call.parameters);
            let arns = names.iter().map(|name| format!("arn:aws:cloudwatch:{region}:{account}:alarm:{name}"));
            Some(arns.collect::<Vec<_>>()).filter(|arns| !arns.is_empty())
        }
        _ => None,
    }
}

/// The `Authorization` value with another key in its scope.
///
/// The emulator does not verify what its root key signs, so the old signature may stay.
pub(crate) fn signed_by(authorization: &str, access_key: &str) -> Option<String> {
    let (before, credential) = authorization.split_once("Credential=")?;
    let end = credential.find(',').unwrap_or(credential.len());
    let (credential, after) = credential.split_at(end);
    let mut scope: Vec<&str> = credential.rsplitn(5, '/').collect();
    *scope.get_mut(4)? = access_key;
    scope.reverse();
    Some(format!("{before}Credential={}{after}", scope.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::tests::requests::{self, Wire};
    use serde_json::json;

    fn denial(action: &str) -> WireAnswer {
        WireAnswer::new(
            403,
            "text/xml",
            format!(
                "User: arn:aws:sts::123456789012:assumed-role/switch/f is not authorized to perform: {action} \
                 because no identity-based policy allows the {action} action"
            ),
        )
    }

    fn rows() -> Vec<(Wire, &'static str, Vec<&'static str>)> {
        vec![
            (
                requests::target(
                    "ecs",
                    "AmazonEC2ContainerServiceV20141113.UpdateService",
                    json!({"cluster": "main", "service": "web", "desiredCount": 0}),
                ),
                "ecs:UpdateService",
                vec!["arn:aws:ecs:us-west-2:123456789012:service/main/web"],
            ),
            (
                requests::target(
                    "ecs",
                    "AmazonEC2ContainerServiceV20141113.DescribeServices",
                    json!({"cluster": "main", "services": ["web", "api"]}),
                ),
                "ecs:DescribeServices",
                vec![
                    "arn:aws:ecs:us-west-2:123456789012:service/main/web",
                    "arn:aws:ecs:us-west-2:123456789012:service/main/api",
                ],
            ),
            (
                requests::form(
                    "rds",
                    "Action=FailoverGlobalCluster&GlobalClusterIdentifier=g&TargetDbClusterIdentifier=arn%3Aaws%3Ards%3Aus-west-2%3A123456789012%3Acluster%3Ac",
                ),
                "rds:FailoverGlobalCluster",
                vec!["arn:aws:rds::123456789012:global-cluster:g", "arn:aws:rds:us-west-2:123456789012:cluster:c"],
            ),
            (
                requests::rest(
                    "backup",
                    "PUT",
                    "/restore-jobs",
                    json!({"RecoveryPointArn": "arn:aws:rds:us-west-2:123456789012:snapshot:awsbackup:job-1"}),
                ),
                "backup:StartRestoreJob",
                vec!["arn:aws:rds:us-west-2:123456789012:snapshot:awsbackup:job-1"],
            ),
            (
                requests::form("monitoring", "Action=DisableAlarmActions&AlarmNames.member.1=a&AlarmNames.member.2=b"),
                "cloudwatch:DisableAlarmActions",
                vec![
                    "arn:aws:cloudwatch:us-west-2:123456789012:alarm:a",
                    "arn:aws:cloudwatch:us-west-2:123456789012:alarm:b",
                ],
            ),
            (
                requests::cbor(
                    "monitoring",
                    "/service/GraniteServiceVersion20100801/operation/DisableAlarmActions",
                    b"\xa1\x6aAlarmNames\x81\x61a",
                ),
                "cloudwatch:DisableAlarmActions",
                vec!["arn:aws:cloudwatch:us-west-2:123456789012:alarm:a"],
            ),
        ]
    }

    #[test]
    fn a_false_refusal_is_overruled_exactly_where_the_role_allows_every_resource() {
        for (wire, action, resources) in rows() {
            let call = wire.call();
            let allowed = |resources: &[&str]| -> Option<String> {
                let roles = Roles::new();
                roles
                    .set("switch", &[json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": resources}})])
                    .unwrap();
                overruled(&call, &denial(action), &roles)
            };
            assert_eq!(allowed(&resources).as_deref(), Some("123456789012"), "{action}");
            assert_eq!(allowed(&resources[1..]), None, "{action}");
            assert_eq!(allowed(&["arn:aws:other"]), None, "{action}");
        }
    }

    #[test]
    fn no_other_refusal_is_looked_at() {
        let roles = Roles::new();
        roles.set("switch", &[json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})]).unwrap();
        let promote = requests::form("rds", "Action=PromoteReadReplica&DBInstanceIdentifier=dr").call();
        assert_eq!(overruled(&promote, &denial("rds:PromoteReadReplica"), &roles), None);
        let (update, _, _) = rows().remove(0);
        assert_eq!(overruled(&update.call(), &denial("ecs:DeleteService"), &roles), None);
        assert_eq!(overruled(&update.call(), &WireAnswer::new(403, "x", "SignatureDoesNotMatch"), &roles), None);
    }

    #[test]
    fn the_key_is_replaced_and_nothing_else() {
        let before =
            "AWS4-HMAC-SHA256 Credential=ASIAX/20261120/us-west-2/ecs/aws4_request, SignedHeaders=host, Signature=00";
        let after =
            "AWS4-HMAC-SHA256 Credential=123456789012/20261120/us-west-2/ecs/aws4_request, SignedHeaders=host, Signature=00";
        assert_eq!(signed_by(before, "123456789012").as_deref(), Some(after));
        assert_eq!(signed_by("Bearer x", "123456789012"), None);
    }
}
