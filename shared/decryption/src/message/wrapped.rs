//! Data keys: as a message has them, and unwrapped.

use std::collections::BTreeMap;
use std::fmt;

use pgdump::NotOpened;
use zeroize::Zeroizing;

/// The public pairs to which a data key is bound.
pub type EncryptionContext = BTreeMap<String, String>;

/// How data keys name KMS as who wrapped them.
const KMS: &str = "aws-kms";

/// A data key, wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedDataKey {
    /// Who wrapped it: `aws-kms`.
    pub provider: String,
    /// Under which of its keys: of KMS, its ARN.
    pub key: String,
    /// As it was wrapped.
    pub ciphertext: Vec<u8>,
}

impl EncryptedDataKey {
    /// Whether the key of KMS with this ARN may unwrap it: it is the one that did wrap it, or a replica of the same multi-Region key.
    fn is_under(&self, arn: &str) -> bool {
        self.provider == KMS && (self.key == arn || are_replicas(&self.key, arn))
    }
}

/// Whether two ARNs name one multi-Region key: they differ by nothing but the Region ("How multi-Region keys work").
fn are_replicas(one: &str, other: &str) -> bool {
    let parts = |arn: &str| {
        let mut parts: Vec<String> = arn.splitn(6, ':').map(str::to_owned).collect();
        let region = (parts.len() == 6 && parts[5].starts_with("key/mrk-")).then(|| parts.remove(3));
        region.map(|_| parts)
    };
    parts(one).is_some_and(|one| Some(one) == parts(other))
}

/// What a message says of its data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The data key, once for each key under which it was wrapped.
    pub keys: Vec<EncryptedDataKey>,
    /// What it is bound to: to be given when it is unwrapped.
    pub context: EncryptionContext,
}

impl Wrapped {
    /// Those of its data keys that the key of KMS with this ARN may unwrap.
    ///
    /// # Errors
    /// [`NotOpened::WrongKey`], when there is none.
    pub fn under(&self, arn: &str) -> Result<Vec<&EncryptedDataKey>, NotOpened> {
        let found: Vec<_> = self.keys.iter().filter(|key| key.is_under(arn)).collect();
        if found.is_empty() {
            return Err(NotOpened::WrongKey(format!(
                "it was encrypted under {}, and neither under {arn} nor under a multi-Region key that this is a replica of. This says \
                 nothing about its bytes",
                self.named()
            )));
        }
        Ok(found)
    }

    /// The keys under which it was encrypted, for people: they are as the header has them.
    fn named(&self) -> String {
        /// More than a sentence should have.
        const MANY: usize = 4;
        let shown = self.keys.iter().take(MANY).map(|key| match key.provider.as_str() {
            KMS => format!("{:?}", key.key),
            other => format!("a key of {other:?}"),
        });
        let mut shown: Vec<String> = shown.collect();
        if let Some(more @ 1..) = self.keys.len().checked_sub(MANY) {
            shown.push(format!("{more} more"));
        }
        shown.join(", ")
    }
}

/// A data key, unwrapped. Never printed, and gone from memory with its owner.
#[derive(Clone)]
pub struct DataKey(Zeroizing<Vec<u8>>);

impl DataKey {
    /// As whoever unwrapped it gave it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DataKey(redacted)")
    }
}

/// What unwraps data keys.
pub trait Unwrap: fmt::Debug + Sync {
    /// One of the data keys, unwrapped.
    ///
    /// # Errors
    /// [`NotOpened`]: `WrongKey`, when none of them is for it; `KeyUnusable`, when that could not be found out; `NotAuthentic`, when one
    /// is for it and was changed.
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened>;
}

/// A data key that was unwrapped before the message is read: it opens the one whose header it is of, and no other.
#[derive(Debug, Clone)]
pub struct Unwrapped {
    of: Wrapped,
    key: DataKey,
}

impl Unwrapped {
    /// The data key of the message whose header says this.
    #[must_use]
    pub fn new(of: Wrapped, key: DataKey) -> Self {
        Self { of, key }
    }
}

impl Unwrap for Unwrapped {
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
        if *wrapped == self.of {
            return Ok(self.key.clone());
        }
        Err(NotOpened::WrongKey("the data key that was unwrapped is of another message".to_owned()))
    }
}

/// What became of a data key before the message is read: it was unwrapped, or why not.
impl Unwrap for Result<Unwrapped, NotOpened> {
    fn data_key(&self, wrapped: &Wrapped) -> Result<DataKey, NotOpened> {
        self.as_ref().map_err(Clone::clone)?.data_key(wrapped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEST: &str = "arn:aws:kms:us-west-2:123456789012:key/mrk-1";

    fn under(provider: &str, key: &str) -> Wrapped {
        let key = EncryptedDataKey { provider: provider.to_owned(), key: key.to_owned(), ciphertext: Vec::new() };
        Wrapped { keys: vec![key], context: EncryptionContext::new() }
    }

    #[test]
    fn a_replica_of_the_same_multi_region_key_opens_it_and_no_other_key_of_another_region() {
        for key in [WEST, "arn:aws:kms:us-east-1:123456789012:key/mrk-1"] {
            assert_eq!(under(KMS, key).under(WEST).unwrap().len(), 1, "{key}");
        }
        for (provider, key) in [
            (KMS, "arn:aws:kms:us-east-1:123456789012:key/mrk-2"),
            (KMS, "arn:aws:kms:us-east-1:210987654321:key/mrk-1"),
            (KMS, "arn:aws-cn:kms:us-west-2:123456789012:key/mrk-1"),
            (KMS, "mrk-1"),
            (KMS, ""),
            ("aws-kms-hierarchy", WEST),
        ] {
            let trouble = under(provider, key).under(WEST).unwrap_err();
            assert!(matches!(&trouble, NotOpened::WrongKey(why) if why.contains(WEST)), "{provider} {key}: {trouble:?}");
        }
        let single = WEST.replace("mrk-", "");
        assert!(under(KMS, &single).under(&single).is_ok());
        assert!(under(KMS, &single.replace("us-west-2", "us-east-1")).under(&single).is_err());
    }

    #[test]
    fn a_data_key_is_never_shown() {
        let unwrapped = Unwrapped::new(under(KMS, WEST), DataKey::new(vec![0x5a; 32]));
        let shown = format!("{unwrapped:?}");
        assert!(shown.contains("redacted") && !shown.contains("90, 90"), "{shown}");
    }
}
