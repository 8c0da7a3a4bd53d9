//! What is known of a backup by its manifest.

use std::collections::BTreeMap;

use pgdump::{FilePrint, Manifest};
use shared::domain::archives::MANIFEST;
use shared::domain::backup::ProofLevel;
use shared::domain::retention::Standing;

/// What a manifest proves of a backup with files of these names and sizes. A manifest is only ever written of an archive that was
/// decoded to its end, so one that fits proves that level, as of the day on which it was written.
pub(super) fn standing(manifest: Option<&Manifest>, files: &BTreeMap<String, u64>) -> Standing {
    let Some(manifest) = manifest else {
        return Standing::Unverified { why: format!("it has no readable manifest (NAME{MANIFEST}), so nothing proves it") };
    };
    let recorded: BTreeMap<String, u64> = match &manifest.encrypted {
        // It is kept as it is stored.
        Some(encrypted) => single(encrypted.bytes),
        None => manifest.files.iter().map(|file| (file.name.clone(), file.bytes)).collect(),
    };
    if recorded == *files {
        return Standing::Verified { completed_at: manifest.recorded_at, level: ProofLevel::Decodable };
    }
    let sum = |files: &BTreeMap<String, u64>| files.values().sum::<u64>();
    let why = format!(
        "its manifest is of {} bytes in {} files, and there are {} bytes in {}: it is damaged, or the manifest is another's",
        sum(&recorded),
        recorded.len(),
        sum(files),
        files.len()
    );
    Standing::Unverified { why }
}

/// The one file of an archive that is one.
pub(super) fn single(bytes: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(FilePrint::SINGLE.to_owned(), bytes)])
}
