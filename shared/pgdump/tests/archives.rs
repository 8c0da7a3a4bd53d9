//! Every archive that a real pg_dump made holds, and is read to the last row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::collections::BTreeMap;

use common::{Fixture, fixture, fixtures};
use pgdump::{Answer, Code, Compression, Format, Level, Options, Verdict};

/// Options under which each fixture holds.
fn options(name: &str) -> Options<'static> {
    let mut options = Options::to(Level::Decodable);
    options.schema_only = name.contains("schema-only");
    options.limits.zstd_window_log = 27;
    options
}

#[test]
fn every_archive_of_a_real_pg_dump_is_decodable() {
    let all = fixtures();
    assert!(all.len() >= 31, "fixtures are missing: {}", all.len());
    for Fixture { name, archive } in all {
        let verdict = archive.verify(&options(&name));
        assert_eq!(verdict.findings, [], "{name}");
        assert_eq!(verdict.level, Some(Level::Decodable), "{name}: {:#?}", verdict.proofs);
        assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{name}");
        let size: usize = archive.files().iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(verdict.bytes_read, size as u64, "{name}: every byte is read");
    }
}

fn rows(verdict: &Verdict) -> BTreeMap<String, Option<u64>> {
    verdict.tables.iter().map(|table| (table.title(), table.rows)).collect()
}

#[test]
fn rows_are_counted_the_same_in_every_format_compression_and_version() {
    // As schema.sql inserts them.
    let expected: BTreeMap<String, Option<u64>> = [
        ("odd \"schema\" (1, 2).Table, \"with\" (brackets) FROM stdin;", 2),
        ("public.computed", 2),
        ("public.documents", 1),
        ("public.measurements_2025", 1),
        ("public.measurements_2026", 2),
        ("public.no_columns", 2),
        ("public.nothing_yet", 0),
        ("public.one_column", 5),
        ("public.orders", 5),
        ("public.visits", 120),
    ]
    .map(|(name, rows)| (name.to_owned(), Some(rows)))
    .into();
    let mut seen = 0;
    for Fixture { name, archive } in fixtures() {
        let verdict = archive.verify(&options(&name));
        if verdict.archive.as_ref().unwrap().database == "fixtures"
            && !name.contains("inserts")
            && !name.contains("schema-only")
        {
            assert_eq!(rows(&verdict), expected, "{name}");
            // The third object is 300 times nine bytes long.
            assert_eq!((verdict.large_objects.count, verdict.large_objects.bytes), (3, 26 + 2700), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 18, "{seen}");
}

#[test]
fn what_the_archive_says_of_itself_is_told() {
    let told = |name: &str| fixture(name).verify(&options(name)).archive.unwrap();
    let archive = told("15.18/directory-gzip");
    assert_eq!(
        (archive.format, archive.version.as_str(), archive.compression),
        (Format::Directory, "1.14", Compression::Gzip)
    );
    assert_eq!((archive.database.as_str(), archive.dump_version.as_str()), ("fixtures", "15.18 (Debian 15.18-0+deb12u1)"));
    assert_eq!(told("16.14/custom-gzip.dump").version, "1.15");
    assert_eq!(told("17.10/custom-zstd.dump").compression, Compression::Zstd);
    let archive = told("18.4/tar.tar");
    assert_eq!((archive.format, archive.version.as_str(), archive.compression), (Format::Tar, "1.16", Compression::None));
}

#[test]
fn what_was_not_checked_is_said() {
    let verdict = fixture("15.18/inserts.dump").verify(&options(""));
    assert!(rows(&verdict).values().all(Option::is_none));
    let said = |verdict: &Verdict, text: &str| verdict.not_checked.iter().any(|sentence| sentence.contains(text));
    assert!(said(&verdict, "INSERT statements"));
    assert!(said(&fixture("15.18/sjis.dump").verify(&options("")), "not in UTF8"));
    assert!(said(&fixture("17.10/custom-lz4.dump").verify(&options("")), "only a manifest finds every changed byte"));
    assert!(!said(&fixture("15.18/custom-gzip.dump").verify(&options("")), "only a manifest finds every changed byte"));
    assert!(said(&verdict, "intact: no manifest was given"));
    assert!(said(&verdict, "restorable: "));
}

#[test]
fn a_dump_without_data_holds_only_where_that_was_wanted() {
    let archive = fixture("15.18/schema-only.dump");
    let verdict = archive.verify(&Options::to(Level::Decodable));
    assert_eq!(verdict.findings[0].code, Code::NoData);
    assert_eq!(verdict.answer(Level::Listed), Answer::DoesNotHold);
}

#[test]
fn a_window_beyond_the_memory_bound_is_no_damage_and_says_so() {
    let archive = fixture("17.10/custom-zstd-long.dump");
    let verdict = archive.verify(&Options::to(Level::Decodable));
    assert_eq!(verdict.findings[0].code, Code::LimitReached, "{:?}", verdict.findings);
    assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
    assert_eq!(verdict.answer(Level::Listed), Answer::CouldNotBeChecked);
    assert_eq!(verdict.level, Some(Level::Listed));
}

#[test]
fn no_more_is_read_than_the_level_needs() {
    let archive = fixture("15.18/custom-gzip.dump");
    let verdict = archive.verify(&Options::to(Level::Listed));
    assert_eq!((verdict.level, verdict.answer(Level::Listed)), (Some(Level::Listed), Answer::Holds));
    assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
    assert!(verdict.tables.is_empty());
    let verdict = fixture("15.18/directory-gzip").verify(&Options::to(Level::Listed));
    let contents =
        fixture("15.18/directory-gzip").files().iter().find(|(name, _)| name == "toc.dat").map(|(_, bytes)| bytes.len());
    assert_eq!(Some(verdict.bytes_read), contents.map(|bytes| bytes as u64));
}
