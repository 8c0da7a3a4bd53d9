//! Role and lag of a replica, judged against the objectives.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::observation::{InstanceView, LagSample, Sight};

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
    /// Where the figure comes from.
    pub source: Option<String>,
    /// Against the recovery point objective.
    pub rpo: Verdict,
    /// Against what a graceful switchover waits for.
    pub max_lag: Verdict,
    /// Why, as a sentence.
    pub reason: String,
}

/// Judges one replica. The age of the figure counts as lag: a replica that was 2 s behind ten minutes ago may be ten minutes
/// behind now.
#[must_use]
pub fn judge(
    name: &str,
    replica: &Sight<InstanceView>,
    lag: Option<&LagSample>,
    rpo: Option<Seconds>,
    max_lag: Seconds,
    now: Timestamp,
) -> ReplicaJudgement {
    let role = match replica {
        Sight::Found { found } if found.is_standalone() => Role::Standalone,
        Sight::Found { .. } => Role::Replica,
        Sight::Absent => Role::Absent,
        Sight::Unreached { .. } => Role::Unknown,
    };
    let at_worst = lag.map(|sample| sample.lag.plus(Seconds::between(sample.observed_at, now)));
    let replicating = role == Role::Replica && replica.found().and_then(|found| found.replicating) != Some(false);
    let compare = |limit: Option<Seconds>| match (replicating, at_worst, limit) {
        (true, Some(worst), Some(limit)) if worst <= limit => Verdict::Within,
        (true, Some(_), Some(_)) => Verdict::Beyond,
        _ => Verdict::Unknown,
    };
    let (rpo_verdict, max_lag_verdict) = (compare(rpo), compare(Some(max_lag)));
    let reason = match (role, at_worst) {
        (Role::Standalone, _) => format!("{name} replicates from nobody, so it protects nothing"),
        (Role::Absent, _) => format!("{name} does not exist"),
        (Role::Unknown, _) => format!("{name} could not be described: {}", replica.why_not()),
        (Role::Replica, _) if !replicating => format!("{name} is a replica whose replication does not run"),
        (Role::Replica, None) => format!("{name} reports no usable lag"),
        (Role::Replica, Some(worst)) => {
            format!("{name} is at most {worst} behind (objective {})", rpo.map_or("none".to_owned(), |rpo| rpo.to_string()))
        }
    };
    ReplicaJudgement {
        role,
        status: replica.found().map(|found| found.status.clone()),
        lag_s: lag.map(|sample| sample.lag.0),
        observed_at: lag.map(|sample| sample.observed_at),
        source: lag.map(|sample| sample.source.clone()),
        rpo: rpo_verdict,
        max_lag: max_lag_verdict,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
        let replicating = replica(Some("arn"), Some(true));
        let table = [
            ("fresh and near", &replicating, Some(sample(5, 10)), Verdict::Within),
            ("at the objective", &replicating, Some(sample(890, 10)), Verdict::Within),
            ("one second beyond", &replicating, Some(sample(891, 10)), Verdict::Beyond),
            ("near, but an old figure", &replicating, Some(sample(1, 1_000)), Verdict::Beyond),
            ("no figure", &replicating, None, Verdict::Unknown),
            ("replication stopped", &replica(Some("arn"), Some(false)), Some(sample(1, 1)), Verdict::Unknown),
            ("stands alone", &replica(None, None), Some(sample(1, 1)), Verdict::Unknown),
            ("absent", &Sight::Absent, Some(sample(1, 1)), Verdict::Unknown),
        ];
        for (name, sight, lag, verdict) in table {
            let judged = judge("r", sight, lag.as_ref(), Some(Seconds(900)), Seconds(30), now);
            assert_eq!(judged.rpo, verdict, "{name}");
        }
    }
}
