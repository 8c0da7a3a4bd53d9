//! Probes: what a new connection to a database finds, and whether the user's own probe can write through it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::Sending;
use super::aws::{Clients, Speaker, invoke};
use crate::config::Rehearsal;
use crate::domain::identifier::{Region, ResourceName};
use crate::domain::observation::Connection;
use crate::domain::operation::Operation;
use crate::ports::{FailureKind, PortResult, Probes};

/// How long a connection may take to be made, and then how long the first answer may take. Both fit, with a describe before
/// them, into one invocation.
const PATIENCE: Duration = Duration::from_secs(2);
const SHORTEST_PATIENCE: Duration = Duration::from_millis(250);

/// PostgreSQL's SSLRequest: length 8 and the code 1234.5679. It needs no credentials, and a server answers it before anything else.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Probes over the network.
#[derive(Debug, Clone)]
pub struct NetworkProbes {
    clients: Clients,
    rehearsal: Option<Rehearsal>,
}

#[derive(Serialize)]
struct WriteProbe<'a> {
    host: &'a str,
    port: u16,
}

#[derive(Deserialize)]
struct WriteProbeAnswer {
    written: bool,
}

impl NetworkProbes {
    /// Probes. In a rehearsal they only reach the hosts that it names, at the addresses that it names.
    #[must_use]
    pub fn new(clients: Clients, rehearsal: Option<Rehearsal>) -> Self {
        Self { clients, rehearsal }
    }

    /// How long a connection or an answer is waited for. A rehearsal's wait is as much shorter as its clock is faster, because what
    /// is waited for is simulated; never so short that a busy machine looks like a dead database.
    fn patience(&self) -> Duration {
        let speed = self.rehearsal.as_ref().map_or(1.0, |rehearsal| rehearsal.clock.speed);
        PATIENCE.div_f64(speed).max(SHORTEST_PATIENCE)
    }
}

/// Where a host listens, as far as that can be found out so soon. In a rehearsal: what that says, and nothing else.
pub(super) async fn addresses(rehearsal: Option<&Rehearsal>, host: &str, port: u16, patience: Duration) -> Vec<SocketAddr> {
    match rehearsal {
        Some(rehearsal) => rehearsal.address(host, port).into_iter().collect(),
        None => match timeout(patience, lookup_host((host, port))).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        },
    }
}

#[async_trait]
impl Probes for NetworkProbes {
    async fn connect(&self, host: &str, port: u16) -> Connection {
        let probing = async {
            let addresses = addresses(self.rehearsal.as_ref(), host, port, self.patience()).await;
            match first_connection(&addresses, self.patience()).await {
                Ok(stream) => first_answer(stream, self.patience()).await,
                Err(finding) => finding,
            }
        };
        self.clients.outbound().of(probing).await
    }

    async fn write(&self, region: &Region, function: &ResourceName, host: &str, port: u16) -> PortResult<bool> {
        let operation = Sending::of(Operation::Invoke);
        operation.permit(region, &format!("function:{function}"))?;
        let (host, port) = match &self.rehearsal {
            None => (host.to_owned(), port),
            Some(rehearsal) => match rehearsal.address(host, port) {
                Some(address) => (address.ip().to_string(), address.port()),
                None => {
                    let message = format!("{host}:{port} is not a host of this rehearsal");
                    return Err(operation.failure(FailureKind::Refused, "host_not_in_rehearsal", &message));
                }
            },
        };
        let request = serde_json::to_vec(&WriteProbe { host: &host, port }).unwrap_or_default();
        let answer = invoke(&self.clients, region, function.as_str(), request, Speaker::Platform).await?;
        // The parser's own words would quote the answer.
        let answer: WriteProbeAnswer = serde_json::from_slice(&answer).map_err(|_| {
            let message = format!("{function} did not answer {{\"written\":true}} or {{\"written\":false}}");
            operation.failure(FailureKind::Refused, "probe_answer_unreadable", &message)
        })?;
        Ok(answer.written)
    }
}

/// The first of these addresses that takes a connection. Only what the other side did, or its silence, says anything about it:
/// a failure of our own (no name, no route, no descriptors) must never look like a fence that works.
async fn first_connection(addresses: &[SocketAddr], patience: Duration) -> Result<TcpStream, Connection> {
    let until = Instant::now() + patience;
    let mut finding = Connection::NotTried;
    for address in addresses {
        match timeout_at(until, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Err(_) => finding = Connection::TimedOut,
            Ok(Err(error)) => match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
                    finding = Connection::Refused
                }
                ErrorKind::TimedOut => finding = Connection::TimedOut,
                _ => {}
            },
        }
    }
    Err(finding)
}

/// Whether the database answers the protocol's first question. A connection that is cut after it was taken was still let in.
async fn first_answer(mut stream: TcpStream, patience: Duration) -> Connection {
    let mut answer = [0_u8; 1];
    let asked = async {
        stream.write_all(&SSL_REQUEST).await?;
        stream.read_exact(&mut answer).await
    };
    match timeout(patience, asked).await {
        Ok(Ok(_)) if matches!(answer, [b'S' | b'N']) => Connection::Answers,
        _ => Connection::Silent,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokio::net::TcpListener;

    use super::*;
    use crate::config::RehearsalTime;
    use crate::domain::step::FunctionName;

    fn probes(hosts: &[(&str, SocketAddr)]) -> NetworkProbes {
        let hosts: BTreeMap<String, SocketAddr> =
            hosts.iter().map(|(host, address)| ((*host).to_owned(), *address)).collect();
        let clock = RehearsalTime { real_ms: 0, simulated_ms: 0, speed: 1.0 };
        NetworkProbes::new(
            Clients::new(Some("http://127.0.0.1:9"), FunctionName::Recovery),
            Some(Rehearsal { clock, hosts }),
        )
    }

    async fn found(answer: Option<&'static [u8]>, stays_open: bool) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = [0_u8; 8];
            if answer.is_some() || stays_open {
                stream.read_exact(&mut question).await.unwrap();
                assert_eq!(question, SSL_REQUEST);
            }
            if let Some(answer) = answer {
                stream.write_all(answer).await.unwrap();
            }
            if stays_open {
                std::future::pending::<()>().await;
            }
        });
        let connection = probes(&[("db.example:5432", address)]).connect("db.example", 5432).await;
        server.abort();
        connection
    }

    #[tokio::test]
    async fn a_database_that_answers_the_first_question_answers() {
        assert_eq!(found(Some(b"S"), true).await, Connection::Answers);
        assert_eq!(found(Some(b"N"), false).await, Connection::Answers);
    }

    #[tokio::test]
    async fn a_connection_that_is_taken_and_then_silent_cut_or_misunderstood_was_still_let_in() {
        assert_eq!(found(None, true).await, Connection::Silent);
        assert_eq!(found(None, false).await, Connection::Silent);
        assert_eq!(found(Some(b"HTTP/1.1 400"), false).await, Connection::Silent);
    }

    #[tokio::test]
    async fn a_closed_port_refuses() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(probes(&[("db.example:5432", address)]).connect("db.example", 5432).await, Connection::Refused);
    }

    #[tokio::test]
    async fn what_cannot_be_tried_proves_nothing() {
        // Not a host of the rehearsal: no name is looked up, and nothing leaves this machine.
        assert_eq!(probes(&[]).connect("db.example", 5432).await, Connection::NotTried);
        // A name that no resolver is even asked for.
        let outside = NetworkProbes::new(Clients::new(None, FunctionName::Recovery), None);
        assert_eq!(outside.connect("no\0name", 5432).await, Connection::NotTried);
    }
}
