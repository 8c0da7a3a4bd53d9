//! Archives that are too large for one invocation: read in pieces by the state machine's own definition and the real function, and
//! never better than what one reading says.

use backup_verify_function::pieces::{PieceSizes, Sizes};
use serde_json::{Value, json};
use shared::domain::step::FunctionName;
use simulation::{Outcome, Platform, SimulatedObject, Simulation, Verification, dated};

const COPY: &str = "healthcare-platform-backups-dr";
const NEWEST: &str = "2026-11-20.dump";
/// Small enough for any archive to be too large.
pub(crate) const SIZES: Sizes = Sizes { whole: 20_000, pieces: PieceSizes { bytes: 1, most: 128 }, opening: 0 };

pub(crate) fn archive(name: &str) -> Vec<u8> {
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/pgdump/tests/fixtures");
    // As old as the listing says.
    dated(&std::fs::read(fixtures.join(name)).unwrap(), "2026-11-20T03:55:00Z".parse().unwrap()).to_vec()
}

/// A platform whose newest archive is this one, without a manifest.
pub(crate) fn with(archive: &[u8], sizes: Sizes) -> Simulation {
    let simulation = Platform::default().stand_up();
    simulation.cloud.with(|state| {
        state.sizes = sizes;
        for bucket in state.buckets.values_mut() {
            let old = bucket[NEWEST].modified_at;
            bucket.retain(|key, _| !key.ends_with(".manifest.json"));
            bucket.insert(NEWEST.to_owned(), SimulatedObject::new(archive.into(), old));
        }
    });
    simulation
}

/// An archive that both ways of reading agree on is larger than one invocation reads, and no table of it is.
fn sizes_for(archive: &[u8]) -> Sizes {
    Sizes { whole: archive.len() as u64 - 1, ..SIZES }
}

pub(crate) fn asked(simulation: &mut Simulation, payload: &Value) -> Option<Value> {
    match simulation.invoke(FunctionName::BackupVerify, "live", payload) {
        Outcome::Answered(answer) => Some(answer),
        Outcome::Failed(_) => None,
        Outcome::Killed => panic!("nothing kills it here"),
    }
}

pub(crate) fn at_once(simulation: &mut Simulation) -> Value {
    asked(simulation, &json!({"component": "database_archives"})).unwrap()["backups"][0].clone()
}

/// The verdict of the state machine, its end, and how many pieces were read.
pub(crate) fn in_pieces(simulation: &mut Simulation) -> (Value, Result<(), String>, usize) {
    let mut pieces = 0;
    let verification = Verification::run(|payload| {
        pieces += usize::from(payload["task"] == "piece");
        asked(simulation, payload)
    });
    (verification.answer()["backups"][0].clone(), verification.end, pieces)
}

pub(crate) fn insufficient() -> Result<(), String> {
    Err("Insufficient".to_owned())
}

#[test]
fn a_large_archive_is_read_in_pieces_and_proven_as_far_as_by_one_reading() {
    for name in ["15.18/custom-gzip.dump", "17.10/custom-lz4.dump", "18.4/custom-none.dump"] {
        let bytes = archive(name);
        let mut simulation = with(&bytes, sizes_for(&bytes));
        let mut whole = at_once(&mut simulation);
        let (mut verdict, end, pieces) = in_pieces(&mut simulation);
        assert_eq!(end, Ok(()), "{name}: {verdict:#}");
        // A second passes between the two.
        (whole["sites"], verdict["sites"]) = (Value::Null, Value::Null);
        assert!(pieces > 3, "{name}: {pieces} pieces");
        assert_eq!(verdict, whole, "{name}");
        assert_eq!(verdict["level"], "decodable");
    }
}

#[test]
fn an_archive_that_one_invocation_reads_is_not_divided() {
    let bytes = archive("15.18/custom-gzip.dump");
    let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64, ..SIZES });
    let mut tasks = Vec::new();
    let verification = Verification::run(|payload| {
        tasks.push(payload["task"].clone());
        asked(&mut simulation, payload)
    });
    assert_eq!((verification.end, tasks), (Ok(()), vec![json!("check")]));
}

#[test]
fn damage_anywhere_ends_the_execution_as_failed_with_the_finding_of_one_reading() {
    let bytes = archive("15.18/custom-gzip.dump");
    let sizes = sizes_for(&bytes);
    let mut found = 0;
    for at in (0..bytes.len()).step_by(bytes.len() / 23) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let mut simulation = with(&damaged, sizes);
        let whole = at_once(&mut simulation);
        let (verdict, end, _) = in_pieces(&mut simulation);
        assert_eq!(verdict["findings"], whole["findings"], "{at}");
        assert_eq!((&verdict["level"], &verdict["sufficient"]), (&whole["level"], &whole["sufficient"]), "{at}");
        assert_eq!(end.is_ok(), whole["sufficient"] == true, "{at}");
        found += usize::from(end == insufficient());
    }
    assert!(found > 10, "{found} of 23 flips were found");
}

#[test]
fn a_cut_archive_is_never_sufficient_in_pieces() {
    let bytes = archive("18.4/custom-none.dump");
    for cut in (1..bytes.len()).step_by(bytes.len() / 11) {
        let mut simulation = with(&bytes[..cut], Sizes { whole: 0, ..SIZES });
        assert_eq!(in_pieces(&mut simulation).1, insufficient(), "{cut}");
    }
}

#[test]
fn a_piece_that_is_lost_is_told_and_the_others_are_still_read() {
    let bytes = archive("15.18/custom-gzip.dump");
    let mut simulation = with(&bytes, sizes_for(&bytes));
    let mut read = Vec::new();
    let verification = Verification::run(|payload| {
        if payload["task"] == "piece" {
            read.push(payload["piece"].clone());
            if payload["piece"] == 2 {
                return None;
            }
        }
        asked(&mut simulation, payload)
    });
    assert_eq!(verification.end, insufficient());
    let verdict = &verification.answer()["backups"][0];
    assert!(verdict["findings"][0].as_str().unwrap().starts_with("piece_missing: "), "{verdict:#}");
    assert_eq!(read.iter().filter(|piece| **piece == 2).count(), 3, "it was tried again");
    assert!(read.contains(&json!(3)), "{read:?}");
}

#[test]
fn pieces_that_nobody_could_be_sent_to_read_are_told_as_not_read() {
    let bytes = archive("18.4/custom-none.dump");
    let mut simulation = with(&bytes, Sizes { whole: bytes.len() as u64 / 20, ..SIZES });
    let verification = Verification::run_without_items(|payload| {
        assert_ne!(payload["task"], "piece");
        asked(&mut simulation, payload)
    });
    let verdict = &verification.answer()["backups"][0];
    assert_eq!(verification.end, insufficient(), "{verdict:#}");
    let findings: Vec<&str> = verdict["findings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(findings.iter().any(|finding| finding.starts_with("piece_missing: ")), "{findings:?}");
    assert_eq!(verdict["level"], "listed");
}

#[test]
fn an_archive_that_is_replaced_meanwhile_is_not_put_together_from_two() {
    let bytes = archive("15.18/custom-gzip.dump");
    for at in ["divide", "piece", "combine"] {
        let mut simulation = with(&bytes, sizes_for(&bytes));
        let mut seen = 0;
        let verification = Verification::run(|payload| {
            seen += usize::from(payload["task"] == at);
            // In the middle of the pieces.
            if payload["task"] == at && seen == if at == "piece" { 3 } else { 1 } {
                simulation.cloud.with(|state| {
                    let bucket = state.buckets.get_mut(COPY).unwrap();
                    bucket.insert(NEWEST.to_owned(), SimulatedObject::new(bytes.clone().into(), state.now));
                });
            }
            asked(&mut simulation, payload)
        });
        let verdict = &verification.answer()["backups"][0];
        if at == "divide" {
            assert_eq!(verification.end, Ok(()), "nothing of it was read before: {verdict:#}");
        } else {
            assert_eq!(verification.end, insufficient(), "{at}");
            assert!(verdict["findings"][0].as_str().unwrap().starts_with("object_changed: "), "{at}: {verdict:#}");
        }
    }
}

#[test]
fn a_newer_archive_does_not_cost_the_one_that_is_being_read_its_verdict() {
    let bytes = archive("15.18/custom-gzip.dump");
    let mut simulation = with(&bytes, sizes_for(&bytes));
    let verification = Verification::run(|payload| {
        if payload["task"] == "combine" {
            simulation.cloud.with(|state| {
                for bucket in state.buckets.values_mut() {
                    bucket.insert("newer.dump".to_owned(), SimulatedObject::new(bytes.clone().into(), state.now));
                }
            });
        }
        asked(&mut simulation, payload)
    });
    assert_eq!(verification.end, Ok(()));
    assert_eq!(verification.answer()["backups"][0]["archive"], format!("s3://{COPY}/{NEWEST}"));
}

#[test]
fn what_does_not_open_is_summed_in_pieces_and_says_why() {
    let bytes = [b"age-encryption.org/v1\n".as_slice(), &[7; 50_000]].concat();
    let mut simulation = with(&bytes, sizes_for(&bytes));
    let (verdict, end, pieces) = in_pieces(&mut simulation);
    assert_eq!(end, insufficient());
    assert!(pieces > 3, "{pieces}");
    let why =
        "decodable: an encrypted archive that does not open, or one that is none of pg_dump's, is not decoded in pieces";
    assert!(verdict["not_checked"].as_array().unwrap().contains(&json!(why)), "{verdict:#}");
}

#[test]
fn a_table_that_no_invocation_can_read_in_its_time_is_refused_before_anything_is_read() {
    let bytes = archive("17.10/custom-zstd.dump");
    let mut simulation = with(&bytes, Sizes { whole: 100, ..SIZES });
    let (verdict, end, pieces) = in_pieces(&mut simulation);
    assert_eq!((end, pieces), (insufficient(), 0));
    let finding = verdict["findings"][0].as_str().unwrap();
    assert!(finding.starts_with("archive_table_too_large: ") && finding.contains("zstd"), "{finding}");
}

#[test]
fn an_execution_that_cannot_ask_says_that_nothing_is_known() {
    let bytes = archive("15.18/custom-gzip.dump");
    for silent in ["check", "divide", "combine"] {
        let mut simulation = with(&bytes, sizes_for(&bytes));
        let verification =
            Verification::run(|payload| if payload["task"] == silent { None } else { asked(&mut simulation, payload) });
        assert_eq!(verification.end, Err("Unverified".to_owned()), "{silent}");
    }
}

#[test]
fn only_archives_of_the_plan_are_read() {
    let bytes = archive("15.18/custom-gzip.dump");
    let mut simulation = with(&bytes, sizes_for(&bytes));
    let (component, etag) = ("database_archives", "\"e\"");
    for backup in ["s3://somewhere-else/a.dump", "s3://healthcare-platform-backups-dr", "/etc/passwd", ""] {
        let piece = json!({"task": "piece", "component": component, "backup": backup, "etag": etag, "piece": 0});
        let divide = json!({"task": "divide", "left": [{"component": component, "backup": backup}]});
        for payload in [piece, divide] {
            match simulation.invoke(FunctionName::BackupVerify, "live", &payload) {
                Outcome::Failed(error) => assert_eq!(error.code.as_str(), "backup_not_in_plan", "{payload}"),
                other => panic!("{payload}: {other:?}"),
            }
        }
    }
}
