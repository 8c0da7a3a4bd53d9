//! However an encrypted archive is divided and by however many readers its pieces are read: together they give the verdict of one reading.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

#[path = "../../pgdump/tests/builder/mod.rs"]
mod builder;
mod common;
#[path = "../../pgdump/tests/common/handed_on.rs"]
#[allow(dead_code, reason = "each test file uses its own part of this")]
mod handed_on;

use std::sync::LazyLock;

use age::x25519::Identity;
use builder::{rows, tables};
use common::messages::{Writer, envelope, envelope_of_given, keys_of, message};
use common::{Broken, archives, encrypted, fixture, identities};
use crc_fast::{CrcAlgorithm, checksum};
use handed_on::{any_value, replace};
use pgdump::{
    Allowance, Answer, Code, Combined, Course, Division, Finding, Keys, Level, Manifest, Options, Piece, PieceSizes, Proof,
    Scheme, Verdict, combine, verify,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

fn options<'a>(keys: &'a dyn Keys, manifest: Option<&'a Manifest>) -> Options<'a> {
    let level = if manifest.is_some() { Level::Consistent } else { Level::Decodable };
    let mut options = Options { keys: Some(keys), manifest, ..Options::to(level) };
    options.limits.zstd_window_log = 27;
    options
}

/// Divides anew for every reader, gives each so many bytes, and lets nothing but JSON pass from one to the next. Also how many read.
fn in_turns(file: &[u8], size: u64, bytes: u64, options: &Options<'_>) -> (Combined, usize) {
    let sizes = PieceSizes { bytes: size, most: 100 };
    let divide = || Division::of(file, file.len() as u64, sizes, options);
    let mut turns = 0;
    let mut read = |number: usize| {
        let mut course = divide().course(number).unwrap();
        loop {
            let division = divide();
            let again: Course = serde_json::from_str(&serde_json::to_string(&course).unwrap()).unwrap();
            let from = usize::try_from(division.begins_at(&again)).unwrap();
            let allowance = Allowance { bytes, over: &|| false };
            turns += 1;
            match division.read_on(number, again, &file[from..], Some(allowance)).unwrap().finish() {
                Ok(piece) => return serde_json::from_str(&serde_json::to_string(&piece).unwrap()).unwrap(),
                Err(unfinished) => course = *unfinished,
            }
            assert!(turns < 10_000, "it does not come to an end");
        }
    };
    let pieces: Vec<Piece> = (0..divide().pieces()).map(&mut read).collect();
    (combine(file, file.len() as u64, sizes, options, &pieces), turns)
}

/// What both ways of reading must agree on.
fn essence(mut verdict: Verdict) -> Verdict {
    if let Proof::Proven(evidence) | Proof::Failed(evidence) = &mut verdict.proofs.intact {
        evidence.clear();
    }
    for finding in verdict.findings.iter_mut().filter(|finding| finding.code == Code::ChecksumMismatch) {
        finding.sentence.clear();
    }
    verdict.not_checked.retain(|text| !text.starts_with("SHA-256") && !text.starts_with("the signature"));
    verdict.encryption.as_mut().unwrap().file = None;
    verdict.files.clear();
    verdict.bytes_read = 0;
    verdict
}

/// A manifest of an encrypted archive: of what it holds, and of its bytes.
fn manifest(file: &[u8], keys: &dyn Keys) -> Manifest {
    let verdict = verify(file, &Options { fingerprints: true, ..options(keys, None) });
    Manifest::of(&verdict, "2026-11-21T02:00:00Z".parse().unwrap(), "a test").unwrap()
}

/// Tables that lie across chunks of age.
fn large() -> Vec<u8> {
    tables(&[rows(3000), rows(10), rows(4000), rows(1), rows(6000)])
}

type Encryption = (&'static str, Box<dyn Keys + Send>, Vec<u8>);

/// With age, and as messages with short and with long frames.
const ENCRYPTIONS: [fn(&[u8]) -> Encryption; 3] = [
    |plain| {
        let identity = Identity::generate();
        ("age", Box::new(identities(&identity)), encrypted(plain, &identity))
    },
    |plain| ("frames of 512", Box::new(envelope_of_given()), Writer::message(512, plain)),
    |plain| ("frames of 30,000", Box::new(envelope_of_given()), Writer::message(30_000, plain)),
];

/// One of the archives that properties are tried with: encryption is never the same twice, so that is done once.
struct Sample {
    how: &'static str,
    keys: Box<dyn Keys + Send>,
    file: Vec<u8>,
    manifest: Manifest,
}

static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let sample = |(how, keys, file): Encryption| {
        let manifest = manifest(&file, &*keys);
        Sample { how, keys, file, manifest }
    };
    encryptions(&large()).map(sample).collect()
});

fn encryptions(plain: &[u8]) -> impl Iterator<Item = Encryption> {
    ENCRYPTIONS.into_iter().map(move |encrypt| encrypt(plain))
}

#[test]
fn every_archive_gives_the_verdict_of_one_reading() {
    for (name, plain) in archives() {
        for (how, keys, file) in encryptions(&plain) {
            let options = options(&*keys, None);
            let whole = essence(verify(file.as_slice(), &options));
            for (size, bytes) in [(1, u64::MAX), (2000, 300), (u64::MAX, 1000)] {
                let (combined, _) = in_turns(&file, size, bytes, &options);
                if combined.verdict.findings.iter().any(|finding| finding.code == Code::StreamTooLong) {
                    assert!(name.contains("zstd") && bytes != u64::MAX, "{name}, {how}: continued by nobody");
                } else {
                    assert_eq!(essence(combined.verdict), whole, "{name}, {how}");
                }
            }
        }
    }
}

#[test]
fn with_a_manifest_it_is_consistent_and_its_bytes_are_compared_too() {
    let plain = large();
    for (how, keys, file) in encryptions(&plain) {
        let manifest = manifest(&file, &*keys);
        let options = options(&*keys, Some(&manifest));
        for (size, bytes) in [(1, u64::MAX), (50_000, 40_000), (u64::MAX, 50_000)] {
            let (Combined { verdict, crc64nvme, .. }, turns) = in_turns(&file, size, bytes, &options);
            assert!(turns > 3, "{how}: {turns}");
            assert_eq!(verdict.level, Some(Level::Consistent), "{how}: {:?} {:?}", verdict.findings, verdict.not_checked);
            assert!(verdict.encryption.as_ref().is_some_and(|encryption| encryption.opened), "{how}");
            assert_eq!(crc64nvme, manifest.encrypted.as_ref().map(|file| file.crc64nvme), "{how}");
            let Proof::Proven(evidence) = &verdict.proofs.intact else { panic!("{how}") };
            assert!(evidence.contains(&format!("{} bytes, read in pieces", plain.len())), "{evidence}");
            assert!(evidence.contains(&format!("{} bytes, read in pieces", file.len())), "{evidence}");
            assert!(verdict.not_checked.iter().any(|what| what.starts_with("SHA-256")), "{how}");
        }
    }
}

#[test]
fn messages_of_all_algorithm_suites_are_read_in_pieces_and_no_signature_is_claimed() {
    for (name, is_signed) in [("default", true), ("committed", false), ("signed", true), ("plain", false)] {
        let (file, envelope) = (message(name), envelope(name));
        let options = options(&envelope, None);
        let (Combined { verdict, .. }, _) = in_turns(&file, 1, u64::MAX, &options);
        assert_eq!(essence(verdict.clone()), essence(verify(file.as_slice(), &options)), "{name}");
        assert_eq!(verdict.level, Some(Level::Decodable), "{name}");
        assert_eq!(verdict.encryption.unwrap().scheme, Scheme::AwsEncryptionSdk);
        let told = verdict.not_checked.iter().any(|what| what.starts_with("the signature of the AWS Encryption SDK"));
        assert_eq!(told, is_signed, "{name}");
    }
}

#[test]
fn a_changed_signature_is_found_by_who_knows_the_encrypted_bytes() {
    let (mut file, envelope) = (message("default"), envelope("default"));
    let manifest = manifest(&file, &envelope);
    let in_pieces = |file: &[u8]| in_turns(file, 1, u64::MAX, &options(&envelope, Some(&manifest))).0;
    let encrypted = manifest.encrypted.as_ref().unwrap();
    *file.last_mut().unwrap() ^= 1;
    let Combined { verdict, crc64nvme, .. } = in_pieces(&file);
    assert_eq!((verdict.answer(Level::Consistent), codes(&verdict)), (Answer::DoesNotHold, vec![Code::ChecksumMismatch]));
    assert_ne!(crc64nvme, Some(encrypted.crc64nvme));

    // Nothing says where the last frame ends any more, but how long the file is.
    file.pop();
    let length = file.len() - 102;
    file[length - 1] = 102;
    let Combined { verdict, .. } = in_pieces(&file);
    assert_eq!(codes(&verdict), [Code::Unreadable, Code::SizeMismatch]);
    assert!(matches!(verdict.proofs.intact, Proof::Failed(_)), "{:?}", verdict.proofs);
}

#[test]
fn what_is_not_authentic_is_not_intact_although_its_checksum_was_made_right() {
    let (mut file, envelope) = (message("default"), envelope("default"));
    let mut manifest = manifest(&file, &envelope);
    let key = keys_of("default").remove(0);
    let wrapped = file.windows(key.len()).position(|window| window == key.as_bytes()).unwrap() + key.len() + 40;
    file[wrapped] ^= 1;
    let crc64nvme = in_turns(&file, 1000, u64::MAX, &options(&envelope, None)).0.crc64nvme.unwrap();
    manifest.encrypted.as_mut().unwrap().crc64nvme = crc64nvme;
    let options = options(&envelope, Some(&manifest));
    let (Combined { verdict, .. }, _) = in_turns(&file, 1000, u64::MAX, &options);
    assert!(verdict.findings.iter().any(|finding| finding.code == Code::NotAuthentic), "{:?}", verdict.findings);
    assert!(matches!(verdict.proofs.intact, Proof::Failed(_)), "{:?}", verdict.proofs);
    assert_eq!(verdict.level, verify(file.as_slice(), &options).level);
}

#[test]
fn a_piece_that_is_missing_leaves_nothing_to_compare() {
    let identity = Identity::generate();
    let (file, keys) = (encrypted(&large(), &identity), identities(&identity));
    let manifest = manifest(&file, &keys);
    let (options, sizes) = (options(&keys, Some(&manifest)), PieceSizes { bytes: 1, most: 100 });
    let division = Division::of(file.as_slice(), file.len() as u64, sizes, &options);
    let read = |number: usize| {
        let from = usize::try_from(division.begins_at(&division.course(number).unwrap())).unwrap();
        division.read(number, &file[from..]).unwrap()
    };
    for missing in 0..division.pieces() {
        let pieces: Vec<Piece> = (0..division.pieces()).filter(|number| *number != missing).map(read).collect();
        let Combined { verdict, crc64nvme, .. } = combine(file.as_slice(), file.len() as u64, sizes, &options, &pieces);
        assert_eq!((codes(&verdict), crc64nvme), (vec![Code::PieceMissing], None), "{missing}");
        assert!(verdict.not_checked.iter().any(|what| what.starts_with("the encrypted bytes")), "{missing}");
    }
}

#[test]
fn without_the_key_it_is_summed_and_says_why() {
    let plain = large();
    for (how, keys, file) in encryptions(&plain) {
        let manifest = manifest(&file, &*keys);
        let other = identities(&Identity::generate());
        for keys in [None, Some(&other as &dyn Keys)] {
            let options = Options { keys, ..options(&other, Some(&manifest)) };
            let (Combined { verdict, crc64nvme, .. }, turns) = in_turns(&file, 40_000, u64::MAX, &options);
            assert!(turns > 4, "{how}: {turns}");
            assert_eq!((verdict.level, crc64nvme.is_some()), (Some(Level::Intact), true), "{how}: {verdict:?}");
            assert_eq!(verdict.findings, verify(file.as_slice(), &options).findings, "{how}");
            let Proof::NotChecked(why) = &verdict.proofs.decodable else { panic!("{how}") };
            assert!(why.contains("does not open"), "{why}");
        }
    }
}

#[test]
fn what_opens_and_is_no_archive_is_found_to_be_none() {
    for (how, keys, file) in encryptions(&vec![7; 100_000]) {
        let options = options(&*keys, None);
        let verdict = in_turns(&file, 40_000, u64::MAX, &options).0.verdict;
        assert_eq!(verdict.findings, verify(file.as_slice(), &options).findings, "{how}");
        assert_eq!((verdict.answer(Level::Decodable), verdict.level), (Answer::DoesNotHold, None), "{how}");
    }
}

#[test]
fn bytes_that_stop_coming_are_no_damage_and_bytes_that_are_not_authentic_are_nothing_else() {
    for (how, keys, file) in encryptions(&large()) {
        let options = options(&*keys, None);
        let sizes = PieceSizes { bytes: 1, most: 100 };
        let division = Division::of(file.as_slice(), file.len() as u64, sizes, &options);
        assert_eq!(division.pieces(), 5, "{how}");
        for number in 0..division.pieces() {
            let from = usize::try_from(division.begins_at(&division.course(number).unwrap())).unwrap();
            // Behind the header, in the first of its chunks.
            let at = from.max(2000) + 30;
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            let codes_of_piece = |piece: Option<Piece>| -> Vec<Code> {
                let told = serde_json::to_value(piece.unwrap()).unwrap()["findings"].take();
                told.as_array().unwrap().iter().map(|told| serde_json::from_value(told["code"].clone()).unwrap()).collect()
            };
            for stops in [from + 1, at] {
                let piece = division.read(number, Broken(&file[from..stops]));
                assert_eq!(codes_of_piece(piece), [Code::Unreadable], "{how} {number}");
            }
            assert_eq!(codes_of_piece(division.read(number, &damaged[from..])), [Code::NotAuthentic], "{how} {number}");
        }
    }
}

#[test]
fn what_lies_behind_bytes_that_are_not_authentic_is_compared_by_whoever_goes_on() {
    for (how, keys, sound) in encryptions(&large()) {
        let manifest = manifest(&sound, &*keys);
        let options = options(&*keys, Some(&manifest));
        let mut changed = sound.clone();
        changed[70_000] ^= 1;
        let twice = [sound.as_slice(), &sound].concat();
        for (file, difference) in [(changed, Code::ChecksumMismatch), (twice, Code::SizeMismatch)] {
            let whole = verify(file.as_slice(), &options);
            let combined = in_turns(&file, 50_000, 30_000, &options).0.verdict;
            assert_eq!(codes(&combined), [Code::NotAuthentic, difference], "{how}");
            assert_eq!((told(&combined.findings), combined.level), (told(&whole.findings), whole.level), "{how}");
        }
    }
}

#[test]
fn behind_bytes_that_are_not_authentic_too_it_is_told_which_ones_do_not_come() {
    for (how, keys, mut file) in encryptions(&large()) {
        file[70_000] ^= 1;
        let options = options(&*keys, None);
        let sizes = PieceSizes { bytes: u64::MAX, most: 1 };
        let division = Division::of(file.as_slice(), file.len() as u64, sizes, &options);
        let piece = division.read(0, Broken(&file[..file.len() - 1])).unwrap();
        assert!(piece.is_unreadable(), "{how}");
        let Combined { verdict, crc64nvme, .. } = combine(file.as_slice(), file.len() as u64, sizes, &options, &[piece]);
        assert_eq!((codes(&verdict), crc64nvme), (vec![Code::NotAuthentic, Code::Unreadable], None), "{how}");
        assert_eq!(verdict.findings[1].offset, Some(file.len() as u64 - 1), "{how}");
    }
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.findings.iter().map(|finding| finding.code).collect()
}

fn told(findings: &[Finding]) -> Vec<(Code, Option<u64>)> {
    findings.iter().map(|finding| (finding.code, finding.offset)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_is_what_one_reading_finds(
        which in 0..ENCRYPTIONS.len(), at in any::<Index>(), kind in 0..4_u8, recorded in any::<bool>(),
        size in prop_oneof![Just(1_u64), 1..200_000_u64], bytes in prop_oneof![Just(u64::MAX), 40_000..200_000_u64],
    ) {
        let Sample { how, keys, file: sound, manifest } = &SAMPLES[which];
        let mut file = sound.clone();
        let at = at.index(file.len());
        match kind {
            0 => file[at] ^= 1,
            1 => file.truncate(at),
            2 => file.extend(&sound[at..]),
            // Between two chunks.
            _ => {
                let view = keys.view(&mut sound.as_slice(), sound.len() as u64).unwrap();
                file.truncate(usize::try_from(view.begins_at(at as u64)).unwrap());
            }
        }
        let options = options(&**keys, recorded.then_some(manifest));
        let whole = verify(file.as_slice(), &options);
        let Combined { verdict, crc64nvme, .. } = in_turns(&file, size, bytes, &options).0;
        let level = options.level;
        prop_assert_eq!(verdict.answer(level), whole.answer(level), "{} {}", how, at);
        prop_assert_eq!(verdict.level, whole.level, "{} {}", how, at);
        prop_assert_eq!(told(&verdict.findings), told(&whole.findings), "{} {}", how, at);
        prop_assert_eq!(crc64nvme.map(|sum| sum.0), Some(checksum(CrcAlgorithm::Crc64Nvme, &file)), "{} {}", how, at);
        prop_assert!(verdict.answer(level) != Answer::Holds || file == *sound);
    }

    #[test]
    fn what_the_archive_itself_lacks_is_found_as_if_it_were_not_encrypted(
        which in 0..ENCRYPTIONS.len(), at in any::<Index>(), cut in any::<bool>(), size in 1..60_000_u64,
    ) {
        let mut plain = large();
        let at = at.index(plain.len());
        if cut { plain.truncate(at) } else { plain[at] ^= 0x10 }
        let (how, keys, file) = ENCRYPTIONS[which](&plain);
        let options = options(&*keys, None);
        let whole = verify(plain.as_slice(), &Options { keys: None, ..options.clone() });
        let combined = in_turns(&file, size, 40_000, &options).0.verdict;
        prop_assert_eq!(&combined.findings, &whole.findings, "{}", how);
        prop_assert_eq!(combined.level, whole.level, "{}", how);
    }

    #[test]
    fn a_course_that_was_changed_on_its_way_does_no_harm(which in 0..ENCRYPTIONS.len(), at in any::<Index>(), value in any_value()) {
        for file in [SAMPLES[which].file.clone(), not_authentic(which)] {
            let mut course = half_way(&file, which);
            replace(&mut course, at, value.clone());
            let verdict = go_on(&file, which, course);
            prop_assert!(verdict.is_none_or(|verdict| file == SAMPLES[which].file || verdict.answer(Level::Decodable) != Answer::Holds));
        }
    }
}

/// Damage early in it.
fn not_authentic(which: usize) -> Vec<u8> {
    let mut file = SAMPLES[which].file.clone();
    file[70_000] ^= 1;
    file
}

/// What is handed on by a reader of such a file, as JSON.
fn half_way(file: &[u8], which: usize) -> Value {
    let options = options(&*SAMPLES[which].keys, None);
    let division = Division::of(file, file.len() as u64, ONE, &options);
    let allowance = Allowance { bytes: 100_000, over: &|| false };
    let course = division.read_on(0, division.course(0).unwrap(), file, Some(allowance)).unwrap();
    serde_json::to_value(course.finish().unwrap_err()).unwrap()
}

const ONE: PieceSizes = PieceSizes { bytes: u64::MAX, most: 1 };

/// What readers make of a course that was handed on to them, whatever it is.
fn go_on(file: &[u8], which: usize, course: Value) -> Option<Verdict> {
    let mut course: Course = serde_json::from_value(course).ok()?;
    let options = options(&*SAMPLES[which].keys, None);
    for _ in 0..10 {
        let division = Division::of(file, file.len() as u64, ONE, &options);
        let from = file.len().min(usize::try_from(division.begins_at(&course)).unwrap_or(usize::MAX));
        course = division.read_on(0, course, &file[from..], None)?;
        match course.finish() {
            Ok(piece) => return Some(combine(file, file.len() as u64, ONE, &options, &[piece]).verdict),
            Err(unfinished) => course = *unfinished,
        }
    }
    panic!("who is not told to stop reads to the end");
}

#[test]
fn how_far_the_file_was_summed_is_believed_only_as_it_can_be() {
    for which in 0..ENCRYPTIONS.len() {
        for file in [SAMPLES[which].file.clone(), not_authentic(which)] {
            let course = half_way(&file, which);
            assert!(go_on(&file, which, course.clone()).is_some());
            let options = options(&*SAMPLES[which].keys, Some(&SAMPLES[which].manifest));
            let division = Division::of(file.as_slice(), file.len() as u64, ONE, &options);
            let from = division.begins_at(&serde_json::from_value(course.clone()).unwrap());
            // What comes next would not be there; where only the file's bytes are left, the next one is any that somebody says.
            let before = if course["cursor"].is_null() { vec![] } else { vec![0, from - 1] };
            for other in before.into_iter().chain([file.len() as u64 + 1, 1 << 63, u64::MAX]) {
                let mut course = course.clone();
                course["encrypted"]["up_to"] = other.into();
                assert_eq!(go_on(&file, which, course), None, "{other}, from {from}");
            }
            // Then there is nothing to compare, and nothing is.
            let mut course = course.clone();
            course.as_object_mut().unwrap().remove("encrypted");
            let mut course: Course = serde_json::from_value(course).unwrap();
            let from = usize::try_from(division.begins_at(&course)).unwrap();
            course = division.read_on(0, course, &file[from..], None).unwrap();
            let combined = combine(file.as_slice(), file.len() as u64, ONE, &options, &[course.finish().unwrap()]);
            assert_eq!(combined.crc64nvme, None);
            assert!(combined.verdict.not_checked.iter().any(|what| what.starts_with("the encrypted bytes")));
        }
    }
    let plain = large();
    let options = Options::to(Level::Decodable);
    let division = Division::of(plain.as_slice(), plain.len() as u64, ONE, &options);
    let mut course = serde_json::to_value(division.course(0).unwrap()).unwrap();
    course["encrypted"] = serde_json::json!({"up_to": 0, "crc64nvme": null});
    assert!(division.read_on(0, serde_json::from_value(course).unwrap(), plain.as_slice(), None).is_none());
}

#[test]
fn who_gives_up_on_the_rest_of_the_file_says_nothing_of_what_it_holds() {
    for (which, Sample { how, keys, file, .. }) in SAMPLES.iter().enumerate() {
        // In the first the rest of what it holds is left, too.
        for (file, code) in [(file.clone(), Code::StreamTooLong), (not_authentic(which), Code::NotAuthentic)] {
            let mut course: Course = serde_json::from_value(half_way(&file, which)).unwrap();
            course.give_up("forty readers");
            let (piece, options) = (course.finish().unwrap(), options(&**keys, None));
            let combined = combine(file.as_slice(), file.len() as u64, ONE, &options, &[piece]);
            assert_eq!((codes(&combined.verdict), combined.crc64nvme), (vec![code], None), "{how}");
        }
    }
}

#[test]
fn the_end_of_the_file_is_authenticated_although_what_it_holds_cannot_be_decoded_to_its_end() {
    // What is behind the archive ends its decoding, and fills the last chunk: nobody needs a byte more.
    let mut plain = large();
    plain.resize(plain.len().next_multiple_of(65_536), 0);
    for (how, keys, mut file) in encryptions(&plain) {
        let sound = verify(large().as_slice(), &Options { fingerprints: true, ..Options::to(Level::Decodable) });
        let mut manifest = Manifest::of(&sound, "2026-11-21T02:00:00Z".parse().unwrap(), "a test").unwrap();
        manifest.files = verify(plain.as_slice(), &Options { fingerprints: true, ..Options::to(Level::Decodable) }).files;
        let options = options(&*keys, Some(&manifest));
        let whole = verify(file.as_slice(), &options);
        let combined = in_turns(&file, u64::MAX, u64::MAX, &options).0.verdict;
        assert_eq!((told(&combined.findings), &combined.level), (told(&whole.findings), &whole.level), "{how}");
        assert!(combined.proofs.intact.is_proven(), "{how}: {:?}", combined.proofs);
        file.push(7);
        let whole = verify(file.as_slice(), &options);
        let combined = in_turns(&file, u64::MAX, u64::MAX, &options).0.verdict;
        assert_eq!((told(&combined.findings), &combined.level), (told(&whole.findings), &whole.level), "{how}");
        assert!(matches!(combined.proofs.intact, Proof::Failed(_)), "{how}: {:?}", combined.proofs);
    }
}

#[test]
fn what_is_not_authentic_is_told_although_nobody_knows_what_lies_before_it() {
    for (how, keys, mut file) in encryptions(&large()) {
        let options = options(&*keys, None);
        let sizes = PieceSizes { bytes: 1, most: 100 };
        let division = Division::of(file.as_slice(), file.len() as u64, sizes, &options);
        let last = division.pieces() - 1;
        let begins_at = usize::try_from(division.begins_at(&division.course(last).unwrap())).unwrap();
        file[begins_at + 30] ^= 1;
        let read = |number: usize| {
            let from = usize::try_from(division.begins_at(&division.course(number).unwrap())).unwrap();
            division.read(number, &file[from..]).unwrap()
        };
        let pieces: Vec<Piece> = (0..=last).filter(|number| *number != 0).map(read).collect();
        let verdict = combine(file.as_slice(), file.len() as u64, sizes, &options, &pieces).verdict;
        assert_eq!(codes(&verdict), [Code::PieceMissing, Code::NotAuthentic], "{how}");
        assert_eq!(verdict.answer(Level::Decodable), Answer::DoesNotHold, "{how}");
    }
}

#[test]
fn the_archive_of_these_tests_is_sound() {
    for plain in [large(), fixture("15.18/custom-gzip.dump")] {
        let verdict = verify(plain.as_slice(), &Options::to(Level::Decodable));
        assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    }
}
