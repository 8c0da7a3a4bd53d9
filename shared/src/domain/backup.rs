//! Freshness of backups against the recovery point objective, at a stated proof level.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::duration::Seconds;
use super::observation::{InstanceView, Sight, SnapshotView};
use super::replication::Verdict;

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

/// One database's backups, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupJudgement {
    /// The level reached; `None`: no backup was found or it could not be looked for.
    pub level: Option<ProofLevel>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What was not checked, said openly.
    pub not_checked: Vec<String>,
    /// The newest automated snapshot that is available.
    pub newest_snapshot: Option<String>,
    /// Its age in seconds.
    pub snapshot_age_s: Option<u64>,
    /// How old the newest point is that can be restored to, in seconds.
    pub restorable_age_s: Option<u64>,
    /// The newest restorable point against the RPO.
    pub freshness: Verdict,
    /// Why, as a sentence.
    pub reason: String,
}

/// Judges an instance's automated backups. At the objective itself it is not met any more. The newest restorable point decides: a snapshot is only the base that the logs are
/// replayed on, and RDS uploads logs about every five minutes.
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
        not_checked: vec![
            "content of the backup: it was neither read nor restored".to_owned(),
            "copy in the recovery Region".to_owned(),
        ],
        newest_snapshot: newest.map(|snapshot| snapshot.id.clone()),
        snapshot_age_s: snapshot_age.map(|age| age.0),
        restorable_age_s: restorable_age.map(|age| age.0),
        freshness,
        reason,
    }
}
