//! Freshness of backups against the recovery point objective, at a stated proof level.

mod declared;
mod kept;
mod place;
mod source;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::observation::{InstanceView, Sight, SnapshotView};
use super::replication::Verdict;

pub use declared::{BackupVaults, ManagedBackups};
pub use kept::{and_elsewhere, judge_kept};
pub use place::{Looked, Place, PlaceJudgement};
pub use source::{BackupSource, KeptView, SourceAt, declared_of, protected, sources_of};

/// What no look at what a service keeps can tell.
const UNREAD: &str = "content of the backup: it was neither read nor restored";

/// How far a backup is proven. Each level contains the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofLevel {
    /// The service says that it exists and is complete.
    Present,
    /// Its table of contents can be read to the end.
    Listed,
    /// Every byte is the byte that was written.
    Intact,
    /// Every entry decodes to its end.
    Decodable,
    /// Its rows are those that were expected.
    Consistent,
    /// It was restored, and queries answered.
    Restorable,
}

impl ProofLevel {
    /// As written in plans and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Listed => "listed",
            Self::Intact => "intact",
            Self::Decodable => "decodable",
            Self::Consistent => "consistent",
            Self::Restorable => "restorable",
        }
    }
}

/// The backups that AWS keeps of one component, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupJudgement {
    /// The level reached; `None`: no backup was found or it could not be looked for.
    pub level: Option<ProofLevel>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What was not checked, said openly.
    pub not_checked: Vec<String>,
    /// What the plan requires and was not found, each with its stable code in front.
    pub findings: Vec<String>,
    /// Of an RDS instance: the newest automated snapshot that is available.
    pub newest_snapshot: Option<String>,
    /// Its age in seconds.
    pub snapshot_age_s: Option<u64>,
    /// How old the newest point is that can be restored to, in seconds.
    pub restorable_age_s: Option<u64>,
    /// Whether the newest backup is encrypted at rest, where its service says.
    pub encrypted: Option<bool>,
    /// The newest restorable point against the RPO, and every place that the plan requires a backup in: the worst.
    pub freshness: Verdict,
    /// Copies in the recovery Region, and recovery points in vaults.
    pub elsewhere: Vec<PlaceJudgement>,
    /// Why, as a sentence.
    pub reason: String,
}

impl BackupJudgement {
    /// Of a component that nothing is known of.
    fn unknown(reason: String) -> Self {
        Self {
            level: None,
            evidence: Vec::new(),
            not_checked: Vec::new(),
            findings: Vec::new(),
            newest_snapshot: None,
            snapshot_age_s: None,
            restorable_age_s: None,
            encrypted: None,
            freshness: Verdict::Unknown,
            elsewhere: Vec::new(),
            reason,
        }
    }
}

/// The worst of several verdicts; unknown where there are none.
pub(super) fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::Within => 0,
        Verdict::Unknown => 1,
        Verdict::Beyond => 2,
    };
    verdicts.into_iter().max_by_key(rank).unwrap_or(Verdict::Unknown)
}

/// Judges an instance's automated backups in its own Region. At the objective itself it is not met any more. The newest restorable
/// point decides: a snapshot is only the base that the logs are replayed on, and RDS uploads logs about every five minutes.
#[must_use]
pub fn judge(
    name: &str,
    instance: &Sight<InstanceView>,
    snapshot: &Sight<SnapshotView>,
    rpo: Option<Seconds>,
    now: Timestamp,
) -> BackupJudgement {
    let restorable = instance.found().and_then(|found| found.latest_restorable);
    let restorable_age = restorable.map(|at| Seconds::between(at, now));
    let newest = snapshot.found();
    let snapshot_age = newest.map(|snapshot| Seconds::between(snapshot.created_at, now));
    let mut evidence = Vec::new();
    if let (Some(snapshot), Some(age)) = (newest, snapshot_age) {
        evidence.push(format!("automated snapshot {} is available and {age} old", snapshot.id));
    }
    if let (Some(at), Some(age)) = (restorable, restorable_age) {
        evidence.push(format!("latest restorable time is {at}, {age} ago"));
    }
    let freshness = match (newest, restorable_age, rpo) {
        (Some(_), Some(age), Some(rpo)) if age < rpo => Verdict::Within,
        (Some(_), Some(_), Some(_)) => Verdict::Beyond,
        _ => Verdict::Unknown,
    };
    let reason = match freshness {
        Verdict::Within => format!("{name} can be restored to within its objective"),
        Verdict::Beyond => format!("{name} can only be restored to a point older than its objective"),
        Verdict::Unknown => format!(
            "nothing proves that {name} can be restored: snapshot {}, instance {}",
            snapshot.why_not(),
            if restorable.is_some() { "has a restorable time" } else { instance.why_not() }
        ),
    };
    BackupJudgement {
        level: newest.map(|_| ProofLevel::Present),
        evidence,
        not_checked: vec![UNREAD.to_owned()],
        findings: Vec::new(),
        newest_snapshot: newest.map(|snapshot| snapshot.id.clone()),
        snapshot_age_s: snapshot_age.map(|age| age.0),
        restorable_age_s: restorable_age.map(|age| age.0),
        encrypted: newest.and_then(|snapshot| snapshot.encrypted),
        freshness,
        elsewhere: Vec::new(),
        reason,
    }
}

#[cfg(test)]
mod tests;
