//! The reader against a server that stalls, resets, truncates, changes and refuses.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod server;

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use objects::{Client, Code, Connection, Directory, Failure, Limits, Location, Object, Reader};
use server::{Asked, Server, Way};
use tokio::runtime::Runtime;
use tokio::time::Instant;

const SECRET: &str = "canary-of-the-secret-key";

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn limits() -> Limits {
    Limits { part: 1_000, ahead: 3, stall: Duration::from_millis(150), attempts: 4, until: None }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|index| u8::try_from((index * 131 + index / 251) % 256).unwrap()).collect()
}

fn location() -> Location {
    "s3://clinic-backups/pg/2026-11-20.dump".parse().unwrap()
}

fn client(server: &Server) -> Client {
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET, None, None, "a test");
    Client::new(Connection {
        region: "eu-west-1".to_owned(),
        endpoint_url: Some(server.url.clone()),
        credentials: SharedCredentialsProvider::new(credentials),
    })
}

/// Reads an object whole, through buffers of a size that divides nothing.
fn read(reader: &mut Reader) -> Result<Vec<u8>, Failure> {
    let (mut all, mut buffer) = (Vec::new(), [0; 333]);
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(all),
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) => {
                let failure = reader.failure().unwrap().clone();
                assert_eq!(error.to_string(), failure.to_string());
                return Err(failure);
            }
        }
    }
}

/// A server with this object and this behaviour, its object, and what reading it comes to.
fn tried(
    content: &[u8],
    limits: Limits,
    behaviour: impl Fn(&Asked) -> Way + Send + Sync + 'static,
) -> (Server, Result<Vec<u8>, Failure>) {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(content.to_vec(), move |asked| {
        if asked.method == "HEAD" { Way::Sound } else { behaviour(asked) }
    }));
    let client = client(&server);
    let object = runtime.block_on(client.look(&location(), &limits)).unwrap();
    let read = read(&mut Reader::new(client, object, limits, runtime.handle().clone()));
    (server, read)
}

fn code_of(limits: Limits, behaviour: impl Fn(&Asked) -> Way + Send + Sync + 'static) -> (Code, usize) {
    let (server, read) = tried(&bytes(5_500), limits, behaviour);
    (read.unwrap_err().code, server.requests("GET"))
}

#[test]
fn a_look_says_what_the_object_is() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(77), |_| Way::Sound));
    let found = runtime.block_on(client(&server).look(&location(), &limits())).unwrap();
    let expected = Object {
        location: location(),
        region: "eu-west-1".to_owned(),
        bytes: 77,
        etag: "\"first\"".to_owned(),
        modified_at: Some("2026-11-20T02:00:00Z".parse().unwrap()),
        crc64nvme: Some("AAAAAAAAAAA=".to_owned()),
        encryption: Some("aws:kms".to_owned()),
        kms_key: None,
        storage_class: None,
    };
    assert_eq!(found, expected);
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!(asked.header("x-amz-checksum-mode"), Some("ENABLED"));
    assert!(asked.header("authorization").unwrap().contains("/eu-west-1/s3/aws4_request"));
}

#[test]
fn a_bucket_of_another_region_is_asked_there() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(77), |_| Way::OtherRegion));
    let found = runtime.block_on(client(&server).look(&location(), &limits())).unwrap();
    assert_eq!(found.region, "eu-central-1");
    let asked = server.asked.lock().unwrap()[1].clone();
    assert!(asked.header("authorization").unwrap().contains("/eu-central-1/s3/aws4_request"));
}

#[test]
fn a_look_at_what_is_not_there_or_not_ours_says_so() {
    let runtime = runtime();
    for (status, code) in [(404, Code::Missing), (403, Code::Denied), (503, Code::Unavailable), (302, Code::Unexpected)] {
        let server = runtime.block_on(Server::start(bytes(77), move |_| Way::Status(status)));
        let failure = runtime.block_on(client(&server).look(&location(), &limits())).unwrap_err();
        assert_eq!(failure.code, code, "{status}");
        assert!(failure.message.starts_with("s3://clinic-backups/pg/2026-11-20.dump: "), "{failure}");
        assert_eq!(server.requests("HEAD"), if status == 503 { 4 } else { 1 }, "{status}");
    }
}

#[test]
fn the_bytes_are_the_objects_whatever_its_size() {
    for count in [0, 1, 999, 1_000, 1_001, 2_000, 10_500] {
        let content = bytes(count);
        let (server, read) = tried(&content, limits(), |_| Way::Sound);
        assert_eq!(read.unwrap(), content, "{count}");
        assert_eq!(server.requests("GET"), count.div_ceil(1_000), "{count}");
        let asked = server.asked.lock().unwrap();
        assert!(
            asked.iter().filter(|asked| asked.method == "GET").all(|asked| asked.header("if-match") == Some("\"first\""))
        );
    }
}

#[test]
fn a_transfer_that_breaks_off_is_resumed_at_the_byte() {
    let (content, mut resumed) = (bytes(5_500), 0);
    for seed in 0..40_usize {
        let broken = move |asked: &Asked| match (asked.number + seed) * 7 % 13 {
            0 => Way::Reset(seed * 17 % 900 + 1),
            1 => Way::End(seed * 31 % 900 + 1),
            2 => Way::Status(503),
            3 => Way::Status(500),
            4 => Way::Reset(0),
            5 if seed % 8 == 0 => Way::Stall(500),
            6 if seed % 8 == 0 => Way::Silence,
            _ => Way::Sound,
        };
        let (server, read) = tried(&content, limits(), broken);
        assert_eq!(read.unwrap(), content, "seed {seed}");
        // What has come is not asked for again.
        let asked = server.asked.lock().unwrap();
        resumed += asked.iter().filter(|asked| asked.range.is_some_and(|(start, _)| start % 1_000 != 0)).count();
    }
    assert!(resumed > 40, "{resumed}");
}

#[test]
fn an_object_whose_bytes_stop_coming_is_stalled() {
    assert_eq!(code_of(limits(), |_| Way::Silence).0, Code::Stalled);
    // It comes as far as byte 300, and never further: each try after that adds nothing.
    let stuck = |asked: &Asked| match asked.range {
        Some((start, _)) if start < 1_000 => Way::Stall(300_usize.saturating_sub(start)),
        _ => Way::Sound,
    };
    let (_, read) = tried(&bytes(5_500), limits(), stuck);
    let failure = read.unwrap_err();
    assert_eq!(failure.code, Code::Stalled);
    assert!(failure.message.contains("at byte 300: nothing came for 0.15 s"), "{failure}");
}

#[test]
fn an_object_that_ends_before_its_length_is_truncated() {
    let cut = |asked: &Asked| match asked.range {
        Some((start, _)) if start >= 4_000 => Way::End(4_200_usize.saturating_sub(start)),
        _ => Way::Sound,
    };
    let (_, read) = tried(&bytes(5_500), limits(), cut);
    let failure = read.unwrap_err();
    assert_eq!(failure.code, Code::Truncated);
    assert!(failure.message.contains("at byte 4200: the transfer broke off there, of 5500 bytes"), "{failure}");
    assert_eq!(code_of(limits(), |_| Way::Status(416)).0, Code::Truncated);
}

#[test]
fn an_object_that_is_replaced_or_deleted_meanwhile_is_changed_and_not_asked_for_again() {
    for way in [Way::Status(412), Way::Status(404), Way::OtherEtag] {
        let (code, requests) =
            code_of(
                limits(),
                move |asked| {
                    if asked.range.is_some_and(|(start, _)| start >= 2_000) { way } else { Way::Sound }
                },
            );
        assert_eq!(code, Code::Changed, "{way:?}");
        assert!(requests <= 6, "{way:?}: {requests}");
    }
}

#[test]
fn a_replacement_is_noticed_by_the_condition() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(50_000), |_| Way::Sound));
    let client = client(&server);
    let object = runtime.block_on(client.look(&location(), &limits())).unwrap();
    let mut reader = Reader::new(client, object, limits(), runtime.handle().clone());
    reader.read_exact(&mut [0; 1_500]).unwrap();
    let mut stored = server.stored.lock().unwrap();
    // Of the same length, as dumps of one night and the next may be.
    (stored.etag, stored.bytes) = ("\"second\"", vec![7; 50_000]);
    drop(stored);
    let failure = read(&mut reader).unwrap_err();
    assert_eq!(failure.code, Code::Changed);
    // What lies behind a gap is never handed out.
    assert!(reader.read(&mut [0; 1]).is_err());
    assert!(reader.read(&mut [0; 1]).is_err());
}

#[test]
fn a_service_that_says_not_now_is_asked_again_and_then_named() {
    let content = bytes(900);
    let (_, read) = tried(&content, limits(), |asked| if asked.number <= 3 { Way::Status(503) } else { Way::Sound });
    assert_eq!(read.unwrap(), content);
    let one = Limits { ahead: 1, ..limits() };
    assert_eq!(code_of(one.clone(), |_| Way::Status(503)), (Code::Unavailable, 4));
    assert_eq!(code_of(one.clone(), |_| Way::Status(429)), (Code::Unavailable, 4));
    assert_eq!(code_of(one, |_| Way::Status(403)), (Code::Denied, 1));
}

#[test]
fn an_answer_that_is_not_what_was_asked_for_is_not_believed() {
    assert_eq!(code_of(limits(), |_| Way::OtherRange).0, Code::Unexpected);
    assert_eq!(code_of(limits(), |_| Way::Whole).0, Code::Unexpected);
}

#[test]
fn an_object_that_must_be_restored_first_is_archived() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(900), |_| Way::Archived));
    let client = client(&server);
    let object = runtime.block_on(client.look(&location(), &limits())).unwrap();
    assert_eq!(object.storage_class.as_deref(), Some("GLACIER"));
    let failure = read(&mut Reader::new(client, object, limits(), runtime.handle().clone())).unwrap_err();
    assert_eq!(failure.code, Code::Archived);
}

#[test]
fn no_more_is_fetched_ahead_than_was_allowed() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(50_000), |_| Way::Sound));
    let client = client(&server);
    let object = runtime.block_on(client.look(&location(), &limits())).unwrap();
    let mut reader = Reader::new(client, object, limits(), runtime.handle().clone());
    reader.read_exact(&mut [0; 10]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    // The one that is read, and three ahead of it.
    assert_eq!(server.requests("GET"), 4);
    read(&mut reader).unwrap();
    assert!(server.most_at_once.load(Ordering::SeqCst) <= 3);
}

#[test]
fn reading_ends_when_its_time_is_over() {
    let until = Instant::now() + Duration::from_millis(400);
    let began = Instant::now();
    let limits = Limits { attempts: 1_000, until: Some(until), ..limits() };
    assert_eq!(code_of(limits, |_| Way::Status(503)).0, Code::OutOfTime);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_drips_comes_to_an_end() {
    let one = Limits { ahead: 1, ..limits() };
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    let (code, _) = code_of(one, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Way::End(1)
    });
    assert_eq!((code, count.load(Ordering::SeqCst)), (Code::Truncated, 51));
}

#[test]
fn nothing_shows_the_secret() {
    let (server, read) = tried(&bytes(10), limits(), |_| Way::Status(403));
    let shown = format!("{:?} {:?} {:?}", client(&server), read, server.asked.lock().unwrap());
    assert!(!shown.contains(SECRET));
}

#[test]
fn a_reader_that_starts_further_on_gets_the_rest_of_the_same_object_and_nothing_else() {
    let (runtime, content) = (runtime(), bytes(10_500));
    let server = runtime.block_on(Server::start(content.clone(), |_| Way::Sound));
    let client = client(&server);
    let object = runtime.block_on(client.look(&location(), &limits())).unwrap();
    for from in [0, 1, 999, 1_000, 7_777, 10_499, 10_500, 20_000] {
        let reader = Reader::new(client.clone(), object.clone(), limits(), runtime.handle().clone());
        let rest = read(&mut reader.starting_at(from)).unwrap();
        assert_eq!(rest, content.get(usize::try_from(from).unwrap()..).unwrap_or_default(), "{from}");
    }
}

#[test]
fn a_file_that_was_replaced_since_its_directory_was_listed_is_changed() {
    let runtime = runtime();
    for replaced in [false, true] {
        let server = runtime.block_on(Server::start(bytes(77), |_| Way::Sound));
        let directory = Directory::new(client(&server), "clinic-backups", "pg/", limits(), runtime.handle().clone());
        let listed = directory.listed().unwrap();
        assert_eq!((listed[0].key.as_str(), listed[0].bytes), ("2026-11-20.dump", 77));
        if replaced {
            server.stored.lock().unwrap().etag = "\"second\"";
        }
        let mut content = Vec::new();
        let read = directory.open("2026-11-20.dump", 0).map(|mut file| file.read_to_end(&mut content));
        assert_eq!(read.is_err(), replaced);
        assert_eq!(directory.failure().map(|failure| failure.code), replaced.then_some(Code::Changed));
        assert_eq!(content.len(), if replaced { 0 } else { 77 });
    }
}

#[test]
fn files_that_are_expected_are_asked_for_once_ahead_and_no_more_than_eight_at_a_time() {
    let runtime = runtime();
    let names = || (0..40).map(|number| format!("{number}.dat"));
    let mut took = Vec::new();
    for ahead in [false, true] {
        let server = runtime.block_on(Server::start(bytes(777), |_| Way::Late(20)));
        let directory = Directory::new(client(&server), "clinic-backups", "pg/", limits(), runtime.handle().clone());
        if ahead {
            directory.announce(names());
            std::thread::sleep(Duration::from_millis(400));
            assert_eq!((server.requests("HEAD"), server.requests("GET")), (8, 8), "nobody has opened one yet");
        }
        let begin = std::time::Instant::now();
        for name in names() {
            let mut content = Vec::new();
            directory.open(&name, 0).unwrap().read_to_end(&mut content).unwrap();
            assert_eq!(content, bytes(777));
        }
        took.push(begin.elapsed());
        assert_eq!((server.requests("HEAD"), server.requests("GET")), (40, 40));
    }
    assert!(took[1] * 2 < took[0], "{took:?}");
}

#[test]
fn what_is_expected_may_be_opened_in_another_order_or_not_at_all() {
    let runtime = runtime();
    let server = runtime.block_on(Server::start(bytes(2_500), |_| Way::Sound));
    let limits = Limits { part: 1 << 20, ..limits() };
    let directory = Directory::new(client(&server), "clinic-backups", "pg/", limits, runtime.handle().clone());
    directory.announce(["1", "2", "3", "4"].map(str::to_owned));
    for name in ["3", "1", "unknown", "4"] {
        let mut content = Vec::new();
        directory.open(name, 0).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, bytes(2_500), "{name}");
    }
    for from in [1, 2_400, 2_500] {
        directory.announce(["1".to_owned()]);
        let mut content = Vec::new();
        directory.open("1", from).unwrap().read_to_end(&mut content).unwrap();
        assert_eq!(content, bytes(2_500)[usize::try_from(from).unwrap()..], "from byte {from} on");
    }
    directory.announce(["1".to_owned()]);
    server.stored.lock().unwrap().bytes = bytes(3_000_000);
    directory.announce(["1".to_owned()]);
    let mut content = Vec::new();
    directory.open("1", 0).unwrap().read_to_end(&mut content).unwrap();
    assert!(content == bytes(3_000_000), "one that is not small is read by ranges, as ever");
}
