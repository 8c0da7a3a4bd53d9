//! S3: the archives that the platform's nightly job leaves, real ones of pg_dump.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pgdump::{Level, Manifest, Options, verify};
use shared::domain::archives::{ListedFile, MANIFEST, ObjectView, StoredObject};
use shared::domain::described::BucketSite;
use shared::domain::duration::Seconds;
use shared::domain::identifier::Region;
use shared::domain::plan::{Component, Plan};
use shared::ports::{FailureKind, ObjectFiles, PortResult};

use crate::faults::failure;

/// An archive in pg_dump's custom format, of version 16.14.
const ARCHIVE: &[u8] = include_bytes!("../../../../shared/pgdump/tests/fixtures/16.14/custom-gzip.dump");
/// So long before the simulation begins the last archive was made.
const MADE_BEFORE: Seconds = Seconds(6 * 3_600);

/// Objects by bucket and key.
pub type Buckets = BTreeMap<String, BTreeMap<String, SimulatedObject>>;

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedObject {
    /// Its bytes.
    pub content: Arc<[u8]>,
    /// When it was written.
    pub modified_at: Timestamp,
    /// The key of KMS under which S3 keeps it; absent: S3's own.
    pub kms_key: Option<String>,
    /// CRC-64/NVME in base 64, where S3 keeps it.
    pub crc64nvme: Option<String>,
}

impl SimulatedObject {
    /// An object that S3 keeps under its own key.
    #[must_use]
    pub fn new(content: Arc<[u8]>, modified_at: Timestamp) -> Self {
        Self { content, modified_at, kms_key: None, crc64nvme: None }
    }

    fn etag(&self) -> String {
        format!("\"{}-{}\"", self.content.len(), self.modified_at.as_millisecond())
    }

    pub(crate) fn view(&self, region: &Region, key: &str) -> ObjectView {
        ObjectView {
            key: key.to_owned(),
            region: region.to_string(),
            bytes: self.content.len() as u64,
            etag: self.etag(),
            crc64nvme: self.crc64nvme.clone(),
            encryption: Some(self.kms_key.as_ref().map_or("AES256", |_| "aws:kms").to_owned()),
            kms_key: self.kms_key.clone(),
            storage_class: None,
        }
    }
}

/// An archive of yesterday's night with its manifest, in every place in which the plan keeps some.
pub(crate) fn with_archives(plan: &Plan, start: Timestamp) -> Buckets {
    let mut buckets = Buckets::new();
    for component in plan.components.values() {
        let Component::BackupArchives(archives) = component else { continue };
        for (_, place) in archives.places() {
            let modified_at = MADE_BEFORE.before(start);
            let key = format!("{}{}.dump", place.prefix(), modified_at.strftime("%Y-%m-%d"));
            let bucket = buckets.entry(place.bucket.to_string()).or_default();
            let (archive, manifest) = nightly_archive(modified_at);
            bucket.insert(format!("{key}{MANIFEST}"), SimulatedObject::new(manifest, modified_at));
            bucket.insert(key, SimulatedObject::new(archive, modified_at));
        }
    }
    buckets
}

/// An archive as a nightly job of pg_dump leaves it, dumped at that time, and the manifest that goes with it.
#[must_use]
pub fn nightly_archive(dumped_at: Timestamp) -> (Arc<[u8]>, Arc<[u8]>) {
    type Dated = (Timestamp, Arc<[u8]>, Arc<[u8]>);
    // The simulation makes the same one thousands of times.
    static LAST: Mutex<Option<Dated>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, archive, manifest)) = &*last
        && *at == dumped_at
    {
        return (archive.clone(), manifest.clone());
    }
    let archive = dated(ARCHIVE, dumped_at);
    let manifest = recorded(&archive, dumped_at);
    *last = Some((dumped_at, archive.clone(), manifest.clone()));
    (archive, manifest)
}

/// As `recoveryctl backup manifest` writes it.
fn recorded(archive: &[u8], at: Timestamp) -> Arc<[u8]> {
    let options = Options { fingerprints: true, ..Options::to(Level::Decodable) };
    let manifest = Manifest::of(&verify(archive, &options), at, "simulation");
    manifest.map(|manifest| manifest.to_json()).unwrap_or_default().into_bytes().into()
}

/// An archive of pg_dump, or a directory's table of contents, as if it had been dumped at that time on a machine whose clock shows UTC.
/// The date is the seven integers of a C `struct tm` behind the eleven bytes that say what the rest is, and behind the compression: one
/// byte from version 1.15 on, an integer before. An integer is a byte for its sign, and four.
#[must_use]
pub fn dated(archive: &[u8], dumped_at: Timestamp) -> Arc<[u8]> {
    let mut bytes = archive.to_vec();
    // The first member of a tar archive is its table of contents, behind a header of 512 bytes.
    let header = [0, 512].into_iter().find(|at| bytes.get(*at..).is_some_and(|rest| rest.starts_with(b"PGDMP")));
    let begins = header.and_then(|at| Some(at + if *bytes.get(at + 6)? >= 15 { 12 } else { 16 }));
    let local = TimeZone::UTC.to_datetime(dumped_at);
    let values = [
        i32::from(local.second()),
        i32::from(local.minute()),
        i32::from(local.hour()),
        i32::from(local.day()),
        i32::from(local.month()) - 1,
        i32::from(local.year()) - 1_900,
        0,
    ];
    let integers = values.into_iter().flat_map(|value| std::iter::once(0).chain(value.to_le_bytes()));
    let places = begins.and_then(|begins| bytes.get_mut(begins..));
    for (place, byte) in places.into_iter().flatten().zip(integers) {
        *place = byte;
    }
    bytes.into()
}

fn missing<T>(operation: &'static str, what: String) -> PortResult<T> {
    Err(failure(FailureKind::NotFound, ("s3", operation), "object_missing", format!("there is no {what}")))
}

pub(crate) fn listed(buckets: &Buckets, place: &BucketSite) -> PortResult<Vec<StoredObject>> {
    let Some(bucket) = buckets.get(place.bucket.as_str()) else {
        return missing("ListObjectsV2", format!("bucket {}", place.bucket));
    };
    let below = bucket.iter().filter(|(key, _)| key.starts_with(place.prefix()));
    let stored = below.map(|(key, object)| StoredObject {
        key: key.clone(),
        bytes: object.content.len() as u64,
        modified_at: object.modified_at,
    });
    Ok(stored.collect())
}

pub(crate) fn object<'a>(buckets: &'a Buckets, place: &BucketSite, key: &str) -> PortResult<&'a SimulatedObject> {
    let found = buckets.get(place.bucket.as_str()).and_then(|bucket| bucket.get(key));
    match found {
        Some(found) => Ok(found),
        None => missing("HeadObject", format!("{key} in {}", place.bucket)),
    }
}

/// The objects below a directory, as they were when they were asked for.
pub(crate) struct SimulatedFiles(BTreeMap<String, SimulatedObject>);

impl SimulatedFiles {
    pub(crate) fn below(buckets: &Buckets, place: &BucketSite, directory: &str) -> Self {
        let objects = buckets.get(place.bucket.as_str()).into_iter().flatten();
        let named = objects.filter_map(|(key, object)| {
            let name = key.strip_prefix(directory)?.strip_prefix('/').filter(|name| !name.is_empty())?;
            Some((name.to_owned(), object.clone()))
        });
        Self(named.collect())
    }
}

impl ObjectFiles for SimulatedFiles {
    fn listed(&self) -> io::Result<Vec<ListedFile>> {
        let file = |(name, object): (&String, &SimulatedObject)| ListedFile {
            name: name.clone(),
            bytes: object.content.len() as u64,
            etag: Some(object.etag()),
        };
        Ok(self.0.iter().map(file).collect())
    }

    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>> {
        let object = self.0.get(name).ok_or(ErrorKind::NotFound)?;
        let rest = usize::try_from(from).ok().and_then(|from| object.content.get(from..));
        Ok(Box::new(rest.unwrap_or_default()))
    }

    fn announce(&self, _: Vec<String>) {}

    fn checksum(&self, name: &str) -> Option<String> {
        self.0.get(name)?.crc64nvme.clone()
    }
}
