//! A wrong key, changed bytes and a broken disk are told apart, and nothing forged is handed on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;

use std::io::{Read, Write};

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use common::{Broken, Endless, encrypted};
use decryption::{Identities, Trouble, decrypt, is_encrypted};
use proptest::prelude::*;
use proptest::sample::Index;

/// Longer than one of age's pieces of 64 KiB.
const LENGTH: usize = 70_000;

fn content() -> Vec<u8> {
    (0..LENGTH).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

fn encrypted_to(identity: &Identity) -> Vec<u8> {
    encrypted(&content(), identity)
}

fn identities(of: &[&Identity]) -> Identities {
    let lines: Vec<String> = of.iter().map(|identity| identity.to_string().expose_secret().to_owned()).collect();
    Identities::read(&format!("# created: 2026-11-21\n\n{}\n", lines.join("\n"))).unwrap()
}

/// What came out before the first error, and the error.
fn read(bytes: impl Read, identities: &Identities) -> (Vec<u8>, Result<(), String>) {
    let mut decrypted = match decrypt(bytes, identities) {
        Ok(decrypted) => decrypted,
        Err(trouble) => return (Vec::new(), Err(trouble.code().to_owned())),
    };
    let mut out = Vec::new();
    let result = decrypted.read_to_end(&mut out).map(drop);
    (out, result.map_err(|error| format!("{:?}", error.kind())))
}

#[test]
fn who_holds_one_of_the_keys_reads_what_was_written() {
    let (ours, another) = (Identity::generate(), Identity::generate());
    let bytes = encrypted_to(&ours);
    assert!(is_encrypted(&bytes));
    assert_eq!(read(bytes.as_slice(), &identities(&[&another, &ours])), (content(), Ok(())));
}

#[test]
fn a_key_that_does_not_fit_is_not_called_damage() {
    let bytes = encrypted_to(&Identity::generate());
    assert!(matches!(decrypt(bytes.as_slice(), &identities(&[&Identity::generate()])), Err(Trouble::WrongKey)));
}

#[test]
fn what_is_not_encrypted_is_said_to_be_so() {
    let keys = identities(&[&Identity::generate()]);
    for plain in [b"PGDMP\x01\x10".as_slice(), b"", b"age"] {
        assert!(matches!(decrypt(plain, &keys), Err(Trouble::NotEncrypted | Trouble::Tampered)), "{plain:?}");
    }
}

#[test]
fn a_passphrase_is_not_tried() {
    let mut encryptor = age::scrypt::Recipient::new("tulip".to_owned().into());
    encryptor.set_work_factor(2);
    let encryptor = age::Encryptor::with_recipients(std::iter::once(&encryptor as &dyn age::Recipient)).unwrap();
    let mut bytes = Vec::new();
    encryptor.wrap_output(&mut bytes).unwrap().finish().unwrap();
    let trouble = decrypt(bytes.as_slice(), &identities(&[&Identity::generate()])).unwrap_err();
    assert!(matches!(trouble, Trouble::Unsupported), "{trouble}");
}

#[test]
fn identities_are_read_strictly_and_never_shown() {
    for (text, line) in [("", 0), ("# only a comment\n", 0), ("\nAGE-SECRET-KEY-1QQQQ\n", 2), ("age1recipient\n", 1)] {
        let trouble = Identities::read(text).unwrap_err();
        assert!(matches!(trouble, Trouble::IdentityUnreadable { line: at } if at == line), "{text:?}: {trouble}");
        assert!(!trouble.to_string().contains("QQQQ"));
    }
    let identity = Identity::generate();
    let secret = identity.to_string().expose_secret().to_owned();
    assert!(!format!("{:?}", identities(&[&identity])).contains(&secret));
}

#[test]
fn a_last_piece_that_is_missing_is_found_although_all_before_it_is_authentic() {
    let identity = Identity::generate();
    let bytes = encrypted_to(&identity);
    let last = LENGTH - 65_536 + 16;
    let (out, result) = read(&bytes[..bytes.len() - last], &identities(&[&identity]));
    assert_eq!((out.len(), result), (65_536, Err("InvalidData".to_owned())));
}

#[test]
fn a_header_without_end_is_not_read_for_ever() {
    let mut endless = Endless::after(b"age-encryption.org/v1\n-> X25519 ");
    let trouble = decrypt(&mut endless, &identities(&[&Identity::generate()])).unwrap_err();
    assert!(matches!(trouble, Trouble::Unsupported), "{trouble}");
    assert!(endless.read <= 256 << 10, "{} bytes", endless.read);
}

#[test]
fn whoever_is_one_of_many_recipients_reads_it() {
    let ours = Identity::generate();
    let recipients: Vec<_> = (0..500).map(|_| Identity::generate().to_public()).chain([ours.to_public()]).collect();
    let recipients = recipients.iter().map(|recipient| -> &dyn age::Recipient { recipient });
    let mut bytes = Vec::new();
    let mut writer = age::Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut bytes).unwrap();
    writer.write_all(&content()).unwrap();
    writer.finish().unwrap();
    assert_eq!(read(bytes.as_slice(), &identities(&[&ours])), (content(), Ok(())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_changed_byte_and_no_cut_goes_unseen_and_nothing_forged_is_handed_on(at in any::<Index>(), bit in 0..8_u8, cut in any::<bool>()) {
        let identity = Identity::generate();
        let mut bytes = encrypted_to(&identity);
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        let (out, result) = read(bytes.as_slice(), &identities(&[&identity]));
        prop_assert!(content().starts_with(&out));
        let told = result.expect_err("damage was not seen");
        // A changed stanza of the header can look like one of another recipient, and a changed beginning like another file.
        let known = ["InvalidData", "tampered", "wrong_key", "not_encrypted", "encryption_unsupported"];
        prop_assert!(known.contains(&told.as_str()), "{told}");
    }

    #[test]
    fn a_disk_that_fails_is_not_called_damage(at in any::<Index>()) {
        let identity = Identity::generate();
        let bytes = encrypted_to(&identity);
        let (out, result) = read(Broken(&bytes[..at.index(bytes.len())]), &identities(&[&identity]));
        prop_assert!(content().starts_with(&out));
        prop_assert!(matches!(result, Err(told) if told == "TimedOut" || told == "unreadable"));
    }
}
