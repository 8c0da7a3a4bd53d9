//! Manifests: written of sound archives only, read strictly, and compared in every figure.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use common::{Archive, fixture};
use jiff::Timestamp;
use pgdump::{Answer, Code, Drift, Level, Manifest, ManifestError, Options, Proof, Verdict};

fn verdict(archive: &Archive) -> Verdict {
    let mut options = Options::to(Level::Decodable);
    options.fingerprints = true;
    archive.verify(&options)
}

fn manifest(archive: &Archive) -> Manifest {
    Manifest::of(&verdict(archive), "2026-11-21T02:00:00Z".parse().unwrap(), "recoveryctl 0.1.0").unwrap()
}

fn compared(archive: &Archive, manifest: Option<&Manifest>, previous: Option<&Manifest>, drift: Drift) -> Verdict {
    archive.verify(&Options { manifest, previous, drift, ..Options::to(Level::Consistent) })
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_manifest_survives_being_written_and_read() {
    for name in ["15.18/custom-gzip.dump", "17.10/directory-zstd", "18.4/tar.tar", "15.18/inserts.dump"] {
        let archive = fixture(name);
        let manifest = manifest(&archive);
        assert_eq!(Manifest::read(manifest.to_json().as_bytes()), Ok(manifest.clone()), "{name}");
        let verdict = compared(&archive, Some(&manifest), None, Drift::default());
        assert_eq!((verdict.level, verdict.answer(Level::Consistent)), (Some(Level::Consistent), Answer::Holds), "{name}");
        assert!(matches!(verdict.proofs.intact, Proof::Proven(_)));
    }
}

#[test]
fn a_manifest_with_anything_unknown_missing_or_twice_is_refused() {
    let json = manifest(&fixture("15.18/small.dump")).to_json();
    let refused = |from: &str, to: &str| {
        assert!(json.contains(from), "{from} is not in {json}");
        let result = Manifest::read(json.replacen(from, to, 1).as_bytes());
        assert!(matches!(result, Err(ManifestError::NotAManifest(_))), "{from} -> {to}");
    };
    refused("recovery-functions/backup-manifest/1", "recovery-functions/backup-manifest/2");
    refused("\"entries\":", "\"extra\": 1, \"entries\":");
    refused("\"sha256\":", "\"sha265\":");
    refused("\"rows\": 3", "\"rows\": -3");
    refused("\"format\": \"custom\"", "\"format\": \"plain\"");
    refused("2026-11-21T02:00:00Z", "yesterday");
    let file = json[json.find("\"files\": [").unwrap() + 10..json.find("\"tables\"").unwrap()].trim().trim_end_matches("],");
    refused("\"files\": [", &format!("\"files\": [{file},"));
    assert!(Manifest::read(b"").is_err());
    assert!(Manifest::read(&[b' '; 17 << 20]).is_err());
}

#[test]
fn no_manifest_is_made_of_a_damaged_archive_nor_without_checksums() {
    let Archive::One(bytes) = fixture("15.18/custom-gzip.dump") else { panic!() };
    let damaged = verdict(&Archive::One(bytes[..bytes.len() - 1].to_vec()));
    assert_eq!(Manifest::of(&damaged, Timestamp::UNIX_EPOCH, "test"), Err(ManifestError::NotSound));
    let unhashed = Archive::One(bytes).verify(&Options::to(Level::Decodable));
    assert_eq!(Manifest::of(&unhashed, Timestamp::UNIX_EPOCH, "test"), Err(ManifestError::NotSound));
}

#[test]
fn another_dump_of_the_same_database_is_not_the_one_of_the_manifest() {
    let manifest = manifest(&fixture("15.18/custom-gzip.dump"));
    let verdict = compared(&fixture("15.18/custom-gzip-piped.dump"), Some(&manifest), None, Drift::default());
    assert_eq!(codes(&verdict), [Code::ChecksumMismatch]);
    assert_eq!((verdict.level, verdict.answer(Level::Listed)), (Some(Level::Listed), Answer::DoesNotHold));
    let verdict = compared(&fixture("15.18/directory-gzip"), Some(&manifest), None, Drift::default());
    assert!(codes(&verdict).contains(&Code::ManifestMismatch));
}

/// The archive's manifest, as if the archive had been another.
fn altered(name: &str, from: &str, to: &str) -> Manifest {
    let json = manifest(&fixture(name)).to_json();
    assert!(json.contains(from), "{from} is not in {json}");
    Manifest::read(json.replacen(from, to, 1).as_bytes()).unwrap()
}

#[test]
fn every_figure_of_the_manifest_counts() {
    let name = "15.18/small.dump";
    let mut found = Vec::new();
    for (from, to, code) in [
        ("\"rows\": 3", "\"rows\": 4", Code::RowsMismatch),
        ("\"name\": \"small\"", "\"name\": \"other\"", Code::TableMissing),
        ("\"count\": 1", "\"count\": 2", Code::RowsMismatch),
        ("\"bytes\": 2044", "\"bytes\": 2045", Code::SizeMismatch),
    ] {
        let verdict = compared(&fixture(name), Some(&altered(name, from, to)), None, Drift::default());
        assert_eq!(codes(&verdict).first(), Some(&code), "{from} -> {to}");
        assert_eq!(verdict.answer(Level::Consistent), Answer::DoesNotHold);
        found.push(verdict.level);
    }
    assert_eq!(found, [Some(Level::Decodable), Some(Level::Decodable), Some(Level::Decodable), Some(Level::Listed)]);
}

#[test]
fn rows_are_held_to_the_backup_before_within_the_declared_drift() {
    let name = "15.18/small.dump";
    let check = |before: &str, drift: Drift| {
        let previous = altered(name, "\"rows\": 3", &format!("\"rows\": {before}"));
        let verdict = compared(&fixture(name), None, Some(&previous), drift);
        (codes(&verdict), verdict.level)
    };
    let percent = |percent| Drift { percent, ..Drift::default() };
    assert_eq!(check("3", percent(0)), (vec![], Some(Level::Consistent)));
    assert_eq!(check("4", percent(25)), (vec![], Some(Level::Consistent)));
    assert_eq!(check("4", percent(24)), (vec![Code::RowsDrifted], Some(Level::Decodable)));
    assert_eq!(check("2", percent(49)), (vec![Code::RowsDrifted], Some(Level::Decodable)));
    assert_eq!(check("2", percent(50)), (vec![], Some(Level::Consistent)));
    // A table that was empty may have any number of rows now.
    assert_eq!(check("0", percent(0)), (vec![], Some(Level::Consistent)));
    let one = Drift { percent: 0, tables: [("public.small".to_owned(), 100)].into() };
    assert_eq!(check("2", one), (vec![], Some(Level::Consistent)));
}

#[test]
fn a_table_that_is_empty_now_is_never_within_any_drift() {
    let name = "15.18/small.dump";
    let previous = altered(name, "\"rows\": 0", "\"rows\": 1");
    let verdict = compared(&fixture(name), None, Some(&previous), Drift { percent: 1000, ..Drift::default() });
    assert_eq!(codes(&verdict), [Code::RowsVanished]);
    let previous = altered(name, "\"name\": \"empty\"", "\"name\": \"gone\"");
    let verdict = compared(&fixture(name), None, Some(&previous), Drift { percent: 1000, ..Drift::default() });
    assert_eq!(codes(&verdict), [Code::TableMissing]);
}

#[test]
fn without_anything_to_compare_with_neither_intact_nor_consistent_can_be_said() {
    let verdict = fixture("15.18/small.dump").verify(&Options::to(Level::Consistent));
    assert_eq!(verdict.findings, []);
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds);
    for level in [Level::Intact, Level::Consistent, Level::Restorable] {
        assert_eq!(verdict.answer(level), Answer::CouldNotBeChecked, "{level}");
    }
}
