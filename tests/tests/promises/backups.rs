//! What `backup-verify` says of archives in S3, by the real verifier on real bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use backup_verify_function::handler::{Ports, handle};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use shared::domain::archives::{ObjectView, StoredObject};
use shared::domain::backup::{BackupSource, KeptView, ProofLevel};
use shared::domain::described::{BucketSite, Drift, PostgresqlServer};
use shared::domain::identifier::{InstanceId, KmsKeyArn, Region, ResourceName, RestoreJobId};
use shared::domain::observation::{InstanceView, SnapshotView, StoredKey, StoredSecret};
use shared::domain::plan::Component;
use shared::domain::restore_test::{RestoreJobView, RestoreTest, Told};
use shared::domain::step::FunctionName;
use shared::ports::{
    Backups, Clock, Databases, EnvelopeKeys, FailureKind, FilesWork, Objects, PortError, PortResult, ReadWork, RestoreJobs,
    RestoredDatabases, Secrets,
};
use shared::redact::Secret;
use simulation::{Outcome, Platform, SimulatedObject, Simulation, dated, healthcare_plan};

use crate::common::with_directory;

const PRIMARY: &str = "healthcare-platform-backups";
const COPY: &str = "healthcare-platform-backups-dr";
const NEWEST: &str = "2026-11-20.dump";

fn calm() -> Simulation {
    Platform::default().stand_up()
}

fn asked(simulation: &mut Simulation, payload: &Value) -> Value {
    match simulation.invoke(FunctionName::BackupVerify, "live", payload) {
        Outcome::Answered(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// The verdict on the archives, and the answer's status.
fn archives(simulation: &mut Simulation) -> (Value, Value) {
    let answer = asked(simulation, &json!({"component": "database_archives"}));
    (answer["backups"][0].clone(), answer["status"].clone())
}

/// Changes the newest archive, and its manifest if need be, in these buckets.
fn change(simulation: &Simulation, buckets: &[&str], key: &str, change: impl Fn(&mut SimulatedObject)) {
    simulation.cloud.with(|state| {
        for bucket in buckets {
            change(state.buckets.get_mut(*bucket).unwrap().get_mut(key).unwrap());
        }
    });
}

/// The archive of an ordinary night.
fn nightly() -> Arc<[u8]> {
    calm().cloud.with(|state| state.buckets[COPY][NEWEST].content.clone())
}

fn forget_manifests(simulation: &Simulation) {
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            bucket.retain(|key, _| !key.ends_with(".manifest.json"));
        }
    });
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer} in {value:#}"))
}

#[test]
fn the_newest_archive_is_read_where_it_would_be_restored_and_reaches_what_its_manifest_allows() {
    let mut simulation = calm();
    let (verdict, status) = archives(&mut simulation);
    assert_eq!(status, "sufficient", "{verdict:#}");
    assert_eq!(verdict["archive"], format!("s3://{COPY}/{NEWEST}"));
    assert_eq!((&verdict["required"], &verdict["level"]), (&json!("decodable"), &json!("consistent")));
    assert_eq!(verdict["sites"].as_array().unwrap().len(), 2);
    forget_manifests(&simulation);
    let (verdict, status) = archives(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("sufficient"), &json!("decodable")));
    let unchecked = verdict["not_checked"].to_string();
    assert!(unchecked.contains("manifest"), "that nothing says what was written is said: {unchecked}");
}

#[test]
fn an_archive_that_was_cut_off_anywhere_is_never_sufficient() {
    let whole = calm().cloud.with(|state| state.buckets[COPY][NEWEST].content.len());
    for length in (0..whole).step_by(whole / 40).chain([whole - 1]) {
        let mut simulation = calm();
        forget_manifests(&simulation);
        change(&simulation, &[COPY], NEWEST, |object| object.content = object.content[..length].into());
        let (verdict, status) = archives(&mut simulation);
        assert_eq!(status, "insufficient", "cut to {length} of {whole}: {verdict:#}");
        assert!(!verdict["findings"].as_array().unwrap().is_empty(), "cut to {length}: {verdict:#}");
    }
}

#[test]
fn a_flipped_bit_is_found_by_the_manifest_and_named() {
    let mut simulation = calm();
    change(&simulation, &[COPY], NEWEST, |object| {
        let mut bytes = object.content.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        object.content = bytes.into();
    });
    let (verdict, status) = archives(&mut simulation);
    assert_eq!(status, "insufficient");
    assert!(verdict["findings"].to_string().contains("checksum_mismatch"), "{verdict:#}");
    assert_eq!(verdict["sufficient"], false);
}

#[test]
fn an_archive_is_too_old_at_the_age_that_it_may_have_in_either_site() {
    for (bucket, hours, expected) in
        [(PRIMARY, 23, "sufficient"), (PRIMARY, 24, "insufficient"), (COPY, 24, "insufficient"), (COPY, 400, "insufficient")]
    {
        let mut simulation = calm();
        let now = simulation.cloud.now();
        change(&simulation, &[bucket], NEWEST, |object| object.modified_at = now - SignedDuration::from_hours(hours));
        let (verdict, status) = archives(&mut simulation);
        assert_eq!(status, expected, "{bucket} {hours} h: {verdict:#}");
        let fresh = if expected == "sufficient" { "within" } else { "beyond" };
        assert_eq!(verdict["freshness"], fresh);
    }
}

#[test]
fn an_old_archive_that_is_uploaded_again_is_as_old_as_it_says_itself() {
    for (hours, expected) in [(35, "sufficient"), (36, "insufficient"), (24 * 30, "insufficient")] {
        let mut simulation = calm();
        forget_manifests(&simulation);
        let old = dated(&nightly(), simulation.cloud.now() - SignedDuration::from_hours(hours));
        change(&simulation, &[PRIMARY, COPY], NEWEST, |object| object.content = old.clone());
        let (verdict, status) = archives(&mut simulation);
        // A day is what the plan allows; which time zone the date is in, an archive does not say, so that half a day more passes.
        assert_eq!(status, expected, "{hours} h: {verdict:#}");
        assert_eq!(verdict["level"], "decodable");
        assert_eq!(verdict["freshness"], if expected == "sufficient" { "within" } else { "beyond" });
        assert_eq!(text(&verdict, "/reason").contains("whenever it was uploaded"), expected == "insufficient");
    }
}

#[test]
fn a_copy_that_is_missing_is_named_and_the_other_is_read() {
    let mut simulation = calm();
    simulation.cloud.with(|state| state.buckets.insert(COPY.to_owned(), Default::default()));
    let (verdict, status) = archives(&mut simulation);
    assert_eq!(status, "insufficient");
    assert_eq!(verdict["archive"], format!("s3://{PRIMARY}/{NEWEST}"));
    assert_eq!(verdict["level"], "consistent", "what is there was read all the same");
    assert!(text(&verdict, "/reason").contains("there is no archive in s3://healthcare-platform-backups-dr/"));
}

#[test]
fn a_dark_primary_region_leaves_the_copy_proven_and_the_answer_insufficient() {
    let mut simulation = calm();
    simulation.cloud.with(|state| state.world.region_dark("us-east-1", true, state.now));
    let (verdict, status) = archives(&mut simulation);
    assert_eq!((status, &verdict["level"]), (json!("insufficient"), &json!("consistent")));
    assert_eq!(verdict["freshness"], "unknown");
    assert!(text(&verdict, "/sites/0/reason").contains("could not be listed"));
}

/// An archive of the day before, with a manifest that says so many times as many rows of every table.
fn day_before(simulation: &Simulation, times: u64) {
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            let mut archive = bucket[NEWEST].clone();
            archive.modified_at -= SignedDuration::from_hours(24);
            let mut manifest: Value = serde_json::from_slice(&bucket[&format!("{NEWEST}.manifest.json")].content).unwrap();
            for table in manifest["tables"].as_array_mut().unwrap() {
                table["rows"] = json!(table["rows"].as_u64().map(|rows| rows * times));
            }
            let recorded = SimulatedObject { content: manifest.to_string().into_bytes().into(), ..archive.clone() };
            bucket.insert("2026-11-19.dump.manifest.json".to_owned(), recorded);
            bucket.insert("2026-11-19.dump".to_owned(), archive);
        }
    });
}

fn with_drift(drift: Option<Drift>, level: ProofLevel) -> Simulation {
    let platform = Platform::default().with_plan(|plan| {
        for component in plan.components.values_mut() {
            if let Component::BackupArchives(archives) = component {
                archives.drift.clone_from(&drift);
                archives.level = Some(level);
            }
        }
    });
    platform.stand_up()
}

#[test]
fn rows_are_held_against_the_archive_before_within_the_drift_that_the_plan_declares() {
    let declared = |percent| Some(Drift { percent, ..Drift::default() });
    for (drift, level, times, expected) in [
        // Twice as many rows before: half of them are gone.
        (declared(50), ProofLevel::Decodable, 2, "sufficient"),
        (declared(49), ProofLevel::Decodable, 2, "insufficient"),
        (None, ProofLevel::Consistent, 2, "sufficient"),
        (None, ProofLevel::Consistent, 3, "insufficient"),
        // Without a declared drift only level consistent asks for it.
        (None, ProofLevel::Decodable, 3, "sufficient"),
    ] {
        let mut simulation = with_drift(drift.clone(), level);
        day_before(&simulation, times);
        let (verdict, status) = archives(&mut simulation);
        assert_eq!(status, expected, "{drift:?} {level:?} {times}: {verdict:#}");
        let drifted = verdict["findings"].to_string().contains("rows_drifted");
        assert_eq!(drifted, expected == "insufficient", "{verdict:#}");
    }
}

#[test]
fn a_table_of_its_own_drift_is_held_to_that() {
    let manifest = calm().cloud.with(|state| state.buckets[COPY][&format!("{NEWEST}.manifest.json")].content.clone());
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let tables = manifest["tables"].as_array().unwrap().iter();
    let mut named: BTreeMap<String, u32> = tables
        .filter(|table| table["rows"].as_u64().is_some_and(|rows| rows > 0))
        .map(|table| (format!("{}.{}", text(table, "/schema"), text(table, "/name")), 300))
        .collect();
    let asked = |tables: &BTreeMap<String, u32>| {
        let drift = Drift { percent: 10, tables: tables.clone() };
        let mut simulation = with_drift(Some(drift), ProofLevel::Decodable);
        day_before(&simulation, 2);
        archives(&mut simulation)
    };
    let (verdict, status) = asked(&named);
    assert_eq!(status, "sufficient", "{verdict:#}");
    let (forgotten, _) = named.pop_first().unwrap();
    let (verdict, status) = asked(&named);
    assert_eq!(status, "insufficient");
    assert!(text(&verdict, "/findings/0").contains(&format!("table {forgotten} ")), "{verdict:#}");
}

#[test]
fn that_there_is_no_archive_before_is_said() {
    let mut simulation = with_drift(None, ProofLevel::Consistent);
    let (verdict, status) = archives(&mut simulation);
    assert_eq!(status, "sufficient", "its own manifest proves the level: {verdict:#}");
    assert!(verdict["not_checked"].to_string().contains("rows against an archive before it"), "{verdict:#}");
}

#[test]
fn a_manifest_that_cannot_be_read_is_a_finding_and_not_a_missing_one() {
    let mut simulation = calm();
    let manifest = format!("{NEWEST}.manifest.json");
    change(&simulation, &[COPY], &manifest, |object| object.content = b"{}".as_slice().into());
    let (verdict, status) = archives(&mut simulation);
    assert_eq!(status, "insufficient", "{verdict:#}");
    assert!(text(&verdict, "/findings/0").starts_with("manifest_unreadable"), "{verdict:#}");
}

#[test]
fn looking_reads_no_more_of_an_archive_than_how_it_begins_and_says_so() {
    let mut simulation = calm();
    change(&simulation, &[PRIMARY, COPY], NEWEST, |object| object.content = b"PGDMP and no more".as_slice().into());
    let answer = asked(&mut simulation, &json!({"component": "database_archives", "level": "present"}));
    assert_eq!(answer["status"], "sufficient");
    assert!(answer["backups"][0]["not_checked"].to_string().contains("its content"), "{answer:#}");
}

#[test]
fn a_log_beside_the_archives_is_not_taken_for_the_newest_one_by_a_look() {
    for log in [b"pg_dump: dumping contents of table".as_slice(), b"PGDMP", b"toc.dat"] {
        let mut simulation = calm();
        simulation.cloud.with(|state| {
            let now = state.now;
            for bucket in state.buckets.values_mut() {
                bucket.insert("2026-11-20.log".to_owned(), SimulatedObject::new(log.into(), now));
            }
        });
        let answer = asked(&mut simulation, &json!({"component": "database_archives", "level": "present"}));
        assert_eq!(answer["status"], "insufficient", "{answer:#}");
        assert_eq!(answer["backups"][0]["level"], Value::Null);
        let finding = text(&answer, "/backups/0/findings/0");
        assert!(finding.starts_with("not_an_archive: ") && finding.contains("2026-11-20.log"), "{finding}");
    }
}

#[test]
fn an_archive_that_is_named_is_read_whatever_its_age_and_must_lie_where_the_plan_has_archives() {
    let mut simulation = calm();
    let old = simulation.cloud.with(|state| {
        let bucket = state.buckets.get_mut(PRIMARY).unwrap();
        let mut old = bucket[NEWEST].clone();
        old.modified_at -= SignedDuration::from_hours(9_000);
        bucket.insert("2025.dump".to_owned(), old);
        json!({"backup": format!("s3://{PRIMARY}/2025.dump")})
    });
    let answer = asked(&mut simulation, &old);
    assert_eq!(answer["status"], "sufficient", "{answer:#}");
    assert_eq!(answer["backups"][0]["level"], "decodable");
    let missing = asked(&mut simulation, &json!({"backup": format!("s3://{PRIMARY}/2024.dump")}));
    assert_eq!(missing["status"], "insufficient");
    assert!(text(&missing, "/backups/0/findings/0").starts_with("object_missing"));
}

/// A store whose objects are larger than an invocation has time for: it gives so many bytes, and then says that the time ran out.
struct TooLarge {
    bytes: usize,
}

impl TooLarge {
    fn ports(&self, until: Option<Instant>) -> Ports<'_> {
        Ports {
            clock: self,
            databases: self,
            backups: self,
            objects: self,
            secrets: self,
            envelope_keys: self,
            restores: self,
            restored: self,
            until,
        }
    }
}

fn at() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn error(code: &str) -> PortError {
    let (code, message) = (code.to_owned(), "the time that was given ran out".to_owned());
    PortError { kind: FailureKind::NoAnswer, service: "s3", operation: "GetObject", code, message }
}

impl Clock for TooLarge {
    fn now(&self) -> Timestamp {
        at()
    }
    fn at_real(&self, _: u64) -> Timestamp {
        at()
    }
}

#[async_trait]
impl Databases for TooLarge {
    async fn describe(&self, _: &Region, _: &InstanceId) -> PortResult<InstanceView> {
        Err(error("not_asked"))
    }
    async fn newest_snapshot(&self, _: &Region, _: &InstanceId) -> PortResult<Option<SnapshotView>> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl Backups for TooLarge {
    async fn kept(&self, _: &Region, _: &BackupSource) -> PortResult<Vec<KeptView>> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl Secrets for TooLarge {
    async fn look(&self, _: &Region, _: &ResourceName) -> PortResult<StoredSecret> {
        Err(error("not_asked"))
    }
    async fn value(&self, _: &Region, _: &ResourceName) -> PortResult<Secret<String>> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl EnvelopeKeys for TooLarge {
    async fn look(&self, _: &KmsKeyArn) -> PortResult<StoredKey> {
        Err(error("not_asked"))
    }
    async fn unwrap_data_key(&self, _: &KmsKeyArn, _: &[u8], _: &BTreeMap<String, String>) -> PortResult<Secret<Vec<u8>>> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl RestoreJobs for TooLarge {
    async fn job(&self, _: &Region, _: &RestoreJobId) -> PortResult<RestoreJobView> {
        Err(error("not_asked"))
    }
    async fn restored(&self, _: &Region, _: &InstanceId) -> PortResult<InstanceView> {
        Err(error("not_asked"))
    }
    async fn validate(&self, _: &Region, _: &RestoreJobId, _: bool, _: &str) -> PortResult<()> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl RestoredDatabases for TooLarge {
    async fn ask(&self, _: &Region, _: &PostgresqlServer, _: &RestoreTest, _: Option<Instant>) -> PortResult<Vec<Told>> {
        Err(error("not_asked"))
    }
}

#[async_trait]
impl Objects for TooLarge {
    async fn list(&self, _: &Region, _: &BucketSite) -> PortResult<Vec<StoredObject>> {
        let modified_at = at() - SignedDuration::from_hours(1);
        Ok(vec![StoredObject { key: NEWEST.to_owned(), bytes: 200_000_000_000, modified_at }])
    }
    async fn look(&self, region: &Region, _: &BucketSite, key: &str) -> PortResult<ObjectView> {
        Ok(ObjectView {
            key: key.to_owned(),
            region: region.to_string(),
            bytes: 200_000_000_000,
            etag: "\"e\"".to_owned(),
            crc64nvme: Some("AAAAAAAAAAA=".to_owned()),
            encryption: Some("aws:kms".to_owned()),
            kms_key: None,
            storage_class: None,
        })
    }
    async fn read(
        &self,
        _: &Region,
        _: &BucketSite,
        _: &ObjectView,
        _: u64,
        _: Option<Instant>,
        work: ReadWork,
    ) -> PortResult<()> {
        struct Ends;
        impl Read for Ends {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("object_out_of_time"))
            }
        }
        let archive = nightly();
        work(&mut archive[..self.bytes].chain(Ends));
        Err(error("object_out_of_time"))
    }
    async fn read_files(&self, _: &Region, _: &BucketSite, _: &str, _: Option<Instant>, _: FilesWork) -> PortResult<()> {
        Err(error("not_asked"))
    }
}

#[tokio::test]
async fn an_archive_too_large_for_one_invocation_says_how_far_it_was_read_and_is_never_sufficient() {
    let whole = nightly().len();
    // Even one whose every byte came, but not its end.
    for (bytes, reached) in [(whole * 9 / 10, "listed"), (whole, "listed")] {
        let store = TooLarge { bytes };
        let until = Some(Instant::now());
        let ports = store.ports(until);
        let payload = json!({"component": "database_archives"});
        let checked = handle(ports, &healthcare_plan(), &payload).await.unwrap();
        let verdict = &checked.answer["backups"][0];
        assert_eq!(checked.answer["status"], "insufficient", "{verdict:#}");
        assert_eq!(verdict["level"], reached, "{verdict:#}");
        let first = text(verdict, "/findings/0");
        assert!(first.starts_with("object_out_of_time: ") && first.contains("200000000000 bytes"), "{first}");
        assert!(text(verdict, "/reason").contains("too large for one invocation"));
        assert!(verdict["not_checked"].to_string().contains("S3's own checksum"), "{verdict:#}");
        let sufficient = checked.metrics[0].1.iter().find(|metric| metric.name == "BackupSufficient").unwrap();
        assert!(sufficient.value < 1.0);
    }
}

#[tokio::test]
async fn what_a_check_publishes_is_what_the_alarms_wait_for() {
    let (whole, payload) = (nightly().len(), json!({"component": "database_archives", "level": "present"}));
    let store = TooLarge { bytes: whole };
    let ports = store.ports(None);
    let looked = handle(ports, &healthcare_plan(), &payload).await.unwrap();
    let names: Vec<&str> = looked.metrics[0].1.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["BackupFresh"], "a look that reads nothing proves no level");
    assert_eq!(looked.metrics[0].0, "database_archives");
}

#[test]
fn a_directory_archive_in_s3_is_read_file_by_file() {
    for name in ["18.4/directory-gzip", "17.10/directory-zstd", "17.10/directory-lz4", "15.18/directory-none"] {
        let mut simulation = with_directory(name, |_| {});
        let (verdict, status) = archives(&mut simulation);
        assert_eq!((status, &verdict["level"]), (json!("sufficient"), &json!("decodable")), "{name}: {verdict:#}");
        assert_eq!(verdict["archive"], format!("s3://{COPY}/nightly"));
        let looked = asked(&mut simulation, &json!({"component": "database_archives", "level": "present"}));
        assert_eq!(looked["status"], "sufficient", "{looked:#}");
        let by_name = asked(&mut simulation, &json!({"backup": format!("s3://{PRIMARY}/nightly")}));
        assert_eq!(by_name["status"], "sufficient", "{by_name:#}");
        assert_eq!(by_name["backups"][0]["evidence"][0], verdict["evidence"][0], "as large as the listing says");
    }
}

#[test]
fn a_directory_archive_that_lacks_a_file_or_has_a_damaged_one_is_never_sufficient() {
    let names: Vec<String> =
        with_directory("18.4/directory-gzip", |_| {}).cloud.with(|state| state.buckets[COPY].keys().cloned().collect());
    for name in &names {
        for damage in [None, Some(0), Some(1)] {
            let mut simulation = with_directory("18.4/directory-gzip", |_| {});
            simulation.cloud.with(|state| {
                let bucket = state.buckets.get_mut(COPY).unwrap();
                let content = bucket.remove(name).unwrap().content;
                if let Some(missing) = damage {
                    let mut bytes = content.to_vec();
                    if missing == 0 {
                        bytes.push(7)
                    } else {
                        bytes.truncate(content.len() - missing)
                    }
                    bucket.insert(name.clone(), SimulatedObject::new(bytes.into(), state.now));
                }
            });
            let (verdict, status) = archives(&mut simulation);
            assert_eq!(status, "insufficient", "{name} {damage:?}: {verdict:#}");
        }
    }
}
