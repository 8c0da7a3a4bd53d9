use clap::Parser;

use super::*;
use crate::encrypted_archives::{MESSAGES, asked_of_kms, encrypted, fixture_kms};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    backup: BackupArguments,
}

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pgdump/tests/fixtures/");

fn archive(name: &str) -> String {
    format!("{FIXTURES}{name}")
}

/// A file of its own for one test, in the system's temporary directory.
fn temporary(name: &str) -> String {
    let directory = std::env::temp_dir().join(format!("recoveryctl-backup-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name).display().to_string()
}

fn run_with(input: &[u8], line: &[&str]) -> (u8, Vec<u8>, String) {
    let arguments = Line::try_parse_from([&["backup"], line].concat()).unwrap();
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let mut input = input;
    let mut streams = Streams { input: &mut input, out: &mut out, errors: &mut errors };
    let nowhere = || Err("no S3 in this test".to_owned());
    let outside = Outside { now: "2026-11-21T02:00:00Z".parse().unwrap(), connect: &nowhere, kms: &fixture_kms };
    let code = run_on(&arguments.backup.command, &outside, &mut streams);
    (code, out, String::from_utf8(errors).unwrap())
}

fn run_line(line: &[&str]) -> (u8, String, String) {
    let (code, out, errors) = run_with(b"", line);
    (code, String::from_utf8(out).unwrap(), errors)
}

#[test]
fn a_sound_archive_ends_with_0_a_damaged_one_with_1_and_an_unreadable_one_with_2() {
    let sound = archive("15.18/custom-gzip.dump");
    assert_eq!(run_line(&["verify", &sound]).0, 0);
    assert_eq!(run_line(&["verify", &archive("18.4/directory-gzip")]).0, 0);
    assert_eq!(run_line(&["verify", &archive("18.4/tar.tar")]).0, 0);
    let bytes = std::fs::read(&sound).unwrap();
    let cut = temporary("cut.dump");
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let (code, out, _) = run_line(&["verify", &cut]);
    assert_eq!(code, 1);
    assert!(out.contains("DOES NOT HOLD"), "{out}");
    assert!(out.contains("found: contents_invalid") || out.contains("found: truncated"), "{out}");
    let (code, out, errors) = run_line(&["verify", "no-such.dump"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.starts_with("error: no-such.dump could not be read: "), "{errors}");
    assert_eq!(run_line(&["verify", &sound, "--level", "restorable"]).0, 2);
    assert_eq!(run_line(&["verify", &sound, "--level", "intact"]).0, 2, "without a manifest nobody knows");
    assert_eq!(run_line(&["verify", &archive("17.10/custom-zstd-long.dump")]).0, 2);
    assert_eq!(run_line(&["verify", &archive("17.10/custom-zstd-long.dump"), "--zstd-window", "27"]).0, 0);
    assert_eq!(run_line(&["verify", &archive("15.18/schema-only.dump")]).0, 1);
    assert_eq!(run_line(&["verify", &archive("15.18/schema-only.dump"), "--schema-only"]).0, 0);
}

#[test]
fn an_archive_is_read_from_standard_input_too() {
    let bytes = std::fs::read(archive("17.10/custom-lz4-piped.dump")).unwrap();
    assert_eq!(run_with(&bytes, &["verify", "-"]).0, 0);
    assert_eq!(run_with(&bytes[..3000], &["verify", "-"]).0, 1);
}

#[test]
fn the_verdict_for_programs_has_the_promised_form() {
    let (code, out, errors) = run_line(&["verify", &archive("15.18/custom-gzip.dump"), "--format", "json"]);
    assert_eq!((code, errors.as_str()), (0, ""));
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["answer"], "holds");
    assert_eq!(answer["required"], "decodable");
    assert_eq!(answer["level"], "decodable");
    assert_eq!(answer["proofs"]["decodable"]["state"], "proven");
    assert_eq!(answer["proofs"]["intact"]["state"], "not_checked");
    assert_eq!(answer["archive"]["compression"], "gzip");
    let orders = answer["tables"].as_array().unwrap().iter().find(|table| table["name"] == "orders").unwrap();
    assert_eq!((&orders["schema"], &orders["rows"]), (&"public".into(), &5.into()));
    assert_eq!(answer["large_objects"]["count"], 3);
    assert!(answer["not_checked"].as_array().is_some_and(|what| !what.is_empty()));
    let damaged = run_with(b"PGDMP", &["verify", "-", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&damaged.1).unwrap();
    assert_eq!((&answer["answer"], &answer["level"]), (&"does_not_hold".into(), &serde_json::Value::Null));
    assert_eq!(answer["findings"][0]["code"], "truncated");
    assert_eq!(answer["findings"][0]["offset"], 5);
}

#[test]
fn the_filter_passes_a_sound_dump_on_and_its_manifest_proves_it_later() {
    let dump = archive("15.18/custom-gzip-piped.dump");
    let bytes = std::fs::read(&dump).unwrap();
    let out = temporary("sound.json");
    let (code, passed, errors) = run_with(&bytes, &["manifest", "--out", &out]);
    assert_eq!((code, passed == bytes), (0, true), "{errors}");
    assert!(errors.starts_with("decodable: 11008 bytes, 10 tables with 140 rows, 3 large objects"), "{errors}");
    assert_eq!(run_line(&["verify", &dump, "--level", "intact", "--manifest", &out]).0, 0);
    assert_eq!(run_line(&["verify", &dump, "--level", "consistent", "--manifest", &out]).0, 0);
    assert_eq!(run_line(&["verify", &dump, "--level", "consistent", "--previous", &out, "--drift", "0%"]).0, 0);
    let other = archive("15.18/custom-gzip.dump");
    assert_eq!(run_line(&["verify", &other, "--level", "intact", "--manifest", &out]).0, 1);
    let (code, _, errors) = run_line(&["verify", &dump, "--manifest", &dump]);
    assert_eq!(code, 2);
    assert!(errors.contains("manifest_unreadable"), "{errors}");
}

#[test]
fn the_filter_passes_a_bad_dump_on_unchanged_and_ends_badly_without_a_manifest() {
    let bytes = std::fs::read(archive("15.18/custom-gzip-piped.dump")).unwrap();
    let mut damaged = bytes.clone();
    damaged[bytes.len() - 700] ^= 1;
    let large = [bytes.as_slice(), &vec![7; 1_000_000]].concat();
    for (name, input, expected) in [
        ("flipped", damaged.as_slice(), 1),
        ("cut", &bytes[..7000], 1),
        ("longer", &large, 1),
        ("other", b"-- PostgreSQL database dump\n", 1),
        ("empty", b"", 1),
    ] {
        let out = temporary(&format!("{name}.json"));
        let (code, passed, errors) = run_with(input, &["manifest", "--out", &out]);
        assert_eq!((code, passed == input), (expected, true), "{name}: {errors}");
        assert!(errors.contains("no manifest was written"), "{name}: {errors}");
        assert!(!Path::new(&out).exists(), "{name}");
    }
    // A limit is no damage, and no proof either.
    let long = std::fs::read(archive("17.10/custom-zstd-long.dump")).unwrap();
    let (code, passed, _) = run_with(&long, &["manifest", "--out", &temporary("long.json")]);
    assert_eq!((code, passed == long), (2, true));
}

/// An encrypted archive and a file with the identity that opens it.
fn sealed(name: &str) -> (String, String, Vec<u8>) {
    let (bytes, identity) = encrypted(&std::fs::read(archive("15.18/custom-gzip-piped.dump")).unwrap());
    let (dump, key) = (temporary(&format!("{name}.dump")), temporary(&format!("{name}.key")));
    std::fs::write(&dump, &bytes).unwrap();
    std::fs::write(&key, identity).unwrap();
    (dump, key, bytes)
}

#[test]
fn an_encrypted_archive_is_known_by_how_it_begins_and_verified_with_its_identity() {
    let (dump, key, bytes) = sealed("sealed");
    assert_eq!(run_line(&["verify", &dump, "--identity", &key]).0, 0);
    let (code, out, _) = run_line(&["verify", &dump, "--identity", &key, "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &answer["encryption"]["scheme"], &answer["encryption"]["opened"]), (0, &"age".into(), &true.into()));
    let (code, out, _) = run_line(&["verify", &dump]);
    assert_eq!(code, 2);
    assert!(out.contains("whether decodable holds could not be checked") && out.contains("found: no_identity: "), "{out}");
    assert!(!out.contains("damage"), "{out}");
    assert_eq!(run_line(&["verify", &dump, "--level", "present"]).0, 0);
    let (_, other, _) = sealed("other");
    let (code, out, _) = run_line(&["verify", &dump, "--identity", &other]);
    assert_eq!(code, 2);
    assert!(out.contains("found: wrong_key: ") && !out.contains("damage"), "{out}");
    std::fs::write(&dump, &bytes[..bytes.len() - 1]).unwrap();
    let (code, out, _) = run_line(&["verify", &dump, "--identity", &key]);
    assert_eq!(code, 1);
    assert!(out.contains("found: not_authentic: "), "{out}");
}

#[test]
fn a_manifest_of_an_encrypted_archive_proves_its_bytes_without_the_identity() {
    let (dump, key, bytes) = sealed("recorded");
    let out = temporary("recorded.json");
    let (code, passed, errors) = run_with(&bytes, &["manifest", "--out", &out]);
    assert_eq!((code, passed == bytes, Path::new(&out).exists()), (2, true, false), "{errors}");
    let (code, passed, errors) = run_with(&bytes, &["manifest", "--out", &out, "--identity", &key]);
    assert_eq!((code, passed == bytes), (0, true), "{errors}");
    assert_eq!(run_line(&["verify", &dump, "--level", "intact", "--manifest", &out]).0, 0);
    assert_eq!(run_line(&["verify", &dump, "--level", "consistent", "--manifest", &out, "--identity", &key]).0, 0);
    assert_eq!(run_line(&["verify", &dump, "--level", "decodable", "--manifest", &out]).0, 2);
    std::fs::write(&dump, &bytes[..bytes.len() - 1]).unwrap();
    assert_eq!(run_line(&["verify", &dump, "--level", "intact", "--manifest", &out]).0, 1);
}

#[test]
fn an_identity_that_is_none_is_said_without_repeating_it() {
    let (dump, key, _) = sealed("unreadable");
    let text = std::fs::read_to_string(&key).unwrap();
    std::fs::write(&key, text.trim_end().strip_suffix(|_| true).unwrap()).unwrap();
    let (code, out, errors) = run_line(&["verify", &dump, "--identity", &key]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.contains("identity_unreadable: line 2 "), "{errors}");
    let secret = text.lines().nth(1).unwrap();
    assert!(!errors.contains(&secret[20..40]), "{errors}");
}

#[test]
fn an_archive_of_the_encryption_sdk_is_verified_with_its_kms_key_or_a_replica_of_it() {
    let (dump, key) = (format!("{MESSAGES}default.message"), asked_of_kms()["default"]["keys"][0]["key"].clone());
    let key = key.as_str().unwrap();
    let replica = key.replace("us-east-1", "eu-central-1");
    for key in [key, replica.as_str()] {
        assert_eq!(run_line(&["verify", &dump, "--kms-key", key]).0, 0, "{key}");
    }
    let context = |pair: &str| run_line(&["verify", &dump, "--kms-key", key, "--encryption-context", pair]);
    assert_eq!(context("component=clinic-archives").0, 0);
    let (code, out, _) = context("component=orders");
    assert!(code == 2 && out.contains("found: encryption_context_differs: "), "{out}");
    let (code, out, _) = run_line(&["verify", &dump, "--kms-key", "arn:aws:kms:us-east-1:123456789012:key/other"]);
    assert!(code == 2 && out.contains("found: wrong_key: ") && !out.contains("damage"), "{out}");
    let (code, out, _) = run_line(&["verify", &dump, "--kms-key", &key.replace("us-east-1", "sa-east-1")]);
    assert!(code == 2 && out.contains("found: key_unusable: ") && out.contains("kms:EnableKey"), "{out}");
    let (code, out, _) = run_line(&["verify", &dump]);
    assert!(code == 2 && out.contains("found: no_identity: "), "{out}");
}

#[test]
fn a_wrapped_data_key_that_was_changed_is_damage() {
    let mut bytes = std::fs::read(format!("{MESSAGES}default.message")).unwrap();
    let key = asked_of_kms()["default"]["keys"][0]["key"].clone();
    let key = key.as_str().unwrap();
    let end = bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len();
    bytes[end + 40] ^= 1;
    let (dump, out) = (temporary("changed.message"), temporary("changed.json"));
    std::fs::write(&dump, &bytes).unwrap();
    let (code, said, _) = run_line(&["verify", &dump, "--kms-key", key]);
    assert!(code == 1 && said.contains("found: not_authentic: "), "{said}");
    let (code, passed, _) = run_with(&bytes, &["manifest", "--out", &out, "--kms-key", key]);
    assert_eq!((code, passed == bytes, Path::new(&out).exists()), (1, true, false));
}

#[test]
fn a_kms_key_is_an_arn_and_stands_alone() {
    for line in [
        &["--kms-key", "alias/archives"][..],
        &["--kms-key", "arn:aws:kms:us-east-1:123456789012:key/1", "--identity", "key.txt"],
        &["--encryption-context", "a=b"],
        &["--kms-key", "arn:aws:kms:us-east-1:123456789012:key/1", "--encryption-context", "=b"],
    ] {
        let line = [&["backup", "verify", "a.dump"], line].concat();
        assert!(Line::try_parse_from(&line).is_err(), "{line:?}");
    }
}

#[test]
fn a_directory_gets_its_manifest_from_disk() {
    let directory = archive("17.10/directory-lz4");
    let out = temporary("directory.json");
    let (code, passed, errors) = run_with(b"", &["manifest", "--out", &out, &directory]);
    assert_eq!((code, passed.len()), (0, 0), "{errors}");
    assert_eq!(run_line(&["verify", &directory, "--level", "consistent", "--manifest", &out]).0, 0);
    assert_eq!(run_line(&["verify", &archive("17.10/directory-zstd"), "--level", "intact", "--manifest", &out]).0, 1);
}

#[test]
fn a_manifest_that_cannot_be_written_is_said_before_the_dump_is_read() {
    let (code, passed, errors) = run_with(b"bytes", &["manifest", "--out", "/no/such/directory/m.json"]);
    assert_eq!((code, passed.len()), (2, 0));
    assert!(errors.contains("could not be written"), "{errors}");
}

#[test]
fn drift_is_declared_for_all_tables_or_for_one() {
    assert_eq!(drift("10"), Ok((None, 10)));
    assert_eq!(drift("10%"), Ok((None, 10)));
    assert_eq!(drift("public.a=b=100"), Ok((Some("public.a=b".to_owned()), 100)));
    assert!(drift("much").is_err());
    let line = ["backup", "verify", "x", "--previous", "y"];
    assert!(Line::try_parse_from(line).is_err(), "a backup before needs a declared drift");
}
