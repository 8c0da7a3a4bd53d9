//! What a reader hands on of a block is sealed: a decoder's window is data of the archive, and what is handed on passes through states and
//! logs that others may read than the archive itself.
//!
//! The key is made of the table of contents and of the bytes of the archive that come next. Whoever goes on has to read them anyway, and
//! whoever cannot read the archive has no key. So nothing has to be kept, shared or replaced, and what was changed on its way does not open.

use std::io::{self, Read};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use data_encoding::BASE64;
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::digest::Sha256Value;

/// Bytes that a key is made of. Nothing is sealed nearer than this to the end of the file. Compressed rows of a table have more to
/// guess in so many bytes than a key has, unless they repeat each other: then the table of contents is all that keeps it.
pub(crate) const KEY_BYTES: usize = 4 << 10;

/// The most that is unsealed: twice what the largest window takes as text.
const LARGEST: u64 = 256 << 10;

const NONCE: usize = 12;

/// How a block or a file stands, for whoever has the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Sealed(String);

/// Opens and seals at one byte of one archive.
pub(crate) struct SealKey {
    key: [u8; 32],
    at: u64,
}

impl SealKey {
    /// Of an archive, by a digest of its table of contents, and of its bytes that begin at this one.
    pub(crate) fn of(archive: &Sha256Value, bytes: &[u8], at: u64) -> Self {
        let key = Sha256::new().chain_update(b"cursor of an archive").chain_update(archive.0).chain_update(bytes).finalize();
        Self { key: key.into(), at }
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(Key::from_slice(&self.key))
    }

    /// `None` where it cannot be made small.
    pub(crate) fn seal(&self, known: &impl Serialize) -> Option<Sealed> {
        let json = serde_json::to_vec(known).ok()?;
        let mut small = Vec::new();
        ZlibEncoder::new(json.as_slice(), Compression::default()).read_to_end(&mut small).ok()?;
        // Of what is sealed, so that one key never meets one nonce with two texts: another archive may go on in the same way.
        let place = self.at.to_le_bytes();
        let digest = Sha256::new().chain_update(self.key).chain_update(place).chain_update(&small).finalize();
        let nonce = digest.get(..NONCE)?;
        let sealed = self.cipher().encrypt(Nonce::from_slice(nonce), Payload { msg: &small, aad: &place }).ok()?;
        Some(Sealed(BASE64.encode(&[nonce, &sealed].concat())))
    }

    /// `None`: it is not what was sealed here.
    pub(crate) fn open<T: DeserializeOwned>(&self, sealed: &Sealed) -> Option<T> {
        let bytes = BASE64.decode(sealed.0.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let place = self.at.to_le_bytes();
        let small = self.cipher().decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: &place }).ok()?;
        let mut json = Vec::new();
        ZlibDecoder::new(small.as_slice()).take(LARGEST).read_to_end(&mut json).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

/// The bytes that a key is made of; fewer where there are no more.
pub(crate) fn key_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(KEY_BYTES);
    reader.take(KEY_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
