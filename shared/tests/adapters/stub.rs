//! A service that answers as it is told, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_sdk_rds::config::{Credentials, SharedCredentialsProvider};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use shared::adapters::aws::Clients;
use shared::domain::call::Permitted;
use shared::domain::identifier::{InstanceId, Region, ResourceName, VariableName};
use shared::ports::CallScope;
use tokio::net::TcpListener;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The operation, from the target header of the JSON protocols or the form field of the query protocol.
    pub(crate) fn operation(&self) -> &str {
        let named = self.header("x-amz-target").and_then(|target| target.rsplit('.').next());
        let field = self.body.strip_prefix("Action=").and_then(|rest| rest.split('&').next());
        named.or(field).unwrap_or(&self.method)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What is answered.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status, content type, body.
    Reply(u16, &'static str, Vec<u8>),
    /// A Lambda function ended with this error.
    FunctionError(Value),
    /// The connection is cut instead.
    Cut,
    /// Nothing ever comes.
    Never,
}

pub(crate) fn json(status: u16, body: &Value) -> Answer {
    Answer::Reply(status, "application/x-amz-json-1.1", body.to_string().into_bytes())
}

pub(crate) fn xml(status: u16, body: &str) -> Answer {
    Answer::Reply(status, "text/xml", body.as_bytes().to_vec())
}

/// An error of a query service.
pub(crate) fn xml_error(status: u16, code: &str, message: &str) -> Answer {
    xml(
        status,
        &format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ),
    )
}

/// An error of a JSON service.
pub(crate) fn json_error(status: u16, code: &str, message: &str) -> Answer {
    json(status, &serde_json::json!({"__type": code, "code": code, "message": message}))
}

pub(crate) struct Stub {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Stub {
    /// A service that answers so; the number counts requests from 0.
    pub(crate) async fn answering(answer: impl Fn(usize, &Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (remembered, answer) = (Arc::clone(&asked), Arc::new(answer));
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                let service = service_fn(move |request| {
                    let (remembered, answer) = (Arc::clone(&remembered), Arc::clone(&answer));
                    async move { respond(request, &remembered, &*answer).await }
                });
                tokio::spawn(async move {
                    // A connection that the stub cuts, or that its client leaves, ends here.
                    let ended =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                    drop(ended);
                });
            }
        });
        Self { address, asked, server }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        self.asked().iter().map(|asked| asked.operation().to_owned()).collect()
    }

    pub(crate) fn clients(&self) -> Clients {
        clients_at(self.address)
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.server.abort();
    }
}

pub(crate) fn clients_at(address: SocketAddr) -> Clients {
    let credentials = Credentials::new("AKIDEXAMPLE", "example-secret", None, None, "test");
    let config = SdkConfig::builder()
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    Clients::with(config)
}

async fn respond(
    request: Request<Incoming>,
    remembered: &Mutex<Vec<Asked>>,
    answer: &(impl Fn(usize, &Asked) -> Answer + ?Sized),
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let asked = Asked {
        method: head.method.to_string(),
        target: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let number = {
        let mut all = remembered.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    match answer(number, &asked) {
        Answer::Reply(status, kind, body) => {
            let mut response = Response::builder().status(status).header("content-type", kind);
            if kind == "application/cbor" {
                response = response.header("smithy-protocol", "rpc-v2-cbor");
            }
            Ok(response.body(Full::new(Bytes::from(body))).unwrap())
        }
        Answer::FunctionError(error) => {
            let response = Response::builder().status(200).header("x-amz-function-error", "Unhandled");
            Ok(response.body(Full::new(Bytes::from(error.to_string()))).unwrap())
        }
        Answer::Cut => Err(std::io::Error::other("cut")),
        Answer::Never => std::future::pending().await,
    }
}

/// A scope in which exactly these calls are permitted.
pub(crate) fn scope(label: &str, may: Vec<Permitted>) -> CallScope {
    CallScope { label: label.to_owned(), may: may.into() }
}

pub(crate) fn east() -> Region {
    Region::new("us-east-1").unwrap()
}

pub(crate) fn west() -> Region {
    Region::new("us-west-2").unwrap()
}

pub(crate) fn replica() -> InstanceId {
    InstanceId::new("healthcare-platform-dr").unwrap()
}

pub(crate) fn name(text: &str) -> ResourceName {
    ResourceName::new(text).unwrap()
}

pub(crate) fn variable(text: &str) -> VariableName {
    VariableName::new(text).unwrap()
}
