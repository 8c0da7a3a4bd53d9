//! The side that runs the sites.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::super::error::{Code, RehearseError};
use super::protocol::{Answer, PATIENCE, Request, Signed, Token, receive, send};

/// After a connection that could not be accepted, so that one that goes on failing costs nothing.
const AFTER_FAILURE: Duration = Duration::from_millis(20);

/// Does what is asked.
pub(in super::super) trait Executor {
    /// Breaks or mends.
    ///
    /// # Errors
    /// Why not; nothing was changed then.
    async fn execute(&self, request: &Request) -> Result<String, RehearseError>;
}

/// Listens for requests on loopback.
pub(in super::super) struct Control {
    listener: TcpListener,
    token: Token,
}

impl Control {
    /// Opens a free port of 127.0.0.1.
    pub(in super::super) async fn open() -> Result<Self, RehearseError> {
        let failed = |error: io::Error| {
            RehearseError::new(Code::SessionNotWritten, format!("no port of 127.0.0.1 could be opened: {error}"))
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        Ok(Self { listener, token: Token::random()? })
    }

    /// Where it listens.
    pub(in super::super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What makes a request ours.
    pub(in super::super) fn token(&self) -> &Token {
        &self.token
    }

    /// Answers requests for ever, one after the other: each sees what the one before it left.
    pub(in super::super) async fn serve(&self, executor: &impl Executor) -> Infallible {
        loop {
            match self.listener.accept().await {
                // Whoever goes away before the answer does not get it.
                Ok((mut stream, _)) => drop(self.converse(&mut stream, executor).await),
                Err(_) => sleep(AFTER_FAILURE).await,
            }
        }
    }

    async fn converse(&self, stream: &mut TcpStream, executor: &impl Executor) -> io::Result<()> {
        let Some(line) = receive(stream, PATIENCE).await else {
            return Ok(());
        };
        let answer = match self.read(&line) {
            Ok(request) => Answer::from(executor.execute(&request).await),
            Err(error) => Answer::Refused(error),
        };
        send(stream, &answer).await
    }

    /// The request, if it is one, and its sender may make it.
    pub(super) fn read(&self, line: &str) -> Result<Request, RehearseError> {
        // What serde says repeats parts of the line, and with them perhaps a token.
        let signed: Signed = serde_json::from_str(line).map_err(|_| {
            let message = "that is no request of this version; use the recoveryctl that started the rehearsal";
            RehearseError::new(Code::RequestUnreadable, message)
        })?;
        if !self.token.is(&signed.token) {
            let message = "the token is not this rehearsal's; nothing was changed";
            return Err(RehearseError::new(Code::TokenRefused, message));
        }
        Ok(signed.request)
    }
}
