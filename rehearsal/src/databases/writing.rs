//! How clients write to real servers, and how the world hears of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls, Statement};

use super::ledger::{Acknowledged, Ledger};
use super::server::USER;
use crate::stage::{Shared, lock};
use crate::wire::listeners::Instances;
use crate::wire::time::SimulatedTime;

const INSERT: &str = "INSERT INTO writes (number) VALUES ($1)";
const POSITION: &str = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint";

/// Where in an instance's log each of its commits ends, by instance and by the world's number of the commit.
pub(super) type Positions = Mutex<BTreeMap<String, BTreeMap<u64, u64>>>;

/// What a client needs to write.
#[derive(Clone)]
pub struct Writing {
    pub(super) shared: Arc<Shared>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) positions: Arc<Positions>,
    pub(super) password: String,
    /// Which instance clients meet at which address.
    pub(super) instances: BTreeMap<SocketAddr, String>,
}

/// A session in which a client writes. Dropping it closes it.
pub struct WritingSession {
    writing: Writing,
    instance: String,
    client: Client,
    insert: Statement,
    connection: JoinHandle<()>,
}

impl Drop for WritingSession {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl std::fmt::Debug for Writing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Writing").field("instances", &self.instances).finish_non_exhaustive()
    }
}

impl Writing {
    /// Opens a session at the address where clients meet an instance.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub async fn connect(&self, address: SocketAddr) -> Result<WritingSession, Error> {
        let (client, connection) = Config::new()
            .host(address.ip().to_string())
            .port(address.port())
            .user(USER)
            .password(&self.password)
            .dbname("postgres")
            .connect(NoTls)
            .await?;
        let connection = tokio::spawn(async move {
            // Whoever waits for an answer hears of its end.
            let _ended = connection.await;
        });
        let instance = self.instances.get(&address).cloned().unwrap_or_default();
        let insert = client.prepare(INSERT).await;
        let writing = self.clone();
        match insert {
            Ok(insert) => Ok(WritingSession { writing, instance, client, insert, connection }),
            Err(error) => {
                connection.abort();
                Err(error)
            }
        }
    }
}

impl WritingSession {
    /// Commits the next numbered row.
    ///
    /// # Errors
    /// When the row was refused, or it is not known whether it was committed.
    pub async fn write(&self) -> Result<(), Error> {
        let Writing { shared, ledger, .. } = &self.writing;
        let (number, asked) = (ledger.next(), shared.time.now());
        self.client.execute(&self.insert, &[&number]).await?;
        ledger.note(Acknowledged { number, instance: self.instance.clone(), asked, told: shared.time.now() });
        Ok(())
    }

    /// Lets the world know of a write, and where the log stood after it.
    pub async fn tell_world(&self) {
        let Writing { shared, positions, .. } = &self.writing;
        let position = self.client.query_one(POSITION, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
        // Where the world has broken the instance a moment ago, it knows nothing of this commit, as nobody else does.
        if let (Ok(position), Ok(commit)) = (position, shared.commit(&self.instance)) {
            let position = u64::try_from(position).unwrap_or_default();
            lock(positions).entry(self.instance.clone()).or_default().insert(commit, position);
        }
    }
}
