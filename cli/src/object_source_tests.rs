use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use pgdump::Manifest;

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/pgdump/tests/fixtures/");

/// One object, as S3 would give it.
#[derive(Clone)]
struct Stored {
    bytes: Vec<u8>,
    checksum: String,
    /// Breaks every transfer off before this byte.
    until: usize,
}

/// What is in the bucket.
enum Bucket {
    /// This, whatever the key.
    One(Stored),
    /// These, by their paths.
    Many(BTreeMap<String, Stored>),
}

impl Bucket {
    fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        match self {
            Self::One(stored) => answer(stored, request),
            Self::Many(objects) if request.uri().query().is_some() => listing(objects),
            Self::Many(objects) => match objects.get(request.uri().path()) {
                Some(stored) => answer(stored, request),
                None => Response::builder().status(404).body(Full::default()).unwrap(),
            },
        }
    }
}

/// ListObjectsV2.
fn listing(objects: &BTreeMap<String, Stored>) -> Response<Full<Bytes>> {
    let contents: String = objects
        .iter()
        .map(|(path, stored)| {
            let (key, size) = (path.strip_prefix("/clinic/").unwrap(), stored.bytes.len());
            let modified = "<LastModified>2026-11-20T03:20:00.000Z</LastModified>";
            format!("<Contents><Key>{key}</Key>{modified}<Size>{size}</Size></Contents>")
        })
        .collect();
    let (start, count) = ("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", objects.len());
    let counted = format!("<KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>");
    Response::new(Full::from(format!("{start}{counted}{contents}</ListBucketResult>")))
}

fn answer(stored: &Stored, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let builder = Response::builder().header("etag", "\"e\"").header("x-amz-checksum-crc64nvme", &stored.checksum);
    if request.method() == Method::HEAD {
        return builder.header("content-length", stored.bytes.len()).body(Full::default()).unwrap();
    }
    let range = request.headers().get("range").unwrap().to_str().unwrap();
    let (first, last) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
    let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
    if last >= stored.until {
        return Response::builder().status(503).body(Full::default()).unwrap();
    }
    let shown = format!("bytes {first}-{last}/{}", stored.bytes.len());
    let body = Bytes::copy_from_slice(&stored.bytes[first..=last]);
    builder.status(206).header("content-range", shown).body(Full::new(body)).unwrap()
}

fn source(stored: Stored) -> ObjectSource {
    source_of(Bucket::One(stored))
}

fn source_of(bucket: Bucket) -> ObjectSource {
    let runtime = runtime().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bucket = Arc::new(bucket);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let bucket = bucket.clone();
            tokio::spawn(async move {
                let serve = service_fn(move |request| {
                    let answer = bucket.answer(&request);
                    async move { Ok::<_, Infallible>(answer) }
                });
                let _gone = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve).await;
            });
        }
    });
    let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "example", None, None, "a test"));
    let config = SdkConfig::builder().credentials_provider(credentials).endpoint_url(url).build();
    let connection = Connection {
        region: FIRST_REGION.to_owned(),
        endpoint_url: config.endpoint_url().map(str::to_owned),
        credentials: config.credentials_provider().unwrap(),
    };
    let limits = Limits { part: 4_096, attempts: 2, ..Limits::default() };
    ObjectSource::over(connection, limits, runtime)
}

fn archive() -> Vec<u8> {
    std::fs::read(format!("{FIXTURES}15.18/custom-gzip-piped.dump")).unwrap()
}

fn checksum(bytes: &[u8]) -> String {
    let mut options = Options::to(Level::Decodable);
    options.fingerprints = true;
    verify(bytes, &options).files[0].crc64nvme.to_string()
}

fn stored(bytes: Vec<u8>) -> Stored {
    let checksum = checksum(&bytes);
    Stored { bytes, checksum, until: usize::MAX }
}

#[test]
fn an_archive_in_s3_is_verified_to_its_last_byte_and_against_s3s_own_checksum() {
    let (verdict, evidence) = source(stored(archive())).verify("s3://clinic/a.dump", Options::to(Level::Decodable)).unwrap();
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds);
    assert_eq!(verdict.bytes_read, archive().len() as u64);
    assert_eq!(evidence.stored_checksum, StoredChecksum::Equal);
    assert_eq!((evidence.bytes, evidence.failure.as_deref()), (archive().len() as u64, None));
}

#[test]
fn bytes_that_are_not_those_that_s3_was_given_do_not_hold() {
    let wrong = Stored { checksum: "AAAAAAAAAAA=".to_owned(), ..stored(archive()) };
    let (verdict, evidence) = source(wrong).verify("s3://clinic/a.dump", Options::to(Level::Decodable)).unwrap();
    assert_eq!(evidence.stored_checksum, StoredChecksum::Differs);
    assert_eq!(evidence.answer(verdict.answer(Level::Decodable)), Answer::DoesNotHold);
}

#[test]
fn an_archive_that_cannot_be_read_to_its_end_is_not_damaged_but_unchecked_and_says_why() {
    let partly = Stored { until: 8_192, ..stored(archive()) };
    let (verdict, evidence) = source(partly).verify("s3://clinic/a.dump", Options::to(Level::Decodable)).unwrap();
    assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
    assert!(evidence.failure.as_ref().unwrap().starts_with("object_unavailable: s3://clinic/a.dump: "), "{evidence:?}");
    assert!(evidence.lines().contains("found: object_unavailable"), "{}", evidence.lines());
    assert_eq!(evidence.stored_checksum, StoredChecksum::NotCompared);
}

#[test]
fn a_manifest_may_be_an_object_too() {
    let mut options = Options::to(Level::Decodable);
    options.fingerprints = true;
    let verdict = verify(archive().as_slice(), &options);
    let manifest = Manifest::of(&verdict, Timestamp::UNIX_EPOCH, "a test").unwrap();
    let bytes = manifest.to_json().into_bytes();
    let source = source(Stored { checksum: String::new(), bytes: bytes.clone(), until: usize::MAX });
    assert_eq!(Manifest::read(&source.read("s3://clinic/a.json", 1 << 20).unwrap()).unwrap(), manifest);
    assert_eq!(source.read("s3://clinic/a.json", 100).unwrap(), bytes[..100]);
    assert!(source.read("s3://clinic", 100).unwrap_err().contains("s3://BUCKET/KEY"));
}

/// The files of a directory archive as objects, each with its checksum.
fn directory() -> BTreeMap<String, Stored> {
    let files = std::fs::read_dir(format!("{FIXTURES}18.4/directory-gzip")).unwrap().flatten();
    files
        .map(|file| {
            let path = format!("/clinic/nightly/{}", file.file_name().to_str().unwrap());
            (path, stored(std::fs::read(file.path()).unwrap()))
        })
        .collect()
}

#[test]
fn a_directory_archive_in_s3_is_verified_file_by_file_and_against_s3s_own_checksums() {
    let verified = |objects| {
        let source = source_of(Bucket::Many(objects));
        source.verify_directory("s3://clinic/nightly/", Options::to(Level::Decodable)).unwrap()
    };
    let (verdict, evidence) = verified(directory());
    assert_eq!(verdict.answer(Level::Decodable), Answer::Holds, "{:?}", verdict.findings);
    assert_eq!((evidence.stored_checksum, evidence.failure.as_deref()), (StoredChecksum::Equal, None));
    let mut other = directory();
    other.values_mut().next_back().unwrap().checksum = "AAAAAAAAAAA=".to_owned();
    let (verdict, evidence) = verified(other);
    assert_eq!(evidence.answer(verdict.answer(Level::Decodable)), Answer::DoesNotHold);
    let mut lacking = directory();
    let data = lacking.keys().find(|path| path.ends_with(".dat.gz")).unwrap().clone();
    lacking.remove(&data);
    let (verdict, _) = verified(lacking);
    assert_eq!(verdict.answer(Level::Decodable), Answer::DoesNotHold);
    let mut unreadable = directory();
    unreadable.get_mut(&data).unwrap().until = 0;
    let (verdict, evidence) = verified(unreadable);
    assert_eq!(verdict.answer(Level::Decodable), Answer::CouldNotBeChecked);
    assert!(evidence.failure.unwrap().starts_with("object_unavailable: "));
}
