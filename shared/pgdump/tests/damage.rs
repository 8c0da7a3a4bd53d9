//! Damage is found: with a manifest all of it, without one at least what pg_restore finds when it reads everything.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::collections::BTreeMap;

use common::{Archive, fixture, fixtures};
use jiff::Timestamp;
use pgdump::{Answer, Code, Level, Manifest, Options};

fn options(level: Level) -> Options<'static> {
    let mut options = Options::to(level);
    options.schema_only = true;
    options.limits.zstd_window_log = 27;
    options
}

fn manifest(archive: &Archive) -> Manifest {
    let mut options = options(Level::Decodable);
    options.fingerprints = true;
    Manifest::of(&archive.verify(&options), Timestamp::UNIX_EPOCH, "test").unwrap()
}

fn flipped(bytes: &[u8], offset: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset] ^= 1 << bit;
    bytes
}

/// Archives of about two kilobytes each: every format and compression, seekable and piped.
const SMALL: [&str; 8] = [
    "15.18/small.dump",
    "15.18/latin1.dump",
    "15.18/sjis.dump",
    "15.18/directory-none",
    "17.10/small-none.dump",
    "17.10/small-lz4.dump",
    "17.10/small-zstd.dump",
    "17.10/custom-zstd-long.dump",
];

#[test]
fn with_a_manifest_every_flipped_bit_and_every_cut_is_found() {
    for name in SMALL {
        let archive = fixture(name);
        let manifest = manifest(&archive);
        let options = Options { manifest: Some(&manifest), ..options(Level::Intact) };
        let sound = archive.verify(&options);
        assert_eq!(
            (sound.level, sound.answer(Level::Intact)),
            (Some(Level::Intact), Answer::Holds),
            "{name}: {:?}",
            sound.findings
        );
        for (file, bytes) in archive.files() {
            let found = |damaged: Vec<u8>, what: String| {
                let verdict = archive.with(&file, damaged).verify(&options);
                assert_eq!(verdict.answer(Level::Intact), Answer::DoesNotHold, "{name} {file}: {what}");
                assert!(verdict.level < Some(Level::Intact), "{name} {file}: {what}");
            };
            for offset in 0..bytes.len() {
                (0..8).for_each(|bit| found(flipped(&bytes, offset, bit), format!("bit {bit} of byte {offset}")));
                found(bytes[..offset].to_vec(), format!("cut before byte {offset}"));
            }
            found([bytes.as_slice(), b"\0"].concat(), "a byte more".to_owned());
        }
    }
}

#[test]
fn with_a_manifest_large_fixtures_are_held_to_it_too() {
    for common::Fixture { name, archive } in fixtures() {
        let manifest = manifest(&archive);
        let options = Options { manifest: Some(&manifest), ..options(Level::Consistent) };
        let sound = archive.verify(&options);
        assert_eq!(sound.answer(Level::Consistent), Answer::Holds, "{name}: {:?}", sound.findings);
        assert_eq!(sound.level, Some(Level::Consistent));
        for (file, bytes) in archive.files() {
            for offset in (0..bytes.len()).step_by(97) {
                let verdict = archive.with(&file, flipped(&bytes, offset, offset % 8)).verify(&options);
                assert_eq!(verdict.answer(Level::Intact), Answer::DoesNotHold, "{name} {file}: byte {offset}");
            }
        }
    }
}

#[test]
fn a_file_more_or_less_is_found() {
    for name in ["15.18/directory-gzip", "17.10/directory-lz4", "18.4/directory-gzip"] {
        let archive = fixture(name);
        let manifest = manifest(&archive);
        let with_manifest = Options { manifest: Some(&manifest), ..options(Level::Decodable) };
        let Archive::Many(files) = &archive else { panic!("{name} is no directory") };
        for file in files.keys() {
            let mut files = files.clone();
            files.remove(file);
            for options in [&options(Level::Decodable), &with_manifest] {
                assert_eq!(
                    Archive::Many(files.clone()).verify(options).answer(Level::Decodable),
                    Answer::DoesNotHold,
                    "{name}: {file}"
                );
            }
        }
        let verdict = archive.with("1.dat", b"\\.\n".to_vec()).verify(&options(Level::Decodable));
        assert_eq!(verdict.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::FileUnexpected]);
        let verdict = archive.with("notes.txt", Vec::new()).verify(&with_manifest);
        assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
        assert!(verdict.not_checked.iter().any(|what| what.starts_with("notes.txt: ")));
    }
}

#[test]
fn every_cut_of_every_archive_is_found_without_a_manifest() {
    for common::Fixture { name, archive } in fixtures() {
        let Archive::One(bytes) = &archive else { continue };
        // Tar members are padded and end with two empty blocks: every byte counts there too.
        for length in (0..bytes.len()).rev().step_by(if bytes.len() > 3000 { 41 } else { 1 }) {
            let verdict = Archive::One(bytes[..length].to_vec()).verify(&options(Level::Decodable));
            assert_eq!(verdict.answer(Level::Decodable), Answer::DoesNotHold, "{name} cut to {length} bytes");
        }
    }
}

#[test]
fn bytes_behind_the_end_are_found_without_a_manifest() {
    for common::Fixture { name, archive } in fixtures() {
        for (file, bytes) in archive.files() {
            for tail in [&b"\0"[..], b"x", b"\\.\n", &bytes.clone()] {
                // Newlines behind an uncompressed table, and a large object of any length, are possible data.
                if tail.is_empty() || (file.ends_with(".dat") && file.starts_with("blob_")) || file.ends_with(".toc") {
                    continue;
                }
                let verdict = archive.with(&file, [&bytes, tail].concat()).verify(&options(Level::Decodable));
                assert_eq!(verdict.answer(Level::Decodable), Answer::DoesNotHold, "{name} {file} and {tail:?}");
            }
        }
    }
}

/// What pg_restore found: see compare.py.
fn pg_restore_found() -> Vec<(String, String, String, Vec<usize>)> {
    let text = include_str!("fixtures/pg_restore.tsv");
    let row = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [archive, file, damage, _, _, _, _, offsets] = fields.as_slice() else { panic!("{line}") };
        let offsets = offsets.split(',').filter(|range| !range.is_empty()).flat_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse::<usize>().unwrap()..=last.parse().unwrap()
        });
        (String::from(*archive), String::from(*file), String::from(*damage), offsets.collect())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn whatever_pg_restore_finds_by_reading_everything_is_found_without_a_manifest() {
    let mut compared = 0;
    for (name, file, damage, offsets) in pg_restore_found() {
        let archive = fixture(&name);
        let files: BTreeMap<String, Vec<u8>> = archive.files().into_iter().collect();
        let bytes = &files[&file];
        let found = |offset: usize| {
            let damaged = if damage == "cut" { bytes[..offset].to_vec() } else { flipped(bytes, offset, offset % 8) };
            let verdict = archive.with(&file, damaged).verify(&options(Level::Decodable));
            verdict.answer(Level::Decodable) != Answer::Holds
        };
        let missed: Vec<usize> = offsets.iter().copied().filter(|offset| !found(*offset)).collect();
        assert!(missed.is_empty(), "{name} {file} {damage}: pg_restore finds {missed:?}");
        compared += offsets.len();
    }
    assert!(compared > 10_000, "{compared}");
}
