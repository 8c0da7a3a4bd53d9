//! Any bytes come to an end as a message of the AWS Encryption SDK, without a panic, and never with more than was
//! authenticated. The data keys are those of the corpus, so
//! that what is changed behind the header is met by the real cipher.
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
use pgdump::NotOpened;
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

fuzz_target!(|bytes: &[u8]| {
    let _wrapped = decryption::wrapped(bytes);
    let whole = opened(bytes);
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    assert_eq!(whole, opened(head.chain(tail)), "in two pieces");
    if let Some((content, _)) = whole {
        assert!(content.len() < bytes.len(), "more came than there was");
    }
});
