//! The emulator, as the proxy reaches it.

use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONNECTION, EXPECT, HeaderName, HeaderValue, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::http::{request, response};
use hyper::{HeaderMap, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::answer::WireAnswer;
use super::authority::signed_by;

/// More than any answer that a rehearsal asks for; a loop in the emulator ends here instead of in our memory.
const LARGEST_ANSWER: usize = 512 * 1024 * 1024;

/// Shorter than the emulator keeps an idle connection, so that a call is never written to one that is just closing.
const IDLE: Duration = Duration::from_secs(1);

const SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// Why the emulator gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    #[error("the emulator could not be asked: {0}")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("the emulator's answer broke off: {0}")]
    BrokenOff(Box<dyn std::error::Error + Send + Sync>),
    #[error("the request cannot be passed on: {0}")]
    Unaddressable(#[from] hyper::http::Error),
}

/// An answer of the emulator, exactly as it came.
#[derive(Debug)]
pub(crate) struct Forwarded {
    pub(crate) parts: response::Parts,
    pub(crate) body: Bytes,
}

impl Forwarded {
    /// The same in the form in which answers are judged.
    pub(crate) fn view(&self) -> WireAnswer {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = self.parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        WireAnswer { status: self.parts.status.as_u16(), headers: headers.collect(), body: self.body.clone() }
    }
}

/// The way to the emulator.
#[derive(Debug, Clone)]
pub(crate) struct Upstream {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Upstream {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .http1_preserve_header_case(true)
            .pool_idle_timeout(IDLE)
            .set_host(false)
            .build(connector);
        Self { address, client }
    }

    /// Passes a request on: method, path, query, headers and body as they came. Host too, as it is signed.
    pub(crate) async fn forward(&self, parts: &request::Parts, body: &Bytes) -> Result<Forwarded, UpstreamError> {
        self.send(parts.clone(), body).await
    }

    /// The same call once more, by the account's root key instead of the session that signed it.
    pub(crate) async fn forward_as_root(
        &self,
        parts: &request::Parts,
        body: &Bytes,
        account: &str,
    ) -> Result<Option<Forwarded>, UpstreamError> {
        let mut parts = parts.clone();
        let signed = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let value = signed.and_then(|value| signed_by(value, account)).and_then(|value| value.parse().ok());
        // A presigned call carries its key in the query, and none of these calls is ever presigned.
        let Some(value) = value else { return Ok(None) };
        parts.headers.insert(AUTHORIZATION, value);
        parts.headers.remove(SECURITY_TOKEN);
        self.send(parts, body).await.map(Some)
    }

    async fn send(&self, mut parts: request::Parts, body: &Bytes) -> Result<Forwarded, UpstreamError> {
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let authority = Authority::try_from(self.address.to_string()).map_err(hyper::http::Error::from)?;
        parts.uri = Uri::builder().scheme(Scheme::HTTP).authority(authority).path_and_query(path).build()?;
        strip_connection_headers(&mut parts.headers);
        let answer = self.client.request(Request::from_parts(parts, Full::new(body.clone()))).await?;
        let (mut parts, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(UpstreamError::BrokenOff)?.to_bytes();
        strip_connection_headers(&mut parts.headers);
        Ok(Forwarded { parts, body })
    }
}

/// These speak of one connection, and there are two here. The length is set anew where it was chunked.
fn strip_connection_headers(headers: &mut HeaderMap) {
    let named = headers.get(CONNECTION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    for name in named.split(',').filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
        headers.remove(name);
    }
    for name in [CONNECTION, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
}
