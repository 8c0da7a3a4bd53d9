//! A name server on loopback, over UDP and TCP, that answers what the name servers of Route 53 would answer.
//!
//! It is authoritative for the zones of the modelled world and knows nothing else: it does not recurse, and remembers
//! nothing, so that a client sees a switch as soon as the name servers have it.

mod reply;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rehearsal_world::{DnsName, RecordType, Resolution};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use reply::Transport;

/// How long a TCP client may be silent.
const IDLE: Duration = Duration::from_secs(10);
/// How long a socket that failed is left alone, so that one that goes on failing costs nothing.
const AFTER_FAILURE: Duration = Duration::from_millis(20);
/// How often a port is tried that is free for one transport and not for the other.
const ATTEMPTS: u32 = 20;

/// Who knows the answers: the modelled world, at its own time.
pub trait NameServers: Send + Sync {
    /// The answer to a question; `kind` is none for a type that the world does not have.
    fn resolve(&self, name: &DnsName, kind: Option<RecordType>) -> Resolution;
}

/// The running name server. It ends when this is dropped.
pub struct Resolver {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Resolver {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Resolver {
    /// Starts to answer on a free port of 127.0.0.1, the same one for UDP and TCP.
    ///
    /// # Errors
    /// When there is no such port.
    pub async fn start(servers: Arc<dyn NameServers>) -> io::Result<Self> {
        let (udp, tcp) = sockets().await?;
        let address = udp.local_addr()?;
        let tasks = [tokio::spawn(serve_udp(udp, Arc::clone(&servers))), tokio::spawn(serve_tcp(tcp, servers))];
        Ok(Self { address, tasks })
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn sockets() -> io::Result<(UdpSocket, TcpListener)> {
    let mut attempt = 1;
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            // Somebody else has the TCP port of that number: another number then.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

async fn serve_udp(socket: UdpSocket, servers: Arc<dyn NameServers>) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // A client that went away can make the next receive fail; the others still want their answers.
        let Ok((length, client)) = socket.recv_from(&mut buffer).await else {
            sleep(AFTER_FAILURE).await;
            continue;
        };
        if let Some(answer) = reply::to(&buffer[..length], Transport::Udp, servers.as_ref())
            && let Err(error) = socket.send_to(&answer, client).await
        {
            tracing::debug!(%error, %client, "an answer of the name server was not sent");
        }
    }
}

async fn serve_tcp(listener: TcpListener, servers: Arc<dyn NameServers>) {
    // Sessions end with the server.
    let mut sessions = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(AFTER_FAILURE).await;
            continue;
        };
        let servers = Arc::clone(&servers);
        sessions.spawn(async move {
            // Whoever breaks off in the middle of a question gets no answer, and needs none.
            let _ended = converse(stream, servers.as_ref()).await;
        });
        while sessions.try_join_next().is_some() {}
    }
}

/// Answers the questions of one connection, each with its length before it, as long as they keep coming.
async fn converse(mut stream: TcpStream, servers: &dyn NameServers) -> io::Result<()> {
    loop {
        let length = timeout(IDLE, stream.read_u16()).await??;
        let mut question = vec![0; usize::from(length)];
        timeout(IDLE, stream.read_exact(&mut question)).await??;
        let Some(answer) = reply::to(&question, Transport::Tcp, servers) else {
            return Ok(());
        };
        let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), answer.as_slice()].concat()).await?;
    }
}

#[cfg(test)]
mod tests;
