//! One running emulator.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use serde_json::{Value, json};

use super::deployment::{Deployment, DeploymentRequest};
use super::options::EmulatorOptions;
use super::ports::free_port;
use super::python::PythonEnvironment;
use super::script::{Script, ScriptError, scrubbed};
use super::{log_tail, programs};

/// It answers within half a second; a busy machine may need much longer.
const LONGEST_START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(25);
/// How long it may take to end by itself. It keeps nothing, so little is lost by not waiting longer.
const GRACE: Duration = Duration::from_secs(2);
/// A port that was free a moment ago can be taken; that it happens so often in a row has another cause.
const ATTEMPTS: usize = 3;
const PORT_TAKEN: &str = "is already in use";

/// Why an emulator does not run or does not answer.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// A file or directory of the run could not be made.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The machine has no free port.
    #[error("no free port on loopback: {0}")]
    NoPort(io::Error),
    /// The program could not be started.
    #[error("the emulator could not be started with {}: {source}", interpreter.display())]
    Start {
        /// The Python it was to be started with.
        interpreter: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something else listens on the port.
    #[error("port {port} on loopback is taken by another program")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// It ended before it answered.
    #[error("the emulator ended before it answered ({status}); the end of {}:\n{tail}", log.display())]
    Died {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// It runs, but does not answer.
    #[error(
        "the emulator did not answer on port {port} within {} s; the end of {}:\n{tail}",
        LONGEST_START.as_secs(),
        log.display()
    )]
    Silent {
        /// The port.
        port: u16,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        tail: String,
    },
    /// A program that works on it failed.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

/// A running emulator. Dropping it ends it, and every function process that it started.
#[derive(Debug)]
pub struct Emulator {
    /// Its standard input is held open here: the emulator ends when it closes, also when this process is killed.
    child: Child,
    /// Whether the child was waited for. Until then no other process can have its number.
    buried: bool,
    port: u16,
    interpreter: PathBuf,
    log: PathBuf,
    options: EmulatorOptions,
}

impl Emulator {
    /// Start an emulator and wait until it answers.
    ///
    /// # Errors
    ///
    /// When the run's directory cannot be made, when the port is taken, and when the emulator ends or stays silent;
    /// the error then shows the end of its log.
    pub async fn start(python: &PythonEnvironment, options: EmulatorOptions) -> Result<Self, EmulatorError> {
        let mut attempt = 1;
        loop {
            let port = match options.port {
                Some(port) => port,
                None => free_port().map_err(EmulatorError::NoPort)?,
            };
            match Self::start_on(python, options.clone(), port).await {
                Err(EmulatorError::PortTaken { .. }) if options.port.is_none() && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    async fn start_on(python: &PythonEnvironment, options: EmulatorOptions, port: u16) -> Result<Self, EmulatorError> {
        let directory = options.run_directory.join("emulator");
        fs::create_dir_all(&directory).map_err(at(&directory))?;
        let log = options.run_directory.join("emulator.log");
        let output = File::create(&log).map_err(at(&log))?;
        let errors = output.try_clone().map_err(at(&log))?;
        let endpoint = options.endpoint.clone().unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
        let child = scrubbed(python.interpreter(), &directory)
            .arg(programs().join("serve.py"))
            .args(["--port", &port.to_string()])
            .args(["--endpoint", &endpoint])
            .args(["--account", &options.account])
            .args(["--region", &options.region])
            .arg("--directory")
            .arg(&directory)
            .args(["--speed", &options.start.speed.to_string()])
            .args(["--real-ms", &options.start.real_ms.to_string()])
            .args(["--simulated-ms", &options.start.simulated_ms.to_string()])
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // A group of its own: ending it ends the functions' processes too, and an interrupt typed at the
            // rehearsal reaches the rehearsal first, which then ends this one in order.
            .process_group(0)
            .spawn()
            .map_err(|source| EmulatorError::Start { interpreter: python.interpreter().to_owned(), source })?;
        let mut emulator = Self { child, buried: false, port, interpreter: python.interpreter().to_owned(), log, options };
        emulator.wait_until_it_answers().await?;
        Ok(emulator)
    }

    async fn wait_until_it_answers(&mut self) -> Result<(), EmulatorError> {
        let deadline = Instant::now() + LONGEST_START;
        loop {
            if self.has_ended() {
                return Err(self.died());
            }
            // On a thread of its own, because an emulator that takes its time would hold this one up.
            let (port, log) = (self.port, self.log.clone());
            let asked = tokio::task::spawn_blocking(move || listens(port, &log) && answers(port));
            if matches!(asked.await, Ok(true)) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(EmulatorError::Silent { port, log: self.log.clone(), tail: log_tail::of_file(&self.log) });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether it still runs; one that ends by itself takes its rehearsal with it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        !self.has_ended()
    }

    fn has_ended(&self) -> bool {
        let ended = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.group().is_none_or(|child| !matches!(waitid(WaitId::Pid(child), ended), Ok(None)))
    }

    /// Why it ended before it answered.
    fn died(&mut self) -> EmulatorError {
        let status = match self.child.wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        self.buried = true;
        let tail = log_tail::of_file(&self.log);
        if tail.contains(PORT_TAKEN) {
            return EmulatorError::PortTaken { port: self.port };
        }
        EmulatorError::Died { status, log: self.log.clone(), tail }
    }

    fn group(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// The process id of the emulator, which also is the id of its process group.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where it writes its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Run one of the emulator's Python programs with a JSON document as its input; its answer is one too.
    ///
    /// What the program says beside its answer lies in a file `<name>.log` of the run's directory.
    ///
    /// # Errors
    ///
    /// When the program fails, takes too long or gives no JSON.
    pub async fn run_script(&self, name: &str, arguments: &[&str], input: &Value) -> Result<Value, ScriptError> {
        let script = Script {
            interpreter: &self.interpreter,
            home: self.options.run_directory.join("emulator"),
            log_directory: &self.options.run_directory,
        };
        script.run(name, arguments, input).await
    }

    /// Deploy the recovery stack. The calls go straight to the emulator, not through the proxy: they are no part of
    /// what is rehearsed.
    ///
    /// # Errors
    ///
    /// When the template cannot be expanded or the stack cannot be created.
    pub async fn deploy(&self, request: &DeploymentRequest) -> Result<Deployment, ScriptError> {
        const NAME: &str = "deploy.py";
        let input = json!({
            "endpoint": self.endpoint(),
            "account": self.options.account,
            "region": request.region,
            "stack": request.stack,
            "template": request.template,
            "binaries": request.binaries,
            "plan": request.plan,
            "parameters": request.parameters,
        });
        let answer = self.run_script(NAME, &[], &input).await?;
        serde_json::from_value(answer).map_err(|source| ScriptError::Answer { name: NAME.to_owned(), source })
    }

    /// Create the platform's own resources of both Regions; `description` has the keys that `sites.py` lists. The
    /// answer has each resource as it then is, in the form in which [`Emulator::read_sites`] shows it later.
    ///
    /// # Errors
    ///
    /// When a resource cannot be created or read.
    pub async fn set_up_sites(&self, description: &Value) -> Result<Value, ScriptError> {
        self.run_script("sites.py", &["set-up"], &self.addressed(description)).await
    }

    /// The platform's own resources as they are now.
    ///
    /// # Errors
    ///
    /// When a resource cannot be read.
    pub async fn read_sites(&self, description: &Value) -> Result<Value, ScriptError> {
        self.run_script("sites.py", &["read"], &self.addressed(description)).await
    }

    fn addressed(&self, description: &Value) -> Value {
        let mut addressed = description.clone();
        addressed["endpoint"] = json!(self.endpoint());
        addressed["account"] = json!(self.options.account);
        addressed
    }

    /// End the emulator and everything it started. Dropping it does the same.
    pub fn stop(self) {
        drop(self);
    }

    /// Ask the whole group to end, then make it.
    fn end(&mut self) {
        let Some(group) = self.group().filter(|_| !self.buried) else {
            return;
        };
        let _ = kill_process_group(group, Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && !self.has_ended() {
            std::thread::sleep(POLL);
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        self.buried = true;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether this emulator took the port: another one that listens there would answer just as well.
fn listens(port: u16, log: &Path) -> bool {
    fs::read_to_string(log).is_ok_and(|log| log.contains(&format!("Running on http://127.0.0.1:{port}")))
}

/// Whether an emulator answers on that port.
fn answers(port: u16) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /_ministack/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        Ok(answer.starts_with("HTTP/1.1 200") && answer.contains("services"))
    };
    ask().unwrap_or(false)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> EmulatorError {
    let path = path.to_owned();
    move |source| EmulatorError::Io { path, source }
}
