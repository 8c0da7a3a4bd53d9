//! The reverse proxy between the functions and the emulator.
//!
//! Every call goes to the emulator first, which verifies its signature and evaluates the caller's policies; only what it
//! lets pass is answered by the modelled world. So even a call that the emulator cannot carry out is checked against
//! the role that makes it. Where the emulator asks no policy, the log says so.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use socket2::{SockRef, Socket};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::answer::WireAnswer;
use super::call::WireCall;
use super::faults::Faults;
use super::handling::{Ends, Seen, Shared, answered};
use super::log::RequestLog;
use super::reading;
use super::time::SimulatedTime;
use super::upstream::Upstream;
use policies::iam::Roles;

/// The largest request that is read. Artifacts of a deployment are smaller.
pub const LARGEST_REQUEST: usize = 64 * 1024 * 1024;

/// The part of AWS that is not the emulator's.
pub trait WorldFace: Send + Sync {
    /// Whether the world answers this call.
    fn owns(&self, call: &WireCall) -> bool;
    /// Carries the call out and answers it. Called only for calls that it owns and that the caller may make.
    fn answer(&self, call: &WireCall) -> WireAnswer;
}

/// What a proxy stands between, and what it tells.
pub struct ProxySettings {
    /// Where to listen; port 0 takes any. Loopback only.
    pub listen: SocketAddr,
    /// Where the emulator listens. Loopback only.
    pub upstream: SocketAddr,
    /// Simulated time.
    pub time: Arc<dyn SimulatedTime>,
    /// What the world owns.
    pub world: Arc<dyn WorldFace>,
    /// Where every call is written down.
    pub log: Arc<RequestLog>,
    /// What breaks.
    pub faults: Arc<Faults>,
    /// The deployed roles' policies, for the emulator's false refusals.
    pub roles: Arc<Roles>,
}

/// Why a proxy could not start.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// A rehearsal talks to this machine only.
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
}

/// A running proxy. It stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    emulator: Arc<AtomicU32>,
    accepting: JoinHandle<Infallible>,
}

impl Proxy {
    /// Starts to listen. The emulator need not run yet.
    pub async fn start(settings: ProxySettings) -> Result<Self, ProxyError> {
        for address in [settings.listen, settings.upstream] {
            if !address.ip().is_loopback() {
                return Err(ProxyError::NotLoopback(address));
            }
        }
        let failed = |error| ProxyError::Listen(settings.listen, error);
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let emulator = Arc::new(AtomicU32::new(0));
        let shared = Arc::new(Shared {
            upstream: Upstream::new(settings.upstream),
            time: settings.time,
            world: settings.world,
            log: settings.log,
            faults: settings.faults,
            roles: settings.roles,
            emulator: Arc::clone(&emulator),
        });
        Ok(Self { address, emulator, accepting: tokio::spawn(accept(listener, shared)) })
    }

    /// Where it listens: the endpoint for everything that is to be rehearsed.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says which process is the emulator. Only its descendants can be killed by a fault; before this, nobody can.
    pub fn set_emulator(&self, process: u32) {
        self.emulator.store(process, Ordering::SeqCst);
    }

    /// Closes the listener and all connections. Calls on their way to the emulator still end, and are written down.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // Cancelled is how it ends.
        let _cancelled = (&mut self.accepting).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Ends a connection without an answer; hyper closes it when the service fails.
#[derive(Debug, thiserror::Error)]
#[error("the connection ends without an answer")]
struct NoAnswer;

async fn accept(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    // Connections end with this task, as the set does.
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                connections.spawn(connection(stream, client, Arc::clone(&shared)));
            }
            Err(error) => {
                // Out of descriptors, most likely: others may close some.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(stream: TcpStream, client: SocketAddr, shared: Arc<Shared>) {
    let prepared = stream.set_nodelay(true).and_then(|()| Ok((stream.local_addr()?, SockRef::from(&stream).try_clone()?)));
    let Ok((server, socket)) = prepared else {
        return;
    };
    let ends = Ends { client, server };
    let service = service_fn(|request| {
        let shared = Arc::clone(&shared);
        let socket = &socket;
        async move { respond(request, ends, shared, socket).await }
    });
    let served = http1::Builder::new().preserve_header_case(true).serve_connection(TokioIo::new(stream), service).await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn respond(
    request: Request<Incoming>,
    ends: Ends,
    shared: Arc<Shared>,
    socket: &Socket,
) -> Result<Response<Full<Bytes>>, NoAnswer> {
    let (real_time, time, started) = (Timestamp::now(), shared.time.now(), Instant::now());
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, LARGEST_REQUEST).collect().await {
        Ok(body) => Some(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => None,
        // The caller vanished in the middle of its request: there was no call.
        Err(_) => return Err(NoAnswer),
    };
    // A task of its own: what was begun takes effect and is written down even when the caller is gone.
    let handled = tokio::spawn(async move {
        let call = reading::read(&parts, body.clone().unwrap_or_default(), time, real_time);
        let entry = shared.log.arrive(&call);
        let (seen, ending) = match body {
            Some(body) => shared.handle(&call, &parts, &body, ends).await,
            None => answered(WireAnswer::error(&call, 413, "RequestEntityTooLarge", "the request is too large to rehearse")),
        };
        shared.log.end(entry, &call, started.elapsed(), ending);
        seen
    });
    match handled.await {
        Ok(Seen::Answer(answer)) => Ok(*answer),
        Ok(Seen::Closed) => Err(NoAnswer),
        Ok(Seen::Reset) => {
            // Not lingering makes closing a reset.
            if let Err(error) = socket.set_linger(Some(Duration::ZERO)) {
                tracing::warn!(%error, "a connection will be closed instead of reset");
            }
            Err(NoAnswer)
        }
        Err(error) => {
            tracing::error!(%error, "a call could not be handled");
            Err(NoAnswer)
        }
    }
}
