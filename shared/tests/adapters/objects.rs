//! S3.

use std::time::Instant;

use shared::adapters::aws::{Clients, S3Objects};
use shared::domain::archives::{ObjectView, StoredObject};
use shared::domain::described::BucketSite;
use shared::domain::identifier::BucketName;
use shared::domain::step::FunctionName;
use shared::ports::{FailureKind, Objects, read_through};

use crate::stub::{Answer, Stub, name, scope, west, xml, xml_error};

fn place() -> BucketSite {
    BucketSite { bucket: BucketName::new("clinic-backups").unwrap(), prefix: Some(name("pg/")) }
}

fn page(key: &str, next: Option<&str>) -> Answer {
    let next = next.map(|token| format!("<NextContinuationToken>{token}</NextContinuationToken>")).unwrap_or_default();
    xml(
        200,
        &format!(
            "<ListBucketResult><KeyCount>1</KeyCount><IsTruncated>{}</IsTruncated>{next}<Contents><Key>{key}</Key><Size>7</Size>\
             <LastModified>2026-11-20T03:20:00.000Z</LastModified></Contents></ListBucketResult>",
            !next.is_empty()
        ),
    )
}

fn stored(key: &str) -> StoredObject {
    StoredObject { key: key.to_owned(), bytes: 7, modified_at: "2026-11-20T03:20:00Z".parse().unwrap() }
}

#[tokio::test]
async fn a_listing_goes_on_until_its_last_page() {
    let stub = Stub::answering(|number, _| match number {
        0 => page("pg/a.dump", Some("more/of+it=")),
        _ => page("pg/b.dump", None),
    })
    .await;
    let listed = S3Objects::new(stub.clients()).list(&west(), &place()).await.unwrap();
    assert_eq!(listed, [stored("pg/a.dump"), stored("pg/b.dump")]);
    let targets: Vec<String> = stub.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(
        targets,
        [
            "/clinic-backups/?encoding-type=url&list-type=2&prefix=pg%2F",
            "/clinic-backups/?continuation-token=more%2Fof%2Bit%3D&encoding-type=url&list-type=2&prefix=pg%2F",
        ]
    );
    let signed = stub.asked()[0].header("authorization").unwrap().to_owned();
    assert!(signed.contains("/us-west-2/s3/aws4_request"), "{signed}");
}

#[tokio::test]
async fn what_s3_says_no_to_is_told_apart_from_what_it_does_not_say() {
    for (status, code, kind, named) in [
        (403, "AccessDenied", FailureKind::Denied, "object_denied"),
        (404, "NoSuchBucket", FailureKind::NotFound, "object_missing"),
        (200, "not a listing", FailureKind::NoAnswer, "object_unexpected_answer"),
    ] {
        let stub = Stub::answering(move |_, _| xml_error(status, code, "no")).await;
        let error = S3Objects::new(stub.clients()).list(&west(), &place()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (kind, named), "{error}");
        assert_eq!(stub.asked().len(), 1, "what S3 is sure of is asked once");
    }
}

#[tokio::test]
async fn a_listing_that_turns_in_circles_ends() {
    let stub = Stub::answering(|_, _| page("pg/a.dump", Some("again"))).await;
    let error = S3Objects::new(stub.clients()).list(&west(), &place()).await.unwrap_err();
    assert_eq!(error.code, "object_unexpected_answer", "{error}");
}

#[tokio::test]
async fn time_that_has_run_out_is_named_and_the_reader_is_told() {
    let stub = Stub::answering(|_, _| xml_error(503, "SlowDown", "not now")).await;
    let view = ObjectView {
        key: "pg/a.dump".to_owned(),
        region: "us-west-2".to_owned(),
        bytes: 7,
        etag: "\"e\"".to_owned(),
        crc64nvme: None,
        encryption: None,
        kms_key: None,
        storage_class: None,
    };
    let objects = S3Objects::new(stub.clients());
    let read = |bytes: &mut dyn std::io::Read| bytes.read_to_end(&mut Vec::new()).is_err();
    let (told, error) = read_through(&objects, (&west(), &place()), &view, Some(Instant::now()), read).await;
    assert_eq!(told, Some(true));
    assert_eq!(error.unwrap().code, "object_out_of_time");
}

#[tokio::test]
async fn neither_a_step_nor_another_function_reads_objects() {
    let stub = Stub::answering(|_, _| page("pg/a.dump", None)).await;
    let (objects, west, place) = (S3Objects::new(stub.clients()), west(), place());
    let refused = scope("04-promote-database#0", Vec::new()).run(objects.list(&west, &place)).await.unwrap_err();
    assert_eq!(refused.code, "outside_may");
    let others = S3Objects::new(Clients::new(Some("http://127.0.0.1:9"), FunctionName::Recovery));
    assert_eq!(others.list(&west, &place).await.unwrap_err().code, "outside_table");
    assert_eq!(stub.asked().len(), 0);
}
