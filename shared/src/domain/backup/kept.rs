//! The backups that AWS keeps of one component, judged against the objective and against what the plan requires of them.

use jiff::Timestamp;

use crate::domain::duration::Seconds;
use crate::domain::plan::{Component, SiteName};
use crate::domain::replication::Verdict;

use super::declared::ManagedBackups;
use super::place::Place;
use super::{BackupJudgement, ProofLevel, declared_of, worst};

/// Judges the backups of a component whose services keep them in each Region: the first place is its own, the others are copies.
#[must_use]
pub fn judge_kept(
    name: &str,
    component: &Component,
    places: &[Place],
    rpo: Option<Seconds>,
    now: Timestamp,
) -> BackupJudgement {
    let Some((own, others)) = places.split_first() else {
        return BackupJudgement::unknown(format!("nothing says what is kept of {name}"));
    };
    let judged = judge_own(name, own, rpo, now);
    and_elsewhere(judged, name, component, others, rpo, now)
}

fn judge_own(name: &str, own: &Place, rpo: Option<Seconds>, now: Timestamp) -> BackupJudgement {
    let place = own.judged(name, rpo, now);
    let reason = match place.freshness {
        Verdict::Within => format!("{name} can be restored to within its objective"),
        Verdict::Beyond if own.holds_anything() => {
            format!("{name} can only be restored to a point older than its objective: {}", place.reason)
        }
        Verdict::Beyond => format!("{name} cannot be restored: {}", place.reason),
        Verdict::Unknown => format!("nothing proves that {name} can be restored: {}", place.reason),
    };
    let found = own.holds_anything();
    BackupJudgement {
        level: found.then_some(ProofLevel::Present),
        evidence: own.shown(now).map(|shown| format!("{}: {shown}", own.named())).into_iter().collect(),
        not_checked: std::iter::once(super::UNREAD.to_owned()).chain(own.undated()).collect(),
        findings: Vec::new(),
        newest_snapshot: None,
        snapshot_age_s: None,
        restorable_age_s: place.age_s,
        encrypted: place.encrypted,
        freshness: place.freshness,
        elsewhere: Vec::new(),
        reason,
    }
}

/// Adds the copies in the recovery Region and the vaults. What the plan requires of them and does not find is a finding; what it
/// does not require is shown all the same, and what could not be looked at is said to be unchecked.
#[must_use]
pub fn and_elsewhere(
    judged: BackupJudgement,
    name: &str,
    component: &Component,
    others: &[Place],
    rpo: Option<Seconds>,
    now: Timestamp,
) -> BackupJudgement {
    let declared = declared_of(component);
    let own_within = judged.freshness == Verdict::Within;
    let mut whole = Whole { judged, own_within, name, declared, rpo, now };
    for place in others {
        whole.add(place);
    }
    let copies: Vec<&Place> = others.iter().filter(|place| place.site() == SiteName::Recovery).collect();
    whole.copy(&copies);
    if declared.is_some_and(|declared| declared.encrypted) && whole.judged.level.is_some() {
        let (encrypted, own) = (whole.judged.encrypted, format!("the newest backup of {name}"));
        whole.encrypted(encrypted, &own);
    }
    whole.told()
}

struct Whole<'a> {
    judged: BackupJudgement,
    own_within: bool,
    name: &'a str,
    declared: Option<&'a ManagedBackups>,
    rpo: Option<Seconds>,
    now: Timestamp,
}

impl Whole<'_> {
    fn add(&mut self, place: &Place) {
        let vaults = self.declared.and_then(|declared| declared.vaults.as_ref());
        let required = vaults.filter(|_| place.is_vault()).map(|vaults| vaults.every);
        // Of a copy that the plan says nothing of, nothing but the component's own objective says how old it may be.
        let longest = required.or(self.declared.and_then(|declared| declared.copy_within)).or(self.rpo);
        let judgement = place.judged(self.name, longest, self.now);
        if let Some(shown) = place.shown(self.now) {
            self.judged.evidence.push(format!("{}: {shown}", place.named()));
        }
        self.judged.not_checked.extend(place.undated());
        if required.is_some() {
            self.judged.freshness = worst([self.judged.freshness, judgement.freshness]);
            if let Some(what) = lacking(judgement.freshness, place.holds_anything()) {
                self.judged.findings.push(format!("recovery_point_{what}: {}", judgement.reason));
            }
            self.has_to_be_encrypted(place);
        }
        self.judged.elsewhere.push(judgement);
    }

    /// Whether one of these is the copy that the plan requires.
    fn copy(&mut self, copies: &[&Place]) {
        let Some(within) = self.declared.and_then(|declared| declared.copy_within) else {
            for unseen in copies.iter().flat_map(|place| place.unseen()) {
                self.judged.not_checked.push(format!("copy in the recovery Region: {unseen}"));
            }
            return;
        };
        let now = self.now;
        let is = |place: &Place, verdict| place.freshness(Some(within), now) == verdict;
        if let Some(copy) = copies.iter().find(|place| is(place, Verdict::Within)) {
            return self.has_to_be_encrypted(copy);
        }
        let unknown = copies.is_empty() || copies.iter().any(|place| is(place, Verdict::Unknown));
        let verdict = if unknown { Verdict::Unknown } else { Verdict::Beyond };
        let reasons: Vec<String> = copies.iter().map(|place| place.reason(self.name, Some(within), now)).collect();
        let holds_anything = copies.iter().any(|place| place.holds_anything());
        self.judged.freshness = worst([self.judged.freshness, verdict]);
        if let Some(what) = lacking(verdict, holds_anything) {
            self.judged.findings.push(format!("copy_{what}: {}", reasons.join("; ")));
        }
    }

    fn has_to_be_encrypted(&mut self, place: &Place) {
        if self.declared.is_some_and(|declared| declared.encrypted) && place.holds_anything() {
            self.encrypted(place.encrypted(), &format!("the newest backup of {} in {}", self.name, place.named()));
        }
    }

    fn encrypted(&mut self, encrypted: Option<bool>, what: &str) {
        let finding = match encrypted {
            Some(true) => return,
            Some(false) => format!("not_encrypted: {what} is not encrypted at rest"),
            None => format!("encryption_unknown: nothing says whether {what} is encrypted at rest"),
        };
        if !self.judged.findings.contains(&finding) {
            self.judged.findings.push(finding);
        }
    }

    fn told(mut self) -> BackupJudgement {
        if !self.judged.findings.is_empty() {
            let own = (!self.own_within).then(|| self.judged.reason.clone());
            let all: Vec<String> = own.into_iter().chain(self.judged.findings.iter().cloned()).collect();
            self.judged.reason = all.join("; ");
        }
        self.judged
    }
}

/// What a required backup lacks, as the second half of a stable code.
fn lacking(verdict: Verdict, holds_anything: bool) -> Option<&'static str> {
    match verdict {
        Verdict::Within => None,
        Verdict::Beyond if holds_anything => Some("too_old"),
        Verdict::Beyond => Some("missing"),
        Verdict::Unknown => Some("unknown"),
    }
}
