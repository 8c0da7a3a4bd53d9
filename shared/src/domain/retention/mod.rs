//! Which backups go and which stay: grandfather, father and son, by the calendar of a named time zone.
//!
//! Only verified backups count, and only they go. A backup of which nobody knows whether it can be read stands for no day, and
//! nothing here removes it: somebody should look at it first.

mod calendar;
mod lifecycle;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use calendar::Class;
pub use lifecycle::{Contradiction, LifecycleRule, contradictions};

use super::backup::ProofLevel;
use super::described::Keep;
use super::duration::Seconds;
use super::identifier::Digest;

/// What is kept.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How many of each class.
    pub keep: Keep,
    /// By whose calendar.
    pub zone: TimeZone,
    /// The proof level from which on a backup counts.
    pub level: ProofLevel,
    /// What was completed within this time stays whatever the calendar says: a mistake in the policy, or backups with forged times,
    /// cost nothing of the last days.
    pub floor: Seconds,
    /// Of a hundred verified backups, how many one run may remove. One may always go.
    pub cap_percent: u32,
}

/// What is known of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was proven to this level.
    Verified {
        /// When it was complete, by its manifest. The time of the file or object is that of the last copy.
        completed_at: Timestamp,
        /// How far it was proven.
        level: ProofLevel,
    },
    /// Nothing proves it.
    Unverified {
        /// Why, as a sentence.
        why: String,
    },
}

/// A backup as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBackup {
    /// Its size.
    pub bytes: u64,
    /// What changes when its content does: an ETag, or size and time of the files.
    pub identity: String,
    /// What is known of it.
    pub standing: Standing,
}

/// A backup that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Staying {
    /// Its name.
    pub name: String,
    /// When it was complete.
    pub completed_at: Timestamp,
    /// Everything that keeps it.
    pub reasons: Vec<String>,
}

/// A backup that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Going {
    /// Its name.
    pub name: String,
    /// When it was complete.
    pub completed_at: Timestamp,
    /// Its size.
    pub bytes: u64,
    /// What changes when its content does.
    pub identity: String,
    /// Why nothing keeps it.
    pub reason: String,
}

/// A backup that neither counts nor goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftAlone {
    /// Its name.
    pub name: String,
    /// Why, as a sentence.
    pub reason: String,
}

/// What one run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sorted {
    /// What stays, the newest first.
    pub stays: Vec<Staying>,
    /// What goes in this run, the oldest first.
    pub goes: Vec<Going>,
    /// What nothing keeps either, and one run's limit leaves for the next.
    pub later: Vec<Going>,
    /// What is not touched and not counted.
    pub left_alone: Vec<LeftAlone>,
    /// The digest of where it is and of `goes`. Whoever applies the list states it, so that nothing goes that nobody has seen.
    pub digest: Digest,
}

/// A verified backup in the order of time.
struct Candidate<'a> {
    name: &'a str,
    found: &'a FoundBackup,
    completed_at: Timestamp,
}

/// Sorts the backups at a place into what stays and what goes.
#[must_use]
pub fn sort(place: &str, policy: &Policy, backups: &BTreeMap<String, FoundBackup>, now: Timestamp) -> Sorted {
    let (candidates, left_alone) = candidates(policy, backups, now);
    let classes: Vec<Kept> = Class::ALL.into_iter().map(|class| Kept::of(class, policy, &candidates)).collect();
    let (mut stays, mut goes) = (Vec::new(), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        let reasons = reasons_to_stay(policy, &classes, index, candidate, now);
        if reasons.is_empty() {
            goes.push(candidate.going(&classes, index, &candidates));
        } else {
            stays.push(Staying { name: candidate.name.to_owned(), completed_at: candidate.completed_at, reasons });
        }
    }
    goes.reverse();
    let later = goes.split_off(goes.len().min(most(candidates.len(), policy.cap_percent)));
    let digest = Digest::of_json(&(place, &goes));
    Sorted { stays, goes, later, left_alone, digest }
}

/// The backups that count, the newest first, and those that do not.
fn candidates<'a>(
    policy: &Policy,
    backups: &'a BTreeMap<String, FoundBackup>,
    now: Timestamp,
) -> (Vec<Candidate<'a>>, Vec<LeftAlone>) {
    let (mut candidates, mut left_alone) = (Vec::new(), Vec::new());
    for (name, found) in backups {
        let reason = match &found.standing {
            Standing::Unverified { why } => why.clone(),
            Standing::Verified { level, .. } if *level < policy.level => {
                format!("it is proven to level {}, and only {} counts", level.as_str(), policy.level.as_str())
            }
            Standing::Verified { completed_at, .. } if *completed_at > now => {
                format!("it claims to be of {completed_at}, which has not come")
            }
            Standing::Verified { completed_at, .. } => {
                candidates.push(Candidate { name, found, completed_at: *completed_at });
                continue;
            }
        };
        left_alone.push(LeftAlone { name: name.clone(), reason });
    }
    candidates.sort_by(|a, b| (b.completed_at, b.name).cmp(&(a.completed_at, a.name)));
    (candidates, left_alone)
}

/// What one class keeps: its units, the newest first, each with the backup that stands for it.
struct Kept {
    class: Class,
    count: u32,
    /// Of each candidate: its unit.
    unit_of: Vec<String>,
    /// Of each unit that is kept: its candidate.
    keepers: Vec<(String, usize)>,
}

impl Kept {
    fn of(class: Class, policy: &Policy, candidates: &[Candidate<'_>]) -> Self {
        let count = class.count(policy.keep);
        if count == 0 {
            return Self { class, count, unit_of: Vec::new(), keepers: Vec::new() };
        }
        let unit_of: Vec<String> =
            candidates.iter().map(|candidate| class.unit_of(candidate.completed_at, &policy.zone)).collect();
        let mut keepers: Vec<(String, usize)> = Vec::new();
        for (index, unit) in unit_of.iter().enumerate() {
            // A unit without a backup does not count: a week of failed backups must not cost the week before it.
            if keepers.len() < count as usize && !keepers.iter().any(|(known, _)| known == unit) {
                keepers.push((unit.clone(), index));
            }
        }
        Self { class, count, unit_of, keepers }
    }

    fn reason(&self, index: usize) -> Option<String> {
        let position = self.keepers.iter().position(|(_, keeper)| *keeper == index)?;
        let (unit, _) = self.keepers.get(position)?;
        Some(format!("newest of {} {unit} ({} of {})", self.class.unit(), position + 1, self.count))
    }

    fn why_not(&self, index: usize, candidates: &[Candidate<'_>]) -> Option<String> {
        let unit = self.unit_of.get(index)?;
        let word = self.class.unit();
        Some(match self.keepers.iter().find(|(known, _)| known == unit) {
            Some((_, keeper)) => {
                format!("{} stands for {word} {unit}", candidates.get(*keeper).map_or("another", |keeper| keeper.name))
            }
            None => format!("{word} {unit} is before the {} kept", self.count),
        })
    }
}

fn reasons_to_stay(
    policy: &Policy,
    classes: &[Kept],
    index: usize,
    candidate: &Candidate<'_>,
    now: Timestamp,
) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if index == 0 {
        reasons.push("the newest that is verified".to_owned());
    }
    reasons.extend(classes.iter().filter_map(|class| class.reason(index)));
    if policy.floor > Seconds(0) && candidate.completed_at >= policy.floor.before(now) {
        reasons.push(format!("not older than {}", policy.floor));
    }
    reasons
}

impl Candidate<'_> {
    fn going(&self, classes: &[Kept], index: usize, candidates: &[Candidate<'_>]) -> Going {
        let why: Vec<String> = classes.iter().filter_map(|class| class.why_not(index, candidates)).collect();
        Going {
            name: self.name.to_owned(),
            completed_at: self.completed_at,
            bytes: self.found.bytes,
            identity: self.found.identity.clone(),
            reason: why.join("; "),
        }
    }
}

/// How many of so many one run may remove.
fn most(verified: usize, percent: u32) -> usize {
    (verified.saturating_mul(percent as usize) / 100).max(1)
}
