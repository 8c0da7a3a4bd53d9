//! Archives that one invocation after the other reads: by the state machine's own definition and the real function, with the verdict of
//! one reading.

use std::collections::BTreeMap;
use std::io::Write;

use backup_verify_function::pieces::Sizes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Value, json};
use simulation::{Simulation, Verification, dated};

use crate::pieces::{SIZES, archive, asked, at_once, insufficient, with};

#[path = "../../../shared/pgdump/tests/builder/mod.rs"]
pub(crate) mod builder;

use builder::Builder;

/// An archive that went through a pipe, with one table of many blocks.
pub(crate) fn one_table(compression: u8) -> Vec<u8> {
    let mut text = Vec::new();
    for row in 0..20_000_u64 {
        writeln!(text, "{row}\t{:x}", row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).unwrap();
    }
    text.extend(b"\\.\n\n\n");
    if compression > 0 {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&text).unwrap();
        text = encoder.finish().unwrap();
    }
    let begun = Builder::new(14, compression).one_table().byte(1).integer(5);
    let bytes = text.chunks(4096).fold(begun, Builder::chunk).integer(0).done();
    dated(&bytes, "2026-11-20T03:55:00Z".parse().unwrap()).to_vec()
}

/// A tenth of it is what one invocation reads.
fn tenth(bytes: &[u8]) -> Sizes {
    Sizes { whole: bytes.len() as u64 / 10, ..SIZES }
}

/// The verdict of the state machine, its end, and how many invocations read.
pub(crate) fn in_turns(simulation: &mut Simulation) -> (Value, Result<(), String>, usize) {
    let mut turns = 0;
    let verification = Verification::run(|payload| {
        turns += usize::from(payload["task"] == "piece" || payload["task"] == "read_on");
        asked(simulation, payload)
    });
    (verification.answer()["backups"][0].clone(), verification.end, turns)
}

#[test]
fn a_table_that_is_more_than_one_invocation_reads_is_read_by_one_after_the_other() {
    for compression in [0, 6] {
        let bytes = one_table(compression);
        let mut simulation = with(&bytes, tenth(&bytes));
        let mut whole = at_once(&mut simulation);
        let (mut verdict, end, turns) = in_turns(&mut simulation);
        assert_eq!(end, Ok(()), "{verdict:#}");
        // A second passes between the two.
        (whole["sites"], verdict["sites"]) = (Value::Null, Value::Null);
        assert_eq!(verdict, whole);
        assert_eq!(verdict["level"], "decodable");
        assert!(turns > 3, "{turns}");
    }
}

#[test]
fn an_archive_that_says_nothing_of_where_its_tables_are_is_read_from_table_to_table() {
    for name in
        ["15.18/custom-gzip-piped.dump", "17.10/custom-lz4-piped.dump", "15.18/custom-none-piped.dump", "15.18/tar.tar"]
    {
        let bytes = archive(name);
        let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / 35, ..SIZES });
        let mut whole = at_once(&mut simulation);
        let (mut verdict, end, turns) = in_turns(&mut simulation);
        assert_eq!(end, Ok(()), "{name}: {verdict:#}");
        (whole["sites"], verdict["sites"]) = (Value::Null, Value::Null);
        assert_eq!(verdict, whole, "{name}");
        assert!(turns > 1, "{name}: {turns}");
    }
}

#[test]
fn damage_behind_the_first_invocation_is_found_by_the_next_ones() {
    let bytes = one_table(6);
    let mut found = 0;
    for at in (bytes.len() / 10..bytes.len()).step_by(bytes.len() / 13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let mut simulation = with(&damaged, tenth(&bytes));
        let whole = at_once(&mut simulation);
        let (verdict, end, _) = in_turns(&mut simulation);
        assert_eq!(verdict["findings"], whole["findings"], "{at}");
        assert_eq!(end.is_ok(), whole["sufficient"] == true, "{at}");
        found += usize::from(end == insufficient());
    }
    assert!(found > 8, "{found} flips were found");
}

#[test]
fn an_invocation_that_fails_half_way_is_tried_again_from_where_it_began() {
    let bytes = one_table(6);
    for failures in [2, 3] {
        let mut simulation = with(&bytes, tenth(&bytes));
        let mut asked_for = Vec::new();
        let verification = Verification::run(|payload| {
            if payload["task"] == "read_on" {
                asked_for.push(payload["course"].clone());
                if (2..2 + failures).contains(&asked_for.len()) {
                    return None;
                }
            }
            asked(&mut simulation, payload)
        });
        assert_eq!(asked_for[1], asked_for[2]);
        let verdict = &verification.answer()["backups"][0];
        if failures == 2 {
            assert_eq!(verification.end, Ok(()), "{verdict:#}");
        } else {
            // Three times in all: then nothing is known of the piece.
            assert_eq!(verification.end, insufficient());
            assert!(verdict["findings"][0].as_str().unwrap().starts_with("piece_missing: "), "{verdict:#}");
        }
    }
}

#[test]
fn damage_that_was_found_stays_found_when_the_rest_cannot_be_read() {
    let sound = archive("15.18/custom-gzip-piped.dump");
    let sizes = Sizes { whole: sound.len() as u64 / 20, ..SIZES };
    let told = |verdict: &Value| verdict["findings"][0].as_str().unwrap_or_default().to_owned();
    let damaged = (sound.len() / 3..sound.len()).step_by(53).find_map(|at| {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        let found = told(&at_once(&mut with(&bytes, sizes)));
        found.starts_with("stream_invalid: ").then_some((bytes, found))
    });
    let (bytes, damage) = damaged.unwrap();
    let mut simulation = with(&bytes, sizes);
    let verification = Verification::run(|payload| {
        let found = payload["course"]["piece"]["findings"].as_array().is_some_and(|found| !found.is_empty());
        if found { None } else { asked(&mut simulation, payload) }
    });
    assert_eq!(verification.end, insufficient());
    let verdict = &verification.answer()["backups"][0];
    assert_eq!(told(verdict), damage, "{verdict:#}");
    assert_ne!(verdict["level"], "decodable");
}

#[test]
fn what_is_handed_on_is_only_believed_of_this_archive() {
    let bytes = one_table(6);
    for (name, value) in [("turns", json!(-1)), ("version", json!(1)), ("cursor", json!({"at": 0, "open": "nothing"}))] {
        let mut simulation = with(&bytes, tenth(&bytes));
        let verification = Verification::run(|payload| {
            let mut payload = payload.clone();
            if payload["task"] == "read_on" {
                payload["course"][name] = value.clone();
            }
            asked(&mut simulation, &payload)
        });
        assert_eq!(verification.end, insufficient(), "{name}");
    }
}

#[test]
fn an_archive_that_would_take_more_than_an_execution_has_time_for_is_refused_before_anything_is_read() {
    let bytes = archive("15.18/custom-gzip-piped.dump");
    let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / 45, ..SIZES });
    let (verdict, end, turns) = in_turns(&mut simulation);
    assert_eq!((end, turns), (insufficient(), 0));
    let finding = verdict["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("archive_table_too_large: ") && finding.contains("40 invocations"), "{finding}");
}

/// Whatever is read one invocation after the other: the fortieth may come to the end, and nobody goes on behind it.
pub(crate) fn the_fortieth_is_the_last(stand_up: impl Fn() -> Simulation) {
    // As if so many had read before, and come no further.
    let read = |earlier: u32| {
        let (mut simulation, mut turns) = (stand_up(), BTreeMap::new());
        let verification = Verification::run(|payload| {
            let mut payload = payload.clone();
            if let Some(piece) = payload["piece"].as_u64() {
                *turns.entry(piece).or_insert(0) += 1;
            }
            if payload["course"]["turns"] == 1 {
                payload["course"]["turns"] = json!(1 + earlier);
            }
            asked(&mut simulation, &payload)
        });
        let verdict = verification.answer()["backups"][0].clone();
        (verdict, verification.end, turns.into_values().max().unwrap())
    };
    let (_, _, turns) = read(0);
    let (verdict, end, last) = read(40 - turns);
    assert_eq!((end, last), (Ok(()), turns), "{verdict:#}");
    let (verdict, end, last) = read(41 - turns);
    assert_eq!((end, last), (insufficient(), turns - 1), "{verdict:#}");
    let finding = verdict["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("stream_too_long: ") && finding.contains("40 invocations"), "{finding}");
}

#[test]
fn the_fortieth_invocation_of_an_archive_is_the_last_whether_it_comes_to_the_end_or_not() {
    let bytes = one_table(6);
    the_fortieth_is_the_last(|| with(&bytes, tenth(&bytes)));
}

#[test]
fn zstd_is_continued_between_tables_and_refused_within_one() {
    let bytes = archive("17.10/custom-zstd-piped.dump");
    let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / 10, ..SIZES });
    let (verdict, end, turns) = in_turns(&mut simulation);
    assert_eq!((end, &verdict["level"]), (Ok(()), &json!("decodable")), "{verdict:#}");
    assert!(turns > 1, "{turns}");
    let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / 35, ..SIZES });
    let (verdict, end, _) = in_turns(&mut simulation);
    assert_eq!(end, insufficient());
    assert!(verdict["findings"][0].as_str().unwrap().starts_with("stream_too_long: "), "{verdict:#}");
}
