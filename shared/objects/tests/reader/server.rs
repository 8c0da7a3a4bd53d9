//! A server on loopback that behaves like S3, or as badly as a test wants.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is asked of the server.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// 0 for the first.
    pub(crate) number: usize,
    pub(crate) method: String,
    pub(crate) headers: Vec<(String, String)>,
    /// First byte, and the one after the last.
    pub(crate) range: Option<(usize, usize)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// As S3 does.
    Sound,
    /// This status, and no body.
    Status(u16),
    /// As S3 does, after so many milliseconds.
    Late(u64),
    /// Never.
    Silence,
    /// So many bytes of the body, and then nothing more, with the connection open.
    Stall(usize),
    /// So many bytes of the body, and a reset.
    Reset(usize),
    /// So many bytes of the body, and an orderly end that comes too soon.
    End(usize),
    /// As if there were no condition: another object's ETag.
    OtherEtag,
    /// As if there were no range: the whole object, with 200.
    Whole,
    /// Another range than was asked for.
    OtherRange,
    /// A redirection to the bucket's Region.
    OtherRegion,
    /// An object that must be restored first.
    Archived,
}

/// What is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) bytes: Vec<u8>,
    pub(crate) etag: &'static str,
}

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) stored: Arc<Mutex<Stored>>,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
    /// Bodies that were being sent at the same time, at most.
    pub(crate) most_at_once: Arc<AtomicUsize>,
}

type Behaviour = Arc<dyn Fn(&Asked) -> Way + Send + Sync>;

impl Server {
    pub(crate) async fn start(bytes: Vec<u8>, behaviour: impl Fn(&Asked) -> Way + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stored = Arc::new(Mutex::new(Stored { bytes, etag: "\"first\"" }));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let at_once = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Self { url, stored: stored.clone(), asked: asked.clone(), most_at_once: at_once.1.clone() };
        let behaviour: Behaviour = Arc::new(behaviour);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    stored: stored.clone(),
                    asked: asked.clone(),
                    behaviour: behaviour.clone(),
                    at_once: at_once.clone(),
                };
                tokio::spawn(async move {
                    // A client that goes away ends its connection, and no test.
                    let _gone = connection.serve(stream).await;
                });
            }
        });
        server
    }

    pub(crate) fn requests(&self, method: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.method == method).count()
    }
}

/// The one object, as a page of ListObjectsV2 has it.
fn listing(bytes: usize, etag: &str) -> String {
    let etag = etag.replace('"', "&quot;");
    format!(
        "<ListBucketResult><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>pg/2026-11-20.dump</Key>\
         <LastModified>2026-11-20T02:00:00.000Z</LastModified><ETag>{etag}</ETag><Size>{bytes}</Size></Contents></ListBucketResult>"
    )
}

struct Connection {
    stored: Arc<Mutex<Stored>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    behaviour: Behaviour,
    at_once: (Arc<AtomicUsize>, Arc<AtomicUsize>),
}

impl Connection {
    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        while let Some(asked) = self.next(&mut stream).await? {
            let way = (self.behaviour)(&asked);
            if !self.answer(&mut stream, &asked, way).await? {
                break;
            }
        }
        Ok(())
    }

    async fn next(&self, stream: &mut TcpStream) -> std::io::Result<Option<Asked>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(None);
            }
            head.push(byte[0]);
        }
        let text = String::from_utf8(head).unwrap();
        let mut lines = text.lines();
        let method = lines.next().unwrap().split(' ').next().unwrap().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let range = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("range")).map(|(_, value)| {
            let (first, last) = value.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
            (first.parse().unwrap(), last.parse::<usize>().unwrap() + 1)
        });
        let mut all = self.asked.lock().unwrap();
        let asked = Asked { number: all.len(), method, headers, range };
        all.push(asked.clone());
        Ok(Some(asked))
    }

    /// Whether the connection can be used again.
    async fn answer(&self, stream: &mut TcpStream, asked: &Asked, way: Way) -> std::io::Result<bool> {
        let Stored { bytes, etag } = self.stored.lock().unwrap().clone();
        if way == Way::Silence {
            tokio::time::sleep(Duration::from_secs(600)).await;
            return Ok(false);
        }
        if let Way::Late(milliseconds) = way {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        let replaced = asked.header("if-match").is_some_and(|wanted| wanted != etag) && way != Way::OtherEtag;
        let status = match way {
            Way::Status(status) => Some((status, "")),
            Way::Archived if asked.method == "GET" => Some((403, "")),
            Way::OtherRegion if asked.number == 0 => Some((301, "x-amz-bucket-region: eu-central-1\r\n")),
            _ if replaced => Some((412, "")),
            _ => None,
        };
        if let Some((status, header)) = status {
            stream.write_all(format!("HTTP/1.1 {status} X\r\n{header}content-length: 0\r\n\r\n").as_bytes()).await?;
            return Ok(true);
        }
        if asked.method == "HEAD" {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: {etag}\r\nlast-modified: Fri, 20 Nov 2026 02:00:00 GMT\r\n\
                 x-amz-checksum-crc64nvme: AAAAAAAAAAA=\r\nx-amz-checksum-type: FULL_OBJECT\r\n\
                 x-amz-server-side-encryption: aws:kms\r\n{}\r\n",
                bytes.len(),
                if way == Way::Archived { "x-amz-storage-class: GLACIER\r\n" } else { "" }
            );
            stream.write_all(head.as_bytes()).await?;
            return Ok(true);
        }
        let Some((start, end)) = asked.range else {
            let listing = listing(bytes.len(), etag);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", listing.len());
            stream.write_all((head + &listing).as_bytes()).await?;
            return Ok(true);
        };
        if start >= bytes.len() {
            stream.write_all(b"HTTP/1.1 416 X\r\ncontent-length: 0\r\n\r\n").await?;
            return Ok(true);
        }
        let body = if way == Way::Whole { &bytes[..] } else { &bytes[start..end.min(bytes.len())] };
        let (shown, etag) = match way {
            Way::OtherRange => (start + 1, etag),
            Way::OtherEtag => (start, "\"second\""),
            _ => (start, etag),
        };
        let first = if way == Way::Whole {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\netag: {etag}\r\n\r\n", body.len())
        } else {
            let range = format!("bytes {shown}-{}/{}", start + body.len() - 1, bytes.len());
            format!("HTTP/1.1 206 X\r\ncontent-length: {}\r\ncontent-range: {range}\r\netag: {etag}\r\n\r\n", body.len())
        };
        stream.write_all(first.as_bytes()).await?;
        let now = self.at_once.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.at_once.1.fetch_max(now, Ordering::SeqCst);
        let again = self.body(stream, body, way).await;
        self.at_once.0.fetch_sub(1, Ordering::SeqCst);
        again
    }

    async fn body(&self, stream: &mut TcpStream, body: &[u8], way: Way) -> std::io::Result<bool> {
        let part = |count: usize| &body[..count.min(body.len())];
        match way {
            Way::Stall(count) => {
                stream.write_all(part(count)).await?;
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(false)
            }
            Way::Reset(count) => {
                stream.write_all(part(count)).await?;
                // What was sent should arrive before the reset does.
                tokio::time::sleep(Duration::from_millis(2)).await;
                stream.set_zero_linger()?;
                Ok(false)
            }
            Way::End(count) => {
                stream.write_all(part(count)).await?;
                Ok(false)
            }
            _ => {
                stream.write_all(body).await?;
                Ok(true)
            }
        }
    }
}
