//! One client's session with a modelled database instance.
//!
//! Where a real server is behind the instance, the session is with that, and only its end is ours. Otherwise two things can be said
//! to an instance: PostgreSQL's request for encryption, which is how a probe finds out whether a
//! server is there, and `write`, a line, which is how the rehearsal's writer finds out whether it still accepts writes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::listeners::{Backing, Connectivity, Instances};

/// How soon a session notices that it was cut, or that its instance answers again.
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// Longer than anything that a client of the rehearsal says.
const LONGEST_LINE: usize = 1024;

/// PostgreSQL's SSLRequest: its length, 8, and its code, 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Serves a session until the client leaves or the sessions are cut.
///
/// `cut` is the instance's count of cuts when the connection was accepted. What the instance's isolation says about new
/// connections does not matter here: an established one outlives a change of a security group.
pub(crate) async fn serve(mut stream: TcpStream, instance: &str, instances: Arc<dyn Instances>, cut: Option<u64>) {
    let held = async {
        match instances.backing(instance) {
            Backing::Model => talk(&mut stream, instance, &instances, cut).await,
            Backing::Server(address) => {
                let mut server = TcpStream::connect(address).await?;
                tokio::io::copy_bidirectional(&mut stream, &mut server).await.map(drop)
            }
            Backing::ServerDown => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    };
    tokio::select! {
        ended = held => {
            if let Err(error) = ended {
                tracing::debug!(%error, instance, "a session broke off");
                reset(&stream);
            }
        }
        () = wait_for_cut(instance, &instances, cut) => reset(&stream),
    }
}

/// Closing without lingering is a reset: the other side learns at once that its session is gone.
pub(crate) fn reset(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::warn!(%error, "a session will be closed instead of reset");
    }
}

async fn wait_for_cut(instance: &str, instances: &Arc<dyn Instances>, cut: Option<u64>) {
    while instances.sessions_cut_at(instance) == cut {
        sleep(LOOK).await;
    }
}

async fn talk(stream: &mut TcpStream, instance: &str, instances: &Arc<dyn Instances>, cut: Option<u64>) -> io::Result<()> {
    let mut unread: Vec<u8> = Vec::new();
    loop {
        while let Some(said) = take(&mut unread) {
            // A server that only accepts says nothing, also to those who were there before.
            while instances.connection(instance) == Connectivity::AcceptsOnly {
                sleep(LOOK).await;
            }
            // The cut may have come in the meantime; a session that is gone writes nothing.
            if instances.sessions_cut_at(instance) != cut {
                reset(stream);
                return Ok(());
            }
            stream.write_all(answer(said, instance, instances).as_bytes()).await?;
        }
        if unread.len() > LONGEST_LINE || stream.read_buf(&mut unread).await? == 0 {
            return Ok(());
        }
    }
}

enum Said {
    SslRequest,
    Line(Vec<u8>),
}

/// The next thing said in full, if any.
fn take(unread: &mut Vec<u8>) -> Option<Said> {
    if unread.starts_with(&SSL_REQUEST) {
        unread.drain(..SSL_REQUEST.len());
        return Some(Said::SslRequest);
    }
    // No line begins with a zero, so half a request for encryption is never taken for one.
    if unread.first() == Some(&0) && unread.len() < SSL_REQUEST.len() {
        return None;
    }
    let end = unread.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = unread.drain(..=end).take(end).collect();
    Some(Said::Line(line))
}

fn answer(said: Said, instance: &str, instances: &Arc<dyn Instances>) -> String {
    match said {
        // Encryption is not offered; that the server is there is what the probe asked.
        Said::SslRequest => "N".to_owned(),
        Said::Line(line) if line.trim_ascii() == b"write" => match instances.commit(instance) {
            Ok(number) => format!("committed {number}\n"),
            Err(reason) => format!("refused {}\n", reason.replace(['\n', '\r'], " ")),
        },
        Said::Line(_) => "refused not understood\n".to_owned(),
    }
}
