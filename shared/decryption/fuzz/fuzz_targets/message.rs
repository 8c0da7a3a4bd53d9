//! Any bytes come to an end as a message of the AWS Encryption SDK, without a panic and with fewer bytes than there were, and who
//! begins in its middle reads the same. The data keys are those of the corpus, so that what is changed behind the header is met by the real
//! cipher.
//!
//!     cargo +nightly fuzz run message           # guided by coverage
//!     cargo run --release --bin message -- corpus/message -max_total_time=60     # on stable, without

#![no_main]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER};
use decryption::{DataKey, EncryptionContext, Envelope, Unwrap, Wrapped};
use libfuzzer_sys::fuzz_target;
use pgdump::{Keys, NotOpened};
use serde_json::Value;

/// What KMS gave for each wrapped data key of the corpus, in base 64 and in hexadecimal.
static DATA_KEYS: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let fixtures: Value = serde_json::from_str(include_str!("../../tests/fixtures/data_keys.json")).unwrap_or_default();
    let of = |fixture: &Value| {
        let data_key = HEXLOWER.decode(fixture["data_key"].as_str()?.as_bytes()).ok()?;
        Some((fixture["keys"][0]["wrapped"].as_str()?.to_owned(), data_key))
    };
    fixtures.as_object().into_iter().flat_map(|fixtures| fixtures.values()).filter_map(of).collect()
});

#[derive(Debug)]
struct Kms;

impl Unwrap for Kms {
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
        let known = wrapped.keys.iter().find_map(|key| DATA_KEYS.get(&BASE64.encode(&key.ciphertext)));
        Ok(DataKey::new(known.cloned().unwrap_or_else(|| vec![0; 32])))
    }
}

/// What comes of a message, and whether it comes to a good end.
fn opened(bytes: impl Read) -> Option<(Vec<u8>, Result<(), ErrorKind>)> {
    let mut content = Vec::new();
    let mut message = Envelope::new(Kms, EncryptionContext::new()).decrypt(bytes).ok()?;
    let end = message.read_to_end(&mut content).map(drop).map_err(|error| error.kind());
    Some((content, end))
}

/// What comes of it from this byte of what it holds on; and whether a signature was left out.
fn opened_from(bytes: &[u8], from: usize) -> Option<(Vec<u8>, Result<(), ErrorKind>, bool)> {
    let view = Envelope::new(Kms, EncryptionContext::new()).view(&mut &*bytes, bytes.len() as u64).ok()?;
    let begin = usize::try_from(view.begins_at(from as u64)).map_or(bytes.len(), |begin| begin.min(bytes.len()));
    let mut content = Vec::new();
    let read = view.read(Box::new(&bytes[begin..]), from as u64);
    let end = read.and_then(|mut rest| rest.read_to_end(&mut content)).map(drop).map_err(|error| error.kind());
    Some((content, end, view.not_checked().is_some()))
}

fuzz_target!(|bytes: &[u8]| {
    let _wrapped = decryption::wrapped(bytes);
    let whole = opened(bytes);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    assert_eq!(whole, opened(head.chain(tail)), "in two pieces");
    let Some((content, end)) = whole else { return };
    assert!(content.len() < bytes.len(), "more came than there was");
    for from in [0, 1, content.len() / 2, content.len(), bytes.len()] {
        let Some((part, part_end, is_signed)) = opened_from(bytes, from) else { panic!("it opened a moment ago") };
        if end.is_ok() {
            let expected = content.get(from..).unwrap_or_default();
            assert!(expected.starts_with(&part), "from {from}: not what one reading reads");
            assert!(part_end.is_err() || part == expected, "from {from}: less than one reading reads");
            // A valid signature may have another length than the one that is reckoned with.
            assert!(part_end.is_ok() || is_signed, "from {from}: {part_end:?}, and one reading came to its end");
        } else if from == 0 {
            assert!(part_end.is_err() || is_signed, "one reading did not come to a good end");
        }
    }
});
