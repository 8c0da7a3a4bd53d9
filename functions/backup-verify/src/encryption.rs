//! What opens archives that are encrypted, and under which keys S3 keeps them.

use std::sync::Arc;

use decryption::Identities;
use pgdump::{Scheme, begins_archive};
use shared::domain::archive_encryption::{judge_identity, judge_key};
use shared::domain::archives::{ObjectView, Proof, Shelf};
use shared::domain::plan::SiteName;
use shared::ports::FailureKind;

use crate::archives::{Search, finding, named};

/// Bytes that tell what begins as an archive from what does not, encrypted or not.
pub(crate) const BEGINNING: usize = Scheme::BEGINNING;

impl Search<'_> {
    /// Whether what opens the archives is in the recovery site, without fetching it.
    pub(crate) async fn look_for_identity(&self, proof: &mut Proof) {
        let Some(secret) = self.archives.age_identity() else { return };
        let region = self.plan.region(SiteName::Recovery);
        let found = match self.secrets.look(region, secret).await {
            Ok(found) => Some(found),
            Err(error) if error.kind == FailureKind::NotFound => None,
            Err(error) => return proof.findings.push(finding(&error)),
        };
        told(judge_identity(secret, region, found.as_ref()), proof);
    }

    /// What opens the archives: fetched where they would be restored, because there it has to be. Once per look, and kept nowhere.
    pub(crate) async fn identities(&self, proof: &mut Proof) -> Option<Arc<Identities>> {
        let secret = self.archives.age_identity()?;
        let region = self.plan.region(SiteName::Recovery);
        let text = match self.secrets.value(region, secret).await {
            Ok(text) => text,
            Err(error) if error.kind == FailureKind::NotFound => {
                told(judge_identity(secret, region, None), proof);
                return None;
            }
            Err(error) => {
                proof.findings.push(format!("{} (secret {secret} in {region})", finding(&error)));
                return None;
            }
        };
        match Identities::read(text.expose()) {
            Ok(identities) => {
                proof.evidence.push(format!("the identity that opens it is in {region} (secret {secret})"));
                Some(Arc::new(identities))
            }
            // Which says the line and nothing of what is in it.
            Err(trouble) => {
                proof.findings.push(format!("{}: secret {secret} in {region}: {trouble}", trouble.code()));
                None
            }
        }
    }

    /// Under which keys S3 keeps the newest archive of every site, where the plan names some.
    pub(crate) async fn keys(&self, shelves: &[Shelf], proof: &mut Proof) {
        for shelf in shelves {
            let (Some(key), Some(newest)) = (self.archives.kms_key(shelf.site), shelf.newest()) else { continue };
            let first = self.first_object(&newest.key);
            match self.objects.look(&shelf.region, &shelf.place, &first).await {
                Ok(view) => told(judge_key(&named(&shelf.place, &first), key, &view), proof),
                Err(error) => proof.findings.push(finding(&error)),
            }
        }
    }

    /// The key of one archive.
    pub(crate) fn key(&self, site: SiteName, name: &str, view: &ObjectView, proof: &mut Proof) {
        if let Some(key) = self.archives.kms_key(site) {
            told(judge_key(name, key, view), proof);
        }
    }
}

fn told(judged: Result<String, String>, proof: &mut Proof) {
    match judged {
        Ok(evidence) => proof.evidence.push(evidence),
        Err(finding) => proof.findings.push(finding),
    }
}

/// Whether a file begins as an archive does that is meant to be encrypted, or not: otherwise the code and what it is instead.
///
/// # Errors
/// The code, and what the file is instead.
pub(crate) fn begins_as(beginning: &[u8], encrypted: bool) -> Result<(), (&'static str, &'static str)> {
    match (Scheme::of(beginning), encrypted) {
        (Some(Scheme::Age), true) | (Some(_), false) => Ok(()),
        (Some(_), true) => Err(("encryption_unsupported", "is encrypted otherwise than with age")),
        (None, true) if begins_archive(beginning) => {
            Err(("not_encrypted", "is not encrypted: whoever reads the bucket reads the data"))
        }
        (None, false) if begins_archive(beginning) => Ok(()),
        (None, _) => Err((
            "not_an_archive",
            "does not begin as an archive of pg_dump does; keep nothing but archives below the prefix that the plan names",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_plan_says_is_encrypted_has_to_begin_so() {
        let (plain, age) = (b"PGDMP\x01\x0f\x00\x04".as_slice(), b"age-encryption.org/v1\n".as_slice());
        let codes = |encrypted| {
            [plain, age, b"Salted__12345678", b"-- a dump in SQL\n", b""]
                .map(|beginning| begins_as(beginning, encrypted).map_or_else(|(code, _)| code, |()| "fine"))
        };
        assert_eq!(codes(true), ["not_encrypted", "fine", "encryption_unsupported", "not_an_archive", "not_an_archive"]);
        assert_eq!(codes(false), ["fine", "fine", "fine", "not_an_archive", "not_an_archive"]);
    }
}
