//! Archives in S3: the newest of each site by listing, one of them by reading it.

use std::io::Read;
use std::time::Instant;

use jiff::Timestamp;
use pgdump::{LARGEST_MANIFEST, Manifest};
use shared::domain::archives::{
    ArchivesJudgement, CONTENTS, MANIFEST, ObjectView, Proof, Shelf, StoredObject, judge, judge_shelf, longest_age,
    read_from,
};
use shared::domain::backup::ProofLevel;
use shared::domain::described::{ArchiveFormat, BackupArchives, BucketSite, Drift};
use shared::domain::duration::Seconds;
use shared::domain::identifier::{Region, ResourceName};
use shared::domain::observation::Sight;
use shared::domain::plan::{Plan, SiteName};
use shared::ports::{EnvelopeKeys, FailureKind, ObjectFiles, Objects, PortError, Secrets, read_files_through, read_through};

use crate::encryption::{BEGINNING, begins_as};
use crate::examination::{Expected, examine, examine_files};
use crate::pieces::{Gathered, Sizes};

/// How a reading of an object ends whose time ran out.
const OUT_OF_TIME: &str = "object_out_of_time";

/// What one look at archives needs.
#[derive(Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) envelope_keys: &'a dyn EnvelopeKeys,
    pub(crate) plan: &'a Plan,
    pub(crate) archives: &'a BackupArchives,
    /// The level to verify to.
    pub(crate) level: ProofLevel,
    /// When reading has to be over.
    pub(crate) until: Option<Instant>,
    /// How the newest archive is read.
    pub(crate) reading: Reading<'a>,
}

/// How the newest archive is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reading<'a> {
    /// Here and now.
    AtOnce,
    /// Here and now unless it is larger than one invocation reads.
    UpTo(Sizes),
    /// It was, in pieces.
    Gathered(&'a Gathered),
}

/// The keys of what was recorded of an archive, and of the one before it.
#[derive(Clone, Copy)]
struct Manifests<'a> {
    own: Option<&'a str>,
    previous: Option<&'a str>,
}

impl Search<'_> {
    /// The newest archive of every site, and what one of them proves; whether it is too large, and was not read.
    pub(crate) async fn newest(&self, rpo: Option<Seconds>, now: Timestamp) -> (ArchivesJudgement, bool) {
        let longest = longest_age(self.archives, rpo);
        let mut shelves = Vec::new();
        for (site, place) in self.archives.places() {
            let region = self.plan.region(site);
            let listed = match self.objects.list(region, place).await {
                Ok(found) => Sight::Found { found },
                Err(error) if error.kind == FailureKind::NotFound => Sight::Absent,
                Err(error) => Sight::Unreached { reason: error.to_string() },
            };
            shelves.push(Shelf::of(site, region, place, self.archives.format, listed));
        }
        let sites = shelves.iter().map(|shelf| judge_shelf(shelf, longest, now)).collect();
        let chosen = match self.reading {
            Reading::Gathered(gathered) => gathered.find(&shelves),
            Reading::AtOnce | Reading::UpTo(_) => read_from(&shelves).and_then(|shelf| Some((shelf, shelf.newest()?))),
        };
        let Some((shelf, newest)) = chosen else {
            return (judge(None, self.level, Proof::default(), sites, None), false);
        };
        if let Reading::UpTo(sizes) = self.reading
            && self.level >= ProofLevel::Intact
            && let Some(what) = self.is_too_large(shelf, newest, sizes).await
        {
            let next = format!("its content: {what} are more than one invocation reads, so pieces are read next");
            let proof = Proof { level: Some(ProofLevel::Present), not_checked: vec![next], ..Proof::default() };
            return (judge(Some(named(&shelf.place, &newest.key)), self.level, proof, sites, None), true);
        }
        let manifests = Manifests { own: shelf.manifest_of(&newest.key), previous: shelf.manifest_before(&newest.key) };
        let mut proof = self.prove(&shelf.region, &shelf.place, newest, manifests).await;
        self.keys(&shelves, &mut proof).await;
        // One that is not the newest any more was young enough when its reading began.
        let age = (shelf.newest() == Some(newest)).then_some((longest, now));
        (judge(Some(named(&shelf.place, &newest.key)), self.level, proof, sites, age), false)
    }

    /// What one archive proves, whatever its age.
    pub(crate) async fn one(&self, site: SiteName, place: &BucketSite, key: &str) -> ArchivesJudgement {
        let region = self.plan.region(site);
        let proof = match self.objects.look(region, place, &self.first_object(key)).await {
            Ok(view) => {
                let mut kept = Proof::default();
                self.key(site, &named(place, key), &view, &mut kept);
                let found = self.asked_for(region, place, key, &view).await;
                let manifest = format!("{key}{MANIFEST}");
                // One that is there and cannot be looked at is not none.
                let looked = self.objects.look(region, place, &manifest).await;
                let absent = looked.is_err_and(|error| error.kind == FailureKind::NotFound);
                let manifests = Manifests { own: (!absent).then_some(manifest.as_str()), previous: None };
                let mut proof = self.prove(region, place, &found, manifests).await;
                proof.evidence.extend(kept.evidence);
                proof.findings.extend(kept.findings);
                proof
            }
            Err(error) => Proof { findings: vec![finding(&error)], ..Proof::default() },
        };
        judge(Some(named(place, key)), self.level, proof, Vec::new(), None)
    }

    /// What of an archive is more than one invocation reads, where something is.
    async fn is_too_large(&self, shelf: &Shelf, archive: &StoredObject, sizes: Sizes) -> Option<String> {
        let bytes = archive.bytes;
        if bytes > sizes.whole {
            return Some(format!("{bytes} bytes"));
        }
        if self.is_one_object() {
            return None;
        }
        // Where they cannot be counted, whoever reads them says so.
        let files = self.below(&shelf.region, &shelf.place, &archive.key).await.unwrap_or_default().len() as u64;
        let is_too_large = bytes.saturating_add(files.saturating_mul(sizes.opening)) > sizes.whole;
        is_too_large.then(|| format!("{bytes} bytes in {files} files"))
    }

    /// The objects of a directory.
    async fn below(&self, region: &Region, place: &BucketSite, key: &str) -> Option<Vec<StoredObject>> {
        let prefix = ResourceName::new(format!("{key}/")).ok()?;
        self.objects.list(region, &BucketSite { prefix: Some(prefix), ..place.clone() }).await.ok()
    }

    /// Whether an archive is one object, and not a directory of them.
    pub(crate) fn is_one_object(&self) -> bool {
        self.archives.format != ArchiveFormat::Directory
    }

    /// The object with which an archive begins.
    pub(crate) fn first_object(&self, key: &str) -> String {
        if self.is_one_object() { key.to_owned() } else { format!("{key}/{CONTENTS}") }
    }

    /// An archive that is asked for by its key, of which this is the first object. When it was written does not matter here.
    async fn asked_for(&self, region: &Region, place: &BucketSite, key: &str, first: &ObjectView) -> StoredObject {
        let mut bytes = first.bytes;
        if !self.is_one_object()
            && let Some(files) = self.below(region, place, key).await
        {
            bytes = files.iter().map(|file| file.bytes).sum();
        }
        StoredObject { key: key.to_owned(), bytes, modified_at: Timestamp::UNIX_EPOCH }
    }

    /// By how much rows may differ from the archive before, where they are compared.
    fn drift(&self) -> Option<Drift> {
        let compared = self.level >= ProofLevel::Consistent;
        self.archives.drift.clone().or_else(|| compared.then(Drift::default)).filter(|_| self.level >= ProofLevel::Decodable)
    }

    async fn prove(&self, region: &Region, place: &BucketSite, archive: &StoredObject, manifests: Manifests<'_>) -> Proof {
        let mut proof = Proof::default();
        if archive.bytes == 0 {
            proof.findings.push("empty: there is nothing in it".to_owned());
            return proof;
        }
        proof.level = Some(ProofLevel::Present);
        proof.evidence.push(format!("present: {} bytes", archive.bytes));
        let view = match self.objects.look(region, place, &self.first_object(&archive.key)).await {
            Ok(view) => view,
            Err(error) => {
                proof.findings.push(finding(&error));
                return proof;
            }
        };
        match &view.encryption {
            Some(encryption) => {
                let key = view.kms_key.as_ref().map(|key| format!(", under {key}")).unwrap_or_default();
                proof.evidence.push(format!("encrypted at rest by S3 ({encryption}{key})"));
            }
            None => proof.not_checked.push("encryption at rest: S3 says of none".to_owned()),
        }
        if self.level == ProofLevel::Present {
            self.look_for_key(&mut proof).await;
            if let Err(finding) = self.begins(region, place, &view).await {
                proof.level = None;
                proof.findings.push(finding);
            }
            proof.not_checked.push("its content: no more than its first bytes was read".to_owned());
            return proof;
        }
        let manifest = self.recorded(region, place, manifests.own, &mut proof).await;
        let mut previous = None;
        if let Some(drift) = self.drift() {
            let before = self.recorded(region, place, manifests.previous, &mut proof).await;
            if manifests.previous.is_none() {
                proof.not_checked.push("rows against an archive before it: none has a manifest".to_owned());
            }
            previous = before.map(|before| (before, drift));
        }
        let opening = self.opening((region, place), &view, &mut proof).await;
        let expected = Expected { level: self.level, manifest, previous, stored: view.crc64nvme.clone(), opening };
        let read = self.read(region, place, archive, view, expected).await;
        proof.level = read.level;
        proof.dumped = read.dumped;
        proof.evidence.extend(read.evidence);
        proof.findings.extend(read.findings);
        // First what keeps it from the level.
        proof.not_checked = read.not_checked.into_iter().chain(proof.not_checked).collect();
        proof
    }

    /// A manifest, where there is one. That it cannot be read is a finding: what it would say is not known.
    async fn recorded(&self, region: &Region, place: &BucketSite, key: Option<&str>, proof: &mut Proof) -> Option<Manifest> {
        match self.manifest(region, place, key?).await {
            Ok(manifest) => Some(manifest),
            Err(finding) => {
                proof.findings.push(finding);
                None
            }
        }
    }

    async fn read(
        &self,
        region: &Region,
        place: &BucketSite,
        archive: &StoredObject,
        first: ObjectView,
        expected: Expected,
    ) -> Proof {
        let (at, until) = ((region, place), self.until);
        if let Reading::Gathered(gathered) = self.reading
            && !gathered.at_once
        {
            return match self.is_one_object() {
                true => self.together(at, &first, expected, gathered).await,
                false => self.directory_together(at, &archive.key, expected, gathered).await,
            };
        }
        let (examined, failure) = if self.is_one_object() {
            read_through(self.objects, at, &first, until, move |bytes| examine(bytes, &expected)).await
        } else {
            let work = move |files: &dyn ObjectFiles| examine_files(files, &expected);
            read_files_through(self.objects, at, &archive.key, until, work).await
        };
        let (mut proof, read) = examined.unwrap_or_default();
        if let Some(error) = failure {
            let told = if error.code == OUT_OF_TIME {
                format!(
                    "{OUT_OF_TIME}: it is too large for one invocation, which read {read} of its {bytes} bytes; what follows was not \
                     checked: the state machine {}-backup-verify reads it in pieces; otherwise recoveryctl backup verify does, where \
                     there is time",
                    self.plan.platform,
                    bytes = archive.bytes
                )
            } else {
                finding(&error)
            };
            proof.findings.insert(0, told);
        }
        proof
    }

    /// Whether an object begins as an archive does, encrypted if it is to be: whatever else lies below the prefix, such as the log of a nightly job, is younger
    /// than the archive that it speaks of.
    async fn begins(&self, region: &Region, place: &BucketSite, view: &ObjectView) -> Result<(), String> {
        let expected = self.scheme();
        let (begins, failure) = read_through(self.objects, (region, place), view, self.until, move |bytes| {
            let mut beginning = Vec::with_capacity(BEGINNING);
            // Why reading failed is told apart.
            let read = bytes.take(BEGINNING as u64).read_to_end(&mut beginning);
            read.is_ok().then(|| begins_as(&beginning, expected))
        })
        .await;
        match (begins.flatten(), failure) {
            // What failed behind the first bytes was not asked for.
            (Some(Ok(())), _) => Ok(()),
            (_, Some(error)) => Err(finding(&error)),
            (Some(Err((code, what))), None) => Err(format!("{code}: {} {what}", named(place, &view.key))),
            (None, None) => Err(format!("unreadable: {}: its first bytes did not come", named(place, &view.key))),
        }
    }

    async fn manifest(&self, region: &Region, place: &BucketSite, key: &str) -> Result<Manifest, String> {
        let text = self.manifest_text(region, place, key).await.map_err(|error| finding(&error))?;
        Manifest::read(&text).map_err(|error| format!("{}: {}: {error}", error.code(), named(place, key)))
    }

    /// What is kept as a manifest, whatever it says.
    pub(crate) async fn manifest_text(&self, region: &Region, place: &BucketSite, key: &str) -> Result<Vec<u8>, PortError> {
        let view = self.objects.look(region, place, key).await?;
        let (text, failure) = read_through(self.objects, (region, place), &view, self.until, |bytes| {
            let mut text = Vec::new();
            // One byte more than a manifest may have is enough to see that it has too many. Why reading failed is told apart.
            let _failed = bytes.take(LARGEST_MANIFEST + 1).read_to_end(&mut text);
            text
        })
        .await;
        failure.map_or_else(|| Ok(text.unwrap_or_default()), Err)
    }
}

pub(crate) fn finding(error: &PortError) -> String {
    format!("{}: {}", error.code, error.message)
}

pub(crate) fn named(place: &BucketSite, key: &str) -> String {
    format!("s3://{}/{key}", place.bucket)
}
