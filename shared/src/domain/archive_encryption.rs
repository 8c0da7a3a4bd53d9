//! What is to be said of how archives are encrypted: a backup that nobody can open after the disaster is none.

use super::archives::ObjectView;
use super::identifier::{KmsKeyArn, Region, ResourceName};
use super::observation::{StoredKey, StoredSecret};

/// How S3 names encryption under a key of KMS: once, or in two layers.
const UNDER_KMS: [&str; 2] = ["aws:kms", "aws:kms:dsse"];

/// The state of a key of KMS that can be used.
const ENABLED: &str = "Enabled";

/// The identity that opens archives, looked at in the recovery site's Region: the evidence, or the finding.
///
/// # Errors
/// The finding, with its stable code in front.
pub fn judge_identity(secret: &ResourceName, region: &Region, found: Option<&StoredSecret>) -> Result<String, String> {
    match found {
        None => Err(format!(
            "identity_missing: there is no secret {secret} in {region}: without the other Region nobody could open the archives; \
             replicate it there (secretsmanager:ReplicateSecretToRegions)"
        )),
        Some(StoredSecret { deleted_at: Some(at), .. }) => Err(format!(
            "identity_deleted: secret {secret} in {region} was deleted on {at} and is gone after its recovery window: restore it \
             (secretsmanager:RestoreSecret)"
        )),
        Some(StoredSecret { has_value: false, .. }) => {
            Err(format!("identity_empty: secret {secret} in {region} has no current version, so it opens nothing"))
        }
        Some(_) => Ok(format!("the identity that opens it is in {region} (secret {secret})")),
    }
}

/// The key of KMS that unwraps the data keys of archives, looked at in the recovery site's Region: the evidence, or the finding.
///
/// # Errors
/// The finding, with its stable code in front.
pub fn judge_envelope_key(key: &KmsKeyArn, found: Option<&StoredKey>) -> Result<String, String> {
    let region = key.region();
    match found {
        None => Err(format!(
            "envelope_key_missing: there is no key {key}: without the other Region nobody could open the archives; replicate a \
             multi-Region key there (kms:ReplicateKey), or encrypt them under a key of {region}, too"
        )),
        Some(StoredKey { deleted_at: Some(at), .. }) => Err(format!(
            "envelope_key_deleted: key {key} is deleted on {at}, and unwraps nothing until then: cancel that (kms:CancelKeyDeletion, \
             kms:EnableKey), or every archive under it is lost"
        )),
        Some(StoredKey { state, .. }) if state != ENABLED => Err(format!(
            "envelope_key_unusable: key {key} is {state}, so it unwraps nothing: enable it (kms:EnableKey), or see in KMS what it waits for"
        )),
        Some(_) => Ok(format!("the key that opens it is in {region} ({key})")),
    }
}

/// What KMS's refusal to unwrap a data key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUnwrapped {
    /// It is wrapped under another key.
    WrongKey,
    /// It, or what it is bound to, is not what was wrapped.
    Changed,
    /// Nothing of the archive: the key could not be used.
    Unusable,
}

/// What a refusal of KMS means for an archive whose header names this key. `code` is KMS's; the sentence is without it.
#[must_use]
pub fn judge_not_unwrapped(key: &KmsKeyArn, code: &str) -> (NotUnwrapped, String) {
    match code {
        "IncorrectKeyException" => (
            NotUnwrapped::WrongKey,
            format!(
                "KMS says that its data key was wrapped under another key than {key}. This says nothing about its bytes"
            ),
        ),
        // KMS does not say which of the two it is; both are in the header.
        "InvalidCiphertextException" => (
            NotUnwrapped::Changed,
            format!(
                "its header names {key}, and KMS finds that the data key in it, or the encryption context, is not what was wrapped under \
                 that key: the header was changed since it was written"
            ),
        ),
        _ => {
            let why = match code {
                "AccessDeniedException" => {
                    "the caller may not use it: kms:Decrypt has to be allowed by its role and by the key's policy"
                }
                "DisabledException" => "it is disabled: enable it (kms:EnableKey)",
                "NotFoundException" => "it does not exist in that Region: replicate it there (kms:ReplicateKey)",
                "KMSInvalidStateException" => "its state does not allow it, such as a scheduled deletion: look at it in KMS",
                "InvalidKeyUsageException" => "it is no symmetric key for encryption",
                _ => "KMS did not do it: try again later",
            };
            (
                NotUnwrapped::Unusable,
                format!("its data key could not be unwrapped with {key}: {why}. This says nothing about its bytes"),
            )
        }
    }
}

/// Under which key S3 keeps an object, against the one that the plan names: the evidence, or the finding. `name` is the object's.
///
/// # Errors
/// The finding, with its stable code in front.
pub fn judge_key(name: &str, expected: &KmsKeyArn, object: &ObjectView) -> Result<String, String> {
    let under_kms = object.encryption.as_deref().is_some_and(|encryption| UNDER_KMS.contains(&encryption));
    match (&object.kms_key, under_kms) {
        (Some(key), true) if expected.is_named(key) => Ok(format!("{name} is encrypted at rest under {expected}")),
        (Some(key), true) => Err(format!(
            "kms_key_other: {name} is encrypted at rest under {key}, and the plan names {expected}: whoever recovers has a right to \
             the one of the plan"
        )),
        _ => {
            let found = object.encryption.as_deref().unwrap_or("nothing");
            Err(format!("kms_key_missing: {name} is encrypted at rest by {found}, and the plan names {expected}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/mrk-1234";

    fn object(encryption: Option<&str>, kms_key: Option<&str>) -> ObjectView {
        ObjectView {
            key: "a.dump".to_owned(),
            region: "us-west-2".to_owned(),
            bytes: 1,
            etag: "e".to_owned(),
            crc64nvme: None,
            encryption: encryption.map(str::to_owned),
            kms_key: kms_key.map(str::to_owned),
            storage_class: None,
        }
    }

    #[test]
    fn an_object_is_under_the_key_of_the_plan_or_that_is_a_finding() {
        let expected = KmsKeyArn::new(KEY).unwrap();
        let judged = |encryption, key| judge_key("s3://clinic/a.dump", &expected, &object(encryption, key));
        for (encryption, key) in [("aws:kms", KEY), ("aws:kms:dsse", KEY), ("aws:kms", "mrk-1234")] {
            assert!(judged(Some(encryption), Some(key)).is_ok(), "{encryption} {key}");
        }
        let east = KEY.replace("us-west-2", "us-east-1");
        for (encryption, key, code) in [
            (Some("aws:kms"), Some(east.as_str()), "kms_key_other"),
            (Some("aws:kms"), Some("1234"), "kms_key_other"),
            (Some("aws:kms"), None, "kms_key_missing"),
            (Some("AES256"), None, "kms_key_missing"),
            (Some("AES256"), Some(KEY), "kms_key_missing"),
            (None, None, "kms_key_missing"),
        ] {
            let finding = judged(encryption, key).unwrap_err();
            assert!(finding.starts_with(&format!("{code}: ")), "{finding}");
        }
    }

    #[test]
    fn a_key_that_cannot_unwrap_is_a_finding_that_says_why() {
        let key = KmsKeyArn::new(KEY).unwrap();
        let there = StoredKey { state: "Enabled".to_owned(), deleted_at: None };
        assert!(judge_envelope_key(&key, Some(&there)).unwrap().contains("us-west-2"));
        let state = |state: &str| Some(StoredKey { state: state.to_owned(), deleted_at: None });
        let going = StoredKey { state: "PendingDeletion".to_owned(), deleted_at: Some(Timestamp::UNIX_EPOCH) };
        for (found, code) in [
            (None, "envelope_key_missing"),
            (Some(going), "envelope_key_deleted"),
            (state("Disabled"), "envelope_key_unusable"),
            (state("PendingImport"), "envelope_key_unusable"),
            (state(""), "envelope_key_unusable"),
        ] {
            let finding = judge_envelope_key(&key, found.as_ref()).unwrap_err();
            assert!(finding.starts_with(&format!("{code}: ")), "{finding}");
        }
    }

    #[test]
    fn only_a_header_that_was_changed_is_called_so() {
        let key = KmsKeyArn::new(KEY).unwrap();
        for (code, means) in [
            ("IncorrectKeyException", NotUnwrapped::WrongKey),
            ("InvalidCiphertextException", NotUnwrapped::Changed),
            ("AccessDeniedException", NotUnwrapped::Unusable),
            ("DisabledException", NotUnwrapped::Unusable),
            ("NotFoundException", NotUnwrapped::Unusable),
            ("KMSInvalidStateException", NotUnwrapped::Unusable),
            ("InvalidKeyUsageException", NotUnwrapped::Unusable),
            ("KeyUnavailableException", NotUnwrapped::Unusable),
            ("ThrottlingException", NotUnwrapped::Unusable),
            ("timeout", NotUnwrapped::Unusable),
        ] {
            let (found, sentence) = judge_not_unwrapped(&key, code);
            assert_eq!(found, means, "{code}");
            assert!(sentence.contains(KEY), "{sentence}");
            assert_eq!(sentence.contains("nothing about its bytes"), means != NotUnwrapped::Changed, "{sentence}");
        }
    }

    #[test]
    fn an_identity_that_is_missing_going_or_empty_is_a_finding() {
        let (secret, region) = (ResourceName::new("clinic/identity").unwrap(), Region::new("us-west-2").unwrap());
        let there = StoredSecret { deleted_at: None, has_value: true };
        assert!(judge_identity(&secret, &region, Some(&there)).unwrap().contains("us-west-2"));
        for (found, code) in [
            (None, "identity_missing"),
            (Some(StoredSecret { deleted_at: Some(Timestamp::UNIX_EPOCH), ..there }), "identity_deleted"),
            (Some(StoredSecret { has_value: false, ..there }), "identity_empty"),
        ] {
            let finding = judge_identity(&secret, &region, found.as_ref()).unwrap_err();
            assert!(finding.starts_with(&format!("{code}: ")), "{finding}");
        }
    }
}
