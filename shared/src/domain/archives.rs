//! Archives of a database in S3: which one is the newest, how old it is, and what reading it proves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::backup::{ProofLevel, worst};
use super::described::{ArchiveFormat, BackupArchives, BucketSite};
use super::duration::Seconds;
use super::identifier::Region;
use super::observation::Sight;
use super::plan::SiteName;
use super::replication::Verdict;

/// What a manifest's name ends with. The rest is the archive's name.
pub const MANIFEST: &str = ".manifest.json";
/// The table of contents that every directory archive has.
pub const CONTENTS: &str = "toc.dat";
/// A listing and the clock of whoever reads it may differ by so much; what is dated later was dated by nobody who knows.
const SKEW: Seconds = Seconds(900);
/// The local time that is farthest behind UTC.
const FARTHEST_BEHIND: Seconds = Seconds(12 * 3_600);
/// The local time that is farthest ahead of UTC.
const FARTHEST_AHEAD: Seconds = Seconds(14 * 3_600);
/// So long an upload may take whose manifest was made while it was dumped.
const LONGEST_UPLOAD: Seconds = Seconds(6 * 3_600);

/// An object as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// The key.
    pub key: String,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified_at: Timestamp,
}

/// A file of an archive that is several objects, as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its key, without what all their keys begin with.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// What changes with its content, where the listing says it.
    pub etag: Option<String>,
}

/// An object that was looked at, and will be read as it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectView {
    /// The key.
    pub key: String,
    /// The Region that its bucket is in.
    pub region: String,
    /// Its size.
    pub bytes: u64,
    /// What changes with its content.
    pub etag: String,
    /// CRC-64/NVME of the whole object in base 64, where S3 keeps it.
    pub crc64nvme: Option<String>,
    /// How it is encrypted at rest, in S3's words.
    pub encryption: Option<String>,
    /// Under which key of KMS, where it is under one.
    pub kms_key: Option<String>,
    /// A storage class other than the standard one.
    pub storage_class: Option<String>,
}

/// The archives among these objects, the newest first. Everything below the prefix is one, except manifests and what consoles make
/// to show a folder: a name nobody expected is no reason to take an older archive for the newest.
#[must_use]
pub fn archives(objects: &[StoredObject], format: ArchiveFormat) -> Vec<StoredObject> {
    let files = objects.iter().filter(|object| !object.key.ends_with(MANIFEST) && !object.key.ends_with('/'));
    let mut found: Vec<StoredObject> = match format {
        ArchiveFormat::Custom | ArchiveFormat::Tar => files.cloned().collect(),
        ArchiveFormat::Directory => directories(files),
    };
    found.sort_by(|a, b| (b.modified_at, &b.key).cmp(&(a.modified_at, &a.key)));
    found
}

/// Directories with a table of contents: as old as their youngest file.
fn directories<'a>(files: impl Iterator<Item = &'a StoredObject>) -> Vec<StoredObject> {
    let mut found: BTreeMap<&str, (StoredObject, bool)> = BTreeMap::new();
    for file in files {
        let (directory, name) = file.key.rsplit_once('/').unwrap_or(("", &file.key));
        let empty = || (StoredObject { key: directory.to_owned(), bytes: 0, modified_at: Timestamp::MIN }, false);
        let (whole, has_contents) = found.entry(directory).or_insert_with(empty);
        whole.bytes = whole.bytes.saturating_add(file.bytes);
        whole.modified_at = whole.modified_at.max(file.modified_at);
        *has_contents |= name == CONTENTS;
    }
    found.into_values().filter(|(_, has_contents)| *has_contents).map(|(whole, _)| whole).collect()
}

/// How old the newest archive may be: the recovery point objective of the archives where the plan states one, otherwise the time
/// between two of them. They are for corruption, so the objective of the database itself is not theirs.
#[must_use]
pub fn longest_age(archives: &BackupArchives, rpo: Option<Seconds>) -> Seconds {
    rpo.unwrap_or(archives.every)
}

/// The archives of one site, as they were listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// The site.
    pub site: SiteName,
    /// Its Region.
    pub region: Region,
    /// The bucket.
    pub place: BucketSite,
    /// What is there, the newest first.
    pub archives: Sight<Vec<StoredObject>>,
    /// The manifests beside them.
    pub manifests: BTreeSet<String>,
}

impl Shelf {
    /// A place as it was listed.
    #[must_use]
    pub fn of(
        site: SiteName,
        region: &Region,
        place: &BucketSite,
        format: ArchiveFormat,
        listed: Sight<Vec<StoredObject>>,
    ) -> Self {
        let (region, place) = (region.clone(), place.clone());
        let objects = listed.found().map(Vec::as_slice).unwrap_or_default();
        let manifests = objects.iter().filter(|object| object.key.ends_with(MANIFEST)).map(|object| object.key.clone());
        let manifests = manifests.collect();
        let archives = match &listed {
            Sight::Found { found } => Sight::Found { found: archives(found, format) },
            Sight::Absent => Sight::Absent,
            Sight::Unreached { reason } => Sight::Unreached { reason: reason.clone() },
        };
        Self { site, region, place, archives, manifests }
    }

    /// The manifest of an archive, where there is one.
    #[must_use]
    pub fn manifest_of(&self, key: &str) -> Option<&str> {
        self.manifests.get(&format!("{key}{MANIFEST}")).map(String::as_str)
    }

    /// The manifest of the newest archive before this one that has any.
    #[must_use]
    pub fn manifest_before(&self, key: &str) -> Option<&str> {
        let all = self.archives.found()?.iter();
        all.skip_while(|archive| archive.key != key).skip(1).find_map(|archive| self.manifest_of(&archive.key))
    }

    /// The newest archive.
    #[must_use]
    pub fn newest(&self) -> Option<&StoredObject> {
        self.archives.found()?.first()
    }
}

/// One site's archives, judged by what a listing shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfJudgement {
    /// The site.
    pub site: SiteName,
    /// Its Region.
    pub region: Region,
    /// The bucket.
    pub bucket: String,
    /// The newest archive's key.
    pub newest: Option<String>,
    /// Its size.
    pub bytes: Option<u64>,
    /// When it was written.
    pub modified_at: Option<Timestamp>,
    /// Its age in seconds.
    pub age_s: Option<u64>,
    /// Against how old it may be. At that age it is beyond: the objective is not met any more.
    pub freshness: Verdict,
    /// Why, as a sentence.
    pub reason: String,
}

/// Judges one site's archives by their listing.
#[must_use]
pub fn judge_shelf(shelf: &Shelf, longest: Seconds, now: Timestamp) -> ShelfJudgement {
    let place = format!("s3://{}", shelf.place.below());
    let newest = shelf.newest();
    let age = newest.map(|newest| Seconds::between(newest.modified_at, now));
    let (freshness, reason) = match (&shelf.archives, newest, age) {
        (_, Some(newest), Some(age)) => {
            let named = format!("s3://{}/{}", shelf.place.bucket, newest.key);
            if newest.modified_at > SKEW.after(now) {
                (Verdict::Unknown, format!("{named} is dated {}, which is yet to come", newest.modified_at))
            } else if newest.bytes == 0 {
                (Verdict::Unknown, format!("{named} is empty"))
            } else if age < longest {
                (Verdict::Within, format!("{named} is {age} old; it may be {longest}"))
            } else {
                (Verdict::Beyond, format!("{named} is the newest archive and {age} old; it may be {longest}"))
            }
        }
        (Sight::Found { .. }, ..) => (Verdict::Beyond, format!("there is no archive in {place}")),
        (Sight::Absent, ..) => (Verdict::Beyond, format!("there is no bucket {}", shelf.place.bucket)),
        (Sight::Unreached { reason }, ..) => (Verdict::Unknown, format!("{place} could not be listed: {reason}")),
    };
    ShelfJudgement {
        site: shelf.site,
        region: shelf.region.clone(),
        bucket: shelf.place.bucket.to_string(),
        newest: newest.map(|newest| newest.key.clone()),
        bytes: newest.map(|newest| newest.bytes),
        modified_at: newest.map(|newest| newest.modified_at),
        age_s: age.map(|age| age.0),
        freshness,
        reason,
    }
}

/// The shelf whose newest archive is read: the recovery site's, because that is where it is restored when the primary site is gone,
/// and reading it there crosses no Region; the primary's where the other has none.
#[must_use]
pub fn read_from(shelves: &[Shelf]) -> Option<&Shelf> {
    let at = |site: SiteName| shelves.iter().find(move |shelf| shelf.site == site && shelf.newest().is_some());
    at(SiteName::Recovery).or_else(|| at(SiteName::Primary))
}

/// When an archive was dumped, by what it says itself. S3 only knows when an object was written: an archive of last month that somebody
/// uploads again is as young to it as last night's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dumped {
    /// When the dump began by the clock of the machine that ran pg_dump; in which time zone, the archive does not tell.
    pub local: String,
    /// When its manifest was made, where it has one: the dump is no younger.
    pub recorded_at: Option<Timestamp>,
}

/// Judges an archive's own date. `None`: it may be as young as it has to be.
#[must_use]
pub fn judge_date(dumped: &Dumped, longest: Seconds, now: Timestamp) -> Option<(Verdict, String)> {
    let local = &dumped.local;
    let Some(as_utc) = local.parse::<DateTime>().ok().and_then(|local| TimeZone::UTC.to_timestamp(local).ok()) else {
        return Some((Verdict::Unknown, format!("the archive's own date, {local}, is none")));
    };
    if FARTHEST_AHEAD.before(as_utc) > SKEW.after(now) {
        return Some((Verdict::Unknown, format!("the archive's own date, {local}, is yet to come in every time zone")));
    }
    let by_header = FARTHEST_BEHIND.after(as_utc);
    let (latest, whose) = match dumped.recorded_at.map(|recorded| LONGEST_UPLOAD.after(recorded)) {
        Some(recorded) if recorded < by_header => (recorded, "by its manifest"),
        _ => (by_header, "in every time zone"),
    };
    let age = Seconds::between(latest, now);
    (age >= longest).then(|| {
        let sentence = format!("whenever it was uploaded, it was dumped at {local} local time and is at least {age} old {whose}; it may be {longest}");
        (Verdict::Beyond, sentence)
    })
}

/// What is proven of one archive.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Proof {
    /// The level reached.
    pub level: Option<ProofLevel>,
    /// When it was dumped, if it was read so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dumped: Option<Dumped>,
    /// What proves it.
    pub evidence: Vec<String>,
    /// What was not checked, said openly.
    pub not_checked: Vec<String>,
    /// What was found, each with its stable code in front.
    pub findings: Vec<String>,
}

/// The archives of one component, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivesJudgement {
    /// The archive that was looked into.
    pub archive: Option<String>,
    /// The level that was asked for.
    pub required: ProofLevel,
    /// The archive's proof.
    #[serde(flatten)]
    pub proof: Proof,
    /// The worst of the sites, and of the archive's own date.
    pub freshness: Verdict,
    /// Each site.
    pub sites: Vec<ShelfJudgement>,
    /// Whether level and freshness hold.
    pub sufficient: bool,
    /// Why, as a sentence.
    pub reason: String,
}

/// Judges archives: sufficient when the newest archive of every site is young enough, and the one that was read reaches the level
/// without a finding and is not older than its upload makes it look. Of an archive that was asked for by name there are no sites and
/// no age that it may have: its level alone decides.
#[must_use]
pub fn judge(
    archive: Option<String>,
    required: ProofLevel,
    proof: Proof,
    sites: Vec<ShelfJudgement>,
    age: Option<(Seconds, Timestamp)>,
) -> ArchivesJudgement {
    let own_date = proof.dumped.as_ref().zip(age).and_then(|(dumped, (longest, now))| judge_date(dumped, longest, now));
    let freshness = worst(sites.iter().map(|site| site.freshness).chain(own_date.as_ref().map(|(verdict, _)| *verdict)));
    let reached = proof.level.is_some_and(|level| level >= required);
    let mut lacking: Vec<String> = Vec::new();
    if let Some(finding) = proof.findings.first() {
        lacking.push(finding.clone());
    } else if !reached {
        let level = proof.level.map_or("none", ProofLevel::as_str);
        let why = proof.not_checked.first().map(|why| format!(": {why}")).unwrap_or_default();
        lacking.push(format!("{} is required and {level} was reached{why}", required.as_str()));
    }
    lacking.extend(sites.iter().filter(|site| site.freshness != Verdict::Within).map(|site| site.reason.clone()));
    lacking.extend(own_date.map(|(_, reason)| reason));
    let sufficient = lacking.is_empty();
    let reason = match (&archive, proof.level) {
        (Some(archive), Some(level)) if sufficient => {
            let young = if sites.is_empty() { "" } else { ", and the newest archive of every site is young enough" };
            format!("{archive} is proven {}{young}", level.as_str())
        }
        _ => lacking.join("; "),
    };
    ArchivesJudgement { archive, required, proof, freshness, sites, sufficient, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identifier::BucketName;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn object(key: &str, bytes: u64, age: u64) -> StoredObject {
        StoredObject { key: key.to_owned(), bytes, modified_at: Seconds(age).before(now()) }
    }

    fn shelf(site: SiteName, archives: Sight<Vec<StoredObject>>) -> Shelf {
        let place = BucketSite { bucket: BucketName::new("clinic").unwrap(), prefix: None };
        Shelf { site, region: Region::new("us-west-2").unwrap(), place, archives, manifests: BTreeSet::new() }
    }

    fn found(archives: Vec<StoredObject>) -> Sight<Vec<StoredObject>> {
        Sight::Found { found: archives }
    }

    fn freshness(archives: Sight<Vec<StoredObject>>) -> Verdict {
        judge_shelf(&shelf(SiteName::Primary, archives), Seconds(3_600), now()).freshness
    }

    fn keys(objects: &[StoredObject], format: ArchiveFormat) -> Vec<String> {
        archives(objects, format).into_iter().map(|archive| archive.key).collect()
    }

    #[test]
    fn the_newest_is_what_was_written_last_and_no_manifest_or_folder() {
        let objects = [
            object("pg/", 0, 1),
            object("pg/b.dump", 10, 50),
            object("pg/b.dump.manifest.json", 10, 2),
            object("pg/a.dump", 10, 40),
            object("pg/upload-that-failed", 0, 60),
        ];
        assert_eq!(keys(&objects, ArchiveFormat::Custom), ["pg/a.dump", "pg/b.dump", "pg/upload-that-failed"]);
    }

    #[test]
    fn a_directory_is_one_archive_as_old_as_its_youngest_file_and_none_without_its_contents() {
        let objects = [
            object("pg/monday/toc.dat", 1, 90),
            object("pg/monday/3397.dat.gz", 20, 95),
            object("pg/tuesday/toc.dat", 1, 30),
            object("pg/tuesday/3397.dat.gz", 20, 20),
            object("pg/half/3397.dat.gz", 20, 5),
        ];
        let found = archives(&objects, ArchiveFormat::Directory);
        assert_eq!(found, [object("pg/tuesday", 21, 20), object("pg/monday", 21, 90)]);
    }

    #[test]
    fn at_the_age_that_it_may_have_an_archive_is_too_old() {
        for (age, expected) in [(3_599, Verdict::Within), (3_600, Verdict::Beyond), (3_601, Verdict::Beyond)] {
            assert_eq!(freshness(found(vec![object("a", 1, age)])), expected, "{age}");
        }
    }

    #[test]
    fn nothing_an_empty_object_one_from_the_future_and_no_answer_are_never_good() {
        assert_eq!(freshness(found(Vec::new())), Verdict::Beyond);
        assert_eq!(freshness(Sight::Absent), Verdict::Beyond);
        assert_eq!(freshness(Sight::Unreached { reason: "denied".to_owned() }), Verdict::Unknown);
        assert_eq!(freshness(found(vec![object("a", 0, 10)])), Verdict::Unknown);
        let tomorrow = StoredObject { modified_at: Seconds(86_400).after(now()), ..object("a", 1, 0) };
        assert_eq!(freshness(found(vec![tomorrow])), Verdict::Unknown);
    }

    #[test]
    fn the_copy_in_the_recovery_site_is_read_where_there_is_one() {
        let primary = || shelf(SiteName::Primary, found(vec![object("p", 1, 10)]));
        let read = |shelves: &[Shelf]| read_from(shelves).map(|shelf| shelf.site);
        let recovery = |archives| shelf(SiteName::Recovery, archives);
        assert_eq!(read(&[primary(), recovery(found(vec![object("p", 1, 10)]))]), Some(SiteName::Recovery));
        assert_eq!(read(&[primary(), recovery(Sight::Absent)]), Some(SiteName::Primary));
        assert_eq!(read(&[primary()]), Some(SiteName::Primary));
        assert_eq!(read(&[recovery(found(Vec::new()))]), None);
    }

    fn judged(level: Option<ProofLevel>, findings: &[&str], ages: &[u64]) -> ArchivesJudgement {
        let sites = ages.iter().map(|age| shelf(SiteName::Primary, found(vec![object("a", 1, *age)])));
        let sites = sites.map(|shelf| judge_shelf(&shelf, Seconds(3_600), now())).collect();
        let findings = findings.iter().map(|finding| (*finding).to_owned()).collect();
        let proof = Proof { level, findings, ..Proof::default() };
        judge(Some("s3://clinic/a".to_owned()), ProofLevel::Decodable, proof, sites, None)
    }

    fn dated(local: &str, recorded_at: Option<&str>) -> Option<Verdict> {
        let dumped = Dumped { local: local.to_owned(), recorded_at: recorded_at.map(|at| at.parse().unwrap()) };
        judge_date(&dumped, Seconds(24 * 3_600), now()).map(|(verdict, _)| verdict)
    }

    #[test]
    fn an_archive_is_never_younger_than_its_own_date_in_the_time_zone_that_makes_it_youngest() {
        assert_eq!(dated("2026-11-20T02:00:00", None), None);
        // Noon of the day before, in UTC-12, is midnight in UTC.
        assert_eq!(dated("2026-11-19T00:00:01", None), None);
        assert_eq!(dated("2026-11-19T00:00:00", None), Some(Verdict::Beyond));
        assert_eq!(dated("2025-11-20T02:00:00", None), Some(Verdict::Beyond));
        // In UTC+14 it may be tomorrow by now, and a quarter of an hour is nobody's fault.
        assert_eq!(dated("2026-11-21T02:15:00", None), None);
        assert_eq!(dated("2026-11-21T02:15:01", None), Some(Verdict::Unknown));
        assert_eq!(dated("2026-02-31T02:00:00", None), Some(Verdict::Unknown));
    }

    #[test]
    fn an_archive_is_no_younger_than_its_manifest() {
        // Six hours are what an upload may take.
        assert_eq!(dated("2026-11-19T14:00:00", Some("2026-11-19T06:00:01Z")), None);
        assert_eq!(dated("2026-11-19T14:00:00", Some("2026-11-19T06:00:00Z")), Some(Verdict::Beyond));
        // One that was made later, of a file that had lain there for long, makes nothing younger.
        assert_eq!(dated("2026-11-18T02:00:00", Some("2026-11-20T11:00:00Z")), Some(Verdict::Beyond));
    }

    #[test]
    fn sufficient_needs_the_level_no_finding_and_a_young_archive_in_every_site() {
        assert!(judged(Some(ProofLevel::Decodable), &[], &[10, 20]).sufficient);
        assert!(judged(Some(ProofLevel::Consistent), &[], &[10]).sufficient);
        assert!(judged(Some(ProofLevel::Decodable), &[], &[]).sufficient, "asked for by its name");
        for (level, findings, ages) in [
            (None, [].as_slice(), [10].as_slice()),
            (Some(ProofLevel::Intact), &[], &[10]),
            (Some(ProofLevel::Decodable), &["truncated: it ends too early"], &[10]),
            (Some(ProofLevel::Decodable), &[], &[10, 3_600]),
            (Some(ProofLevel::Listed), &[], &[]),
        ] {
            let judged = judged(level, findings, ages);
            assert!(!judged.sufficient, "{judged:?}");
        }
        assert_eq!(judged(Some(ProofLevel::Listed), &[], &[10]).reason, "decodable is required and listed was reached");
    }
}
