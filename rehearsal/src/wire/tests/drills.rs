//! What the tests of the proxy share: a proxy with a world of one answer, and a client that speaks plain bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::requests::Wire;
use super::stub::Stub;
use crate::wire::answer::WireAnswer;
use crate::wire::call::WireCall;
use crate::wire::faults::Faults;
use crate::wire::log::RequestLog;
use crate::wire::normalise::Normaliser;
use crate::wire::proxy::{Proxy, ProxySettings, WorldFace};
use crate::wire::time::ScaledTime;
use policies::iam::Roles;

/// Owns RDS, answers everything with one document and remembers what it was asked.
#[derive(Default)]
pub(super) struct RecordingWorld {
    pub(super) asked: Mutex<Vec<String>>,
}

impl WorldFace for RecordingWorld {
    fn owns(&self, call: &WireCall) -> bool {
        call.service == "rds"
    }

    fn answer(&self, call: &WireCall) -> WireAnswer {
        self.asked.lock().unwrap().push(call.operation.clone());
        WireAnswer::xml("<world/>")
    }
}

/// A proxy before a stub.
pub(super) struct Drill {
    pub(super) stub: Stub,
    pub(super) proxy: Proxy,
    pub(super) world: Arc<RecordingWorld>,
    pub(super) log: Arc<RequestLog>,
    pub(super) faults: Arc<Faults>,
    pub(super) roles: Arc<Roles>,
}

impl Drill {
    pub(super) async fn before(stub: Stub) -> Self {
        let world = Arc::new(RecordingWorld::default());
        let log = Arc::new(RequestLog::new(Normaliser::new(["DATABASE_HOST"])));
        let (faults, roles) = (Arc::new(Faults::new()), Arc::new(Roles::new()));
        let proxy = Proxy::start(ProxySettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            upstream: stub.address,
            time: Arc::new(ScaledTime::starting(Timestamp::UNIX_EPOCH, 10.0)),
            world: world.clone(),
            log: log.clone(),
            faults: faults.clone(),
            roles: roles.clone(),
        })
        .await
        .unwrap();
        Self { stub, proxy, world, log, faults, roles }
    }

    /// Sends a request over a connection of its own.
    pub(super) async fn send(&self, wire: &Wire) -> io::Result<Reply> {
        send(self.proxy.address(), &wire.bytes()).await
    }

    /// The world's operations so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.world.asked.lock().unwrap().clone()
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// Sends bytes and reads one response; an error where the connection ended before one came.
pub(super) async fn send(address: SocketAddr, request: &[u8]) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let length: usize = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            while read.len() < end + 4 + length {
                if stream.read_buf(&mut read).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            return Ok(Reply { status, head, body: String::from_utf8_lossy(&read[end + 4..]).into_owned() });
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
