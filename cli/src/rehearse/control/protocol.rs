//! What is said on the control channel.

use std::fmt;
use std::time::Duration;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::super::error::{Code, RehearseError};

/// Longer than any request or answer of ours.
pub(super) const LONGEST: u64 = 16 * 1024;
/// How long either side waits for a line that has nothing to wait for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

const TOKEN_BYTES: usize = 32;

/// Who has it may break the sites. It is in a file that only its owner can read, and never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl Token {
    /// One that nobody can guess.
    pub(in super::super) fn random() -> Result<Self, RehearseError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| {
            RehearseError::new(Code::SessionNotWritten, format!("the operating system gives no random bytes: {error}"))
        })?;
        Ok(Self(HEXLOWER.encode(&bytes)))
    }

    /// Whether the other one is the same, found out in a time that does not tell how much of it was right.
    pub(super) fn is(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        ours.len() == theirs.len() && ours.iter().zip(theirs).fold(0, |differ, (one, two)| differ | (one ^ two)) == 0
    }
}

/// What is asked of a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(in super::super) enum Request {
    /// Break this.
    Fault {
        /// `KIND[:ARGUMENT]`.
        fault: String,
    },
    /// Mend this.
    Heal {
        /// A kind, a fault as it was given, or `all`.
        what: String,
    },
}

/// A request with the right to make it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    pub(super) token: Token,
    pub(super) request: Request,
}

/// What a rehearsal answers: a sentence, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Answer {
    /// It was done.
    Done(String),
    /// It was not, and nothing was changed.
    Refused(RehearseError),
}

impl Answer {
    /// As a result.
    pub(in super::super) fn into_result(self) -> Result<String, RehearseError> {
        match self {
            Self::Done(sentence) => Ok(sentence),
            Self::Refused(error) => Err(error),
        }
    }
}

impl From<Result<String, RehearseError>> for Answer {
    fn from(result: Result<String, RehearseError>) -> Self {
        match result {
            Ok(sentence) => Self::Done(sentence),
            Err(error) => Self::Refused(error),
        }
    }
}

/// Sends one line.
pub(super) async fn send(stream: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> std::io::Result<()> {
    let line = serde_json::to_string(message).map_err(std::io::Error::other)?;
    stream.write_all(format!("{line}\n").as_bytes()).await?;
    stream.flush().await
}

/// Waits for one line, of bounded length, for a bounded time; none if the other side ends before.
pub(super) async fn receive(stream: &mut (impl AsyncRead + Unpin), patience: Duration) -> Option<String> {
    let mut line = String::new();
    let mut limited = BufReader::new(stream.take(LONGEST));
    match timeout(patience, limited.read_line(&mut line)).await {
        Ok(Ok(_)) if line.ends_with('\n') => Some(line),
        _ => None,
    }
}
