//! What opens archives that are encrypted, and under which keys S3 keeps them.

use std::io::BufReader;
use std::sync::Arc;

use decryption::{Envelope, Identities, Unwrapped, wrapped};
use pgdump::{Keys, NotOpened, Scheme, begins_archive};
use shared::domain::archive_encryption::{judge_envelope_key, judge_identity, judge_key};
use shared::domain::archives::{ObjectView, Proof, Shelf};
use shared::domain::described::{ArchiveEnvelope, BucketSite};
use shared::domain::identifier::{KmsKeyArn, Region, ResourceName};
use shared::domain::plan::SiteName;
use shared::ports::{FailureKind, read_through};

use crate::archives::{Search, finding, named};
use crate::envelope::unwrap_data_key;

/// What opens an archive, while it is read.
pub(crate) type Opening = Arc<dyn Keys + Send + Sync>;

/// Bytes that tell what begins as an archive from what does not, encrypted or not.
pub(crate) const BEGINNING: usize = Scheme::BEGINNING;

impl Search<'_> {
    /// How the archives are to be encrypted before they reach S3.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        let age = self.archives.age_identity().map(|_| Scheme::Age);
        age.or_else(|| self.archives.envelope().map(|_| Scheme::AwsEncryptionSdk))
    }

    /// Whether what opens the archives is in the recovery site, without using it.
    pub(crate) async fn look_for_key(&self, proof: &mut Proof) {
        if let Some(secret) = self.archives.age_identity() {
            self.look_for_identity(secret, proof).await;
        }
        if let Some(envelope) = self.archives.envelope() {
            self.is_usable(&envelope.kms_key, proof).await;
        }
    }

    /// What opens the archive that begins with this object: fetched, or its data key unwrapped, where it would be restored, because
    /// there it has to be possible. Once per look, and kept nowhere.
    pub(crate) async fn opening(
        &self,
        at: (&Region, &BucketSite),
        first: &ObjectView,
        proof: &mut Proof,
    ) -> Option<Opening> {
        if let Some(secret) = self.archives.age_identity() {
            return self.identities(secret, proof).await;
        }
        self.envelope(self.archives.envelope()?, at, first, proof).await
    }

    /// What opens this one message. Its header is read for itself: a verifier cannot wait for KMS.
    async fn envelope(
        &self,
        declared: &ArchiveEnvelope,
        at: (&Region, &BucketSite),
        first: &ObjectView,
        proof: &mut Proof,
    ) -> Option<Opening> {
        let key = &declared.kms_key;
        if !self.is_usable(key, proof).await {
            return None;
        }
        let header = |bytes: &mut dyn std::io::Read| wrapped(BufReader::new(bytes));
        let (read, failure) = read_through(self.objects, at, first, self.until, header).await;
        let unwrapped = match (read, failure) {
            (Some(Ok(wrapped)), _) => {
                unwrap_data_key(self.envelope_keys, key, &wrapped).await.map(|data_key| Unwrapped::new(wrapped, data_key))
            }
            // What is no such message is found to be none by whoever reads it.
            (Some(Err(trouble)), None) => Err(trouble),
            (_, failure) => {
                let why = failure.as_ref().map_or_else(|| "its first bytes did not come".to_owned(), finding);
                Err(NotOpened::KeyUnusable(format!("its header could not be read, so no data key was unwrapped: {why}")))
            }
        };
        Some(Arc::new(Envelope::new(unwrapped, declared.context.clone())))
    }

    /// Whether KMS would unwrap a data key with this key.
    async fn is_usable(&self, key: &KmsKeyArn, proof: &mut Proof) -> bool {
        let found = match self.envelope_keys.look(key).await {
            Ok(found) => Some(found),
            Err(error) if error.kind == FailureKind::NotFound => None,
            Err(error) => {
                proof.findings.push(format!("{} (key {key})", finding(&error)));
                return false;
            }
        };
        let judged = judge_envelope_key(key, found.as_ref());
        let usable = judged.is_ok();
        told(judged, proof);
        usable
    }

    async fn look_for_identity(&self, secret: &ResourceName, proof: &mut Proof) {
        let region = self.plan.region(SiteName::Recovery);
        let found = match self.secrets.look(region, secret).await {
            Ok(found) => Some(found),
            Err(error) if error.kind == FailureKind::NotFound => None,
            Err(error) => return proof.findings.push(finding(&error)),
        };
        told(judge_identity(secret, region, found.as_ref()), proof);
    }

    async fn identities(&self, secret: &ResourceName, proof: &mut Proof) -> Option<Opening> {
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

/// Whether a file begins as an archive does that is meant to be encrypted so, or not at all: otherwise the code and what it is instead.
///
/// # Errors
/// The code, and what the file is instead.
pub(crate) fn begins_as(beginning: &[u8], expected: Option<Scheme>) -> Result<(), (&'static str, &'static str)> {
    match (Scheme::of(beginning), expected) {
        (Some(found), Some(expected)) if found == expected => Ok(()),
        (Some(_), None) => Ok(()),
        (Some(_), Some(Scheme::AwsEncryptionSdk)) => {
            Err(("encryption_unsupported", "is encrypted otherwise than with the AWS Encryption SDK"))
        }
        (Some(_), Some(_)) => Err(("encryption_unsupported", "is encrypted otherwise than with age")),
        (None, Some(_)) if begins_archive(beginning) => {
            Err(("not_encrypted", "is not encrypted: whoever reads the bucket reads the data"))
        }
        (None, None) if begins_archive(beginning) => Ok(()),
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
        let codes = |expected| {
            [plain, age, &[2, 5, 0x78, 1], b"Salted__12345678", b"-- a dump in SQL\n", b""]
                .map(|beginning| begins_as(beginning, expected).map_or_else(|(code, _)| code, |()| "fine"))
        };
        let (other, none) = ("encryption_unsupported", "not_an_archive");
        assert_eq!(codes(Some(Scheme::Age)), ["not_encrypted", "fine", other, other, none, none]);
        assert_eq!(codes(Some(Scheme::AwsEncryptionSdk)), ["not_encrypted", other, "fine", other, none, none]);
        assert_eq!(codes(None), ["fine", "fine", "fine", "fine", none, none]);
    }
}
