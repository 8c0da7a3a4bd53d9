//! Amazon S3, read only: what is in a bucket, what S3 knows of an object, and its bytes.

use std::io::{self, Read};
use std::time::Instant;

use async_trait::async_trait;
use objects::{Client, Code, Directory, Failure, Limits, Location, Object, Reader};
use tokio::runtime::Handle;

use super::Clients;
use crate::adapters::Sending;
use crate::domain::archives::{ListedFile, ObjectView, StoredObject};
use crate::domain::described::BucketSite;
use crate::domain::identifier::Region;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, FilesWork, ObjectFiles, Objects, PortError, PortResult, ReadWork};

/// [`Objects`] over S3.
#[derive(Debug, Clone)]
pub struct S3Objects {
    clients: Clients,
}

impl S3Objects {
    /// Over the connections and credentials of these clients.
    #[must_use]
    pub fn new(clients: Clients) -> Self {
        Self { clients }
    }

    fn client(&self, sending: Sending, operation: Operation, region: &Region, resource: &str) -> PortResult<Client> {
        signed(&self.clients, sending, operation, region, resource)
    }
}

/// What sends this operation to buckets of this Region, where the table has it for the function. These requests go past the
/// SDK's clients, and so past what refuses undeclared ones there.
pub(super) fn signed(
    clients: &Clients,
    sending: Sending,
    operation: Operation,
    region: &Region,
    resource: &str,
) -> PortResult<Client> {
    sending.permit(region, resource)?;
    if !clients.may_send(operation) {
        let message = format!("{} is not an operation of this function", operation.name());
        return Err(sending.failure(FailureKind::Refused, "outside_table", &message));
    }
    let none = || {
        let message = "the environment holds no usable AWS credentials, so nothing was sent";
        sending.failure(FailureKind::Denied, "no_credentials", message)
    };
    clients.objects(region).ok_or_else(none)
}

#[async_trait]
impl Objects for S3Objects {
    async fn list(&self, region: &Region, place: &BucketSite) -> PortResult<Vec<StoredObject>> {
        let sending = Sending::of(Operation::ListObjects);
        let client = self.client(sending, Operation::ListObjects, region, place.bucket.as_str())?;
        let limits = Limits::default();
        let listed = self.clients.outbound().of(client.list(place.bucket.as_str(), place.prefix(), &limits)).await;
        let listed = listed.map_err(|failure| failed(sending, &failure))?;
        let stored =
            |object: objects::Listed| StoredObject { key: object.key, bytes: object.bytes, modified_at: object.modified_at };
        Ok(listed.into_iter().map(stored).collect())
    }

    async fn look(&self, region: &Region, place: &BucketSite, key: &str) -> PortResult<ObjectView> {
        let sending = Sending::of(Operation::HeadObject);
        let client = self.client(sending, Operation::HeadObject, region, &place.below())?;
        let found = self.clients.outbound().of(client.look(&location(place, key), &Limits::default())).await;
        let found = found.map_err(|failure| failed(sending, &failure))?;
        Ok(ObjectView {
            key: found.location.key,
            region: found.region,
            bytes: found.bytes,
            etag: found.etag,
            crc64nvme: found.crc64nvme,
            encryption: found.encryption,
            kms_key: found.kms_key,
            storage_class: found.storage_class,
        })
    }

    async fn read(
        &self,
        region: &Region,
        place: &BucketSite,
        object: &ObjectView,
        from: u64,
        until: Option<Instant>,
        work: ReadWork,
    ) -> PortResult<()> {
        let sending = Sending::of(Operation::GetObject);
        let client = self.client(sending, Operation::GetObject, region, &place.below())?;
        let seen = Object {
            location: location(place, &object.key),
            region: object.region.clone(),
            bytes: object.bytes,
            etag: object.etag.clone(),
            modified_at: None,
            crc64nvme: object.crc64nvme.clone(),
            encryption: object.encryption.clone(),
            kms_key: object.kms_key.clone(),
            storage_class: object.storage_class.clone(),
        };
        let limits = Limits { until: until.map(Into::into), ..Limits::default() };
        let mut reader = Reader::new(client, seen, limits, Handle::current()).starting_at(from);
        // Decoding takes the processor for minutes, and the reader waits: neither may hold up whoever fetches.
        let worked = tokio::task::spawn_blocking(move || {
            work(&mut reader);
            reader.failure().cloned()
        });
        match worked.await {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(failed(sending, &failure)),
            Err(_) => Err(sending.failure(FailureKind::NoAnswer, "reading_ended", "what reads the object ended half-way")),
        }
    }

    async fn read_files(
        &self,
        region: &Region,
        place: &BucketSite,
        directory: &str,
        until: Option<Instant>,
        work: FilesWork,
    ) -> PortResult<()> {
        // Which files there are, and of each what S3 knows and its bytes.
        let sending = Sending::of(Operation::GetObject);
        self.client(Sending::of(Operation::ListObjects), Operation::ListObjects, region, place.bucket.as_str())?;
        self.client(Sending::of(Operation::HeadObject), Operation::HeadObject, region, &place.below())?;
        let client = self.client(sending, Operation::GetObject, region, &place.below())?;
        let limits = Limits { until: until.map(Into::into), ..Limits::default() };
        let (bucket, prefix) = (place.bucket.to_string(), format!("{directory}/"));
        let runtime = Handle::current();
        let worked = tokio::task::spawn_blocking(move || {
            let files = Files(Directory::new(client, &bucket, &prefix, limits, runtime));
            work(&files);
            files.0.failure()
        });
        match worked.await {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => Err(failed(sending, &failure)),
            Err(_) => Err(sending.failure(FailureKind::NoAnswer, "reading_ended", "what reads the objects ended half-way")),
        }
    }
}

/// [`ObjectFiles`] over a prefix.
struct Files(Directory);

impl ObjectFiles for Files {
    fn listed(&self) -> io::Result<Vec<ListedFile>> {
        let file = |file: objects::Listed| ListedFile { name: file.key, bytes: file.bytes, etag: file.etag };
        Ok(self.0.listed()?.into_iter().map(file).collect())
    }

    fn open(&self, name: &str, from: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.0.open(name, from)?))
    }

    fn announce(&self, names: Vec<String>) {
        self.0.announce(names);
    }

    fn checksum(&self, name: &str) -> Option<String> {
        self.0.checksum(name)
    }
}

fn location(place: &BucketSite, key: &str) -> Location {
    Location { bucket: place.bucket.to_string(), key: key.to_owned() }
}

pub(super) fn failed(sending: Sending, failure: &Failure) -> PortError {
    let kind = match failure.code {
        Code::Missing => FailureKind::NotFound,
        Code::Denied => FailureKind::Denied,
        Code::Changed => FailureKind::Conflict,
        Code::Archived | Code::TooMany => FailureKind::Refused,
        Code::Unavailable => FailureKind::NotNow,
        Code::Truncated | Code::Stalled | Code::Unreachable | Code::OutOfTime | Code::Unexpected => FailureKind::NoAnswer,
    };
    sending.failure(kind, failure.code.as_str(), &failure.message)
}
