//! Messages of the AWS Encryption SDK: those that AWS's own implementation made (`fixtures/make.py`), and some that it never would.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Salt};
use data_encoding::{BASE64, HEXLOWER};
use decryption::{DataKey, EncryptionContext, Envelope, Unwrap, Wrapped};
use pgdump::NotOpened;
use serde::Deserialize;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A message that AWS's own implementation made.
pub(crate) fn message(name: &str) -> Vec<u8> {
    fs::read(fixtures().join(format!("{name}.message"))).unwrap()
}

#[derive(Deserialize)]
struct Given {
    keys: Vec<GivenKey>,
    data_key: String,
}

#[derive(Deserialize)]
struct GivenKey {
    key: String,
    wrapped: String,
}

/// KMS, as far as the fixtures asked it: unwraps what it wrapped under one of its keys, as it was.
#[derive(Debug, Clone)]
pub(crate) struct Kms {
    arn: String,
    data_keys: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Unwrap for Kms {
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
        let known = wrapped.under(&self.arn)?.into_iter().find_map(|key| self.data_keys.get(&key.ciphertext));
        known.cloned().map(DataKey::new).ok_or_else(|| NotOpened::NotAuthentic("InvalidCiphertextException".to_owned()))
    }
}

fn given(name: &str) -> Given {
    let all = fs::read(fixtures().join("data_keys.json")).unwrap();
    serde_json::from_slice::<BTreeMap<String, Given>>(&all).unwrap().remove(name).unwrap()
}

/// The keys under which a fixture was encrypted.
pub(crate) fn keys_of(name: &str) -> Vec<String> {
    given(name).keys.into_iter().map(|key| key.key).collect()
}

/// KMS with the key of this ARN, which can unwrap the data key of this fixture.
pub(crate) fn kms(name: &str, arn: &str) -> Kms {
    let given = given(name);
    let data_key = HEXLOWER.decode(given.data_key.as_bytes()).unwrap();
    let data_keys = given.keys.iter().map(|key| (BASE64.decode(key.wrapped.as_bytes()).unwrap(), data_key.clone()));
    Kms { arn: arn.to_owned(), data_keys: data_keys.collect() }
}

/// What opens this fixture.
pub(crate) fn envelope(name: &str) -> Envelope<Kms> {
    Envelope::new(kms(name, &keys_of(name)[0]), EncryptionContext::new())
}

/// Gives the data key of the messages that are written here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given32;

impl Unwrap for Given32 {
    fn data_key(&self, _: &Wrapped) -> Result<DataKey, NotOpened> {
        Ok(DataKey::new(DATA_KEY.to_vec()))
    }
}

/// What opens them.
pub(crate) fn envelope_of_given() -> Envelope<Given32> {
    Envelope::new(Given32, EncryptionContext::new())
}

pub(crate) const DATA_KEY: [u8; 32] = [7; 32];
/// What it is in their headers.
pub(crate) const WRAPPED: &[u8] = b"wrapped";
/// The key of KMS that their headers name: of the Region that is lost.
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234";
const MESSAGE_ID: [u8; 32] = [9; 32];
pub(crate) const CONTENT_FRAMED: u8 = 2;

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

/// Writes messages with the suite 0x0478, also such as no implementation would.
pub(crate) struct Writer {
    key: LessSafeKey,
    pub(crate) header: Vec<u8>,
}

impl Writer {
    /// With an authentic header that says this of the body.
    pub(crate) fn new(content: u8, frame_length: u32, context: &[(&str, &str)]) -> Self {
        Self::committing(None, content, frame_length, context)
    }

    /// With an authentic header that commits to this instead of its data key.
    pub(crate) fn committing(other: Option<[u8; 32]>, content: u8, frame_length: u32, context: &[(&str, &str)]) -> Self {
        let derived = Salt::new(HKDF_SHA512, &MESSAGE_ID).extract(&DATA_KEY);
        let mut commitment = [0; 32];
        derived.expand(&[b"COMMITKEY"], Length).unwrap().fill(&mut commitment).unwrap();
        let key = derived.expand(&[&[0x04, 0x78], b"DERIVEKEY"], &AES_256_GCM).unwrap();
        let key = LessSafeKey::new(UnboundKey::from(key));
        let counted = |bytes: &[u8]| [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
        let pairs: Vec<u8> = context
            .iter()
            .flat_map(|(name, value)| [counted(name.as_bytes()), counted(value.as_bytes())].concat())
            .collect();
        let pairs = match context.len() {
            0 => counted(b""),
            count => counted(&[&u16::try_from(count).unwrap().to_be_bytes(), pairs.as_slice()].concat()),
        };
        let data_key = [counted(b"aws-kms"), counted(KEY.as_bytes()), counted(WRAPPED)].concat();
        let mut header = [&[2, 0x04, 0x78], &MESSAGE_ID[..], &pairs, &[0, 1], &data_key, &[content]].concat();
        header.extend(frame_length.to_be_bytes());
        header.extend(other.unwrap_or(commitment));
        let mut tag = Vec::new();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::from(&header), &mut tag).unwrap();
        header.extend(tag);
        Self { key, header }
    }

    pub(crate) fn frame(&self, is_last: bool, sequence: u32, content: &[u8]) -> Vec<u8> {
        let mut iv = [0; 12];
        iv[8..].copy_from_slice(&sequence.to_be_bytes());
        let kind: &[u8] = if is_last { b"AWSKMSEncryptionClient Final Frame" } else { b"AWSKMSEncryptionClient Frame" };
        let authenticated = [&MESSAGE_ID, kind, &sequence.to_be_bytes(), &(content.len() as u64).to_be_bytes()].concat();
        let mut sealed = content.to_vec();
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(iv), Aad::from(authenticated), &mut sealed).unwrap();
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        let (last, length): (&[u8], &[u8]) = if is_last { (&[0xff; 4], &length) } else { (&[], &[]) };
        [last, &sequence.to_be_bytes(), &iv, length, &sealed].concat()
    }

    /// As implementations write it.
    pub(crate) fn message(frame_length: usize, content: &[u8]) -> Vec<u8> {
        Self::message_with(&[], frame_length, content)
    }

    /// The same with an encryption context.
    pub(crate) fn message_with(context: &[(&str, &str)], frame_length: usize, content: &[u8]) -> Vec<u8> {
        let writer = Self::new(CONTENT_FRAMED, u32::try_from(frame_length).unwrap(), context);
        let frames: Vec<&[u8]> = content.chunks(frame_length).collect();
        let (last, frames) = frames.split_last().map_or((&[][..], &[][..]), |(last, frames)| (*last, frames));
        let mut message = writer.header.clone();
        for (index, frame) in (1..).zip(frames) {
            message.extend(writer.frame(false, index, frame));
        }
        message.extend(writer.frame(true, u32::try_from(frames.len()).unwrap() + 1, last));
        message
    }
}
