//! One place where backups are kept, a Region's or a vault's, judged by the newest that it holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::duration::Seconds;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::observation::Sight;
use crate::domain::plan::SiteName;
use crate::domain::replication::Verdict;

use super::source::{BackupSource, KeptView};

/// A service's clock and ours may differ by so much; what is dated later was dated by nobody who knows.
const SKEW: Seconds = Seconds(900);
/// Entries of no use that a reason names; there may be thousands.
const MOST_NAMED: usize = 3;

/// A list, and what it was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// The site in whose Region it was asked for.
    pub site: SiteName,
    /// The list.
    pub source: BackupSource,
    /// Its entries.
    pub sight: Sight<Vec<KeptView>>,
}

/// A place: the backups that a service keeps in a Region, or those in one vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    site: SiteName,
    region: Region,
    vault: Option<ResourceName>,
    newest: Option<Newest>,
    /// What is there and of no use, each with the reason.
    useless: Vec<String>,
    /// What could not be looked at, each with the reason.
    unseen: Vec<String>,
}

/// The newest backup of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Newest {
    id: String,
    entry: &'static str,
    at: Timestamp,
    encrypted: Option<bool>,
    /// Dated by when it was copied: what it holds may be older.
    dated_when_copied: bool,
}

/// A place, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceJudgement {
    /// The site.
    pub site: SiteName,
    /// Its Region.
    pub region: Region,
    /// The vault, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<ResourceName>,
    /// What holds the newest moment.
    pub newest: Option<String>,
    /// That moment.
    pub restorable_to: Option<Timestamp>,
    /// How long ago it is, in seconds.
    pub age_s: Option<u64>,
    /// Whether that backup is encrypted at rest, where its service says.
    pub encrypted: Option<bool>,
    /// Against how old it may be: at that age it is beyond. Unknown where nothing says how old it may be.
    pub freshness: Verdict,
    /// Why, as a sentence.
    pub reason: String,
}

impl Place {
    /// The places that these lists are of: each Region's own, and each vault, in the order of the lists.
    #[must_use]
    pub fn of(regions: impl Fn(SiteName) -> Region, looked: &[Looked], now: Timestamp) -> Vec<Self> {
        let mut places: Vec<Self> = Vec::new();
        for each in looked {
            let vault = match &each.source {
                BackupSource::Vault { vault, .. } => Some(vault.clone()),
                _ => None,
            };
            let known = places.iter().position(|place| place.site == each.site && place.vault == vault);
            let index = known.unwrap_or_else(|| {
                let region = regions(each.site);
                let (useless, unseen) = (Vec::new(), Vec::new());
                places.push(Self { site: each.site, region, vault, newest: None, useless, unseen });
                places.len() - 1
            });
            if let Some(place) = places.get_mut(index) {
                place.add(each, looked, now);
            }
        }
        places
    }

    /// The site.
    #[must_use]
    pub fn site(&self) -> SiteName {
        self.site
    }

    /// Whether it is a vault.
    #[must_use]
    pub fn is_vault(&self) -> bool {
        self.vault.is_some()
    }

    /// Whether it holds anything to restore from.
    #[must_use]
    pub fn holds_anything(&self) -> bool {
        self.newest.is_some()
    }

    /// Whether its newest backup is encrypted at rest, where its service says.
    #[must_use]
    pub fn encrypted(&self) -> Option<bool> {
        self.newest.as_ref()?.encrypted
    }

    /// The newest backup and its age, as a part of a sentence.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Option<String> {
        let newest = self.newest.as_ref()?;
        let age = Seconds::between(newest.at, now);
        Some(format!("{} {}, {age} old", newest.entry, newest.id))
    }

    /// What the date of its newest backup does not say.
    #[must_use]
    pub fn undated(&self) -> Option<String> {
        let newest = self.newest.as_ref().filter(|newest| newest.dated_when_copied)?;
        Some(format!("when the snapshot was taken that {} is a copy of: only when it was copied is known", newest.id))
    }

    /// What could not be looked at.
    #[must_use]
    pub fn unseen(&self) -> &[String] {
        &self.unseen
    }

    fn add(&mut self, each: &Looked, all: &[Looked], now: Timestamp) {
        let entry = each.source.entry();
        let kept = match &each.sight {
            Sight::Found { found } => found,
            // The table, the cluster or the vault itself is not there: so nothing is kept of it.
            Sight::Absent => return self.useless.push(format!("{} does not exist", each.source.resource())),
            Sight::Unreached { reason } => return self.unseen.push(reason.clone()),
        };
        for kept in kept.iter().filter(|kept| each.source.is_of(kept)) {
            let named = format!("{entry} {}", kept.id);
            let Some(at) = kept.holds_until else {
                self.useless.push(format!("{named} ({}) does not say what it holds", kept.status));
                continue;
            };
            if !each.source.counts(&kept.status) {
                self.useless.push(format!("{named} is {}", kept.status));
            } else if at > SKEW.after(now) {
                self.useless.push(format!("{named} is dated {at}, which is yet to come"));
            } else {
                let (at, dated_when_copied) = taken(kept, at, all);
                let found = Newest { id: kept.id.clone(), entry, at, encrypted: kept.encrypted, dated_when_copied };
                if self.newest.as_ref().is_none_or(|newest| newest.at < at) {
                    self.newest = Some(found);
                }
            }
        }
    }

    /// The place against how old its newest backup may be. At that age it is too old: the objective is not met any more.
    #[must_use]
    pub fn freshness(&self, longest: Option<Seconds>, now: Timestamp) -> Verdict {
        match (&self.newest, longest) {
            (Some(newest), Some(longest)) if Seconds::between(newest.at, now) < longest => Verdict::Within,
            // What was not looked at may be younger.
            (_, Some(_)) if self.unseen.is_empty() => Verdict::Beyond,
            _ => Verdict::Unknown,
        }
    }

    /// Judges it.
    #[must_use]
    pub fn judged(&self, name: &str, longest: Option<Seconds>, now: Timestamp) -> PlaceJudgement {
        PlaceJudgement {
            site: self.site,
            region: self.region.clone(),
            vault: self.vault.clone(),
            newest: self.newest.as_ref().map(|newest| newest.id.clone()),
            restorable_to: self.newest.as_ref().map(|newest| newest.at),
            age_s: self.newest.as_ref().map(|newest| Seconds::between(newest.at, now).0),
            encrypted: self.encrypted(),
            freshness: self.freshness(longest, now),
            reason: self.reason(name, longest, now),
        }
    }

    /// Where it is, as a part of a sentence.
    #[must_use]
    pub fn named(&self) -> String {
        match &self.vault {
            Some(vault) => format!("vault {vault} of {}", self.region),
            None => self.region.to_string(),
        }
    }

    /// How it stands, as a sentence.
    #[must_use]
    pub fn reason(&self, name: &str, longest: Option<Seconds>, now: Timestamp) -> String {
        let place = self.named();
        let mut reason = match self.shown(now) {
            Some(shown) => {
                let longest = longest.map(|longest| format!("; it may be {longest}")).unwrap_or_default();
                format!("the newest backup of {name} in {place} is {shown}{longest}")
            }
            None if self.unseen.is_empty() => format!("there is no backup of {name} in {place}"),
            None => format!("whether there is a backup of {name} in {place} is not known"),
        };
        if self.newest.is_none() || self.freshness(longest, now) == Verdict::Beyond {
            for useless in self.useless.iter().take(MOST_NAMED) {
                reason.push_str(&format!("; {useless}"));
            }
        }
        for unseen in &self.unseen {
            reason.push_str(&format!("; not looked at: {unseen}"));
        }
        reason
    }
}

/// When an entry's content was taken, and whether that is only when it was copied: the original, where it is listed, knows better.
fn taken(kept: &KeptView, at: Timestamp, all: &[Looked]) -> (Timestamp, bool) {
    let Some(source) = &kept.copied_from else { return (at, false) };
    let entries = all.iter().filter_map(|looked| looked.sight.found()).flatten();
    let mut original = entries.filter(|entry| {
        let region = entry.origin.as_ref().is_some_and(|region| source.contains(&format!(":{region}:")));
        region && entry.copied_from.is_none() && source.ends_with(&format!(":cluster-snapshot:{}", entry.id))
    });
    match original.find_map(|original| original.holds_until) {
        Some(original) => (original.min(at), false),
        None => (at, true),
    }
}
