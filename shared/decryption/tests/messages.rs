//! Messages that AWS's own implementation of the AWS Encryption SDK made: read as it wrote them, and found out where they are not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::io::{self, Read};

use common::messages::{CONTENT_FRAMED, Given32, Writer, envelope, keys_of, kms, message};
use common::{Broken, Endless, fixture};
use decryption::{EncryptionContext, Envelope, Identities, Unwrap, Unwrapped, wrapped};
use pgdump::{Answer, Code, Encryption, Keys, Level, NotOpened, Options, Scheme, Verdict, verify};
use proptest::prelude::*;
use proptest::sample::Index;

/// Fixtures that are whole archives.
const ARCHIVES: [&str; 4] = ["default", "committed", "signed", "plain"];
/// All that are read.
const READ: [&str; 6] = ["default", "committed", "signed", "plain", "even", "empty"];

fn archive() -> Vec<u8> {
    fixture("15.18/small.dump")
}

/// What a fixture holds.
fn content(name: &str) -> Vec<u8> {
    match name {
        "even" => archive()[..1024].to_vec(),
        "empty" => Vec::new(),
        _ => archive(),
    }
}

fn code(trouble: &NotOpened) -> &'static str {
    match trouble {
        NotOpened::WrongKey(_) => "wrong_key",
        NotOpened::KeyUnusable(_) => "key_unusable",
        NotOpened::ContextDiffers(_) => "context_differs",
        NotOpened::NotAuthentic(_) => "not_authentic",
        NotOpened::Unsupported(_) => "unsupported",
        NotOpened::Unreadable(_) => "unreadable",
    }
}

/// What came out before the first error, and the error.
fn read<U: Unwrap>(bytes: impl Read, envelope: &Envelope<U>) -> (Vec<u8>, Result<(), String>) {
    let mut message = match envelope.decrypt(bytes) {
        Ok(message) => message,
        Err(trouble) => return (Vec::new(), Err(code(&trouble).to_owned())),
    };
    let mut out = Vec::new();
    let result = message.read_to_end(&mut out).map(drop);
    assert_eq!(message.read(&mut [0]).is_err(), result.is_err(), "an end is an end, and an error stays one");
    (out, result.map_err(|error| format!("{:?}", error.kind())))
}

#[test]
fn what_the_sdk_of_aws_wrote_is_read() {
    for name in READ {
        assert_eq!(read(message(name).as_slice(), &envelope(name)), (content(name), Ok(())), "{name}");
    }
}

#[test]
fn each_of_the_keys_under_which_it_was_encrypted_opens_it() {
    let keys = keys_of("signed");
    assert_eq!(keys.len(), 2);
    for key in keys {
        let envelope = Envelope::new(kms("signed", &key), EncryptionContext::new());
        assert_eq!(read(message("signed").as_slice(), &envelope), (archive(), Ok(())), "{key}");
    }
}

#[test]
fn the_replica_of_a_multi_region_key_opens_it_and_another_key_is_named_as_wrong() {
    let replica = keys_of("default")[0].replace("us-east-1", "eu-central-1");
    let opens =
        |key: &str| read(message("default").as_slice(), &Envelope::new(kms("default", key), EncryptionContext::new()));
    assert_eq!(opens(&replica), (archive(), Ok(())));
    assert_eq!(opens(&keys_of("plain")[0]).1, Err("wrong_key".to_owned()));
}

#[test]
fn a_data_key_of_another_message_opens_nothing() {
    // Both under one key of KMS: by a header that names the other's data key, or by KMS itself.
    for (name, other) in [("committed", "plain"), ("plain", "committed")] {
        let bytes = message(name);
        let data_key = kms(other, &keys_of(other)[0]).data_key(&wrapped(message(other).as_slice()).unwrap()).unwrap();
        let envelope = Envelope::new(Unwrapped::new(wrapped(bytes.as_slice()).unwrap(), data_key), EncryptionContext::new());
        assert_eq!(read(bytes.as_slice(), &envelope), (Vec::new(), Err("not_authentic".to_owned())), "{name}");
    }
}

#[test]
fn a_data_key_that_was_unwrapped_before_opens_its_own_message_only() {
    let of = wrapped(message("committed").as_slice()).unwrap();
    let data_key = kms("committed", &keys_of("committed")[0]).data_key(&of).unwrap();
    let envelope = Envelope::new(Unwrapped::new(of, data_key), EncryptionContext::new());
    assert_eq!(read(message("committed").as_slice(), &envelope), (archive(), Ok(())));
    assert_eq!(read(message("plain").as_slice(), &envelope).1, Err("wrong_key".to_owned()));
}

#[test]
fn an_archive_with_another_encryption_context_is_not_the_one_that_is_meant() {
    let asked = |pairs: &[(&str, &str)]| {
        let context = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let envelope = Envelope::new(kms("default", &keys_of("default")[0]), context);
        read(message("default").as_slice(), &envelope).1
    };
    assert_eq!(asked(&[("component", "clinic-archives")]), Ok(()));
    assert_eq!(asked(&[("component", "clinic-archives"), ("environment", "production")]), Ok(()));
    for other in [("environment", "staging"), ("Environment", "production"), ("tenant", "")] {
        assert_eq!(asked(&[("component", "clinic-archives"), other]), Err("context_differs".to_owned()), "{other:?}");
    }
}

#[test]
fn what_is_not_read_is_said_to_be_so_and_not_called_damage() {
    for name in ["old-suite", "not-framed"] {
        assert_eq!(read(message(name).as_slice(), &envelope(name)), (Vec::new(), Err("unsupported".to_owned())), "{name}");
    }
    let NotOpened::Unsupported(sentence) = envelope("old-suite").decrypt(message("old-suite").as_slice()).unwrap_err()
    else {
        panic!("another trouble")
    };
    assert!(sentence.contains("0x0014"), "{sentence}");
}

#[test]
fn no_flipped_bit_passes_and_nothing_forged_is_handed_on() {
    for name in ["committed", "even", "plain", "empty"] {
        let (bytes, envelope, content) = (message(name), envelope(name), content(name));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let (out, result) = read(changed.as_slice(), &envelope);
            assert!(content.starts_with(&out), "{name}, bit {bit}");
            let told = result.expect_err("a changed bit was not seen");
            // A changed name of a key is that of another, a changed suite another, and the first bytes are what tells a message.
            let known = match bit / 8 {
                0..4 => ["unsupported", "not_authentic"],
                _ => ["wrong_key", "not_authentic"],
            };
            assert!(told == "InvalidData" || known.contains(&told.as_str()), "{name}, bit {bit}: {told}");
        }
    }
}

#[test]
fn no_cut_passes_and_nothing_may_follow() {
    for name in READ {
        let (bytes, envelope, content) = (message(name), envelope(name), content(name));
        for length in 0..bytes.len() {
            let (out, result) = read(&bytes[..length], &envelope);
            assert!(content.starts_with(&out), "{name}, {length} bytes");
            let told = result.expect_err("a cut was not seen");
            assert!(["InvalidData", "not_authentic"].contains(&told.as_str()), "{name}, {length} bytes: {told}");
        }
        let (_, result) = read([bytes.as_slice(), b"\n"].concat().as_slice(), &envelope);
        assert_eq!(result, Err("InvalidData".to_owned()), "{name}");
    }
}

#[test]
fn a_signed_message_without_its_signature_gives_less_than_it_holds() {
    for name in ["default", "signed"] {
        let mut bytes = message(name);
        *bytes.last_mut().unwrap() ^= 1;
        let (out, result) = read(bytes.as_slice(), &envelope(name));
        assert_eq!(result, Err("InvalidData".to_owned()), "{name}");
        assert!(out.len() < archive().len(), "{name}: the last frame was handed on");
    }
}

fn open(message: &[u8]) -> (Vec<u8>, Result<(), String>) {
    read(message, &Envelope::new(Given32, EncryptionContext::new()))
}

#[test]
fn frames_come_in_order_and_none_is_missing_or_there_twice() {
    let writer = Writer::new(CONTENT_FRAMED, 4, &[]);
    let frame = |sequence, content: &[u8; 4]| writer.frame(false, sequence, content);
    let last = |sequence, content: &[u8]| writer.frame(true, sequence, content);
    let message = |frames: &[Vec<u8>]| open(&[writer.header.clone(), frames.concat()].concat());
    assert_eq!(message(&[frame(1, b"aaaa"), frame(2, b"bbbb"), last(3, b"c")]), (b"aaaabbbbc".to_vec(), Ok(())));
    assert_eq!(message(&[frame(1, b"aaaa"), last(2, b"")]), (b"aaaa".to_vec(), Ok(())));
    let forged = Err("InvalidData".to_owned());
    assert_eq!(message(&[frame(2, b"bbbb"), frame(1, b"aaaa"), last(3, b"c")]), (vec![], forged.clone()));
    assert_eq!(message(&[frame(1, b"aaaa"), last(3, b"c")]), (b"aaaa".to_vec(), forged.clone()));
    assert_eq!(message(&[frame(1, b"aaaa"), frame(1, b"aaaa"), last(3, b"c")]), (b"aaaa".to_vec(), forged.clone()));
    assert_eq!(message(&[last(1, b"c"), last(2, b"c")]).1, forged);
    // No implementation writes a last frame that is longer than the others.
    assert_eq!(message(&[last(1, b"ccccc")]), (vec![], forged));
}

#[test]
fn a_frame_that_is_larger_than_memory_is_refused_before_any_is_taken() {
    for length in [u32::MAX, (32 << 20) + 1] {
        assert_eq!(open(&Writer::new(CONTENT_FRAMED, length, &[]).header).1, Err("unsupported".to_owned()), "{length}");
    }
    assert_eq!(open(&Writer::new(CONTENT_FRAMED, 0, &[]).header).1, Err("not_authentic".to_owned()));
    assert_eq!(open(&Writer::new(3, 4096, &[]).header).1, Err("not_authentic".to_owned()));
}

#[test]
fn a_header_that_commits_to_another_data_key_is_not_authentic_although_its_tag_is() {
    let message = |committed| {
        let writer = Writer::committing(committed, CONTENT_FRAMED, 4096, &[]);
        open(&[writer.header.clone(), writer.frame(true, 1, b"content")].concat())
    };
    assert_eq!(message(None), (b"content".to_vec(), Ok(())));
    assert_eq!(message(Some([1; 32])), (Vec::new(), Err("not_authentic".to_owned())));
}

#[test]
fn a_suite_without_signature_has_no_key_for_one() {
    let context = [("aws-crypto-public-key", "Akw4zcXJDhCom8i1hTLQC70RD6eaFF24RU9qwQ1bKn0BqF13WWbM+ShQcRsQqXJRmA==")];
    assert_eq!(open(&Writer::new(CONTENT_FRAMED, 4096, &context).header).1, Err("not_authentic".to_owned()));
}

#[test]
fn a_header_without_end_is_not_read_for_ever() {
    // 65,535 data keys of the greatest length.
    let beginning = [&[2, 4, 0x78][..], &[0; 32], &[0, 0, 0xff, 0xff]].concat();
    let mut endless = Endless::after(&beginning);
    let trouble = envelope("default").decrypt(&mut endless).unwrap_err();
    assert!(matches!(trouble, NotOpened::Unsupported(_)), "{trouble:?}");
    assert!(endless.read <= 256 << 10, "{} bytes", endless.read);
}

fn verified<'a>(bytes: impl Read, level: Level, keys: impl Into<Option<&'a dyn Keys>>) -> Verdict {
    verify(bytes, &Options { keys: keys.into(), ..Options::to(level) })
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn who_holds_a_key_gets_the_verdict_that_the_archive_itself_has() {
    for name in ARCHIVES {
        let envelope = envelope(name);
        for level in [Level::Present, Level::Listed, Level::Decodable, Level::Consistent] {
            let itself = verified(archive().as_slice(), level, None);
            let found = verified(message(name).as_slice(), level, &envelope as &dyn Keys);
            assert_eq!(
                (found.level, &found.tables, &found.findings),
                (itself.level, &itself.tables, &itself.findings),
                "{name}"
            );
            let scheme = Scheme::AwsEncryptionSdk;
            assert_eq!(found.encryption, Some(Encryption { scheme, opened: true, file: None }), "{name}");
        }
    }
}

#[test]
fn without_a_key_it_is_present_and_nothing_is_said_of_damage() {
    let verdict = verified(message("default").as_slice(), Level::Decodable, None);
    assert_eq!((verdict.level, verdict.answer(Level::Decodable)), (Some(Level::Present), Answer::CouldNotBeChecked));
    assert_eq!(codes(&verdict), [Code::NoIdentity]);
}

#[test]
fn a_key_for_the_one_scheme_is_not_tried_on_the_other() {
    let identity = age::x25519::Identity::generate();
    let identities: Identities = common::identities(&identity);
    let verdict = verified(message("default").as_slice(), Level::Decodable, &identities as &dyn Keys);
    assert_eq!(
        (verdict.answer(Level::Decodable), codes(&verdict)),
        (Answer::CouldNotBeChecked, vec![Code::EncryptionUnsupported])
    );
    let bytes = common::encrypted(&archive(), &identity);
    let verdict = verified(bytes.as_slice(), Level::Decodable, &envelope("default") as &dyn Keys);
    assert_eq!(
        (verdict.answer(Level::Decodable), codes(&verdict)),
        (Answer::CouldNotBeChecked, vec![Code::EncryptionUnsupported])
    );
}

/// Says always the same.
#[derive(Debug)]
struct Says(fn(String) -> NotOpened);

impl Unwrap for Says {
    fn data_key(&self, _: &decryption::Wrapped) -> Result<decryption::DataKey, NotOpened> {
        Err((self.0)("because of the test".to_owned()))
    }
}

#[test]
fn only_what_says_something_of_the_archive_is_damage() {
    for (says, answer, code) in [
        (NotOpened::WrongKey as fn(String) -> NotOpened, Answer::CouldNotBeChecked, Code::WrongKey),
        (NotOpened::KeyUnusable, Answer::CouldNotBeChecked, Code::KeyUnusable),
        (NotOpened::ContextDiffers, Answer::CouldNotBeChecked, Code::EncryptionContextDiffers),
        (NotOpened::NotAuthentic, Answer::DoesNotHold, Code::NotAuthentic),
    ] {
        let envelope = Envelope::new(Says(says), EncryptionContext::new());
        let verdict = verified(message("default").as_slice(), Level::Decodable, &envelope as &dyn Keys);
        assert_eq!((verdict.answer(Level::Decodable), codes(&verdict)), (answer, vec![code]));
    }
}

/// Gives so many bytes at a time, in turn.
struct Pieces<'a>(&'a [u8], Vec<usize>);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1.rotate_left(1);
        let most = out.len().min(self.1[0]);
        self.0.read(&mut out[..most])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_the_bytes_arrive_and_are_taken_does_not_matter(
        pieces in prop::collection::vec(1..700_usize, 1..9), takes in 1..5_000_usize, which in 0..READ.len(),
    ) {
        let (bytes, name) = (message(READ[which]), READ[which]);
        let mut message = envelope(name).decrypt(Pieces(&bytes, pieces)).unwrap();
        let (mut out, mut some) = (Vec::new(), vec![0_u8; takes]);
        loop {
            match message.read(&mut some).unwrap() {
                0 => break,
                count => out.extend_from_slice(&some[..count]),
            }
        }
        prop_assert_eq!(out, content(name));
    }

    #[test]
    fn frames_of_any_length_hold_what_was_written(content in prop::collection::vec(any::<u8>(), 0..3_000), length in 1..1_000_usize) {
        prop_assert_eq!(open(&Writer::message(length, &content)), (content, Ok(())));
    }

    #[test]
    fn a_disk_that_fails_is_not_called_damage(at in any::<Index>(), which in 0..READ.len()) {
        let bytes = message(READ[which]);
        let (out, result) = read(Broken(&bytes[..at.index(bytes.len())]), &envelope(READ[which]));
        prop_assert!(content(READ[which]).starts_with(&out));
        prop_assert!(matches!(result, Err(told) if told == "TimedOut" || told == "unreadable"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), beginning in any::<bool>()) {
        let beginning: &[u8] = if beginning { &[1, 0x80, 3, 0x78] } else { &[2, 4, 0x78] };
        let (out, result) = open(&[beginning, &bytes].concat());
        prop_assert!(out.is_empty() && result.is_err());
    }

    #[test]
    fn no_changed_byte_and_no_cut_of_an_archive_passes(at in any::<Index>(), bit in 0..8_u8, cut in any::<bool>()) {
        let mut bytes = message("default");
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let verdict = verified(bytes.as_slice(), Level::Decodable, &envelope("default") as &dyn Keys);
        prop_assert_ne!(verdict.answer(Level::Decodable), Answer::Holds);
        prop_assert!(!codes(&verdict).contains(&Code::Unreadable));
    }
}
