//! Facts about instances and snapshots.

use std::collections::BTreeSet;

use super::super::sight::{Instance, Reply, Sight, Snapshot};
use super::{Finding, all, answered, each, refused};

const NO_INSTANCE: &str = "there is no instance in this Region";
const NO_REPLICA: &str = "there is no PostgreSQL read replica in this Region";
const NO_SNAPSHOT: &str = "there is no automated snapshot in this Region";

/// The statuses of the User Guide, Overview.DBInstance.Status.
const STATUSES: &[&str] = &[
    "available",
    "backing-up",
    "configuring-enhanced-monitoring",
    "configuring-iam-database-auth",
    "configuring-log-exports",
    "converting-to-vpc",
    "creating",
    "delete-precheck",
    "deleting",
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-create",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "maintenance",
    "modifying",
    "moving-to-vpc",
    "rebooting",
    "renaming",
    "resetting-master-credentials",
    "restore-error",
    "starting",
    "stopped",
    "stopping",
    "storage-config-upgrade",
    "storage-full",
    "storage-initialization",
    "storage-optimization",
    "upgrading",
];

pub(super) fn statuses(sight: &Sight) -> Finding {
    let wrong = |instance: &Instance| {
        let known = STATUSES.contains(&instance.status.as_str());
        (!known).then(|| format!("{} has the status {}, which is not documented", instance.identifier, instance.status))
    };
    each(&sight.rds.instances, |_| true, wrong, NO_INSTANCE)
}

/// The label in an instance's host, `<identifier>.<label>.<region>.rds.amazonaws.com`.
fn label<'a>(instance: &'a Instance, region: &str) -> Option<&'a str> {
    let rest = instance.host.as_deref()?.strip_prefix(instance.identifier.as_str())?.strip_prefix('.')?;
    let (label, rest) = rest.split_once('.')?;
    let domain = rest.strip_prefix(region)?;
    let is_label = label.len() == 12 && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (is_label && matches!(domain, ".rds.amazonaws.com" | ".rds.amazonaws.com.cn")).then_some(label)
}

pub(super) fn endpoints(sight: &Sight) -> Finding {
    let wrong = |instance: &Instance| {
        let host = instance.host.as_deref().unwrap_or_default();
        label(instance, &sight.region).is_none().then(|| format!("the endpoint of {} is {host}", instance.identifier))
    };
    let shape = each(&sight.rds.instances, |instance| instance.host.is_some(), wrong, NO_INSTANCE);
    let Reply::Answered(instances) = &sight.rds.instances else {
        return shape;
    };
    let labels: BTreeSet<&str> = instances.iter().filter_map(|instance| label(instance, &sight.region)).collect();
    if labels.len() > 1 {
        return Finding::Drifts(format!("the endpoints of one account and Region have {} labels", labels.len()));
    }
    shape
}

/// Whether an ARN leads to an instance of another Region: within one Region names are used.
fn leads_elsewhere(arn: &str, region: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    parts.len() == 7 && parts[0] == "arn" && parts[2] == "rds" && parts[3] != region && parts[5] == "db"
}

fn is_arn(name: &str) -> bool {
    name.contains(':')
}

pub(super) fn sources(sight: &Sight) -> Finding {
    let across = |instance: &Instance| instance.source.as_deref().is_some_and(is_arn);
    let wrong = |instance: &Instance| {
        let source = instance.source.as_deref().unwrap_or_default();
        (!leads_elsewhere(source, &sight.region)).then(|| format!("{} names its source {source}", instance.identifier))
    };
    each(&sight.rds.instances, across, wrong, "no instance of this Region is a read replica of another Region's")
}

pub(super) fn replicas(sight: &Sight) -> Finding {
    let across = |instance: &Instance| instance.replicas.iter().any(|replica| is_arn(replica));
    let wrong = |instance: &Instance| {
        let wrong = |replica: &&String| is_arn(replica) && !leads_elsewhere(replica, &sight.region);
        let replica = instance.replicas.iter().find(wrong)?;
        Some(format!("{} names a replica {replica}", instance.identifier))
    };
    each(&sight.rds.instances, across, wrong, "no instance of this Region has a read replica in another one")
}

fn is_postgres_replica(instance: &Instance) -> bool {
    instance.engine == "postgres" && instance.source.is_some()
}

pub(super) fn restorable(sight: &Sight) -> Finding {
    // A replica that keeps backups of its own is not what the fact is about.
    let plain = |instance: &Instance| is_postgres_replica(instance) && instance.backup_retention == 0;
    let wrong =
        |instance: &Instance| instance.restorable.then(|| format!("{} has a LatestRestorableTime", instance.identifier));
    each(&sight.rds.instances, plain, wrong, "there is no PostgreSQL read replica without backups in this Region")
}

pub(super) fn unknown_instance(sight: &Sight) -> Finding {
    refused(&sight.rds.unknown_instance, "DBInstanceNotFound", 404)
}

pub(super) fn unknown_snapshot(sight: &Sight) -> Finding {
    refused(&sight.rds.unknown_snapshot, "DBSnapshotNotFound", 404)
}

pub(super) fn other_names(sight: &Sight) -> Finding {
    let Some(named) = &sight.rds.by_other_names else {
        return match answered(&sight.rds.instances) {
            Ok(_) => Finding::NothingToSee(NO_INSTANCE.to_owned()),
            Err(finding) => finding,
        };
    };
    let leads_there = |reply: &Reply<Vec<String>>, how: &str| match reply {
        Reply::Answered(found) if *found == [named.identifier.clone()] => {
            Finding::Agrees("capitals and the ARN lead to the instance".to_owned())
        }
        Reply::Answered(found) => Finding::Drifts(format!("{} {how} leads to {found:?}", named.identifier)),
        Reply::Refused(refusal) => Finding::Drifts(format!("{} {how} is refused with {refusal}", named.identifier)),
        Reply::Unasked(reason) => Finding::Unasked(reason.clone()),
    };
    all(vec![leads_there(&named.in_capitals, "in capitals"), leads_there(&named.by_arn, "by its ARN")])
}

pub(super) fn pages(sight: &Sight) -> Finding {
    let page = match answered(&sight.rds.page_of_20) {
        Ok(page) if page.records > 20 => Finding::Drifts(format!("a page of 20 has {} instances", page.records)),
        Ok(_) => Finding::Agrees("20 is taken, 19 and 101 are not".to_owned()),
        Err(finding) => finding,
    };
    let code = "InvalidParameterValue";
    all(vec![page, refused(&sight.rds.page_of_19, code, 400), refused(&sight.rds.page_of_101, code, 400)])
}

pub(super) fn automated_by_name(sight: &Sight) -> Finding {
    let Some((without_type, with_type)) = &sight.rds.automated_by_name else {
        return match answered(&sight.rds.automated) {
            Ok(_) => Finding::NothingToSee(NO_SNAPSHOT.to_owned()),
            Err(finding) => finding,
        };
    };
    match answered(with_type) {
        Ok(1) => refused(&without_type.clone().map(|_| ()), "DBSnapshotNotFound", 404),
        Ok(count) => Finding::Drifts(format!("the name of an automated snapshot leads to {count} snapshots")),
        Err(finding) => finding,
    }
}

/// `rds:<instance>-<yyyy-mm-dd-hh-mi>`
fn is_automated_name(name: &str, instance: &str) -> bool {
    let moment =
        name.strip_prefix("rds:").and_then(|rest| rest.strip_prefix(instance)).and_then(|rest| rest.strip_prefix('-'));
    moment.is_some_and(|moment| {
        let widths: Vec<usize> = moment.split('-').map(str::len).collect();
        widths == [4, 2, 2, 2, 2] && moment.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

pub(super) fn automated_names(sight: &Sight) -> Finding {
    let wrong = |snapshot: &Snapshot| {
        let right = is_automated_name(&snapshot.identifier, &snapshot.instance);
        (!right).then(|| format!("an automated snapshot of {} is named {}", snapshot.instance, snapshot.identifier))
    };
    each(&sight.rds.automated, |_| true, wrong, NO_SNAPSHOT)
}

pub(super) fn group_states(sight: &Sight) -> Finding {
    let wrong = |instance: &Instance| {
        let state = instance.groups.iter().find(|state| !["active", "adding", "removing"].contains(&state.as_str()))?;
        Some(format!("a security group of {} is {state}", instance.identifier))
    };
    each(&sight.rds.instances, |instance| !instance.groups.is_empty(), wrong, NO_INSTANCE)
}

pub(super) fn replication_states(sight: &Sight) -> Finding {
    let wrong = |instance: &Instance| {
        if instance.replication.is_empty() {
            return Some(format!("the replica {} reports no replication", instance.identifier));
        }
        let known = ["replicating", "error", "terminated"];
        let state = instance.replication.iter().find(|state| !known.contains(&state.as_str()))?;
        Some(format!("the replication of {} is {state}", instance.identifier))
    };
    each(&sight.rds.instances, is_postgres_replica, wrong, NO_REPLICA)
}
