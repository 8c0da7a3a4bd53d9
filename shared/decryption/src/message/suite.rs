//! Algorithm suites ("AWS Encryption SDK algorithms reference").

use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{Algorithm, HKDF_SHA256, HKDF_SHA384, HKDF_SHA512, KeyType, Salt};
use pgdump::NotOpened;

use super::wrapped::DataKey;

/// Bytes of a data key, of every suite that is read here.
const DATA_KEY: usize = 32;
/// Bytes by which a header commits to its data key.
pub(super) const COMMITMENT: usize = 32;

/// A suite that is read here: all with AES-256-GCM, an IV of 12 bytes, a tag of 16, and a key derived by HKDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Suite {
    id: u16,
    hash: Algorithm,
    /// Whether the header commits to the data key, as in version 2.
    pub(super) commits: bool,
    /// Whether a signature by ECDSA on P-384 follows the body.
    pub(super) is_signed: bool,
}

impl Suite {
    /// The suite of this name in a message of version 1 or 2.
    pub(super) fn of(is_version_2: bool, id: u16) -> Result<Self, NotOpened> {
        let (hash, commits, is_signed) = match (is_version_2, id) {
            (false, 0x0178) => (HKDF_SHA256, false, false),
            (false, 0x0378) => (HKDF_SHA384, false, true),
            (true, 0x0478) => (HKDF_SHA512, true, false),
            (true, 0x0578) => (HKDF_SHA512, true, true),
            _ => {
                return Err(NotOpened::Unsupported(format!(
                    "it is a message of the AWS Encryption SDK with the algorithm suite {id:#06x}, which is not read here: those with \
                     AES-256-GCM and HKDF are (0x0178, 0x0378, 0x0478, 0x0578)"
                )));
            }
        };
        Ok(Self { id, hash, commits, is_signed })
    }

    /// The key of one message, made of its data key, and what the header commits to, where it does.
    pub(super) fn derive(self, data_key: &DataKey, message_id: &[u8]) -> Result<(LessSafeKey, Commitment), NotOpened> {
        if data_key.expose().len() != DATA_KEY {
            return Err(NotOpened::WrongKey(format!(
                "what its data key unwraps to has {} bytes, and keys of its algorithm suite have {DATA_KEY}",
                data_key.expose().len()
            )));
        }
        // Their lengths are fixed, and HKDF allows them.
        self.expand(data_key, message_id)
            .map_err(|Unspecified| NotOpened::Unsupported("the key of the message could not be derived".to_owned()))
    }

    fn expand(self, data_key: &DataKey, message_id: &[u8]) -> Result<(LessSafeKey, Commitment), Unspecified> {
        let id = self.id.to_be_bytes();
        if !self.commits {
            let derived = Salt::none(self.hash).extract(data_key.expose());
            let key = UnboundKey::from(derived.expand(&[&id, message_id], &AES_256_GCM)?);
            return Ok((LessSafeKey::new(key), Commitment(None)));
        }
        let derived = Salt::new(self.hash, message_id).extract(data_key.expose());
        let mut commitment = [0; COMMITMENT];
        derived.expand(&[b"COMMITKEY"], Length)?.fill(&mut commitment)?;
        let key = UnboundKey::from(derived.expand(&[&id, b"DERIVEKEY"], &AES_256_GCM)?);
        Ok((LessSafeKey::new(key), Commitment(Some(commitment))))
    }
}

/// What a data key is committed to as.
pub(super) struct Commitment(Option<[u8; COMMITMENT]>);

impl Commitment {
    /// Whether a header commits to it, where its suite does.
    pub(super) fn is(&self, stated: &[u8]) -> bool {
        self.0.is_none_or(|commitment| verify_slices_are_equal(&commitment, stated).is_ok())
    }
}

#[derive(Clone, Copy)]
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        COMMITMENT
    }
}
