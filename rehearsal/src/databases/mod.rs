//! A real PostgreSQL pair behind the simulated RDS.
//!
//! The world decides when; this makes it so. Each instance of the world has a server of its own, with streaming replication
//! from one to the other. What the world says of a database is done to its server's processes: one that hangs is frozen, one that is
//! rebooted or whose Region goes dark is killed without warning, a promotion is `pg_promote`; a snapshot is a base backup, and what is
//! made or restored is a server of its own. Clients reach a server through the
//! instance's listener, which refuses and cuts as the world says. The standby gets its log through a relay that holds up what the
//! world says has not arrived.
//!
//! What clients were told is in the [`Ledger`]; what the servers have is counted against it afterwards ([`Count`]).

mod bounded;
mod count;
mod follow;
mod guard;
mod installation;
mod ledger;
mod maker;
mod scratch;
mod server;
mod standby_pair;
mod stream;
#[cfg(test)]
mod tests;
mod writing;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rehearsal_world::InstanceKey;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

pub use count::{Count, Evidence, Row};
pub use installation::{Installation, NoPostgresql};
pub use ledger::{Acknowledged, Ledger};
pub use scratch::{Asked, Restored, Scratch};
pub use server::DatabaseError;
pub use standby_pair::{Member, StandbyPair};
pub use writing::{Writing, WritingSession};

use crate::emulator::PythonEnvironment;
use crate::stage::{Shared, lock};
use crate::wire::time::{ScaledTime, SimulatedTime};
use follow::{Act, Condition, next, perform};
use guard::Guard;
use maker::{Base, Maker};
use server::{Ground, Server};
use stream::Stream;
use writing::Positions;

/// Between two looks at the world.
const LOOK: Duration = Duration::from_millis(5);
/// After a server could not be made as it should be, until the next try.
const PAUSE: Duration = Duration::from_millis(200);
/// How long the standby may need to have what the primary had when it was made.
const LONGEST_CATCH_UP: Duration = Duration::from_secs(60);
/// Rows that clients number, and rows of others that have none. The server itself notes who accepted them.
const TABLE: &str =
    "CREATE TABLE writes (number bigint UNIQUE, instance text NOT NULL DEFAULT current_setting('cluster_name'))";
const ROWS: &str =
    "SELECT number, instance, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint FROM writes";

/// Where each instance's server listens; nothing while it is down.
#[derive(Debug, Default)]
pub struct Addresses(Mutex<BTreeMap<String, SocketAddr>>);

impl Addresses {
    /// Where an instance's server listens.
    pub fn of(&self, instance: &str) -> Option<SocketAddr> {
        lock(&self.0).get(instance).copied()
    }

    fn set(&self, instance: &str, address: Option<SocketAddr>) {
        match address {
            Some(address) => lock(&self.0).insert(instance.to_owned(), address),
            None => lock(&self.0).remove(instance),
        };
    }
}

/// A primary and its standby. Dropping the pair ends both.
pub struct RealPair {
    ground: Ground,
    primary: InstanceKey,
    replica: InstanceKey,
    addresses: Arc<Addresses>,
    ledger: Arc<Ledger>,
    positions: Arc<Positions>,
    /// The end of the log when nobody had written yet.
    beginning: u64,
    stream: Mutex<Option<Arc<Stream>>>,
    servers: Arc<Mutex<Servers>>,
    maker: Mutex<Option<JoinHandle<()>>>,
    /// What the primary held before anybody wrote.
    first_backup: Base,
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    guard: Option<Guard>,
}

/// The servers and who has them.
#[derive(Default)]
struct Servers {
    idle: BTreeMap<String, Server>,
    followers: Vec<JoinHandle<(String, Server)>>,
    relays: Vec<JoinHandle<()>>,
}

/// What the followers have to say.
#[derive(Default)]
struct Seen {
    /// When a server was promoted, by its instance; noted before it is.
    promoted: BTreeMap<String, Timestamp>,
    troubles: Vec<String>,
}

impl RealPair {
    /// Makes both servers and starts them: the replica from a base backup of the primary.
    ///
    /// # Errors
    /// [`DatabaseError`] with what PostgreSQL said.
    pub async fn start(
        installation: Installation,
        python: &PythonEnvironment,
        directory: &Path,
        primary: &InstanceKey,
        replica: &InstanceKey,
        addresses: Arc<Addresses>,
    ) -> Result<Self, DatabaseError> {
        let ground = Ground::lay(installation, directory)?;
        // Before there is anything to guard.
        let guard = Guard::over(directory, python).map_err(DatabaseError::io("the guard of the database servers"))?;
        let (on, name, known) = (ground.clone(), primary.to_string(), addresses.clone());
        let first = blocking(move || {
            let mut first = Server::create(&on, &name)?;
            first.start()?;
            first.sql(TABLE)?;
            known.set(&name, first.address());
            Ok(first)
        });
        let first = first.await?;
        let stream = Stream::to(primary.to_string(), addresses.clone());
        let stream = stream.await.map_err(DatabaseError::io("the relay of the replication stream"))?;
        let (source, name) = (stream.address(), replica.to_string());
        let (on, of) = (ground.clone(), primary.to_string());
        let gone = || DatabaseError::Failed { what: format!("starting {of}"), tail: "    it does not run".to_owned() };
        let address = first.address().ok_or_else(gone)?;
        let pair = blocking(move || {
            let never = AtomicBool::new(false);
            let mut second = Server::standby(&on, &name, address, source, &never)?;
            second.start()?;
            let beginning = catch_up(&first, &second)?;
            let directory = on.backups().join("base-0");
            on.base_backup(address, &directory, &never)?;
            let backup = Base { of, finished: Timestamp::now(), directory, snapshot: None };
            Ok((first, second, beginning, backup))
        });
        let (first, second, beginning, first_backup) = pair.await?;
        addresses.set(&replica.to_string(), second.address());
        Ok(Self {
            ground,
            primary: primary.clone(),
            replica: replica.clone(),
            addresses,
            ledger: Arc::default(),
            positions: Arc::default(),
            beginning,
            stream: Mutex::new(Some(Arc::new(stream))),
            servers: Arc::new(Mutex::new(Servers {
                idle: BTreeMap::from([(primary.to_string(), first), (replica.to_string(), second)]),
                ..Servers::default()
            })),
            maker: Mutex::default(),
            first_backup,
            stop: Arc::default(),
            seen: Arc::default(),
            guard: Some(guard),
        })
    }

    /// Does from now on what the world says, until the pair is counted or dropped. Has to be called on the runtime on which relays are
    /// to run.
    pub fn follow(&self, shared: &Arc<Shared>) {
        shared.world().make_outside();
        let mut servers = lock(&self.servers);
        for key in [&self.primary, &self.replica] {
            let Some(server) = servers.idle.remove(&key.to_string()) else { continue };
            servers.followers.push(keep(server, key.clone(), shared, &self.stop, &self.addresses, &self.seen));
        }
        let (replica, source, beginning) = (self.replica.clone(), self.primary.to_string(), self.beginning);
        if let Some(stream) = lock(&self.stream).clone() {
            let relay = hold_up(stream, replica, source, beginning, shared, &self.positions, &self.stop);
            servers.relays.push(relay);
        }
        let maker = Maker {
            ground: self.ground.clone(),
            shared: shared.clone(),
            addresses: self.addresses.clone(),
            positions: self.positions.clone(),
            servers: self.servers.clone(),
            seen: self.seen.clone(),
            stop: self.stop.clone(),
            runtime: Handle::current(),
            bases: vec![self.first_backup.clone()],
            failures: BTreeMap::new(),
        };
        *lock(&self.maker) = Some(std::thread::spawn(move || maker.work()));
    }

    /// What clients need to write, who meet the instances at these addresses.
    #[must_use]
    pub fn writing(&self, shared: &Arc<Shared>, listeners: &BTreeMap<String, SocketAddr>) -> Writing {
        Writing {
            shared: shared.clone(),
            ledger: self.ledger.clone(),
            positions: self.positions.clone(),
            password: self.ground.password.clone(),
            instances: listeners.iter().map(|(instance, address)| (*address, instance.clone())).collect(),
        }
    }

    /// The version of the servers.
    #[must_use]
    pub fn version(&self) -> &str {
        self.ground.installation.version()
    }

    /// Where `psql` is, and the file with the password for it.
    #[must_use]
    pub fn psql(&self) -> (PathBuf, PathBuf) {
        (self.ground.installation.psql(), self.ground.password_file())
    }

    /// Counts, in sessions that share nothing with the clients: what they were told against what the servers have. The servers follow
    /// the world no more from then on.
    ///
    /// # Errors
    /// When a server is not as it should be, or cannot be asked.
    pub async fn count(&self, time: ScaledTime, serving: &InstanceKey) -> Result<Count, DatabaseError> {
        // What is told after this moment is not looked for.
        let acknowledged = self.ledger.acknowledged();
        let mut servers = self.take();
        let seen = std::mem::take(&mut *lock(&self.seen));
        if !seen.troubles.is_empty() {
            lock(&self.servers).idle = servers;
            let what = "keeping the servers as the world has them".to_owned();
            return Err(DatabaseError::Failed { what, tail: seen.troubles.join("\n") });
        }
        let names = [self.primary.to_string(), self.replica.to_string()];
        let (servers, counted) = spawn_blocking(move || {
            let counted = read(&mut servers, &names, time);
            (servers, counted)
        })
        .await
        .map_err(|error| DatabaseError::io("counting rows")(error.into()))?;
        lock(&self.servers).idle = servers;
        let [old, new] = counted?;
        let (primary, replica) = (self.primary.to_string(), self.replica.to_string());
        let evidence = if serving == &self.replica {
            // Who was asked to become a primary and is none yet has accepted nothing.
            let promoted = seen.promoted.get(&replica).map_or(Timestamp::MAX, |real| time.at(*real));
            let former = Some((primary.as_str(), old.as_slice(), promoted));
            Evidence { acknowledged: &acknowledged, serving: (&replica, &new), former }
        } else {
            Evidence { acknowledged: &acknowledged, serving: (&primary, &old), former: None }
        };
        Ok(Count::of(evidence))
    }

    /// Stops following, and takes the servers.
    fn take(&self) -> BTreeMap<String, Server> {
        self.stop.store(true, Ordering::Relaxed);
        // First, so that it hands over no server that nobody takes.
        if let Some(maker) = lock(&self.maker).take() {
            let _ended = maker.join();
        }
        let mut servers = lock(&self.servers);
        let mut taken = std::mem::take(&mut servers.idle);
        // A follower that panicked has dropped its server; the guard ends that.
        taken.extend(servers.followers.drain(..).filter_map(|follower| follower.join().ok()));
        for relay in servers.relays.drain(..) {
            let _ended = relay.join();
        }
        *lock(&self.stream) = None;
        taken
    }
}

impl Drop for RealPair {
    fn drop(&mut self) {
        let mut servers = self.take();
        // It ends them in order; what is left to do is to bury them.
        drop(self.guard.take());
        servers.values_mut().for_each(Server::kill);
    }
}

/// Keeps a server as the world has its database, on a thread of its own.
fn keep(
    server: Server,
    key: InstanceKey,
    shared: &Arc<Shared>,
    stop: &Arc<AtomicBool>,
    addresses: &Arc<Addresses>,
    seen: &Arc<Mutex<Seen>>,
) -> JoinHandle<(String, Server)> {
    let (shared, stop) = (shared.clone(), stop.clone());
    let (addresses, seen) = (addresses.clone(), seen.clone());
    std::thread::spawn(move || {
        let name = key.to_string();
        (name, follow(server, &key, &shared, &stop, &addresses, &seen))
    })
}

/// Lets through what the world says has arrived, on a thread of its own.
fn hold_up(
    stream: Arc<Stream>,
    replica: InstanceKey,
    source: String,
    beginning: u64,
    shared: &Arc<Shared>,
    positions: &Arc<Positions>,
    stop: &Arc<AtomicBool>,
) -> JoinHandle<()> {
    let (shared, positions, stop) = (shared.clone(), positions.clone(), stop.clone());
    std::thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            let received = shared.world().received_of_source(&replica, shared.time.now());
            match received {
                Some(received) if received.everything => stream.let_through(u64::MAX),
                Some(received) => {
                    let positions = lock(&positions);
                    let of_source = positions.get(&source);
                    let position = of_source.and_then(|known| known.range(..=received.newest.0).next_back());
                    stream.let_through(position.map_or(beginning, |(_, position)| beginning.max(*position)));
                }
                None => {}
            }
            sleep(LOOK);
        }
    })
}

/// Keeps one server as the world has its database.
fn follow(
    mut server: Server,
    key: &InstanceKey,
    shared: &Shared,
    stop: &AtomicBool,
    addresses: &Addresses,
    seen: &Mutex<Seen>,
) -> Server {
    let name = key.to_string();
    let mut restarts = 0;
    while !stop.load(Ordering::Relaxed) {
        let wanted = shared.world().database(key, shared.time.now());
        let act = wanted.and_then(|wanted| Some((next(Condition::of(&server, restarts), &wanted)?, wanted)));
        let Some((act, wanted)) = act else {
            sleep(LOOK);
            continue;
        };
        if act == Act::Promote {
            lock(seen).promoted.entry(name.clone()).or_insert_with(Timestamp::now);
        }
        if act == Act::Start {
            restarts = wanted.restarts;
        }
        let done = perform(act, &mut server);
        addresses.set(&name, server.address());
        if let Err(error) = done {
            lock(seen).troubles.push(error.to_string());
            sleep(PAUSE);
        }
    }
    server
}

/// Waits until the standby has all that the primary has; the position up to which that is.
fn catch_up(primary: &Server, standby: &Server) -> Result<u64, DatabaseError> {
    let number = |text: String| text.trim().parse::<u64>().unwrap_or_default();
    let there = number(primary.sql("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")?);
    let deadline = Instant::now() + LONGEST_CATCH_UP;
    loop {
        let here = number(standby.sql("SELECT coalesce(pg_last_wal_replay_lsn() - '0/0', 0)::bigint")?);
        if here >= there {
            return Ok(there);
        }
        if Instant::now() > deadline {
            let tail = format!("    it is at {here}, and the primary was at {there}");
            return Err(DatabaseError::Failed { what: "waiting for the standby to catch up".to_owned(), tail });
        }
    }
}

/// The rows of both servers. One that hangs or is down is started from its files: what it had not committed when it stood still, it
/// must not commit now.
fn read(
    servers: &mut BTreeMap<String, Server>,
    names: &[String; 2],
    time: ScaledTime,
) -> Result<[Vec<Row>; 2], DatabaseError> {
    let mut read_one = |name: &String| {
        let missing =
            || DatabaseError::Failed { what: format!("counting rows of {name}"), tail: "    it is gone".to_owned() };
        let server = servers.get_mut(name).ok_or_else(missing)?;
        if server.is_frozen() || server.address().is_none() {
            server.start()?;
        }
        let unreadable =
            |line: &str| DatabaseError::Failed { what: format!("counting rows of {name}"), tail: format!("    {line}") };
        server.sql(ROWS)?.lines().map(|line| row(line, time).ok_or_else(|| unreadable(line))).collect::<Result<_, _>>()
    };
    Ok([read_one(&names[0])?, read_one(&names[1])?])
}

/// `number|instance|microseconds since 1970`; the number is empty for rows without one.
fn row(line: &str, time: ScaledTime) -> Option<Row> {
    let mut fields = line.split('|');
    let (number, instance, committed) = (fields.next()?, fields.next()?, fields.next()?);
    let committed = Timestamp::from_microsecond(committed.parse().ok()?).ok()?;
    let number = if number.is_empty() { None } else { Some(number.parse().ok()?) };
    Some(Row { number, instance: instance.to_owned(), committed: time.at(committed) })
}

async fn blocking<Made: Send + 'static>(
    make: impl FnOnce() -> Result<Made, DatabaseError> + Send + 'static,
) -> Result<Made, DatabaseError> {
    spawn_blocking(make).await.unwrap_or_else(|error| Err(DatabaseError::io("making the database servers")(error.into())))
}
