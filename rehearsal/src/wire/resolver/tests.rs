//! The name server, asked by a client that is written byte by byte and shares nothing with it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rehearsal_world::{
    Change, ChangeAction, ChangeBatch, DnsName, PairConfig, RecordType, Resolution, StatedRecordSet, Timings, World,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::{NameServers, Resolver};

const ZONE: &str = "Z0EXAMPLE";
const PATIENCE: Duration = Duration::from_secs(5);

const A: u16 = 1;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const AXFR: u16 = 252;

/// The world, and a clock that a test moves.
struct Servers(Mutex<(World, Timestamp)>);

impl NameServers for Servers {
    fn resolve(&self, name: &DnsName, kind: Option<RecordType>) -> Resolution {
        let mut held = self.0.lock().unwrap();
        let now = held.1;
        held.0.resolve(name, kind, now)
    }
}

impl Servers {
    fn new(record_sets: Vec<StatedRecordSet>) -> Arc<Self> {
        let now: Timestamp = "2026-11-20T14:00:00Z".parse().unwrap();
        let timings = Timings { variation_percent: 0, ..Timings::default() };
        let mut world = World::pair(PairConfig { timings, ..PairConfig::default() }, 1, now);
        world.add_hosted_zone(ZONE, "example.com").unwrap();
        let servers = Arc::new(Self(Mutex::new((world, now))));
        servers.change(record_sets.into_iter().map(|set| (ChangeAction::Create, set)));
        servers.wait(60);
        servers
    }

    fn change(&self, changes: impl IntoIterator<Item = (ChangeAction, StatedRecordSet)>) {
        let changes = changes.into_iter().map(|(action, record_set)| Change { action, record_set }).collect();
        let mut held = self.0.lock().unwrap();
        let now = held.1;
        held.0.change_resource_record_sets(ZONE, &ChangeBatch { comment: None, changes }, now).unwrap();
    }

    fn wait(&self, seconds: i64) {
        self.0.lock().unwrap().1 += SignedDuration::from_secs(seconds);
    }
}

fn set(name: &str, kind: &str, values: &[&str]) -> StatedRecordSet {
    StatedRecordSet {
        name: name.to_owned(),
        kind: kind.to_owned(),
        ttl: Some(60),
        values: Some(values.iter().map(|&value| value.to_owned()).collect()),
        ..StatedRecordSet::default()
    }
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    id: u16,
    flags: u16,
    answers: Vec<Said>,
    authorities: Vec<Said>,
}

impl Heard {
    fn code(&self) -> u16 {
        self.flags & 0xf
    }

    fn is(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    fn addresses(&self) -> Vec<Ipv4Addr> {
        let of = |said: &Said| Ipv4Addr::from(<[u8; 4]>::try_from(said.data.as_slice()).unwrap());
        self.answers.iter().filter(|said| said.kind == A).map(of).collect()
    }
}

const IS_ANSWER: u16 = 0x8000;
const AUTHORITATIVE: u16 = 0x0400;
const CUT: u16 = 0x0200;
const RECURSION_WANTED: u16 = 0x0100;
const RECURSION_OFFERED: u16 = 0x0080;

/// One record of a message.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    name: String,
    kind: u16,
    ttl: u32,
    data: Vec<u8>,
}

fn question(id: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = [id.to_be_bytes(), [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]].concat();
    for label in name.split_terminator('.') {
        bytes.push(u8::try_from(label.len()).unwrap());
        bytes.extend(label.bytes());
    }
    bytes.push(0);
    bytes.extend([kind.to_be_bytes(), [0, 1]].concat());
    bytes
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self, width: usize) -> u32 {
        let part = &self.bytes[self.at..self.at + width];
        self.at += width;
        part.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
    }

    fn short(&mut self) -> u16 {
        u16::try_from(self.number(2)).unwrap()
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        let (mut at, mut returns) = (self.at, None);
        loop {
            let length = usize::from(self.bytes[at]);
            if length >= 0xc0 {
                returns.get_or_insert(at + 2);
                at = (length & 0x3f) << 8 | usize::from(self.bytes[at + 1]);
                continue;
            }
            at += 1;
            if length == 0 {
                break;
            }
            name.push_str(std::str::from_utf8(&self.bytes[at..at + length]).unwrap());
            name.push('.');
            at += length;
        }
        self.at = returns.unwrap_or(at);
        name
    }

    fn said(&mut self) -> Said {
        let (name, kind, _class, ttl) = (self.name(), self.short(), self.short(), self.number(4));
        let length = usize::from(self.short());
        let data = self.bytes[self.at..self.at + length].to_vec();
        self.at += length;
        Said { name, kind, ttl, data }
    }
}

fn heard(bytes: &[u8]) -> Heard {
    let mut reader = Reader { bytes, at: 0 };
    let [id, flags, questions, answers, authorities, _additionals] = std::array::from_fn(|_| reader.short());
    for _ in 0..questions {
        reader.name();
        reader.number(4);
    }
    Heard {
        id,
        flags,
        answers: (0..answers).map(|_| reader.said()).collect(),
        authorities: (0..authorities).map(|_| reader.said()).collect(),
    }
}

async fn over_udp(server: SocketAddr, message: &[u8]) -> Option<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(message, server).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.ok()?.unwrap();
    Some(buffer[..length].to_vec())
}

async fn over_tcp(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).unwrap().to_be_bytes();
    stream.write_all(&[&length, message].concat()).await.unwrap();
    let length = timeout(PATIENCE, stream.read_u16()).await.unwrap().unwrap();
    let mut answer = vec![0; usize::from(length)];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.unwrap().unwrap();
    answer
}

async fn ask(server: SocketAddr, name: &str, kind: u16) -> Heard {
    let heard = heard(&over_udp(server, &question(7, name, kind)).await.expect("no answer"));
    assert_eq!((heard.id, heard.is(IS_ANSWER)), (7, true));
    heard
}

#[tokio::test]
async fn a_name_is_answered_over_udp_and_tcp_on_one_port() {
    let servers = Servers::new(vec![set("api.example.com", "A", &["192.0.2.1", "192.0.2.2"])]);
    let resolver = Resolver::start(servers).await.unwrap();
    let both = [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)];
    let udp = ask(resolver.address(), "API.example.com", A).await;
    assert_eq!((udp.addresses().as_slice(), udp.code(), udp.answers[0].ttl), (both.as_slice(), 0, 60));
    assert!(udp.is(AUTHORITATIVE) && udp.is(RECURSION_WANTED) && !udp.is(RECURSION_OFFERED) && !udp.is(CUT));
    assert_eq!(udp.answers[0].name.to_lowercase(), "api.example.com.");
    let mut stream = TcpStream::connect(resolver.address()).await.unwrap();
    for id in [1, 2] {
        let tcp = heard(&over_tcp(&mut stream, &question(id, "api.example.com", A)).await);
        assert_eq!((tcp.id, tcp.addresses().as_slice()), (id, both.as_slice()), "one connection, several questions");
    }
}

#[tokio::test]
async fn a_client_sees_the_switch_when_the_change_is_in_sync() {
    let servers = Servers::new(vec![set("db.example.com", "A", &["192.0.2.1"])]);
    let resolver = Resolver::start(servers.clone()).await.unwrap();
    servers.change([
        (ChangeAction::Delete, set("db.example.com", "A", &["192.0.2.1"])),
        (ChangeAction::Create, set("db.example.com", "A", &["192.0.2.2"])),
    ]);
    assert_eq!(ask(resolver.address(), "db.example.com", A).await.addresses(), [Ipv4Addr::new(192, 0, 2, 1)]);
    servers.wait(60);
    assert_eq!(ask(resolver.address(), "db.example.com", A).await.addresses(), [Ipv4Addr::new(192, 0, 2, 2)]);
}

#[tokio::test]
async fn every_type_stands_on_the_wire_as_its_standard_says() {
    let servers = Servers::new(vec![
        set("example.com", "AAAA", &["2001:db8::1"]),
        set("example.com", "MX", &["10 mail.example.net."]),
        set("example.com", "TXT", &["\"generation=7\" \"b\\344\""]),
        set("www.example.com", "CNAME", &["example.com"]),
    ]);
    let resolver = Resolver::start(servers).await.unwrap();
    let data = async |name, kind| ask(resolver.address(), name, kind).await.answers.pop().unwrap().data;
    assert_eq!(data("example.com", AAAA).await, [&[0x20, 1, 0x0d, 0xb8], [0; 11].as_slice(), &[1]].concat());
    assert_eq!(
        data("example.com", MX).await,
        [&[0, 10, 4], b"mail".as_slice(), &[7], b"example", &[3], b"net", &[0]].concat()
    );
    assert_eq!(data("example.com", TXT).await, [&[12], b"generation=7".as_slice(), &[2, b'b', 0xe4]].concat());
    let followed = ask(resolver.address(), "www.example.com", TXT).await;
    assert_eq!(followed.answers.iter().map(|said| said.kind).collect::<Vec<_>>(), [5, TXT]);
    assert_eq!(followed.answers[1].name, "example.com.");
}

#[tokio::test]
async fn what_is_not_there_comes_with_the_authority_and_what_is_not_ours_is_refused() {
    let resolver = Resolver::start(Servers::new(vec![set("api.example.com", "A", &["192.0.2.1"])])).await.unwrap();
    for (name, kind, code, authoritative, authorities) in [
        ("nobody.example.com", A, 3, true, 1),
        ("api.example.com", AAAA, 0, true, 1),
        ("api.example.com", SRV, 0, true, 1),
        ("example.org", A, 5, false, 0),
        ("", A, 5, false, 0),
        ("example.com", AXFR, 5, false, 0),
    ] {
        let heard = ask(resolver.address(), name, kind).await;
        assert_eq!((heard.code(), heard.is(AUTHORITATIVE), heard.answers.len()), (code, authoritative, 0), "{name} {kind}");
        assert_eq!(heard.authorities.len(), authorities, "{name} {kind}");
        if let Some(authority) = heard.authorities.first() {
            assert_eq!((authority.name.as_str(), authority.kind, authority.ttl), ("example.com.", 6, 900));
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_for_udp_is_cut_and_whole_over_tcp() {
    let values: Vec<String> = (0..40).map(|number| format!("\"{number:050}\"")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let resolver = Resolver::start(Servers::new(vec![set("long.example.com", "TXT", &values)])).await.unwrap();
    let cut = ask(resolver.address(), "long.example.com", TXT).await;
    assert!(cut.is(CUT) && cut.answers.is_empty() && cut.code() == 0);
    let mut stream = TcpStream::connect(resolver.address()).await.unwrap();
    let whole = heard(&over_tcp(&mut stream, &question(9, "long.example.com", TXT)).await);
    assert_eq!((whole.is(CUT), whole.answers.len()), (false, 40));
    // A client that says that it takes more over UDP gets it there: 40 records of 67 bytes at the most.
    let mut roomy = question(9, "long.example.com", TXT);
    roomy[11] = 1;
    roomy.extend([0, 0, 41, 0x0b, 0xb8, 0, 0, 0, 0, 0, 0]);
    let whole = heard(&over_udp(resolver.address(), &roomy).await.unwrap());
    assert_eq!((whole.is(CUT), whole.answers.len()), (false, 40));
}

#[tokio::test]
async fn what_cannot_be_answered_is_said_or_ignored() {
    let resolver = Resolver::start(Servers::new(vec![set("api.example.com", "A", &["192.0.2.1"])])).await.unwrap();
    let server = resolver.address();
    let plain = question(7, "example.com", A);
    let with = |changes: &[(usize, u8)]| {
        let mut message = plain.clone();
        for &(at, byte) in changes {
            message[at] = byte;
        }
        message
    };
    let code = async |message: Vec<u8>| heard(&over_udp(server, &message).await.expect("no answer")).code();
    assert_eq!(code(with(&[(2, 0x28)])).await, 4, "an update is not implemented");
    assert_eq!(code(with(&[(5, 0)])[..12].to_vec()).await, 1, "no question is no format");
    assert_eq!(code(plain[..20].to_vec()).await, 1, "half a question neither");
    let class = plain.len() - 1;
    assert_eq!(code(with(&[(class, 3)])).await, 5, "another class has no zones here");
    let mut later_version = with(&[(11, 1)]);
    later_version.extend([0, 0, 41, 0x10, 0, 0, 1, 0, 0, 0, 0]);
    let answer = over_udp(server, &later_version).await.unwrap();
    // 16 is bad version: its low bits are in the header, its high ones in the option record at the end.
    assert_eq!((heard(&answer).code(), answer[answer.len() - 6]), (0, 1));
    // Answers, and less than a header, are nothing to answer: the next question is answered first.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for nothing in [with(&[(2, 0x81)]), plain[..8].to_vec(), Vec::new()] {
        socket.send_to(&nothing, server).await.unwrap();
    }
    socket.send_to(&question(8, "example.com", A), server).await.unwrap();
    let mut buffer = [0; 512];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(heard(&buffer[..length]).id, 8);
}

#[tokio::test]
async fn the_name_server_ends_when_it_is_dropped() {
    let resolver = Resolver::start(Servers::new(vec![set("api.example.com", "A", &["192.0.2.1"])])).await.unwrap();
    let server = resolver.address();
    let mut open = TcpStream::connect(server).await.unwrap();
    over_tcp(&mut open, &question(1, "example.com", A)).await;
    drop(resolver);
    let ended = timeout(PATIENCE, open.read_u8()).await.unwrap();
    assert!(ended.is_err(), "its sessions end with it");
    for _ in 0..50 {
        if TcpStream::connect(server).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it still listens");
}
