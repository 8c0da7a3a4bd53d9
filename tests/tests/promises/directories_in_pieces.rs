//! Directory archives that are too large for one invocation: read in pieces by the state machine's own definition and the real function,
//! and never better than what one reading says.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};

use backup_verify_function::pieces::{PieceSizes, Sizes};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use pgdump::{Files, Level, Manifest, Options, verify_directory};
use serde_json::{Value, json};
use shared::domain::backup::ProofLevel;
use shared::domain::step::FunctionName;
use simulation::{Outcome, SimulatedObject, Simulation, Verification};

use crate::common::with_directory;
use crate::courses::the_fortieth_is_the_last;

const COPY: &str = "healthcare-platform-backups-dr";
const MANIFEST: &str = "nightly.manifest.json";
/// A piece for each file of any size.
const SIZES: Sizes = Sizes { whole: 10_000, pieces: PieceSizes { bytes: 1, most: 10_000 }, opening: 0 };
const FIXTURE: &str = "18.4/directory-gzip";

/// A directory archive of pg_dump in both sites, whose plan requires that level.
fn with(fixture: &str, level: ProofLevel, sizes: Sizes) -> Simulation {
    let simulation = with_directory(fixture, |archives| archives.level = Some(level));
    simulation.cloud.with(|state| state.sizes = sizes);
    simulation
}

struct Objects(BTreeMap<String, Vec<u8>>);

impl Files for Objects {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.get(name).ok_or(ErrorKind::NotFound)?.as_slice()))
    }
}

/// Puts the manifest of the directory beside it, and S3's own checksum on every file of it.
fn record(simulation: &Simulation) {
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            let files = bucket
                .iter()
                .filter_map(|(key, object)| Some((key.strip_prefix("nightly/")?.to_owned(), object.content.to_vec())));
            let options = Options { fingerprints: true, ..Options::to(Level::Decodable) };
            let verdict = verify_directory(&Objects(files.collect()), &options);
            for file in &verdict.files {
                let object = bucket.get_mut(&format!("nightly/{}", file.name)).unwrap();
                object.crc64nvme = Some(file.crc64nvme.to_string());
            }
            let manifest = Manifest::of(&verdict, state.now, "a test").unwrap().to_json();
            bucket.insert(MANIFEST.to_owned(), SimulatedObject::new(manifest.into_bytes().into(), state.now));
        }
    });
}

fn change(simulation: &Simulation, key: &str, mut change: impl FnMut(&mut SimulatedObject)) {
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            change(bucket.get_mut(key).unwrap());
        }
    });
}

fn damage(simulation: &Simulation, key: &str, flip: u8) {
    change(simulation, key, |object| {
        let mut bytes = object.content.to_vec();
        let last = bytes.len() - 5;
        bytes[last] ^= flip;
        object.content = bytes.into();
    });
}

fn asked(simulation: &mut Simulation, payload: &Value) -> Option<Value> {
    match simulation.invoke(FunctionName::BackupVerify, "live", payload) {
        Outcome::Answered(answer) => Some(answer),
        Outcome::Failed(_) => None,
        Outcome::Killed => panic!("nothing kills it here"),
    }
}

fn at_once(simulation: &mut Simulation) -> Value {
    let mut verdict = asked(simulation, &json!({"component": "database_archives"})).unwrap()["backups"][0].clone();
    // A second passes between two readings.
    verdict["sites"] = Value::Null;
    verdict
}

/// The verdict of the state machine, its end, and how often it asked for this task.
fn run(simulation: &mut Simulation, task: &str) -> (Value, Result<(), String>, usize) {
    let mut times = 0;
    let verification = Verification::run(|payload| {
        times += usize::from(payload["task"] == task);
        asked(simulation, payload)
    });
    let mut verdict = verification.answer()["backups"][0].clone();
    verdict["sites"] = Value::Null;
    (verdict, verification.end, times)
}

/// Also how many pieces were read.
fn in_pieces(simulation: &mut Simulation) -> (Value, Result<(), String>, usize) {
    run(simulation, "piece")
}

/// Also how many invocations went on where another one stopped.
fn in_turns(simulation: &mut Simulation) -> (Value, Result<(), String>, usize) {
    run(simulation, "read_on")
}

fn insufficient() -> Result<(), String> {
    Err("Insufficient".to_owned())
}

#[test]
fn a_large_directory_is_read_in_pieces_and_proven_as_far_as_by_one_reading() {
    for fixture in [FIXTURE, "17.10/directory-zstd", "17.10/directory-lz4", "15.18/directory-gzip"] {
        for recorded in [false, true] {
            let level = if recorded { ProofLevel::Consistent } else { ProofLevel::Decodable };
            for size in [1, 300] {
                let pieces = PieceSizes { bytes: size, most: 10_000 };
                let mut simulation = with(fixture, level, Sizes { pieces, ..SIZES });
                if recorded {
                    record(&simulation);
                }
                let whole = at_once(&mut simulation);
                let (verdict, end, pieces) = in_pieces(&mut simulation);
                assert_eq!(end, Ok(()), "{fixture}: {verdict:#}");
                assert!(pieces > 3, "{fixture}: {pieces} pieces");
                assert_eq!(verdict, whole, "{fixture}");
                assert_eq!(verdict["level"], if recorded { "consistent" } else { "decodable" });
                let told = verdict.to_string();
                assert_eq!(
                    told.contains("S3's own checksum (CRC-64/NVME) is that of the bytes that came"),
                    recorded,
                    "{told}"
                );
                assert_eq!(told.contains("SHA-256 and CRC-64/NVME of each are the manifest's"), recorded, "{told}");
            }
        }
    }
}

#[test]
fn bytes_alone_are_compared_in_pieces_where_no_more_is_required() {
    let mut simulation = with(FIXTURE, ProofLevel::Intact, SIZES);
    record(&simulation);
    let whole = at_once(&mut simulation);
    let (verdict, end, pieces) = in_pieces(&mut simulation);
    assert_eq!((end, pieces > 10), (Ok(()), true), "{pieces}: {verdict:#}");
    assert_eq!((verdict, &whole["level"]), (whole.clone(), &json!("intact")));
    damage(&simulation, "nightly/2627.dat.gz", 1);
    let (verdict, end, _) = in_pieces(&mut simulation);
    assert_eq!(end, insufficient(), "{verdict:#}");
    assert_eq!(verdict["findings"], at_once(&mut simulation)["findings"]);
}

#[test]
fn a_directory_of_more_small_files_than_an_invocation_opens_is_read_in_pieces() {
    let sizes = Sizes { whole: 50_000, opening: 0, ..SIZES };
    assert_eq!(in_pieces(&mut with(FIXTURE, ProofLevel::Decodable, sizes)).2, 0, "one invocation reads so many bytes");
    let pieces = PieceSizes { bytes: 10_000, ..sizes.pieces };
    let mut simulation = with(FIXTURE, ProofLevel::Decodable, Sizes { opening: 4_000, pieces, ..sizes });
    let (verdict, end, pieces) = in_pieces(&mut simulation);
    assert_eq!((end, pieces), (Ok(()), 7), "13 files, of which two take less than a piece: {verdict:#}");
}

#[test]
fn damage_in_any_file_is_found_and_named_as_by_one_reading() {
    let names: Vec<String> = with(FIXTURE, ProofLevel::Decodable, SIZES)
        .cloud
        .with(|state| state.buckets[COPY].keys().filter(|key| !key.ends_with("toc.dat")).cloned().collect());
    for name in &names {
        for recorded in [false, true] {
            let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
            if recorded {
                record(&simulation);
            }
            damage(&simulation, name, 0x10);
            let whole = at_once(&mut simulation);
            let (verdict, end, _) = in_pieces(&mut simulation);
            assert_eq!(end, insufficient(), "{name}: {verdict:#}");
            assert_eq!(verdict["findings"], whole["findings"], "{name}");
            let file = name.strip_prefix("nightly/").unwrap();
            assert!(verdict["findings"].to_string().contains(file), "{name}: {verdict:#}");
        }
    }
}

#[test]
fn a_file_of_which_s3_gives_other_bytes_than_it_was_given_is_named() {
    for name in ["2626.dat.gz", "blob_50002.dat.gz", "blobs_2634.toc", "toc.dat"] {
        let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
        record(&simulation);
        change(&simulation, &format!("nightly/{name}"), |object| object.crc64nvme = Some("AAAAAAAAAAA=".to_owned()));
        let (verdict, end, _) = in_pieces(&mut simulation);
        assert_eq!(end, insufficient(), "{name}: {verdict:#}");
        let finding = format!("stored_checksum_differs: S3 gives other bytes than it was given ({name})");
        assert_eq!(verdict["findings"], json!([finding]), "{name}");
    }
}

#[test]
fn one_file_without_a_checksum_of_s3_is_said_to_have_none() {
    let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
    record(&simulation);
    change(&simulation, "nightly/2626.dat.gz", |object| object.crc64nvme = None);
    let whole = at_once(&mut simulation);
    let (verdict, end, _) = in_pieces(&mut simulation);
    assert_eq!((end, &verdict), (Ok(()), &whole));
    assert!(verdict["not_checked"].to_string().contains("it keeps none"), "{verdict:#}");
}

#[test]
fn a_file_that_is_missing_or_left_over_is_found_as_by_one_reading() {
    for add in [false, true] {
        let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
        simulation.cloud.with(|state| {
            for bucket in state.buckets.values_mut() {
                let file =
                    if add { bucket["nightly/2626.dat.gz"].clone() } else { bucket.remove("nightly/2626.dat.gz").unwrap() };
                if add {
                    bucket.insert("nightly/2626.dat".to_owned(), file.clone());
                    bucket.insert("nightly/blob_7.dat".to_owned(), file);
                }
            }
        });
        let whole = at_once(&mut simulation);
        let (verdict, end, _) = in_pieces(&mut simulation);
        assert_eq!((end, &verdict["findings"]), (insufficient(), &whole["findings"]));
        let code = if add { "file_unexpected" } else { "file_missing" };
        assert!(verdict["findings"].to_string().contains(code), "{verdict:#}");
    }
}

/// Changes the directory before the first, or the third, invocation of that task.
fn changed_meanwhile(task: &str, which: usize, change: &dyn Fn(&mut BTreeMap<String, SimulatedObject>)) -> Verification {
    let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
    record(&simulation);
    let mut seen = 0;
    Verification::run(|payload| {
        seen += usize::from(payload["task"] == task);
        if payload["task"] == task && seen == which {
            simulation.cloud.with(|state| state.buckets.values_mut().for_each(change));
        }
        asked(&mut simulation, payload)
    })
}

#[test]
fn a_directory_that_changes_meanwhile_is_not_put_together_from_two() {
    type Change = dyn Fn(&mut BTreeMap<String, SimulatedObject>);
    let replaced = |bucket: &mut BTreeMap<String, SimulatedObject>| {
        // The same bytes, written again: whether they are the same nobody knows without reading.
        let object = bucket.get_mut("nightly/2626.dat.gz").unwrap();
        object.modified_at = object.modified_at.checked_add(jiff::SignedDuration::from_secs(1)).unwrap();
    };
    let removed = |bucket: &mut BTreeMap<String, SimulatedObject>| drop(bucket.remove("nightly/2626.dat.gz"));
    let added = |bucket: &mut BTreeMap<String, SimulatedObject>| {
        let object = bucket["nightly/2626.dat.gz"].clone();
        drop(bucket.insert("nightly/notes.txt".to_owned(), object));
    };
    let unrecorded = |bucket: &mut BTreeMap<String, SimulatedObject>| drop(bucket.remove(MANIFEST));
    let changes: [(&str, &Change); 4] =
        [("replaced", &replaced), ("removed", &removed), ("added", &added), ("unrecorded", &unrecorded)];
    for (what, change) in changes {
        for (task, which) in [("piece", 1), ("piece", 6), ("combine", 1)] {
            let verification = changed_meanwhile(task, which, change);
            let verdict = &verification.answer()["backups"][0];
            assert_eq!(verification.end, insufficient(), "{what} at {task}: {verdict:#}");
            assert_eq!(verdict["findings"].as_array().unwrap().len(), 1, "{what} at {task}: {verdict:#}");
            assert!(verdict["findings"][0].as_str().unwrap().starts_with("object_changed: "), "{what}: {verdict:#}");
        }
    }
    assert_eq!(changed_meanwhile("divide", 1, &replaced).end, Ok(()), "nothing of it was read before");
    let backup = format!("s3://{COPY}/nightly");
    let piece = json!({"task": "piece", "component": "database_archives", "backup": backup, "etag": "another", "piece": 0});
    let answer = asked(&mut with(FIXTURE, ProofLevel::Decodable, SIZES), &piece).unwrap();
    assert_eq!(
        answer,
        json!({"incident_id": null, "status": "changed", "piece": null, "course": null, "stored": null}),
        "nothing is read for nothing"
    );
}

#[test]
fn a_piece_that_is_lost_is_told_and_the_others_still_show_damage() {
    for damaged in [false, true] {
        let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
        record(&simulation);
        if damaged {
            damage(&simulation, "nightly/2627.dat.gz", 1);
        }
        let verification = Verification::run(|payload| match payload["task"] == "piece" && payload["piece"] == 2 {
            true => None,
            false => asked(&mut simulation, payload),
        });
        assert_eq!(verification.end, insufficient());
        let verdict = &verification.answer()["backups"][0];
        let findings = verdict["findings"].to_string();
        assert!(findings.contains("piece_missing: nothing is known of piece 2 of the directory"), "{verdict:#}");
        assert_eq!(findings.contains("2627.dat.gz"), damaged, "{verdict:#}");
        assert!(!verdict["evidence"].to_string().contains("S3's own checksum"), "{verdict:#}");
    }
}

/// A directory with a table that compresses to many blocks, its manifest, and how much of it a tenth is.
fn with_large_table() -> (Simulation, Sizes) {
    let simulation = with(FIXTURE, ProofLevel::Consistent, SIZES);
    let mut length = 0;
    change(&simulation, "nightly/2626.dat.gz", |object| {
        let mut text = String::new();
        GzDecoder::new(&*object.content).read_to_string(&mut text).unwrap();
        let columns = text.lines().next().unwrap().split('\t').count();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        for row in 0..20_000_u64 {
            let noise = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let fields: Vec<String> = (0..columns as u32).map(|column| format!("{:x}", noise.rotate_left(column))).collect();
            writeln!(encoder, "{}", fields.join("\t")).unwrap();
        }
        encoder.write_all(b"\\.\n\n\n").unwrap();
        object.content = encoder.finish().unwrap().into();
        length = object.content.len() as u64;
    });
    let sizes = Sizes { whole: length / 10, pieces: PieceSizes { bytes: length / 10, most: 128 }, opening: 0 };
    simulation.cloud.with(|state| state.sizes = sizes);
    record(&simulation);
    (simulation, sizes)
}

#[test]
fn a_file_that_is_more_than_one_invocation_reads_is_read_by_one_after_the_other() {
    let (mut simulation, _) = with_large_table();
    let whole = at_once(&mut simulation);
    let (verdict, end, turns) = in_turns(&mut simulation);
    assert_eq!(end, Ok(()), "{verdict:#}");
    assert!(turns > 3, "{turns}");
    assert_eq!(verdict, whole);
    assert_eq!(verdict["level"], "consistent");
    let told = verdict.to_string();
    assert!(told.contains("S3's own checksum (CRC-64/NVME) is that of the bytes that came"), "{told}");
    assert!(told.contains("SHA-256 and CRC-64/NVME of each are the manifest's"), "{told}");
}

#[test]
fn damage_in_a_file_that_several_invocations_read_is_found_as_by_one_reading() {
    for (flip, stored) in [(true, false), (false, true)] {
        let (mut simulation, _) = with_large_table();
        if flip {
            damage(&simulation, "nightly/2626.dat.gz", 1);
        }
        if stored {
            change(&simulation, "nightly/2626.dat.gz", |object| object.crc64nvme = Some("AAAAAAAAAAA=".to_owned()));
        }
        let whole = at_once(&mut simulation);
        let (verdict, end, turns) = in_turns(&mut simulation);
        assert_eq!(end, insufficient(), "{verdict:#}");
        assert!(turns > 3, "{turns}");
        assert_eq!(verdict["findings"], whole["findings"]);
    }
}

#[test]
fn a_file_of_which_the_rest_cannot_be_read_was_not_checked_and_what_came_before_counts() {
    let (mut simulation, _) = with_large_table();
    let mut turns = 0;
    let verification = Verification::run(|payload| {
        turns += usize::from(payload["task"] == "read_on");
        if payload["task"] == "read_on" && turns > 2 { None } else { asked(&mut simulation, payload) }
    });
    assert_eq!(verification.end, insufficient());
    let verdict = &verification.answer()["backups"][0];
    assert!(verdict["findings"][0].as_str().unwrap().starts_with("piece_missing: "), "{verdict:#}");
    assert_eq!(verdict["findings"].as_array().unwrap().len(), 1, "{verdict:#}");
}

#[test]
fn the_fortieth_invocation_of_a_file_is_the_last_whether_it_comes_to_the_end_or_not() {
    the_fortieth_is_the_last(|| with_large_table().0);
}

#[test]
fn what_is_handed_on_of_a_file_is_only_believed_of_this_directory() {
    let wrong = [
        ("turns", json!(-1)),
        ("version", json!(2)),
        ("open", json!({"at": 5_000, "so_far": "AAAA"})),
        ("ended", json!(true)),
    ];
    for (name, value) in wrong {
        let (mut simulation, _) = with_large_table();
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
fn a_file_that_no_invocation_can_read_in_its_time_is_refused_before_anything_is_read() {
    // Of zstd none goes on in the middle; of the others there are forty at most.
    for (fixture, whole, why) in [("17.10/directory-zstd", 300, "in the middle of zstd"), (FIXTURE, 15, "40 invocations")] {
        let mut simulation = with(fixture, ProofLevel::Decodable, Sizes { whole, ..SIZES });
        let (verdict, end, pieces) = in_pieces(&mut simulation);
        assert_eq!((end, pieces), (insufficient(), 0));
        let finding = verdict["findings"][0].as_str().unwrap();
        assert!(finding.starts_with("archive_table_too_large: ") && finding.contains(why), "{finding}");
    }
}

#[test]
fn a_directory_whose_contents_cannot_be_read_says_so() {
    let mut simulation = with(FIXTURE, ProofLevel::Decodable, Sizes { whole: 1_000, ..SIZES });
    change(&simulation, "nightly/toc.dat", |object| object.content = object.content[..5_000].into());
    let whole = at_once(&mut simulation);
    let (verdict, end, _) = in_pieces(&mut simulation);
    assert_eq!((end, &verdict["findings"]), (insufficient(), &whole["findings"]), "{verdict:#}");
}

#[test]
fn more_than_fits_into_a_state_is_refused_before_anything_is_read() {
    let mut simulation = with(FIXTURE, ProofLevel::Decodable, SIZES);
    simulation.cloud.with(|state| {
        for bucket in state.buckets.values_mut() {
            let object = bucket["nightly/blob_50001.dat.gz"].clone();
            for id in 60_000..60_300 {
                bucket.insert(format!("nightly/blob_{id}.dat.gz"), object.clone());
            }
        }
    });
    let (verdict, end, pieces) = in_pieces(&mut simulation);
    assert_eq!((end, pieces), (insufficient(), 0));
    let finding = verdict["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("archive_has_too_many_tables: what is said of its 10 tables in 313 pieces"), "{finding}");
}
