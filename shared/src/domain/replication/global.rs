//! DynamoDB global tables and Aurora global databases: a replica counts only where both what describes it and its figures say so.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{ReplicaJudgement, Role, Verdict, against, at_worst, sentence};
use crate::domain::described::{AuroraGlobalDatabase, DynamodbTable};
use crate::domain::duration::Seconds;
use crate::domain::identifier::Region;
use crate::domain::observation::{LagSample, Sight};

/// A replica of a table as DescribeTable shows it in its own Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    /// TableStatus, as text: AWS adds statuses.
    pub status: String,
    /// Its other replicas: their ReplicaStatus by Region.
    pub replicas: BTreeMap<String, String>,
}

/// A global cluster as DescribeGlobalClusters shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GlobalClusterView {
    /// Its Status, as text.
    pub status: String,
    /// Its clusters.
    pub members: Vec<ClusterMember>,
}

/// A cluster of a global cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterMember {
    /// DBClusterArn.
    pub arn: String,
    /// IsWriter.
    pub writer: bool,
    /// SynchronizationStatus, where RDS gives one.
    pub synchronization: Option<String>,
}

impl ClusterMember {
    fn is(&self, region: &Region, cluster: &str) -> bool {
        let mut parts = self.arn.splitn(7, ':').skip(3);
        let (in_region, _account, kind, name) = (parts.next(), parts.next(), parts.next(), parts.next());
        (in_region, kind, name) == (Some(region.as_str()), Some("cluster"), Some(cluster))
    }
}

/// What keeps a described replica from protecting anything, if something does.
struct Impediment {
    role: Role,
    why: String,
}

/// Judges the replica of a global table in the recovery Region.
#[must_use]
pub fn judge_table(
    table: &DynamodbTable,
    sites: (&Region, &Region),
    replica: &Sight<TableView>,
    lag: &Sight<LagSample>,
    rpo: Option<Seconds>,
    now: Timestamp,
) -> ReplicaJudgement {
    let name = table.table.as_str();
    let impediment = match replica {
        Sight::Found { found } => table_impediment(name, sites, found),
        other => Some(unseen(name, other)),
    };
    let nothing = || {
        format!(
            "DynamoDB published no figure of {name} in the last minutes: either nothing was written to it, or nothing arrives; \
             a write every minute tells the two apart"
        )
    };
    let status = replica.found().map(|found| found.status.clone());
    judged(name, status, impediment, lag, rpo, now, nothing)
}

fn table_impediment(name: &str, (primary, recovery): (&Region, &Region), found: &TableView) -> Option<Impediment> {
    // UPDATING is a change of capacity or of indexes: reads and writes go on (DynamoDB API reference, TableDescription).
    if !["ACTIVE", "UPDATING"].contains(&found.status.as_str()) {
        let why = format!("{name} is {} in {recovery}", found.status);
        return Some(Impediment { role: Role::Replica, why });
    }
    if !found.replicas.contains_key(primary.as_str()) {
        let why = format!("{name} in {recovery} has no replica in {primary}, so it protects nothing");
        return Some(Impediment { role: Role::Standalone, why });
    }
    let others = found.replicas.iter().filter(|(region, _)| region.as_str() != recovery.as_str());
    let stopped: Vec<String> = others
        .filter(|(_, status)| status.as_str() != "ACTIVE")
        .map(|(region, status)| format!("{status} in {region}"))
        .collect();
    let why = || format!("not every replica of {name} is ACTIVE: {}", stopped.join(", "));
    (!stopped.is_empty()).then(|| Impediment { role: Role::Replica, why: why() })
}

/// Judges the secondary cluster of a global database.
///
/// What users have committed counts (`AuroraGlobalDBRPOLag`), and so does all that is written (`AuroraGlobalDBReplicationLag`): the
/// worse of the two. Engines that do not publish the first are judged by the second, as AWS advises; a first that could not be
/// read is not one that is not published.
#[must_use]
pub fn judge_cluster(
    database: &AuroraGlobalDatabase,
    region: &Region,
    global: &Sight<GlobalClusterView>,
    (loss, replication): (&Sight<LagSample>, &Sight<LagSample>),
    rpo: Option<Seconds>,
    now: Timestamp,
) -> ReplicaJudgement {
    let name = database.recovery.cluster.as_str();
    let impediment = match global {
        Sight::Found { found } => cluster_impediment(database, region, found),
        other => Some(unseen(database.global_cluster.as_str(), other)),
    };
    let counted = match (loss, replication) {
        (Sight::Found { found: a }, Sight::Found { found: b }) if at_worst(b, now) > at_worst(a, now) => replication,
        (Sight::Absent, Sight::Found { .. } | Sight::Unreached { .. }) => replication,
        _ => loss,
    };
    let nothing = || format!("Aurora published no figure of {name} in the last minutes");
    let status = global.found().map(|found| found.status.clone());
    judged(name, status, impediment, counted, rpo, now, nothing)
}

fn cluster_impediment(database: &AuroraGlobalDatabase, region: &Region, found: &GlobalClusterView) -> Option<Impediment> {
    let (name, global) = (database.recovery.cluster.as_str(), &database.global_cluster);
    let Some(member) = found.members.iter().find(|member| member.is(region, name)) else {
        let why = format!("{name} in {region} is no cluster of global database {global}, so it protects nothing");
        return Some(Impediment { role: Role::Standalone, why });
    };
    if member.writer {
        let why = format!("{name} takes the writes of global database {global}: the sites have changed places");
        return Some(Impediment { role: Role::Standalone, why });
    }
    let why = if found.status != "available" {
        format!("global database {global} is {}", found.status)
    } else {
        let synchronization = member.synchronization.as_deref().filter(|status| *status != "connected")?;
        format!("{name} is {synchronization} in global database {global}, and so not connected")
    };
    Some(Impediment { role: Role::Replica, why })
}

fn unseen<T>(name: &str, sight: &Sight<T>) -> Impediment {
    match sight {
        Sight::Absent => Impediment { role: Role::Absent, why: format!("{name} does not exist") },
        other => Impediment { role: Role::Unknown, why: format!("{name} could not be described: {}", other.why_not()) },
    }
}

fn judged(
    name: &str,
    status: Option<String>,
    impediment: Option<Impediment>,
    lag: &Sight<LagSample>,
    rpo: Option<Seconds>,
    now: Timestamp,
    nothing: impl FnOnce() -> String,
) -> ReplicaJudgement {
    let worst = lag.found().map(|sample| at_worst(sample, now));
    let verdict = if impediment.is_some() { Verdict::Unknown } else { against(worst, rpo) };
    let (role, reason) = match (impediment, worst) {
        (Some(Impediment { role, why }), _) => (role, why),
        (None, Some(worst)) => (Role::Replica, sentence(name, worst, rpo)),
        (None, None) if matches!(lag, Sight::Absent) => (Role::Replica, nothing()),
        (None, None) => (Role::Replica, format!("the lag of {name} could not be read: {}", lag.why_not())),
    };
    ReplicaJudgement {
        role,
        status,
        lag_s: lag.found().map(|sample| sample.lag.0),
        observed_at: lag.found().map(|sample| sample.observed_at),
        lag_at_worst_s: worst.map(|worst| worst.0),
        bytes_behind: None,
        source: lag.found().map(|sample| sample.source.clone()),
        rpo: verdict,
        max_lag: None,
        reason,
    }
}

#[cfg(test)]
mod tests;
