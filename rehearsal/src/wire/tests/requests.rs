//! Requests as the SDKs write them, signed by nobody: enough for everything that reads without verifying.

use hyper::body::Bytes;
use hyper::{Method, Request};
use jiff::Timestamp;
use serde_json::Value;

use crate::wire::call::{STEP_HEADER, WireCall};
use crate::wire::reading;

/// One request.
#[derive(Clone)]
pub(in crate::wire) struct Wire {
    pub(in crate::wire) method: Method,
    pub(in crate::wire) path: String,
    pub(in crate::wire) headers: Vec<(String, String)>,
    pub(in crate::wire) body: Vec<u8>,
}

pub(in crate::wire) fn form(service: &str, body: &str) -> Wire {
    request(service, "POST", "/", "application/x-www-form-urlencoded", body.as_bytes())
}

pub(in crate::wire) fn target(service: &str, target: &str, body: Value) -> Wire {
    let wire = request(service, "POST", "/", "application/x-amz-json-1.1", body.to_string().as_bytes());
    wire.header("x-amz-target", target)
}

pub(in crate::wire) fn rest(service: &str, method: &str, path: &str, body: Value) -> Wire {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    request(service, method, path, "application/json", body.as_bytes())
}

/// To Route 53, whose control plane is in one Region.
pub(in crate::wire) fn route53(method: &str, path: &str, document: &str) -> Wire {
    request("route53", method, &format!("/2013-04-01/{path}"), "text/xml", document.as_bytes()).in_region("us-east-1")
}

pub(in crate::wire) fn cbor(service: &str, path: &str, body: &[u8]) -> Wire {
    request(service, "POST", path, "application/cbor", body).header("smithy-protocol", "rpc-v2-cbor")
}

fn request(service: &str, method: &str, path: &str, kind: &str, body: &[u8]) -> Wire {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=ASIAEXAMPLE/20261120/us-west-2/{service}/aws4_request, SignedHeaders=host, Signature=00"
    );
    Wire { method: method.parse().unwrap(), path: path.to_owned(), headers: Vec::new(), body: body.to_vec() }
        .header("host", "aws.example:1234")
        .header("authorization", &authorization)
        .header("content-type", kind)
}

impl Wire {
    pub(in crate::wire) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(in crate::wire) fn tagged(self, tag: &str) -> Self {
        self.header(STEP_HEADER, tag)
    }

    pub(in crate::wire) fn in_region(mut self, region: &str) -> Self {
        for (name, value) in &mut self.headers {
            if name == "authorization" {
                *value = value.replace("us-west-2", region);
            }
        }
        self
    }

    /// What the proxy makes of it.
    pub(in crate::wire) fn call(&self) -> WireCall {
        let mut builder = Request::builder().method(self.method.clone()).uri(&self.path);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        reading::read(&parts, Bytes::from(self.body.clone()), Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH)
    }

    /// The bytes on the wire.
    pub(in crate::wire) fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}
