//! The stage of one rehearsal on the wire: the world, its database listeners, the proxy, the emulator with the real stack and the
//! platform's own resources in it, and a client that shares nothing with any of them.

mod bare;
mod client;
mod doors;
mod face;
mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rehearsal_world::{InstanceKey, PairConfig, World};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::databases::{Addresses, Count, DatabaseError, Installation, RealPair, Writing};
use crate::emulator::{
    Deployment, DeploymentRequest, Emulator, EmulatorError, EmulatorOptions, PythonEnvironment, ScriptError, SimulatedStart,
};
use crate::wire::faults::Faults;
use crate::wire::listeners::DatabaseListeners;
use crate::wire::log::RequestLog;
use crate::wire::normalise::Normaliser;
use crate::wire::proxy::{Proxy, ProxyError, ProxySettings, WorldFace};
use crate::wire::resolver::Resolver;
use crate::wire::time::{ScaledTime, SimulatedTime};
use policies::iam::{PolicyError, Roles};

use doors::Doors;

pub use bare::BareStage;
pub use client::{ClientError, IndependentClient};
pub use face::Shared;
pub use writer::{Bearings, Clients, Written};

/// What to set up.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// Where runs keep their logs.
    pub run_directory: PathBuf,
    /// The SAM template.
    pub template: PathBuf,
    /// The five binaries.
    pub binaries: PathBuf,
    /// The compiled plan.
    pub plan: PathBuf,
    /// The databases.
    pub pair: PairConfig,
    /// The PostgreSQL behind them; without one, the model alone.
    pub postgresql: Option<Installation>,
    /// What decides everything that chance would decide.
    pub seed: u64,
    /// Simulated seconds in a real second.
    pub speed: f64,
    /// The platform's own resources, as `sites.py` reads them; `${primary}` in a value is the primary's host.
    pub sites: Value,
    /// Lambda variables whose values the plan itself discloses.
    pub disclosed_variables: Vec<String>,
    /// The stack's name.
    pub stack: String,
    /// Parameters of the template besides those of the rehearsal.
    pub parameters: BTreeMap<String, String>,
}

/// Why the stage could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A listener or a directory could not be made.
    #[error("the rehearsal could not open its listeners or directories: {0}")]
    Io(#[from] io::Error),
    /// The proxy could not be started.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The emulator could not be started.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// One of the emulator's programs failed.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// A role's policy cannot be read.
    #[error("a role of the template cannot be evaluated: {0}")]
    Policy(#[from] PolicyError),
    /// The independent client failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The real databases could not be made.
    #[error("the simulated instances have no PostgreSQL: {0}\n`--database model` does without")]
    Databases(#[from] DatabaseError),
    /// The emulator's stack is not what the template says.
    #[error("the deployed stack is not what the template says: {0}")]
    Differences(String),
}

/// A stage that is set up. Dropping it ends everything that it started.
pub struct Stage {
    /// The world, behind its lock.
    pub shared: Arc<Shared>,
    /// Every request that the functions made.
    pub log: Arc<RequestLog>,
    /// What is to break on the wire.
    pub faults: Arc<Faults>,
    /// What the deployment says of itself.
    pub deployment: Deployment,
    /// The platform's resources before anything happened.
    pub sites_before: Value,
    /// The client that shares nothing with the functions; speaks through the proxy, so that it sees the world's databases.
    pub client: Arc<IndependentClient>,
    /// Where each database listens.
    pub listeners: BTreeMap<String, SocketAddr>,
    /// Where clients ask for names: `dig @127.0.0.1 -p PORT NAME`.
    pub name_server: SocketAddr,
    sites: Value,
    emulator: Emulator,
    proxy: Proxy,
    real: Option<RealPair>,
    doors: Doors,
    _resolver: Resolver,
}

impl Stage {
    /// Sets everything up. `progress` is told what takes time.
    ///
    /// # Errors
    /// [`StageError`] with what to do.
    pub async fn set_up(
        python: &PythonEnvironment,
        options: StageOptions,
        mut progress: impl FnMut(&str),
    ) -> Result<Self, StageError> {
        std::fs::create_dir_all(&options.run_directory)?;
        let time = ScaledTime::starting(Timestamp::now(), options.speed);
        let account = options.pair.account.clone();
        let (primary_region, region) = (options.pair.primary_region.clone(), options.pair.recovery_region.clone());
        let primary = InstanceKey::new(&primary_region, &options.pair.primary_id);
        let replica = InstanceKey::new(&region, &options.pair.recovery_id);
        let world = World::pair(options.pair, options.seed, time.now());
        let endpoints = world.endpoints();
        let servers = Arc::new(Addresses::default());
        let mut shared = Shared::new(world, time);
        if options.postgresql.is_some() {
            shared = shared.with_servers(servers.clone());
        }
        let shared = Arc::new(shared);
        let databases = DatabaseListeners::new(shared.clone());
        let (mut listeners, mut hosts) = (BTreeMap::new(), BTreeMap::new());
        for (key, endpoint) in &endpoints {
            let address = databases.add(&key.to_string()).await?;
            listeners.insert(key.to_string(), address);
            hosts.insert(format!("{}:{}", endpoint.host, endpoint.port), address.to_string());
        }
        let resolver = Resolver::start(shared.clone()).await?;
        let log = Arc::new(RequestLog::with_file(
            Normaliser::new(options.disclosed_variables),
            &options.run_directory.join("requests.jsonl"),
        )?);
        let (faults, roles) = (Arc::new(Faults::new()), Arc::new(Roles::new()));
        let directory = options.run_directory.join("databases");
        let postgresql = options.postgresql.clone();
        let make_databases = async {
            match postgresql {
                None => Ok(None),
                Some(found) => RealPair::start(found, python, &directory, &primary, &replica, servers).await.map(Some),
            }
        };
        let emulated =
            start_pair(python, &options.run_directory, &account, &region, time, shared.clone(), &log, &faults, &roles);
        let ((proxy, emulator), real) =
            tokio::try_join!(emulated, async { make_databases.await.map_err(StageError::from) })?;
        proxy.set_emulator(emulator.pid());
        progress("the emulator answers; deploying the stack and the platform's two sites into it");
        let primary_host = endpoints.iter().find(|(key, _)| *key == primary).map(|(_, endpoint)| endpoint.host.clone());
        let mut sites = fill(&options.sites, &primary_host.unwrap_or_default());
        if let Some(real) = &real {
            tell_write_probe(&mut sites, real);
            real.follow(&shared);
            progress(&format!("PostgreSQL {} runs behind both instances, the replica from a base backup", real.version()));
        }
        let sites_before = emulator.set_up_sites(&sites).await?;
        let mut parameters = options.parameters;
        parameters.insert("PlanPath".to_owned(), options.plan.display().to_string());
        parameters.insert("Schedules".to_owned(), "DISABLED".to_owned());
        parameters.insert("Rehearsal".to_owned(), json!({"clock": time, "hosts": hosts}).to_string());
        let request = DeploymentRequest {
            stack: options.stack,
            region,
            template: options.template,
            binaries: options.binaries,
            plan: options.plan,
            parameters,
        };
        let deployment = emulator.deploy(&request).await?;
        if !deployment.differences.is_empty() {
            return Err(StageError::Differences(serde_json::to_string(&deployment.differences).unwrap_or_default()));
        }
        for (role, policies) in &deployment.role_policies {
            let inline: Vec<Value> = policies.inline.values().cloned().collect();
            roles.set(role, &inline)?;
        }
        let client =
            IndependentClient::start(python, &options.run_directory, &format!("http://{}", proxy.address()), &account)?;
        let client = Arc::new(client);
        let doors = Doors::keep(databases, shared.clone());
        Ok(Self {
            shared,
            log,
            faults,
            deployment,
            sites_before,
            client,
            listeners,
            name_server: resolver.address(),
            sites,
            emulator,
            proxy,
            real,
            doors,
            _resolver: resolver,
        })
    }

    /// The world.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.shared.world()
    }

    /// Simulated now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.time.now()
    }

    /// The address to which an AWS client is pointed.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.proxy.address())
    }

    /// Whether the emulator still runs: without it nothing here does.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.emulator.is_running()
    }

    /// The platform's resources as they are now.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn sites_now(&self) -> Result<Value, StageError> {
        Ok(self.emulator.read_sites(&self.sites).await?)
    }

    /// What clients need to write to real databases; nothing where the model stands in for them.
    #[must_use]
    pub fn writing(&self) -> Option<Writing> {
        self.real.as_ref().map(|real| real.writing(&self.shared, &self.listeners))
    }

    /// Where an instance listens, or would if it did not refuse; also one that was made since the stage was set up.
    #[must_use]
    pub fn address(&self, instance: &InstanceKey) -> Option<SocketAddr> {
        self.doors.address(instance)
    }

    /// Where `psql` is, and the file with the password for it; nothing where the model stands in for the databases.
    #[must_use]
    pub fn psql(&self) -> Option<(PathBuf, PathBuf)> {
        self.real.as_ref().map(RealPair::psql)
    }

    /// The version of the real databases.
    #[must_use]
    pub fn postgresql(&self) -> Option<&str> {
        self.real.as_ref().map(RealPair::version)
    }

    /// Counts what clients were told against what the real databases have, now that this instance serves. They follow the world no
    /// more from then on. Nothing where the model stands in for them.
    ///
    /// # Errors
    /// When a database is not as it should be, or cannot be asked.
    pub async fn count(&self, serving: &InstanceKey) -> Result<Option<Count>, DatabaseError> {
        match &self.real {
            Some(real) => real.count(self.shared.time, serving).await.map(Some),
            None => Ok(None),
        }
    }

    /// Writes once as somebody who knows nothing but the address: by `psql` where a real database is behind it. What the database
    /// said.
    ///
    /// # Errors
    /// When it refuses, or cannot be reached.
    pub async fn write_as_a_stranger(&self, address: SocketAddr) -> io::Result<String> {
        let Some(real) = &self.real else {
            let mut stream = BufReader::new(TcpStream::connect(address).await?);
            stream.write_all(b"write\n").await?;
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            return if line.starts_with("committed") { Ok(line.trim().to_owned()) } else { Err(io::Error::other(line)) };
        };
        let (psql, passwords) = real.psql();
        let mut command = tokio::process::Command::new(psql);
        command
            .env_clear()
            .env("PGPASSFILE", passwords)
            .args(["--no-psqlrc", "--no-password", "--username", "postgres", "--dbname", "postgres"])
            .args(["--host", &address.ip().to_string(), "--port", &address.port().to_string()])
            .args(["--command", "INSERT INTO writes DEFAULT VALUES"])
            .stdin(std::process::Stdio::null())
            .kill_on_drop(true);
        let output = command.output().await?;
        let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(io::Error::other(said(&output.stderr))) }
    }

    /// The world's rules that this run relied on without a source: what a report must not hide.
    #[must_use]
    pub fn unverified_facts(&self) -> Vec<String> {
        let relied_on = self.world().relied_on().clone();
        rehearsal_world::unverified_facts()
            .filter(|row| relied_on.iter().any(|fact| fact.id() == row.id))
            .map(|row| row.behaviour.to_string())
            .collect()
    }

    /// Operations whose authorization the emulator did not check.
    #[must_use]
    pub fn unchecked_operations(&self, mark: u64) -> BTreeSet<String> {
        self.log.unchecked_since(mark).into_iter().map(|record| format!("{}:{}", record.service, record.operation)).collect()
    }

    /// Ends everything.
    pub async fn tear_down(self) {
        drop(self.client);
        drop(self.real);
        self.emulator.stop();
        self.proxy.stop().await;
    }
}

#[expect(clippy::too_many_arguments, reason = "two processes that need each other's address; every part is theirs")]
async fn start_pair(
    python: &PythonEnvironment,
    run_directory: &std::path::Path,
    account: &str,
    region: &str,
    time: ScaledTime,
    face: Arc<dyn WorldFace>,
    log: &Arc<RequestLog>,
    faults: &Arc<Faults>,
    roles: &Arc<Roles>,
) -> Result<(Proxy, Emulator), StageError> {
    // The emulator must know the proxy's address when it starts, and the proxy the emulator's: so the emulator's port is chosen
    // first.
    let port = crate::emulator::free_port()?;
    let proxy = Proxy::start(ProxySettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        upstream: SocketAddr::from(([127, 0, 0, 1], port)),
        time: Arc::new(time),
        world: face,
        log: log.clone(),
        faults: faults.clone(),
        roles: roles.clone(),
    })
    .await?;
    let emulator = Emulator::start(
        python,
        EmulatorOptions {
            run_directory: run_directory.to_owned(),
            endpoint: Some(format!("http://{}", proxy.address())),
            account: account.to_owned(),
            region: region.to_owned(),
            start: SimulatedStart { real_ms: time.real_ms, simulated_ms: time.simulated_ms, speed: time.speed },
            port: Some(port),
        },
    )
    .await?;
    Ok((proxy, emulator))
}

/// Tells the platform's write probe how to speak to real databases.
fn tell_write_probe(sites: &mut Value, real: &RealPair) {
    let (psql, passwords) = real.psql();
    let functions = sites.get_mut("functions").and_then(Value::as_array_mut);
    for function in functions.into_iter().flatten() {
        if function.get("program").is_some() {
            function["environment"] = json!({"PSQL": psql, "PGPASSFILE": passwords});
        }
    }
}

/// Puts what only this run knows into the description of the sites.
fn fill(value: &Value, primary: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("${primary}", primary)),
        Value::Array(list) => Value::Array(list.iter().map(|each| fill(each, primary)).collect()),
        Value::Object(map) => Value::Object(map.iter().map(|(key, each)| (key.clone(), fill(each, primary))).collect()),
        other => other.clone(),
    }
}

/// A lock whose holder panicked still guards a consistent world: every change of it is one call.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
