//! The platform's clients: one that writes as fast as it may, where it is told to, and a probe from outside that publishes whether
//! the database answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::IndependentClient;
use crate::databases::{Writing, WritingSession};

/// Between two writes.
const PACE: Duration = Duration::from_millis(25);
/// After so long without an answer a client gives a connection up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often clients reread where the database is, and whether they may write.
const REREAD: Duration = Duration::from_millis(400);
/// PostgreSQL's SSLRequest: length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What clients wrote.
#[derive(Debug, Default)]
pub struct Written {
    /// Writes that were acknowledged.
    pub acknowledged: AtomicU64,
    /// Writes that were refused or not answered.
    pub failed: AtomicU64,
}

/// Clients at work. Dropping them ends them.
pub struct Clients {
    /// What they wrote.
    pub written: Arc<Written>,
    tasks: Vec<JoinHandle<()>>,
}

/// Where clients learn what they need.
#[derive(Debug, Clone)]
pub struct Bearings {
    /// Region and name of the parameter that holds the database's host.
    pub parameter: (String, String),
    /// Region, API and stage through which writes come, with the method that writes; `None`: nothing holds them.
    pub stage: Option<(String, String, String, String)>,
    /// Where each host listens.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Region, namespace, metric and dimensions of the outside probe.
    pub metric: (String, String, String, Value),
    /// The listener that the outside probe asks.
    pub probed: SocketAddr,
    /// How to write to real databases; without it, in the words of the model.
    pub writing: Option<Writing>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Route {
    address: Option<SocketAddr>,
    held: bool,
}

impl Clients {
    /// Sets clients to work.
    #[must_use]
    pub fn start(client: Arc<IndependentClient>, bearings: Bearings) -> Self {
        let written = Arc::new(Written::default());
        let (tell, route) = watch::channel(Route::default());
        let tasks = vec![
            tokio::spawn(find_the_way(client.clone(), bearings.clone(), tell)),
            tokio::spawn(write(route, written.clone(), bearings.writing.clone())),
            tokio::spawn(probe(client, bearings)),
        ];
        Self { written, tasks }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Reads the endpoint where the platform's clients read it, and whether the API lets their writes through.
async fn find_the_way(client: Arc<IndependentClient>, bearings: Bearings, tell: watch::Sender<Route>) {
    loop {
        let (region, name) = &bearings.parameter;
        let host = client.call("ssm", region, "get_parameter", json!({"Name": name, "WithDecryption": true})).await;
        let host = host.ok().and_then(|answer| answer.pointer("/Parameter/Value")?.as_str().map(str::to_owned));
        let address =
            host.and_then(|host| bearings.listeners.iter().find(|(name, _)| *name == host).map(|(_, address)| *address));
        let held = match &bearings.stage {
            Some((region, api, stage, method)) => {
                let parameters = json!({"restApiId": api, "stageName": stage});
                let answer = client.call("apigateway", region, "get_stage", parameters).await.unwrap_or_default();
                is_closed(&answer, method)
            }
            None => false,
        };
        tell.send_replace(Route { address, held });
        sleep(REREAD).await;
    }
}

/// Whether API Gateway lets no request of this method through. Keys come as `/patients/POST`, `patients/POST` or `~1patients/POST`.
fn is_closed(stage: &Value, method: &str) -> bool {
    let Some((verb, path)) = method.split_once(' ') else { return false };
    let wanted = format!("{}/{verb}", path.trim_start_matches('/'));
    let settings = stage.get("methodSettings").and_then(Value::as_object);
    settings.into_iter().flatten().any(|(key, setting)| {
        let key = key.replace("~1", "/");
        key.trim_start_matches('/') == wanted && setting.get("throttlingRateLimit").and_then(Value::as_f64) == Some(0.0)
    })
}

/// Writes in one session as long as it lasts, as a connection pool does, and opens another when it breaks.
async fn write(mut route: watch::Receiver<Route>, written: Arc<Written>, writing: Option<Writing>) {
    let mut session: Option<(SocketAddr, WriterSession)> = None;
    loop {
        sleep(PACE).await;
        let Route { address, held } = route.borrow_and_update().clone();
        let Some(address) = address.filter(|_| !held) else { continue };
        if session.as_ref().is_none_or(|(to, _)| *to != address) {
            let opened = timeout(PATIENCE, WriterSession::open(address, writing.as_ref())).await;
            session = opened.ok().flatten().map(|opened| (address, opened));
        }
        let Some((_, open)) = &mut session else {
            written.failed.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        if timeout(PATIENCE, open.write()).await == Ok(true) {
            written.acknowledged.fetch_add(1, Ordering::Relaxed);
            // What comes of this changes nothing for whoever was told that the write is safe.
            if timeout(PATIENCE, open.tell_world()).await.is_err() {
                session = None;
            }
        } else {
            written.failed.fetch_add(1, Ordering::Relaxed);
            session = None;
        }
    }
}

/// A session with the model or with a real database.
enum WriterSession {
    Model(BufReader<TcpStream>),
    Real(Box<WritingSession>),
}

impl WriterSession {
    async fn open(address: SocketAddr, writing: Option<&Writing>) -> Option<Self> {
        match writing {
            None => TcpStream::connect(address).await.ok().map(|stream| Self::Model(BufReader::new(stream))),
            Some(writing) => writing.connect(address).await.ok().map(|session| Self::Real(Box::new(session))),
        }
    }

    /// Whether the write was acknowledged.
    async fn write(&mut self) -> bool {
        match self {
            Self::Model(stream) => write_once(stream).await.unwrap_or(false),
            Self::Real(session) => session.write().await.is_ok(),
        }
    }

    /// The model knows of its own writes; of those to a real database it has to be told.
    async fn tell_world(&self) {
        if let Self::Real(session) = self {
            session.tell_world().await;
        }
    }
}

async fn write_once(stream: &mut BufReader<TcpStream>) -> std::io::Result<bool> {
    stream.write_all(b"write\n").await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    Ok(line.starts_with("committed"))
}

/// The outside-in probe: asks the database the protocol's first question, and publishes whether it answered.
async fn probe(client: Arc<IndependentClient>, bearings: Bearings) {
    let (region, namespace, metric, dimensions) = &bearings.metric;
    loop {
        let answered = timeout(PATIENCE, greet(bearings.probed)).await.is_ok_and(|greeted| greeted.is_ok());
        let datum = json!([{"MetricName": metric, "Dimensions": dimensions, "Value": if answered { 1.0 } else { 0.0 }}]);
        let parameters = json!({"Namespace": namespace, "MetricData": datum});
        // A probe that cannot publish is what `TreatMissingData: breaching` is for.
        let _published = client.call("cloudwatch", region, "put_metric_data", parameters).await;
        sleep(REREAD).await;
    }
}

async fn greet(address: SocketAddr) -> std::io::Result<u8> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await
}
