//! Reads how archives are encrypted.

use crate::domain::described::{ArchiveEncryption, ArchiveKeys};
use crate::domain::identifier::{KmsKeyArn, ResourceName};
use crate::domain::plan::SiteName;

use super::draft::DraftComponent;
use super::fields::Place;
use super::finding::Findings;
use super::{code, format};

/// `encryption: { age_identity: …, kms_keys: … }`.
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
    let kms_keys = match fields.optional("kms_keys") {
        Some(place) => read_keys(&place, has_copy, draft, findings).map(Some),
        None => Some(None),
    };
    Some(ArchiveEncryption { age_identity: age_identity?, kms_keys: kms_keys? })
}

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
