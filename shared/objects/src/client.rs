//! One request to S3, and what its answer says of an object.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::address::{self, Location};
use crate::failure::{Code, Failure};
use crate::fetch::patiently;
use crate::reader::Limits;
use crate::signature;

/// How S3 is reached.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The Region of the buckets.
    pub region: String,
    /// Where requests go instead of AWS.
    pub endpoint_url: Option<String>,
    /// Whose requests they are.
    pub credentials: SharedCredentialsProvider,
}

/// Reads objects. Cloning shares the connections.
#[derive(Clone)]
pub struct Client {
    connection: Connection,
    connector: SharedHttpConnector,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("region", &self.connection.region).finish_non_exhaustive()
    }
}

/// An object as it was when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Where it is.
    pub location: Location,
    /// The Region that its bucket turned out to be in.
    pub region: String,
    /// Its size.
    pub bytes: u64,
    /// What changes with its content; every read is conditional on it.
    pub etag: String,
    /// When it was written.
    pub modified_at: Option<Timestamp>,
    /// CRC-64/NVME of the whole object, in base 64, where S3 keeps it: as sent by whoever wrote it, or computed by S3 then.
    pub crc64nvme: Option<String>,
    /// How it is encrypted at rest, in S3's words.
    pub encryption: Option<String>,
    /// Under which key of KMS, where it is under one: its ARN.
    pub kms_key: Option<String>,
    /// A storage class other than the standard one. Some must be restored before they can be read.
    pub storage_class: Option<String>,
}

impl Client {
    /// A client with connections of its own.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build();
        Self { connection, connector: SharedHttpConnector::new(connector) }
    }

    /// The same connections and credentials, for buckets that are most likely in this Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Self {
        let connection = Connection { region: region.to_owned(), ..self.connection.clone() };
        Self { connection, connector: self.connector.clone() }
    }

    /// The Region in which a bucket is looked for first.
    pub(crate) fn region(&self) -> &str {
        &self.connection.region
    }

    /// Looks at an object: HeadObject, with S3's own checksum.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with it.
    pub async fn look(&self, location: &Location, limits: &Limits) -> Result<Object, Failure> {
        let mut region = self.connection.region.clone();
        let headers = [("x-amz-checksum-mode", "ENABLED")];
        let mut response = patiently(limits, || self.head(location, &region, &headers, limits.stall)).await?;
        // A bucket of another Region says which.
        if let Some(other) = other_region(&response, &region) {
            region = other;
            response = patiently(limits, || self.head(location, &region, &headers, limits.stall)).await?;
        }
        if status(&response) != 200 {
            return Err(refusal(location, &response));
        }
        let unexpected = |what: &str| Failure::new(Code::Unexpected, format!("{location}: the answer has no {what}"));
        let bytes = header(&response, "content-length").and_then(|length| length.parse().ok());
        Ok(Object {
            location: location.clone(),
            region,
            bytes: bytes.ok_or_else(|| unexpected("Content-Length"))?,
            etag: header(&response, "etag").ok_or_else(|| unexpected("ETag"))?.to_owned(),
            modified_at: header(&response, "last-modified")
                .and_then(|at| rfc2822::DateTimeParser::new().parse_timestamp(at).ok()),
            // Of an object in parts S3 may keep a checksum of their checksums instead.
            crc64nvme: header(&response, "x-amz-checksum-crc64nvme")
                .filter(|_| header(&response, "x-amz-checksum-type").is_none_or(|kind| kind == "FULL_OBJECT"))
                .map(str::to_owned),
            encryption: header(&response, "x-amz-server-side-encryption").map(str::to_owned),
            kms_key: header(&response, "x-amz-server-side-encryption-aws-kms-key-id").map(str::to_owned),
            storage_class: header(&response, "x-amz-storage-class").map(str::to_owned),
        })
    }

    /// HeadObject whose answer is worth no second try.
    async fn head(
        &self,
        location: &Location,
        region: &str,
        headers: &[(&str, &str)],
        stall: Duration,
    ) -> Result<HttpResponse, Failure> {
        let response = self.send("HEAD", location, region, headers, stall).await?;
        if is_not_now(status(&response)) { Err(refusal(location, &response)) } else { Ok(response) }
    }

    /// Sends one request, and waits for the head of its answer so long.
    pub(crate) async fn send(
        &self,
        method: &str,
        location: &Location,
        region: &str,
        headers: &[(&str, &str)],
        stall: Duration,
    ) -> Result<HttpResponse, Failure> {
        let uri = address::uri(location, region, self.connection.endpoint_url.as_deref());
        self.send_to(method, uri, location, region, headers, stall).await
    }

    /// The address of a page of a listing.
    pub(crate) fn listing_uri(&self, bucket: &str, query: &[(&str, &str)], region: &str) -> String {
        address::listing_uri(bucket, query, region, self.connection.endpoint_url.as_deref())
    }

    /// The address of a bucket's replication.
    pub(crate) fn replication_uri(&self, bucket: &str, region: &str) -> String {
        address::replication_uri(bucket, region, self.connection.endpoint_url.as_deref())
    }

    /// The same to an address that is about `what`.
    pub(crate) async fn send_to(
        &self,
        method: &str,
        uri: String,
        what: &(dyn fmt::Display + Sync),
        region: &str,
        headers: &[(&str, &str)],
        stall: Duration,
    ) -> Result<HttpResponse, Failure> {
        let denied =
            |error: &dyn fmt::Display| Failure::new(Code::Denied, format!("{what}: no usable credentials: {error}"));
        let credentials = self.connection.credentials.provide_credentials().await.map_err(|error| denied(&error))?;
        // The signature is of real time, whatever clock a rehearsal has: S3 refuses one that is fifteen minutes off.
        let signed = signature::headers(method, &uri, headers, credentials, region, SystemTime::now())
            .map_err(|error| denied(&error))?;
        let unbuilt = || Failure::new(Code::Unexpected, format!("{what}: the request could not be built"));
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method(method).map_err(|_| unbuilt())?;
        request.set_uri(uri).map_err(|_| unbuilt())?;
        let own = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        for (name, value) in own.chain(signed) {
            request.headers_mut().try_insert(name, value).map_err(|_| unbuilt())?;
        }
        match tokio::time::timeout(stall, self.connector.call(request)).await {
            Err(_) => Err(Failure::new(Code::Stalled, format!("{what}: no answer within {} s", stall.as_secs_f32()))),
            Ok(Err(error)) => Err(Failure::new(Code::Unreachable, format!("{what}: no connection to S3: {error:?}"))),
            Ok(Ok(response)) => Ok(response),
        }
    }
}

pub(crate) fn status(response: &HttpResponse) -> u16 {
    response.status().as_u16()
}

pub(crate) fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
    response.headers().get(name)
}

/// The Region that a bucket says it is in, where it was asked for in another.
pub(crate) fn other_region(response: &HttpResponse, asked: &str) -> Option<String> {
    let named = header(response, "x-amz-bucket-region").filter(|_| matches!(status(response), 301 | 400));
    named.filter(|region| *region != asked).map(str::to_owned)
}

pub(crate) fn is_not_now(status: u16) -> bool {
    status == 429 || status >= 500
}

/// What an answer that is no success says.
pub(crate) fn refusal(what: &(dyn fmt::Display + Sync), response: &HttpResponse) -> Failure {
    let status = status(response);
    let (code, says) = match status {
        401 | 403 => (
            Code::Denied,
            "S3 does not allow it, or hides that it does not exist: the caller lacks s3:GetObject or s3:ListBucket",
        ),
        404 => (Code::Missing, "there is no such object"),
        409 | 412 => (Code::Changed, "it was replaced or deleted while it was read: verify it again"),
        416 => (Code::Truncated, "it ends before the byte that was asked for"),
        status if is_not_now(status) => (Code::Unavailable, "S3 says \"not now\""),
        _ => (Code::Unexpected, "this is no answer of S3's"),
    };
    Failure::new(code, format!("{what}: {says} (HTTP {status})"))
}
