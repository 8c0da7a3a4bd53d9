//! Role and lag of a replica, judged against the objectives.

mod global;
mod rule;
mod series;
mod standby;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use global::{ClusterMember, GlobalClusterView, TableView, judge_cluster, judge_table};
pub use rule::RuleView;
use series::copy_of_data;
pub use series::{BucketCopy, FAILED_OPERATIONS, LagSeries, copy_of, series_of};
pub use standby::{Heard, PairView, Position, PrimaryView, StandbyView, judge_standby};

use super::described::{CopiedBy, S3Data};
use super::duration::Seconds;
use super::identifier::{ComponentName, InstanceId, Region};
use super::observation::{InstanceView, LagSample, Sight};
use super::plan::{Component, Plan};

/// The judgement. Unknown is never good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the bound.
    Within,
    /// Beyond it.
    Beyond,
    /// Nothing usable says.
    Unknown,
}

/// What a replica is at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It replicates.
    Replica,
    /// It is a copy of objects, which replication keeps.
    Copy,
    /// It stands alone.
    Standalone,
    /// It does not exist.
    Absent,
    /// It could not be described.
    Unknown,
}

/// One replica's judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaJudgement {
    /// Its role.
    pub role: Role,
    /// Its status, where it was described.
    pub status: Option<String>,
    /// Lag in seconds.
    pub lag_s: Option<u64>,
    /// When that was true.
    pub observed_at: Option<Timestamp>,
    /// The lag that it may have by now: the figure, and its age.
    pub lag_at_worst_s: Option<u64>,
    /// How much of its primary's log it has not replayed, where that was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_behind: Option<u64>,
    /// Where the figure comes from.
    pub source: Option<String>,
    /// Against the recovery point objective.
    pub rpo: Verdict,
    /// Against what a graceful switchover waits for, where the plan says.
    pub max_lag: Option<Verdict>,
    /// Why, as a sentence.
    pub reason: String,
}

impl ReplicaJudgement {
    /// Of a replica that nothing is known of.
    #[must_use]
    pub fn unknown(reason: String) -> Self {
        Self {
            role: Role::Unknown,
            status: None,
            lag_s: None,
            observed_at: None,
            lag_at_worst_s: None,
            bytes_behind: None,
            source: None,
            rpo: Verdict::Unknown,
            max_lag: None,
            reason,
        }
    }
}

/// The components that a check is about: the named one, or everything in the plan that says what replicates it.
///
/// # Errors
/// A sentence when the name is none of these, or the plan has none: a selection of nothing is an error.
pub fn replicated(plan: &Plan, name: Option<&str>) -> Result<Vec<ComponentName>, String> {
    let replicates = |component: &Component| match component {
        Component::RdsInstance(_)
        | Component::S3Data(_)
        | Component::DynamodbTable(_)
        | Component::AuroraGlobalDatabase(_)
        | Component::Postgresql(_) => true,
        Component::EcsService(_)
        | Component::LoadBalancer(_)
        | Component::Route53Records(_)
        | Component::CloudfrontDistribution(_)
        | Component::BackupArchives(_) => false,
    };
    let all = || plan.components.iter().filter(|(_, component)| replicates(component)).map(|(name, _)| name);
    let chosen: Vec<ComponentName> = all().filter(|known| name.is_none_or(|name| known.as_str() == name)).cloned().collect();
    if chosen.is_empty() {
        let known: Vec<&str> = all().map(ComponentName::as_str).collect();
        let asked: String = name.unwrap_or("everything").chars().take(60).flat_map(char::escape_default).collect();
        return Err(format!(
            "{asked} selects nothing of the plan for {} that is replicated; it has: {}",
            plan.platform,
            known.join(", ")
        ));
    }
    Ok(chosen)
}

/// Judges a copy of objects in another bucket: by how late it is, by how many operations its rule gave up in the last day, and by what
/// the rule copies at all. What was given up is missing for good, however soon all the rest arrives. Of what the rule leaves out nobody
/// knows whether there is any, or since when it is missing: a figure that is good says nothing of it, so that nothing is known, as of
/// a database's replica that does not replicate. A figure that is beyond stays beyond.
#[must_use]
pub fn judge_copy(
    data: &S3Data,
    rules: &Sight<Vec<RuleView>>,
    lag: &Sight<LagSample>,
    failed: &Sight<u64>,
    rpo: Option<Seconds>,
    now: Timestamp,
) -> ReplicaJudgement {
    let (name, copied_by) = (&data.recovery.bucket, &data.copied_by);
    let worst = lag.found().map(|sample| at_worst(sample, now));
    let copied = copy_of_data(data).map(|copy| rule::coverage(&copy, data, rules));
    let reason = match (copied_by, worst) {
        (CopiedBy::BackupVault { vault, .. }, _) => {
            format!("{name}: what AWS Backup copied to vault {vault} is not looked at in this version")
        }
        (CopiedBy::ReplicationRule { .. }, Some(worst)) => {
            format!("{}{}", sentence(name.as_str(), worst, rpo), given_up(failed))
        }
        (CopiedBy::ReplicationRule { id }, None) => {
            let why =
                if matches!(lag, Sight::Absent) { "S3 published no figure in the last minutes" } else { lag.why_not() };
            format!(
                "{name}: nothing says how far rule {id} is behind: {why}; replication metrics must be on for the rule{}",
                given_up(failed)
            )
        }
    };
    let (reason, copies_all) = match copied {
        Some(Ok(told)) => (format!("{reason}; {told}"), true),
        Some(Err(flaw)) => (format!("{flaw}; {reason}"), false),
        None => (reason, true),
    };
    let by_figures = if failed.found().is_some_and(|failed| *failed > 0) { Verdict::Beyond } else { against(worst, rpo) };
    ReplicaJudgement {
        role: Role::Copy,
        status: None,
        lag_s: lag.found().map(|sample| sample.lag.0),
        observed_at: lag.found().map(|sample| sample.observed_at),
        lag_at_worst_s: worst.map(|worst| worst.0),
        bytes_behind: None,
        source: lag.found().map(|sample| sample.source.clone()),
        rpo: if by_figures == Verdict::Within && !copies_all { Verdict::Unknown } else { by_figures },
        max_lag: None,
        reason,
    }
}

/// The rest of a sentence. Where S3 published nothing of the kind, nothing was tried that could have failed.
fn given_up(failed: &Sight<u64>) -> String {
    match failed {
        Sight::Found { found: 0 } | Sight::Absent => String::new(),
        Sight::Found { found } => format!(
            "; {found} operations of the last 24 hours failed and are not tried again, so what they would have copied is missing \
             (S3 Batch Replication copies it)"
        ),
        Sight::Unreached { reason } => format!("; whether operations failed could not be read: {reason}"),
    }
}

/// The age of a figure counts as lag: a replica that was 2 s behind ten minutes ago may be ten minutes behind now.
fn at_worst(sample: &LagSample, now: Timestamp) -> Seconds {
    sample.lag.plus(Seconds::between(sample.observed_at, now))
}

fn against(worst: Option<Seconds>, limit: Option<Seconds>) -> Verdict {
    match (worst, limit) {
        (Some(worst), Some(limit)) if worst <= limit => Verdict::Within,
        (Some(_), Some(_)) => Verdict::Beyond,
        _ => Verdict::Unknown,
    }
}

fn sentence(name: &str, worst: Seconds, rpo: Option<Seconds>) -> String {
    format!("{name} is at most {worst} behind (objective {})", rpo.map_or("none".to_owned(), |rpo| rpo.to_string()))
}

/// Judges one database replica.
#[must_use]
pub fn judge(
    name: &str,
    primary: (&Region, &InstanceId),
    replica: &Sight<InstanceView>,
    lag: &Sight<LagSample>,
    rpo: Option<Seconds>,
    max_lag: Seconds,
    now: Timestamp,
) -> ReplicaJudgement {
    let of_another = replica.found().and_then(|found| found.of_another(primary.0, primary.1));
    let role = match replica {
        Sight::Found { found } if found.is_standalone() => Role::Standalone,
        Sight::Found { .. } => Role::Replica,
        Sight::Absent => Role::Absent,
        Sight::Unreached { .. } => Role::Unknown,
    };
    let worst = lag.found().map(|sample| at_worst(sample, now));
    let replicating =
        role == Role::Replica && of_another.is_none() && replica.found().and_then(|found| found.replicating) != Some(false);
    let compare = |limit: Option<Seconds>| against(worst.filter(|_| replicating), limit);
    let reason = match (role, worst) {
        (Role::Standalone, _) => format!("{name} replicates from nobody, so it protects nothing"),
        (Role::Absent, _) => format!("{name} does not exist"),
        (Role::Unknown, _) => format!("{name} could not be described: {}", replica.why_not()),
        (Role::Replica, _) if of_another.is_some() => {
            format!("{name} protects nothing: {}", of_another.unwrap_or_default())
        }
        (Role::Replica, _) if !replicating => format!("{name} is a replica whose replication does not run"),
        (Role::Replica | Role::Copy, None) if matches!(lag, Sight::Absent) => {
            format!(
                "{name} reports no usable lag: there is no figure of the last minutes, or it says that replication is not active"
            )
        }
        (Role::Replica | Role::Copy, None) => format!("the lag of {name} could not be read: {}", lag.why_not()),
        (Role::Replica | Role::Copy, Some(worst)) => sentence(name, worst, rpo),
    };
    ReplicaJudgement {
        role,
        status: replica.found().map(|found| found.status.clone()),
        lag_s: lag.found().map(|sample| sample.lag.0),
        observed_at: lag.found().map(|sample| sample.observed_at),
        lag_at_worst_s: worst.map(|worst| worst.0),
        bytes_behind: None,
        source: lag.found().map(|sample| sample.source.clone()),
        rpo: compare(rpo),
        max_lag: Some(compare(Some(max_lag))),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::described::BucketSite;
    use crate::domain::identifier::{BucketName, ResourceName};

    fn replica(source: Option<&str>, replicating: Option<bool>) -> Sight<InstanceView> {
        Sight::Found {
            found: InstanceView {
                status: "available".to_owned(),
                multi_az: false,
                availability_zone: None,
                source: source.map(str::to_owned),
                replicating,
                host: None,
                port: None,
                security_groups: BTreeMap::new(),
                backup_retention_days: 0,
                latest_restorable: None,
            },
        }
    }

    #[test]
    fn lag_counts_from_when_it_was_true_and_unknown_is_never_good() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let sample =
            |lag, age: u64| LagSample { lag: Seconds(lag), observed_at: Seconds(age).before(now), source: "m".to_owned() };
        let primary = (&Region::new("us-east-1").unwrap(), &InstanceId::new("orders").unwrap());
        let of = |region: &str, id: &str| format!("arn:aws:rds:{region}:123456789012:db:{id}");
        let ours = of("us-east-1", "orders");
        let replicating = replica(Some(&ours), Some(true));
        let table = [
            ("fresh and near", &replicating, Some(sample(5, 10)), Verdict::Within),
            ("at the objective", &replicating, Some(sample(890, 10)), Verdict::Within),
            ("one second beyond", &replicating, Some(sample(891, 10)), Verdict::Beyond),
            ("near, but an old figure", &replicating, Some(sample(1, 1_000)), Verdict::Beyond),
            ("no figure", &replicating, None, Verdict::Unknown),
            ("of a source named alone", &replica(Some("Orders"), Some(true)), Some(sample(5, 10)), Verdict::Within),
            (
                "of another database",
                &replica(Some(&of("us-east-1", "staging")), Some(true)),
                Some(sample(1, 1)),
                Verdict::Unknown,
            ),
            (
                "of another Region",
                &replica(Some(&of("us-east-2", "orders")), Some(true)),
                Some(sample(1, 1)),
                Verdict::Unknown,
            ),
            ("replication stopped", &replica(Some(&ours), Some(false)), Some(sample(1, 1)), Verdict::Unknown),
            ("stands alone", &replica(None, None), Some(sample(1, 1)), Verdict::Unknown),
            ("absent", &Sight::Absent, Some(sample(1, 1)), Verdict::Unknown),
        ];
        for (name, sight, lag, verdict) in table {
            let lag = lag.map_or(Sight::Absent, |found| Sight::Found { found });
            let judged = judge("r", primary, sight, &lag, Some(Seconds(900)), Seconds(30), now);
            assert_eq!(judged.rpo, verdict, "{name}");
            assert_eq!(
                judge("r", primary, sight, &lag, None, Seconds(30), now).rpo,
                Verdict::Unknown,
                "{name}, and no objective"
            );
        }
    }

    #[test]
    fn a_copy_of_objects_is_judged_by_its_rules_figure_and_by_what_the_rule_gave_up() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let rule = CopiedBy::ReplicationRule { id: ResourceName::new("everything").unwrap() };
        let vault = CopiedBy::BackupVault { vault: ResourceName::new("dr").unwrap(), every: Seconds(1_800) };
        let figure = |lag| Sight::Found {
            found: LagSample { lag: Seconds(lag), observed_at: Seconds(60).before(now), source: "m".to_owned() },
        };
        let silent = Sight::Unreached { reason: "monitoring GetMetricData failed".to_owned() };
        let (none, nothing) = (Sight::Found { found: 0 }, Sight::Absent);
        let (three, unread) = (Sight::Found { found: 3 }, Sight::Unreached { reason: "throttled".to_owned() });
        let lost = "3 operations of the last 24 hours failed and are not tried again";
        let table = [
            (
                "at the objective",
                &rule,
                figure(840),
                &none,
                Verdict::Within,
                "at most 15 min behind (objective 15 min); rule everything copies every new object",
            ),
            (
                "one second beyond",
                &rule,
                figure(841),
                &nothing,
                Verdict::Beyond,
                "at most 15 min 1 s behind (objective 15 min); rule",
            ),
            ("near, and something is missing", &rule, figure(1), &three, Verdict::Beyond, lost),
            ("not known, and something is missing", &rule, Sight::Absent, &three, Verdict::Beyond, lost),
            (
                "near, and no more is known",
                &rule,
                figure(1),
                &unread,
                Verdict::Within,
                "failed could not be read: throttled",
            ),
            (
                "no figure",
                &rule,
                Sight::Absent,
                &none,
                Verdict::Unknown,
                "rule everything is behind: S3 published no figure",
            ),
            ("not read", &rule, silent, &none, Verdict::Unknown, "GetMetricData failed; replication metrics must be on"),
            ("backups", &vault, Sight::Absent, &nothing, Verdict::Unknown, "vault dr is not looked at"),
        ];
        for (name, copied_by, lag, failed, verdict, reason) in table {
            let judged = judge_copy(&data(copied_by), &copies(|_| ()), &lag, failed, Some(Seconds(900)), now);
            assert_eq!((judged.rpo, judged.max_lag, judged.role), (verdict, None, Role::Copy), "{name}");
            assert!(judged.reason.contains(reason), "{name}: {}", judged.reason);
        }
    }
    fn data(copied_by: &CopiedBy) -> S3Data {
        let bucket = |name: &str| BucketSite { bucket: BucketName::new(name).unwrap(), prefix: None };
        S3Data { primary: bucket("lake"), recovery: bucket("lake-dr"), copied_by: copied_by.clone() }
    }

    /// The plan's rule, but for this.
    fn copies(change: fn(&mut RuleView)) -> Sight<Vec<RuleView>> {
        let mut rule = RuleView {
            id: "everything".to_owned(),
            enabled: true,
            priority: 0,
            destination: "lake-dr".to_owned(),
            prefix: String::new(),
            tags: Vec::new(),
            delete_markers: false,
            kms_objects: true,
        };
        change(&mut rule);
        Sight::Found { found: vec![rule] }
    }

    #[test]
    fn a_good_figure_of_a_rule_that_leaves_something_out_says_nothing_and_a_bad_one_stays_bad() {
        let now: Timestamp = "2026-11-20T10:10:00Z".parse().unwrap();
        let rule = CopiedBy::ReplicationRule { id: ResourceName::new("everything").unwrap() };
        let figure = |lag| Sight::Found { found: LagSample { lag: Seconds(lag), observed_at: now, source: "m".to_owned() } };
        let unread = Sight::Unreached { reason: "no answer".to_owned() };
        for (why, rules) in [
            ("is disabled", copies(|rule| rule.enabled = false)),
            ("has no replication rule", copies(|rule| rule.id = "other".to_owned())),
            ("and not to lake-dr", copies(|rule| rule.destination = "elsewhere".to_owned())),
            ("only what is below", copies(|rule| rule.prefix = "in/".to_owned())),
            ("only objects with the tags", copies(|rule| rule.tags.push("kind=scan".to_owned()))),
            ("does not exist", Sight::Absent),
            ("is not known: no answer", unread),
        ] {
            let verdict = |lag, failed| {
                let failed = Sight::Found { found: failed };
                let judged = judge_copy(&data(&rule), &rules, &figure(lag), &failed, Some(Seconds(900)), now);
                assert!(judged.reason.contains(why) && judged.reason.contains("lake-dr is at most"), "{}", judged.reason);
                (judged.rpo, judged.lag_s)
            };
            assert_eq!(verdict(1, 0), (Verdict::Unknown, Some(1)), "{why}");
            assert_eq!(verdict(901, 0), (Verdict::Beyond, Some(901)), "{why}");
            assert_eq!(verdict(1, 1), (Verdict::Beyond, Some(1)), "{why}");
        }
    }
}
