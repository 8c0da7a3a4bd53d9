//! Size and checksums of what was read.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest as Crc};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::verdict::FilePrint;

/// A SHA-256, written as 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256Value(pub [u8; 32]);

/// A CRC-64/NVME, written as S3 does: the eight bytes, most significant first, in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc64Value(pub u64);

impl fmt::Display for Sha256Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Display for Crc64Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0.to_be_bytes()))
    }
}

impl Serialize for Sha256Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Crc64Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let decoded = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        decoded.map(Self).ok_or_else(|| de::Error::custom("a SHA-256 is 64 lower-case hexadecimal digits"))
    }
}

impl<'de> Deserialize<'de> for Crc64Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let decoded = BASE64.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        let value = decoded.map(u64::from_be_bytes).map(Self);
        value.ok_or_else(|| de::Error::custom("a CRC-64/NVME is eight bytes in base64, as S3 writes ChecksumCRC64NVME"))
    }
}

/// Computes size and checksums of bytes that pass by.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprinting {
    bytes: u64,
    sha256: Sha256,
    crc64: Crc,
}

impl Fingerprinting {
    pub(crate) fn new() -> Self {
        Self { bytes: 0, sha256: Sha256::new(), crc64: Crc::new(CrcAlgorithm::Crc64Nvme) }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.sha256.update(bytes);
        self.crc64.update(bytes);
    }

    pub(crate) fn finish(self, name: &str) -> FilePrint {
        FilePrint {
            name: name.to_owned(),
            bytes: self.bytes,
            sha256: Sha256Value(self.sha256.finalize().into()),
            crc64nvme: Crc64Value(self.crc64.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_written_as_s3_and_sha256sum_write_them() {
        let mut computing = Fingerprinting::new();
        computing.update(b"1234");
        computing.update(b"56789");
        let json = serde_json::to_value(computing.finish("a")).unwrap();
        assert_eq!(json["bytes"], 9);
        assert_eq!(json["sha256"], "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
        // The check value of CRC-64/NVME is ae8b14860a799888.
        assert_eq!(json["crc64nvme"], "rosUhgp5mIg=");
        let read: FilePrint = serde_json::from_value(json).unwrap();
        assert_eq!(read.crc64nvme.0, 0xae8b_1486_0a79_9888);
    }

    #[test]
    fn a_checksum_of_the_wrong_length_is_refused() {
        for text in ["\"\"", "\"15E2\"", "\"rosUhgp5mIg\"", "\"rosUhgp5\"", "7"] {
            assert!(serde_json::from_str::<Sha256Value>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Crc64Value>(text).is_err(), "{text}");
        }
    }
}
