//! The replication stream, held up where the world says that a commit has not arrived yet.
//!
//! The standby gets its log through this relay. Everything passes but the log itself (`XLogData`), which passes as far as the
//! position that is let through: so what the world calls missing is really missing at the standby.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::Addresses;

/// Between two tries to reach a source that is down.
const PAUSE: Duration = Duration::from_millis(50);
/// Of an `XLogData` message: its kind, where its log begins, where the source's log ends, and the source's clock.
const HEADER: usize = 25;
/// Longer than any message of the protocol.
const LONGEST: usize = 1 << 26;

/// The relay. It ends when this is dropped, and with it the stream.
pub(super) struct Stream {
    address: SocketAddr,
    limit: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream {
    /// A relay to wherever an instance's server listens at the time, which lets everything through at first.
    pub(super) async fn to(source: String, servers: Arc<Addresses>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (limit, limited) = watch::channel(u64::MAX);
        let task = tokio::spawn(async move {
            let mut relayed = JoinSet::new();
            loop {
                let Ok((standby, _)) = listener.accept().await else { continue };
                while relayed.try_join_next().is_some() {}
                let (source, servers, limited) = (source.clone(), servers.clone(), limited.clone());
                relayed.spawn(async move { relay(standby, &source, &servers, limited).await });
            }
        });
        Ok(Self { address, limit, task })
    }

    /// Where the standby is to connect to.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets the log through up to that position from now on. What has passed has passed.
    pub(super) fn let_through(&self, position: u64) {
        self.limit.send_if_modified(|limit| std::mem::replace(limit, position) != position);
    }
}

/// A stream that breaks off is the standby's to open again.
async fn relay(standby: TcpStream, source: &str, servers: &Addresses, limited: watch::Receiver<u64>) {
    let Some(address) = servers.of(source) else {
        sleep(PAUSE).await;
        return;
    };
    let Ok(primary) = TcpStream::connect(address).await else { return };
    let (mut from_standby, mut to_standby) = standby.into_split();
    let (mut from_primary, mut to_primary) = primary.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_standby, &mut to_primary) => {}
        _ = pass_messages(&mut from_primary, &mut to_standby, limited) => {}
    }
}

/// Passes on what the source says, message by message: a kind, a length that counts itself, and as much content.
async fn pass_messages(
    source: &mut (impl AsyncReadExt + Unpin),
    standby: &mut (impl AsyncWrite + Unpin),
    mut limited: watch::Receiver<u64>,
) -> io::Result<()> {
    loop {
        let (kind, length) = (source.read_u8().await?, source.read_u32().await?);
        let length =
            usize::try_from(length).ok().and_then(|length| length.checked_sub(4)).filter(|length| *length <= LONGEST);
        let mut content = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        source.read_exact(&mut content).await?;
        match log_of(kind, &content) {
            Some((begins, header, log)) => pass_log(begins, header, log, standby, &mut limited).await?,
            None => write_message(kind, &[&content], standby).await?,
        }
    }
}

/// Where the log in a message begins, the message's header, and the log; nothing for any other message.
fn log_of(kind: u8, content: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    if kind != b'd' || content.first() != Some(&b'w') {
        return None;
    }
    let (header, log) = content.split_at_checked(HEADER)?;
    Some((u64::from_be_bytes(header.get(1..9)?.try_into().ok()?), header, log))
}

/// Passes the log on as far as it may go, in several messages if need be. Positions are ends of records, where a message may end.
async fn pass_log(
    begins: u64,
    header: &[u8],
    mut log: &[u8],
    standby: &mut (impl AsyncWrite + Unpin),
    limited: &mut watch::Receiver<u64>,
) -> io::Result<()> {
    let mut begins = begins;
    while !log.is_empty() {
        let limit = *limited.borrow_and_update();
        let allowed = usize::try_from(limit.saturating_sub(begins)).unwrap_or(usize::MAX).min(log.len());
        if allowed == 0 {
            limited.changed().await.map_err(|_| io::ErrorKind::BrokenPipe)?;
            continue;
        }
        let (now, later) = log.split_at(allowed);
        let rest = header.get(9..).unwrap_or_default();
        write_message(b'd', &[b"w", &begins.to_be_bytes(), rest, now], standby).await?;
        begins += allowed as u64;
        log = later;
    }
    Ok(())
}

async fn write_message(kind: u8, parts: &[&[u8]], to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let length: usize = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let mut message = vec![kind];
    message.extend(u32::try_from(length).map_err(|_| io::ErrorKind::InvalidData)?.to_be_bytes());
    parts.iter().for_each(|part| message.extend_from_slice(part));
    to.write_all(&message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_message(begins: u64, log: &[u8]) -> Vec<u8> {
        let mut content = vec![b'w'];
        content.extend(begins.to_be_bytes());
        content.extend([7; 16]);
        content.extend(log);
        content
    }

    async fn next(stream: &mut (impl AsyncReadExt + Unpin)) -> (u8, Vec<u8>) {
        let (kind, length) = (stream.read_u8().await.unwrap(), stream.read_u32().await.unwrap());
        let mut content = vec![0; length as usize - 4];
        stream.read_exact(&mut content).await.unwrap();
        (kind, content)
    }

    #[tokio::test]
    async fn the_log_passes_up_to_the_position_that_is_let_through_and_nothing_overtakes_it() {
        let (mut source, mut relayed) = tokio::io::duplex(4_096);
        let (mut passing, mut standby) = tokio::io::duplex(4_096);
        let (limit, limited) = watch::channel(103);
        let relay = tokio::spawn(async move { pass_messages(&mut relayed, &mut passing, limited).await });
        write_message(b'R', &[&[0, 0, 0, 0]], &mut source).await.unwrap();
        write_message(b'd', &[&log_message(100, b"abcdef")], &mut source).await.unwrap();
        write_message(b'd', &[b"k-alive"], &mut source).await.unwrap();
        assert_eq!(next(&mut standby).await, (b'R', vec![0, 0, 0, 0]));
        assert_eq!(next(&mut standby).await, (b'd', log_message(100, b"abc")));
        let held = tokio::time::timeout(Duration::from_millis(50), standby.read_u8()).await;
        assert!(held.is_err(), "{held:?} passed beyond the position");
        limit.send_replace(u64::MAX);
        assert_eq!(next(&mut standby).await, (b'd', log_message(103, b"def")));
        assert_eq!(next(&mut standby).await, (b'd', b"k-alive".to_vec()));
        drop(source);
        assert!(relay.await.unwrap().is_err(), "the stream ends with its source");
    }
}
