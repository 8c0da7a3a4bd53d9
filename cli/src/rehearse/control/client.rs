//! The other terminal.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::error::{Code, RehearseError};
use super::super::session::Session;
use super::protocol::{Answer, PATIENCE, Request, Signed, receive, send};

/// Some faults make calls of their own, which may take their time on a busy machine.
const LONGEST_WORK: Duration = Duration::from_secs(60);

/// Asks a rehearsal for something.
pub(in super::super) async fn ask(session: &Session, request: Request) -> Result<String, RehearseError> {
    let address = session.control;
    if !address.ip().is_loopback() {
        return Err(RehearseError::new(Code::NotLoopback, format!("{address} is not on this machine; nothing was sent")));
    }
    let silent = |what: &str| {
        let message = format!("the rehearsal at {address} {what}; look at its terminal, and ask again");
        RehearseError::new(Code::NoAnswer, message)
    };
    let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
    let mut stream = connected.ok().and_then(Result::ok).ok_or_else(|| silent("takes no connection"))?;
    let signed = Signed { token: session.token.clone(), request };
    send(&mut stream, &signed).await.map_err(|_| silent("closed the connection"))?;
    let line = receive(&mut stream, LONGEST_WORK).await.ok_or_else(|| silent("gave no answer"))?;
    let answer: Answer = serde_json::from_str(&line).map_err(|_| silent("gave an answer of another version"))?;
    answer.into_result()
}
