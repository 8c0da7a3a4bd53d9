//! Encrypted archives: verified like any other by who holds a key, and never called damaged for want of one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::io::{self, Read};

use age::x25519::Identity;
use common::{Broken, archives, encrypted, fixture, identities};
use decryption::Identities;
use pgdump::{Answer, Code, Encryption, FilePrint, Level, Manifest, Options, Proof, Scheme, Verdict, verify};
use proptest::prelude::*;
use proptest::sample::Index;

fn verified(bytes: impl Read, level: Level, keys: Option<&Identities>, manifest: Option<&Manifest>) -> Verdict {
    let keys = keys.map(|keys| -> &dyn pgdump::Keys { keys });
    verify(bytes, &Options { keys, manifest, ..Options::to(level) })
}

fn manifest(bytes: &[u8], keys: Option<&Identities>) -> Manifest {
    let keys = keys.map(|keys| -> &dyn pgdump::Keys { keys });
    let verdict = verify(bytes, &Options { keys, fingerprints: true, ..Options::to(Level::Decodable) });
    Manifest::of(&verdict, "2026-11-21T02:00:00Z".parse().unwrap(), "a test").unwrap()
}

fn codes(verdict: &Verdict) -> Vec<Code> {
    verdict.findings.iter().map(|finding| finding.code).collect()
}

/// An encrypted archive, what opens it, and what it holds.
fn sample() -> (Vec<u8>, Identities, Vec<u8>) {
    let identity = Identity::generate();
    let plain = fixture("15.18/custom-gzip-piped.dump");
    (encrypted(&plain, &identity), identities(&identity), plain)
}

#[test]
fn who_holds_a_key_gets_the_verdict_that_the_archive_itself_has() {
    let identity = Identity::generate();
    let keys = identities(&identity);
    for (name, plain) in archives() {
        for level in [Level::Present, Level::Listed, Level::Decodable, Level::Consistent] {
            let itself = verified(plain.as_slice(), level, None, None);
            let found = verified(encrypted(&plain, &identity).as_slice(), level, Some(&keys), None);
            assert_eq!(found.answer(level), itself.answer(level), "{name} {level}: {:?}", found.findings);
            assert_eq!((found.level, &found.tables), (itself.level, &itself.tables), "{name} {level}");
            assert_eq!(found.findings, itself.findings, "{name} {level}");
            assert_eq!(found.encryption, Some(Encryption { scheme: Scheme::Age, opened: true, file: None }), "{name}");
            assert!(matches!(&found.proofs.present, Proof::Proven(why) if why.ends_with("encrypted with age")), "{name}");
        }
    }
}

#[test]
fn without_an_identity_an_archive_is_present_and_nothing_is_said_of_damage() {
    let (bytes, ..) = sample();
    for level in [Level::Listed, Level::Intact, Level::Decodable, Level::Consistent] {
        let verdict = verified(bytes.as_slice(), level, None, None);
        assert_eq!((verdict.level, verdict.answer(level)), (Some(Level::Present), Answer::CouldNotBeChecked), "{level}");
        assert_eq!(codes(&verdict), [Code::NoIdentity], "{level}");
    }
    let verdict = verified(bytes.as_slice(), Level::Present, None, None);
    assert_eq!((verdict.answer(Level::Present), codes(&verdict)), (Answer::Holds, vec![]));
    assert!(
        verdict.not_checked.iter().any(|what| what.contains("no identity or key was given")),
        "{:?}",
        verdict.not_checked
    );
}

#[test]
fn a_manifest_of_the_encrypted_bytes_proves_them_to_who_has_no_key() {
    let (bytes, keys, _) = sample();
    let manifest = manifest(&bytes, Some(&keys));
    assert_eq!(Manifest::read(manifest.to_json().as_bytes()), Ok(manifest.clone()));
    assert_eq!(manifest.encrypted.as_ref().map(|file| file.bytes), Some(bytes.len() as u64));
    let verdict = verified(bytes.as_slice(), Level::Intact, None, Some(&manifest));
    assert_eq!((verdict.level, verdict.answer(Level::Intact)), (Some(Level::Intact), Answer::Holds), "{verdict:?}");
    let verdict = verified(bytes.as_slice(), Level::Decodable, None, Some(&manifest));
    assert_eq!((verdict.level, codes(&verdict)), (Some(Level::Intact), vec![Code::NoIdentity]));
    let verdict = verified(bytes.as_slice(), Level::Consistent, Some(&keys), Some(&manifest));
    assert_eq!(verdict.answer(Level::Consistent), Answer::Holds, "{:?}", verdict.findings);
    for at in (0..bytes.len()).step_by(97) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let verdict = verified(changed.as_slice(), Level::Intact, None, Some(&manifest));
        assert_eq!(verdict.answer(Level::Intact), Answer::DoesNotHold, "byte {at}");
        let verdict = verified(&bytes[..at], Level::Intact, None, Some(&manifest));
        assert_eq!(verdict.answer(Level::Intact), Answer::DoesNotHold, "cut at {at}");
    }
}

#[test]
fn a_manifest_that_was_made_before_encryption_needs_the_key() {
    let (bytes, keys, plain) = sample();
    let manifest = manifest(&plain, None);
    let verdict = verified(bytes.as_slice(), Level::Intact, Some(&keys), Some(&manifest));
    assert_eq!(verdict.answer(Level::Intact), Answer::Holds, "{:?}", verdict.findings);
    let verdict = verified(bytes.as_slice(), Level::Intact, None, Some(&manifest));
    assert_eq!((verdict.answer(Level::Intact), codes(&verdict)), (Answer::CouldNotBeChecked, vec![Code::NoIdentity]));
}

#[test]
fn an_archive_that_was_encrypted_anew_is_not_the_file_of_its_manifest() {
    let (bytes, keys, plain) = sample();
    let identity = Identity::generate();
    let anew = encrypted(&plain, &identity);
    let verdict =
        verified(anew.as_slice(), Level::Intact, Some(&identities(&identity)), Some(&manifest(&bytes, Some(&keys))));
    assert_eq!(codes(&verdict).len(), 1, "{:?}", verdict.findings);
    assert_eq!(verdict.findings[0].file.as_deref(), Some(FilePrint::ENCRYPTED));
}

#[test]
fn a_wrong_key_and_changed_bytes_have_different_codes() {
    let (bytes, keys, _) = sample();
    let verdict = verified(bytes.as_slice(), Level::Decodable, Some(&identities(&Identity::generate())), None);
    assert_eq!((verdict.answer(Level::Decodable), codes(&verdict)), (Answer::CouldNotBeChecked, vec![Code::WrongKey]));
    assert_eq!(verdict.level, Some(Level::Present));
    let mut changed = bytes.clone();
    let middle = bytes.len() / 2;
    changed[middle] ^= 0x10;
    for bytes in [changed, bytes[..bytes.len() - 1].to_vec(), [bytes.as_slice(), b"\n"].concat()] {
        let verdict = verified(bytes.as_slice(), Level::Decodable, Some(&keys), None);
        assert_eq!((verdict.answer(Level::Decodable), codes(&verdict)), (Answer::DoesNotHold, vec![Code::NotAuthentic]));
        assert!(matches!(verdict.proofs.intact, Proof::Failed(_)));
    }
}

#[test]
fn a_key_for_what_is_not_encrypted_is_a_finding_and_no_damage() {
    let plain = fixture("15.18/custom-gzip-piped.dump");
    let verdict = verified(plain.as_slice(), Level::Decodable, Some(&identities(&Identity::generate())), None);
    assert_eq!((verdict.answer(Level::Decodable), codes(&verdict)), (Answer::CouldNotBeChecked, vec![Code::NotEncrypted]));
    assert_eq!(verdict.level, Some(Level::Decodable), "what it holds was read all the same");
}

#[test]
fn what_is_encrypted_otherwise_is_not_called_damaged() {
    for bytes in [b"Salted__12345678".as_slice(), b"-----BEGIN PGP MESSAGE-----\n", b"-----BEGIN AGE ENCRYPTED FILE-----\n"]
    {
        let verdict = verified(bytes, Level::Decodable, None, None);
        assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
        assert_eq!(codes(&verdict), [Code::EncryptionUnsupported]);
    }
}

/// Gives one byte less each time, and begins again.
struct Pieces<'a>(&'a [u8], usize);

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = if self.1 < 2 { 900 } else { self.1 - 1 };
        let most = out.len().min(self.1);
        self.0.read(&mut out[..most])
    }
}

#[test]
fn how_the_bytes_arrive_does_not_matter() {
    let (bytes, keys, _) = sample();
    let at_once = verified(bytes.as_slice(), Level::Decodable, Some(&keys), None);
    assert_eq!(verified(Pieces(&bytes, 7), Level::Decodable, Some(&keys), None), at_once);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_byte_and_no_cut_passes(at in any::<Index>(), bit in 0..8_u8, cut in any::<bool>()) {
        let (mut bytes, keys, _) = sample();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let verdict = verified(bytes.as_slice(), Level::Decodable, Some(&keys), None);
        prop_assert_ne!(verdict.answer(Level::Decodable), Answer::Holds);
        prop_assert!(!codes(&verdict).contains(&Code::Unreadable));
    }

    #[test]
    fn a_disk_that_fails_is_no_damage(at in any::<Index>()) {
        let (bytes, keys, _) = sample();
        let broken = Broken(&bytes[..at.index(bytes.len())]);
        let verdict = verified(broken, Level::Decodable, Some(&keys), None);
        prop_assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
        prop_assert_eq!(codes(&verdict), [Code::Unreadable]);
    }
}
