//! Size and checksums of what was read.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest as Crc};
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::digest::common::hazmat::SerializableState;
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
    /// Bytes that come once more.
    known: u64,
}

/// How far somebody has come with it. SHA-256 has up to 63 bytes of the data in its state, so this is kept sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Halfway {
    bytes: u64,
    /// As the crate that computes it keeps it, in base64.
    sha256: String,
    crc64nvme: u64,
}

impl Fingerprinting {
    pub(crate) fn new() -> Self {
        Self { bytes: 0, sha256: Sha256::new(), crc64: Crc::new(CrcAlgorithm::Crc64Nvme), known: 0 }
    }

    /// Goes on where somebody else stopped; the next byte is this one. `None`: that is none of the bytes that were seen, or nobody stopped so.
    pub(crate) fn going_on(halfway: &Halfway, from: u64) -> Option<Self> {
        let known = halfway.bytes.checked_sub(from)?;
        let state = BASE64.decode(halfway.sha256.as_bytes()).ok()?;
        let sha256 = Sha256::deserialize(&state.as_slice().try_into().ok()?).ok()?;
        let crc64 = Crc::new_with_init_state(CrcAlgorithm::Crc64Nvme, halfway.crc64nvme);
        Some(Self { bytes: halfway.bytes, sha256, crc64, known })
    }

    pub(crate) fn halfway(&self) -> Halfway {
        let sha256 = BASE64.encode(&self.sha256.serialize());
        Halfway { bytes: self.bytes, sha256, crc64nvme: self.crc64.get_state() }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let known = bytes.len().min(usize::try_from(self.known).unwrap_or(usize::MAX));
        self.known -= known as u64;
        let bytes = &bytes[known..];
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
    fn computing_goes_on_wherever_somebody_stopped() {
        let bytes: Vec<u8> = (0..1000_u32).map(|number| number.wrapping_mul(number) as u8).collect();
        let print = |computing: Fingerprinting| computing.finish("a");
        let mut whole = Fingerprinting::new();
        whole.update(&bytes);
        for stop in [0, 1, 63, 64, 65, 999, 1000] {
            let mut begun = Fingerprinting::new();
            begun.update(&bytes[..stop]);
            let json = serde_json::to_string(&begun.halfway()).unwrap();
            let halfway: Halfway = serde_json::from_str(&json).unwrap();
            // Some of them come once more.
            let from = stop.saturating_sub(100);
            let mut going_on = Fingerprinting::going_on(&halfway, from as u64).unwrap();
            bytes[from..].chunks(30).for_each(|chunk| going_on.update(chunk));
            assert_eq!(print(going_on), print(whole.clone()), "{stop}");
            assert!(Fingerprinting::going_on(&halfway, stop as u64 + 1).is_none());
            let other = Halfway { sha256: "AAAA".to_owned(), ..halfway };
            assert!(Fingerprinting::going_on(&other, from as u64).is_none());
        }
    }

    #[test]
    fn a_checksum_of_the_wrong_length_is_refused() {
        for text in ["\"\"", "\"15E2\"", "\"rosUhgp5mIg\"", "\"rosUhgp5\"", "7"] {
            assert!(serde_json::from_str::<Sha256Value>(text).is_err(), "{text}");
            assert!(serde_json::from_str::<Crc64Value>(text).is_err(), "{text}");
        }
    }
}
