//! Archives in S3: read with the credentials of whoever runs the command.

use std::io::{self, Read};

use aws_config::BehaviorVersion;
use jiff::Timestamp;
use objects::{Client, Connection, Directory, Limits, Location, Object, Reader};
use pgdump::{Answer, Files, Level, Options, Verdict, verify, verify_directory};
use serde::Serialize;
use tokio::runtime::Runtime;

/// Where S3 is asked first when nothing says which Region; a bucket's own is in its answer.
const FIRST_REGION: &str = "us-east-1";

/// Reads objects.
pub(crate) struct ObjectSource {
    runtime: Runtime,
    client: Client,
    limits: Limits,
}

/// What S3 itself says of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ObjectEvidence {
    bytes: u64,
    /// Of an archive that is one object.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    modified_at: Option<Timestamp>,
    region: String,
    encryption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key: Option<String>,
    storage_class: Option<String>,
    stored_checksum: StoredChecksum,
    /// Why it could not be read to its end: a stable code, and what happened.
    failure: Option<String>,
}

/// The checksum that S3 keeps of the whole object, against the bytes that were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum StoredChecksum {
    /// They agree.
    Equal,
    /// They do not: the bytes that S3 gives are not those that it was given.
    Differs,
    /// Not every byte was read.
    NotCompared,
    /// S3 keeps none of the whole object.
    NotKept,
}

impl ObjectSource {
    /// With the credentials, the Region and the endpoint of the environment or of a profile.
    ///
    /// # Errors
    /// A sentence, when there are no credentials.
    pub(crate) fn connect() -> Result<Self, String> {
        let runtime = runtime()?;
        let config = runtime.block_on(aws_config::defaults(BehaviorVersion::latest()).load());
        let credentials =
            config.credentials_provider().ok_or("no AWS credentials: set them in the environment or a profile")?;
        let connection = Connection {
            region: config.region().map_or_else(|| FIRST_REGION.to_owned(), ToString::to_string),
            endpoint_url: config.endpoint_url().map(str::to_owned),
            credentials,
        };
        Ok(Self::over(connection, Limits::default(), runtime))
    }

    fn over(connection: Connection, limits: Limits, runtime: Runtime) -> Self {
        Self { runtime, client: Client::new(connection), limits }
    }

    /// Verifies the archive at this location.
    ///
    /// # Errors
    /// A sentence with a code, when the object cannot be looked at. A failed read is part of the verdict instead.
    pub(crate) fn verify(&self, text: &str, mut options: Options<'_>) -> Result<(Verdict, ObjectEvidence), String> {
        let object = self.look(text)?;
        // Computed only where there is something to compare with, and everything is read anyway.
        options.fingerprints |= object.crc64nvme.is_some() && options.level >= Level::Decodable;
        let mut reader = self.reader(object.clone());
        let verdict = verify(&mut reader, &options);
        let failure = reader.failure().map(ToString::to_string);
        let evidence = ObjectEvidence {
            bytes: object.bytes,
            etag: Some(object.etag),
            modified_at: object.modified_at,
            region: object.region,
            encryption: object.encryption,
            kms_key: object.kms_key,
            storage_class: object.storage_class,
            stored_checksum: compared(object.crc64nvme.as_deref(), &verdict),
            failure,
        };
        Ok((verdict, evidence))
    }

    /// Verifies the directory archive whose objects are below this location, which ends with a slash.
    ///
    /// # Errors
    /// A sentence with a code, when its table of contents cannot be looked at. A failed read is part of the verdict instead.
    pub(crate) fn verify_directory(
        &self,
        text: &str,
        mut options: Options<'_>,
    ) -> Result<(Verdict, ObjectEvidence), String> {
        let contents = self.look(&format!("{text}toc.dat"))?;
        let prefix = contents.location.key.trim_end_matches("toc.dat");
        let (bucket, runtime) = (&contents.location.bucket, self.runtime.handle().clone());
        // What S3 keeps is known of each file only once it is opened.
        options.fingerprints |= options.level >= Level::Decodable;
        let files = S3Files(Directory::new(self.client.clone(), bucket, prefix, self.limits.clone(), runtime));
        let verdict = verify_directory(&files, &options);
        let evidence = ObjectEvidence {
            bytes: verdict.bytes_read,
            etag: None,
            modified_at: None,
            region: contents.region,
            encryption: contents.encryption,
            kms_key: contents.kms_key,
            storage_class: contents.storage_class,
            stored_checksum: files.compared(&verdict),
            failure: files.0.failure().as_ref().map(ToString::to_string),
        };
        Ok((verdict, evidence))
    }

    /// The object's bytes, at most so many.
    ///
    /// # Errors
    /// A sentence with a code.
    pub(crate) fn read(&self, text: &str, most: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let reader = self.reader(self.look(text)?);
        reader.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    fn look(&self, text: &str) -> Result<Object, String> {
        let location: Location = text.parse().map_err(|error: objects::NotALocation| error.to_string())?;
        self.runtime.block_on(self.client.look(&location, &self.limits)).map_err(|failure| failure.to_string())
    }

    fn reader(&self, object: Object) -> Reader {
        Reader::new(self.client.clone(), object, self.limits.clone(), self.runtime.handle().clone())
    }
}

/// Fetches on a thread of its own while the verifier decodes on this one.
fn runtime() -> Result<Runtime, String> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().map_err(|error| format!("no runtime to read S3 with: {error}"))
}

/// The files of a directory archive, as objects.
struct S3Files(Directory);

impl S3Files {
    fn compared(&self, verdict: &Verdict) -> StoredChecksum {
        if verdict.files.is_empty() {
            return StoredChecksum::NotCompared;
        }
        let kept = verdict.files.iter().map(|file| (self.0.checksum(&file.name), file.crc64nvme.to_string()));
        kept.fold(StoredChecksum::Equal, |so_far, (stored, read)| match stored {
            Some(stored) if stored != read => StoredChecksum::Differs,
            None if so_far == StoredChecksum::Equal => StoredChecksum::NotKept,
            _ => so_far,
        })
    }
}

impl Files for S3Files {
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.open(name, 0)?))
    }

    fn announce(&self, names: Vec<String>) {
        self.0.announce(names);
    }
}

fn compared(stored: Option<&str>, verdict: &Verdict) -> StoredChecksum {
    let Some(stored) = stored else { return StoredChecksum::NotKept };
    match verdict.has_crc64nvme(stored) {
        Some(true) => StoredChecksum::Equal,
        Some(false) => StoredChecksum::Differs,
        None => StoredChecksum::NotCompared,
    }
}

impl ObjectEvidence {
    /// The verifier's answer, unless S3's own checksum contradicts it.
    pub(crate) fn answer(&self, verdict: Answer) -> Answer {
        if self.stored_checksum == StoredChecksum::Differs { Answer::DoesNotHold } else { verdict }
    }

    /// For people.
    pub(crate) fn lines(&self) -> String {
        let checksum = match self.stored_checksum {
            StoredChecksum::Equal => "equals S3's own checksum (CRC-64/NVME) of the object",
            StoredChecksum::Differs => "found: stored_checksum_differs: S3 gives other bytes than it was given",
            StoredChecksum::NotCompared => "not checked: S3's own checksum, because not every byte was read",
            StoredChecksum::NotKept => "not checked: S3's own checksum, because it keeps none of the whole object",
        };
        let mut encryption = self.encryption.clone().unwrap_or_else(|| "not encrypted by S3".to_owned());
        if let Some(key) = &self.kms_key {
            encryption.push_str(&format!(", under {key}"));
        }
        let failure = self.failure.as_ref().map(|failure| format!("found: {failure}\n")).unwrap_or_default();
        format!("  object      {} bytes in {}, {encryption}\n{failure}{checksum}\n", self.bytes, self.region)
    }
}

#[cfg(test)]
#[path = "object_source_tests.rs"]
mod tests;
