//! Reads how archives are encrypted.

use std::collections::BTreeMap;

use crate::domain::described::{ArchiveEncryption, ArchiveEnvelope, ArchiveKeys};
use crate::domain::identifier::{ContextName, KmsKeyArn, ResourceName};
use crate::domain::plan::SiteName;

use super::draft::DraftComponent;
use super::fields::{Marked, Place};
use super::finding::Findings;
use super::{code, format};

/// `encryption: { age_identity: …, kms_keys: … }`, or `kms_envelope` instead of the first.
pub(super) fn read(
    place: &Place<'_>,
    has_copy: bool,
    draft: &mut DraftComponent,
    findings: &mut Findings,
) -> Option<ArchiveEncryption> {
    let fields = place.fields(&format::ARCHIVE_ENCRYPTION, findings)?;
    if fields.is_empty() {
        place.selects_nothing(findings);
        return None;
    }
    let age_identity = match fields.optional("age_identity") {
        Some(place) => {
            place.identifier::<ResourceName>("a secret of the recovery site", findings).map(|name| Some(name.value))
        }
        None => Some(None),
    };
    let kms_envelope = match fields.optional("kms_envelope") {
        Some(place) => {
            if fields.optional("age_identity").is_some() {
                let message = format!("{}: archives with an age identity are files of age", place.path());
                findings.error(
                    code::ENCRYPTED_TWICE,
                    place.mark,
                    message,
                    "leave one of the two out: a file is one or the other",
                );
            }
            read_envelope(&place, draft, findings).map(Some)
        }
        None => Some(None),
    };
    let kms_keys = match fields.optional("kms_keys") {
        Some(place) => read_keys(&place, has_copy, draft, findings).map(Some),
        None => Some(None),
    };
    Some(ArchiveEncryption { age_identity: age_identity?, kms_envelope: kms_envelope?, kms_keys: kms_keys? })
}

fn read_envelope(place: &Place<'_>, draft: &mut DraftComponent, findings: &mut Findings) -> Option<ArchiveEnvelope> {
    let fields = place.fields(&format::ARCHIVE_ENVELOPE, findings)?;
    let kms_key = fields.required("kms_key", OPENING_KEY, findings).and_then(|place| {
        let key = place.identifier::<KmsKeyArn>(OPENING_KEY, findings)?;
        draft.opening_keys.push(key.clone());
        Some(key.value)
    });
    let context = match fields.optional("context") {
        Some(place) => read_context(&place, findings),
        None => Some(BTreeMap::new()),
    };
    Some(ArchiveEnvelope { kms_key: kms_key?, context: context? })
}

fn read_context(place: &Place<'_>, findings: &mut Findings) -> Option<BTreeMap<String, String>> {
    let pairs = place.named::<ContextName>("pairs of the encryption context", findings)?;
    let read = |(name, value): (Marked<ContextName>, Place<'_>)| {
        value.line("the value of this pair", findings).map(|value| (name.value.to_string(), value.value))
    };
    // Every one of them is read, so that each has its finding.
    let read: Vec<Option<(String, String)>> = pairs.into_iter().map(read).collect();
    read.into_iter().collect()
}

const OPENING_KEY: &str = "the ARN of the KMS key, in the recovery Region, that opens them";

fn read_keys(place: &Place<'_>, has_copy: bool, draft: &mut DraftComponent, findings: &mut Findings) -> Option<ArchiveKeys> {
    let fields = place.fields(&format::ARCHIVE_KEYS, findings)?;
    let primary = fields.required("primary", KEY, findings);
    let primary = primary.and_then(|place| read_key(&place, SiteName::Primary, draft, findings));
    let recovery = match fields.optional("recovery") {
        Some(place) if !has_copy => {
            let message = format!("{}: the archives have no copy there that it could be the key of", place.path());
            findings.error(
                code::KEYS_AND_COPIES_DIFFER,
                place.mark,
                message,
                "add the copy, `recovery: { bucket: … }`, or leave it out",
            );
            None
        }
        Some(place) => read_key(&place, SiteName::Recovery, draft, findings).map(Some),
        None if !has_copy => Some(None),
        None => {
            let message = format!("{}: the copies have no key", place.path());
            let help = format!("add `recovery:` with {KEY}");
            findings.error(code::KEYS_AND_COPIES_DIFFER, fields.mark(), message, help);
            None
        }
    };
    Some(ArchiveKeys { primary: primary?, recovery: recovery? })
}

const KEY: &str = "the ARN of a KMS key in the bucket's Region";

fn read_key(place: &Place<'_>, site: SiteName, draft: &mut DraftComponent, findings: &mut Findings) -> Option<KmsKeyArn> {
    let key = place.identifier::<KmsKeyArn>(KEY, findings)?;
    draft.keys.push((site, key.clone()));
    Some(key.value)
}
