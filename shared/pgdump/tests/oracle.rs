//! libpgdump, written by others from the same format, reads the same in every archive.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::path::Path;

use common::{Archive, fixtures};
use libpgdump::{ArchiveVersion, CompressionAlgorithm, Dump, ObjectType};
use pgdump::{Answer, Level, Options, Table};

fn options(name: &str) -> Options<'static> {
    let mut options = Options::to(Level::Decodable);
    options.schema_only = name.contains("schema-only");
    options.limits.zstd_window_log = 27;
    options
}

/// Tables with data, as the oracle lists them, sorted.
fn tables(dump: &Dump) -> Vec<(Option<String>, String)> {
    let entries = dump.entries().iter().filter(|entry| entry.had_dumper && entry.desc == ObjectType::TableData);
    let mut tables: Vec<_> =
        entries.map(|entry| (entry.namespace.clone().filter(|name| !name.is_empty()), entry.tag.clone().unwrap())).collect();
    tables.sort();
    tables
}

#[test]
fn tables_of_contents_are_read_as_another_reader_reads_them() {
    let mut compared = 0;
    for fixture in fixtures() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(&fixture.name);
        // The oracle does not know that pg_dump leaves the file of an empty large object empty.
        if fixture.name == "17.10/directory-zstd" {
            continue;
        }
        let dump = libpgdump::load(&path).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        let verdict = fixture.archive.verify(&options(&fixture.name));
        let mut ours: Vec<_> = verdict.tables.iter().map(|table| (table.schema.clone(), table.name.clone())).collect();
        ours.sort();
        assert_eq!(ours, tables(&dump), "{}", fixture.name);
        assert_eq!(verdict.entries, Some(u32::try_from(dump.entries().len()).unwrap()), "{}", fixture.name);
        let archive = verdict.archive.unwrap();
        assert_eq!((archive.database.as_str(), archive.dump_version.as_str()), (dump.dbname(), dump.dump_version()));
        compared += 1;
    }
    assert!(compared >= 30, "{compared}");
}

/// An archive that the oracle writes: two tables, one of them empty.
fn written_by_the_oracle(postgres: &str, compression: CompressionAlgorithm) -> Vec<u8> {
    let mut dump = libpgdump::new("other", "UTF8", postgres).unwrap();
    dump.set_compression(compression);
    for (name, data) in [("full", "1\tone\n2\t\\N\n\\.\n\n\n"), ("empty", "\\.\n\n\n")] {
        let copy = format!("COPY public.{name} (id, text) FROM stdin;\n");
        let id = dump
            .add_entry(ObjectType::TableData, Some("public"), Some(name), Some("owner"), None, None, Some(&copy), &[])
            .unwrap();
        dump.set_entry_data(id, data.as_bytes().to_vec()).unwrap();
    }
    let path = std::env::temp_dir().join(format!("pgdump-oracle-{}-{postgres}-{compression:?}", std::process::id()));
    dump.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
}

#[test]
fn versions_and_compressions_that_another_writer_writes_are_read() {
    use CompressionAlgorithm::{Gzip, Lz4, None, Zstd};
    let table = |name: &str, rows, bytes| Table {
        schema: Some("public".to_owned()),
        name: name.to_owned(),
        rows: Some(rows),
        bytes,
    };
    for (postgres, version, compressions) in [
        ("9.2", ArchiveVersion::new(1, 12, 0), &[None, Gzip][..]),
        ("10.3", ArchiveVersion::new(1, 13, 0), &[None, Gzip]),
        ("14.0", ArchiveVersion::new(1, 14, 0), &[None, Gzip]),
        ("16.0", ArchiveVersion::new(1, 15, 0), &[None, Gzip, Lz4, Zstd]),
        ("18.0", ArchiveVersion::new(1, 16, 0), &[None, Gzip, Lz4, Zstd]),
    ] {
        for compression in compressions {
            let verdict = Archive::One(written_by_the_oracle(postgres, *compression)).verify(&options(""));
            let name = format!("{postgres} {compression:?}");
            assert_eq!(verdict.findings, [], "{name}");
            assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{name}");
            assert_eq!(verdict.archive.unwrap().version, format!("{}.{}", version.major, version.minor), "{name}");
            let mut tables = verdict.tables;
            tables.sort_by(|left, right| left.name.cmp(&right.name));
            assert_eq!(tables, [table("empty", 0, 5), table("full", 2, 16)], "{name}");
        }
    }
}
