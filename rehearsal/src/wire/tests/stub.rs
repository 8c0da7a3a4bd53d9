//! A stand-in for the emulator: answers what the test says and keeps the raw bytes it was sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One request, as it stood on the wire.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

type Answering = dyn Fn(&Received) -> Vec<u8> + Send + Sync;

/// The running stand-in.
pub(super) struct Stub {
    pub(super) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Stub {
    /// Answers every request with what `answering` makes of it.
    pub(super) async fn start(answering: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (kept, answering) = (Arc::clone(&received), Arc::new(answering) as Arc<Answering>);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept), Arc::clone(&answering)));
            }
        });
        Self { address, received, accepting }
    }

    /// Answers everything with 200 and this body.
    pub(super) async fn ok(body: &'static str) -> Self {
        Self::start(move |_| response(200, "text/plain", body)).await
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// A response with a length.
pub(super) fn response(status: u16, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Text\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

async fn serve(mut stream: TcpStream, received: Arc<Mutex<Vec<Received>>>, answering: Arc<Answering>) {
    let mut unread = Vec::new();
    while let Some(request) = next(&mut stream, &mut unread).await {
        let answer = answering(&request);
        received.lock().unwrap().push(request);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn next(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<Received> {
    let end = loop {
        if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(unread.drain(..end).collect()).unwrap();
    let mut request = Received { head, body: Vec::new() };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while unread.len() < length {
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
    request.body = unread.drain(..length).collect();
    Some(request)
}
