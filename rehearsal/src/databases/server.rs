//! One PostgreSQL server: made, started, frozen, killed and promoted.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::AtomicBool;
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use super::bounded;
use super::installation::Installation;
use crate::emulator::{free_port, log_tail};
use crate::processes::{descendants_of, state_and_parent};

/// It takes a fraction of a second; a busy machine may need much longer.
const LONGEST_START: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
/// For the files of a small database, on a machine that does other things too.
const LONGEST_BACKUP: Duration = Duration::from_secs(120);
/// Longer than the server itself takes for a statement.
const LONGEST_STATEMENT: Duration = Duration::from_secs(90);
/// A port that was free a moment ago can be taken; that it happens so often in a row has another cause.
const ATTEMPTS: usize = 3;
/// Everybody connects as this user to this database.
pub(super) const USER: &str = "postgres";

/// Why a server is not as it should be.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// A file, directory or process could not be made.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// One of PostgreSQL's programs failed.
    #[error("{what} failed; it said:\n{tail}")]
    Failed {
        /// What was tried.
        what: String,
        /// The end of what it said.
        tail: String,
    },
}

impl DatabaseError {
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// What the servers of one rehearsal have in common.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) installation: Installation,
    /// Where each server has its files. It belongs to the servers' user.
    pub(super) directory: PathBuf,
    pub(super) password: String,
    /// Whether servers ship their log.
    pub(super) archiving: bool,
}

impl Ground {
    /// Makes the directory and, in it, the password that only the owner may read: on a machine with other users, a superuser who
    /// needs none would be everybody's way into the account of whoever runs the rehearsal.
    pub(super) fn lay(installation: Installation, directory: &Path) -> Result<Self, DatabaseError> {
        let mut bytes = [0_u8; 16];
        let random = File::open("/dev/urandom").and_then(|mut source| io::Read::read_exact(&mut source, &mut bytes));
        random.map_err(DatabaseError::io("/dev/urandom"))?;
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let ground = Self { installation, directory: directory.to_owned(), password, archiving: true };
        ground.make_directory(directory)?;
        ground.make_directory(&ground.backups())?;
        ground.make_directory(&ground.backups().join("log"))?;
        ground.secret(&ground.password_file(), &format!("*:*:*:{USER}:{}\n", ground.password))?;
        ground.secret(&directory.join("initial"), &format!("{}\n", ground.password))?;
        Ok(ground)
    }

    /// The file in which libpq looks for the password.
    pub(super) fn password_file(&self) -> PathBuf {
        self.directory.join("passwords")
    }

    /// Where base backups and shipped logs are kept.
    pub(super) fn backups(&self) -> PathBuf {
        self.directory.join("backups")
    }

    /// Where the log of a server is shipped to.
    pub(super) fn log_archive(&self, name: &str) -> PathBuf {
        self.backups().join("log").join(directory_name(name))
    }

    /// Makes a directory for what servers write.
    pub(super) fn make_directory(&self, path: &Path) -> Result<(), DatabaseError> {
        fs::create_dir_all(path).map_err(DatabaseError::io(path.display().to_string()))?;
        self.own(path)
    }

    /// A base backup of the server at that address, with all of the log that it needs, into a directory that is not there yet.
    pub(super) fn base_backup(&self, of: SocketAddr, into: &Path, stop: &AtomicBool) -> Result<(), DatabaseError> {
        let mut command = self.installation.command("pg_basebackup");
        command
            .env("PGPASSFILE", self.password_file())
            .args(["--host=127.0.0.1", "--checkpoint=fast", "--wal-method=stream", "--no-sync", "--username", USER])
            .arg(format!("--port={}", of.port()))
            .arg("-D")
            .arg(into);
        run(&mut command, &format!("the base backup into {}", into.display()), LONGEST_BACKUP, stop).map(drop)
    }

    /// Runs statements, each a transaction of its own, on the server at that address, past everything that stands between clients
    /// and it; rows come one a line, fields separated by bars.
    pub(super) fn sql(&self, at: SocketAddr, statements: &[&str], stop: &AtomicBool) -> Result<String, DatabaseError> {
        let mut command = self.psql(at);
        command.env("PGOPTIONS", "-c statement_timeout=70s");
        for statement in statements {
            command.args(["--command", statement]);
        }
        run(&mut command, &format!("{} on the server at {at}", statements.join("; ")), LONGEST_STATEMENT, stop)
    }

    /// `psql` for the server at that address.
    pub(super) fn psql(&self, at: SocketAddr) -> Command {
        let mut command = self.installation.client("psql");
        command
            .env("PGPASSFILE", self.password_file())
            .env("PGCONNECT_TIMEOUT", "10")
            .args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password", "--host=127.0.0.1"])
            .args(["--username", USER, "--dbname", "postgres", "--set", "ON_ERROR_STOP=1"])
            .arg(format!("--port={}", at.port()));
        command
    }

    fn secret(&self, path: &Path, text: &str) -> Result<(), DatabaseError> {
        let failed = || DatabaseError::io(path.display().to_string());
        let mut file = File::create(path).map_err(failed())?;
        file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(failed())?;
        file.write_all(text.as_bytes()).map_err(failed())?;
        self.own(path)
    }

    fn own(&self, path: &Path) -> Result<(), DatabaseError> {
        match self.installation.user() {
            Some(user) => chown(path, Some(user), Some(user)).map_err(DatabaseError::io(path.display().to_string())),
            None => Ok(()),
        }
    }
}

/// A server. Who drops it must have ended it.
#[derive(Debug)]
pub(super) struct Server {
    ground: Ground,
    name: String,
    /// Where a standby gets what it replays.
    source: Option<SocketAddr>,
    /// How far it recovers when it is started for the first time.
    recovery: Option<Recovery>,
    running: Option<Running>,
}

/// Whose log a server recovers from, and up to which moment.
#[derive(Debug)]
struct Recovery {
    archive: PathBuf,
    until: Timestamp,
}

#[derive(Debug)]
struct Running {
    postmaster: Child,
    port: u16,
    frozen: bool,
}

impl Server {
    fn of(ground: &Ground, name: &str) -> Result<Self, DatabaseError> {
        ground.make_directory(&ground.log_archive(name))?;
        Ok(Self { ground: ground.clone(), name: name.to_owned(), source: None, recovery: None, running: None })
    }

    /// A server with an empty cluster, which does not run yet.
    pub(super) fn create(ground: &Ground, name: &str) -> Result<Self, DatabaseError> {
        let server = Self::of(ground, name)?;
        let mut command = server.ground.installation.command("initdb");
        command
            .args(["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"])
            .args(["--auth=scram-sha-256", "--username", USER])
            .arg(format!("--pwfile={}", ground.directory.join("initial").display()))
            .arg("-D")
            .arg(server.data());
        run(&mut command, &format!("making the cluster of {name}"), LONGEST_BACKUP, &AtomicBool::new(false))?;
        Ok(server)
    }

    /// A standby from a base backup of the server at that address. It replays what it gets from `stream`, once it is started.
    pub(super) fn standby(
        ground: &Ground,
        name: &str,
        of: SocketAddr,
        stream: SocketAddr,
        stop: &AtomicBool,
    ) -> Result<Self, DatabaseError> {
        let standby = Self { source: Some(stream), ..Self::of(ground, name)? };
        standby.clear()?;
        ground.base_backup(of, &standby.data(), stop)?;
        standby.signal("standby.signal")?;
        Ok(standby)
    }

    /// A server of its own from the files of a base backup: as they are, or up to a moment of the log that was shipped.
    pub(super) fn restored(
        ground: &Ground,
        name: &str,
        base: &Path,
        recovery: Option<(PathBuf, Timestamp)>,
    ) -> Result<Self, DatabaseError> {
        let mut server = Self::of(ground, name)?;
        server.clear()?;
        let what = format!("copying the base backup for {name}");
        run(Command::new("cp").arg("-a").arg(base).arg(server.data()), &what, LONGEST_BACKUP, &AtomicBool::new(false))?;
        // A backup of a standby has its mark, too.
        match fs::remove_file(server.data().join("standby.signal")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(DatabaseError::io(what)(error)),
            _ => {}
        }
        if let Some((archive, until)) = recovery {
            server.signal("recovery.signal")?;
            server.recovery = Some(Recovery { archive, until });
        }
        Ok(server)
    }

    /// Removes what an attempt to make it left.
    fn clear(&self) -> Result<(), DatabaseError> {
        match fs::remove_dir_all(self.data()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(DatabaseError::io(self.data().display().to_string())(error))
            }
            _ => Ok(()),
        }
    }

    fn signal(&self, name: &str) -> Result<(), DatabaseError> {
        let path = self.data().join(name);
        File::create(&path).map_err(DatabaseError::io(path.display().to_string()))?;
        self.ground.own(&path)
    }

    /// Waits until a server that recovers is a server of its own.
    pub(super) fn finish_recovery(&mut self) -> Result<(), DatabaseError> {
        let deadline = Instant::now() + LONGEST_START;
        while self.sql("SELECT pg_is_in_recovery()")?.trim() == "t" {
            if Instant::now() > deadline {
                let what = format!("recovering the server of {}", self.name);
                return Err(DatabaseError::Failed { what, tail: log_tail::of_file(&self.log()) });
            }
            sleep(POLL);
        }
        self.recovery = None;
        Ok(())
    }

    /// Starts the server on a free port, and waits until it takes connections.
    pub(super) fn start(&mut self) -> Result<(), DatabaseError> {
        let mut attempt = 1;
        loop {
            match self.start_once() {
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => attempt += 1,
                Ok(()) => return Ok(()),
            }
        }
    }

    fn start_once(&mut self) -> Result<(), DatabaseError> {
        self.kill();
        let port = free_port().map_err(DatabaseError::io("a free port on loopback"))?;
        let failed = || DatabaseError::io(self.log().display().to_string());
        let log = File::options().create(true).append(true).open(self.log()).map_err(failed())?;
        let errors = log.try_clone().map_err(failed())?;
        let mut command = self.ground.installation.command("postgres");
        command.arg("-D").arg(self.data()).args(self.settings(port)).stdout(log).stderr(errors);
        let starting = format!("starting the server of {}", self.name);
        let postmaster = command.spawn().map_err(DatabaseError::io(&*starting))?;
        self.running = Some(Running { postmaster, port, frozen: false });
        let deadline = Instant::now() + LONGEST_START;
        while !self.is_ready() {
            let ended = self.running.as_mut().is_none_or(|running| !matches!(running.postmaster.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                self.kill();
                return Err(DatabaseError::Failed { what: starting, tail: log_tail::of_file(&self.log()) });
            }
            sleep(POLL);
        }
        Ok(())
    }

    fn settings(&self, port: u16) -> Vec<String> {
        let mut settings = vec![
            format!("port={port}"),
            "listen_addresses=127.0.0.1".to_owned(),
            // A path below the run's directory can be longer than a socket's name may be.
            "unix_socket_directories=".to_owned(),
            format!("cluster_name={}", self.name),
            // What the kernel has taken survives the death of every process, and a machine that dies takes the rehearsal with it.
            "fsync=off".to_owned(),
            "max_wal_senders=40".to_owned(),
            // When a row was committed is for the server to say, not for its client.
            "track_commit_timestamp=on".to_owned(),
            // A stream that the world holds up is not broken.
            "wal_sender_timeout=0".to_owned(),
            "wal_receiver_timeout=0".to_owned(),
            "wal_retrieve_retry_interval=100ms".to_owned(),
            "wal_keep_size=256MB".to_owned(),
            "max_wal_size=256MB".to_owned(),
            "max_connections=50".to_owned(),
            "shared_buffers=16MB".to_owned(),
            // Nothing of a killed server may be left outside the run's directory.
            "dynamic_shared_memory_type=mmap".to_owned(),
        ];
        if self.ground.archiving {
            let archive = shell_word(&self.ground.log_archive(&self.name));
            let ship = format!("cp \"%p\" {archive}/\"%f\".part && mv {archive}/\"%f\".part {archive}/\"%f\"");
            // A finished part of the log is shipped at once, and as a whole or not at all.
            settings.extend(["archive_mode=on".to_owned(), format!("archive_command={ship}")]);
        }
        if let Some(source) = self.source {
            settings.push(format!(
                "primary_conninfo=host={} port={} user={USER} passfile='{}' sslmode=disable gssencmode=disable",
                source.ip(),
                source.port(),
                self.ground.password_file().display()
            ));
        }
        if let Some(recovery) = &self.recovery {
            settings.push(format!("restore_command=cp {}/\"%f\" \"%p\"", shell_word(&recovery.archive)));
            // Names of zones are not known yet when this is read.
            let until = recovery.until.strftime("%Y-%m-%d %H:%M:%S%.6f+00");
            settings.push(format!("recovery_target_time={until}"));
            settings.push("recovery_target_action=promote".to_owned());
        }
        settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
    }

    /// The last line of the postmaster's lock file says how far the start has got; that is how `pg_ctl` knows.
    fn is_ready(&self) -> bool {
        let Some(running) = &self.running else { return false };
        let lock = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
        let mut lines = lock.lines();
        lines.next().and_then(|line| line.trim().parse().ok()) == Some(running.postmaster.id())
            && lines.nth(6).is_some_and(|status| ["ready", "standby"].contains(&status.trim()))
    }

    /// Stops every process of the server where it stands: connections are taken by the kernel, and nothing answers.
    pub(super) fn freeze(&mut self) {
        if let Some(running) = &mut self.running {
            let _halted = running.halt();
            running.frozen = true;
        }
    }

    /// Lets a frozen server go on.
    pub(super) fn thaw(&mut self) {
        if let Some(running) = self.running.as_mut().filter(|running| running.frozen) {
            let mut all = descendants_of(running.postmaster.id());
            all.push(running.postmaster.id());
            strike(&all, Signal::CONT);
            running.frozen = false;
        }
    }

    /// Ends every process of the server without warning.
    pub(super) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            strike(&running.halt(), Signal::KILL);
            // Nothing can be done about a process that cannot be waited for.
            let _ended = running.postmaster.wait();
        }
    }

    /// Makes a standby a server of its own, and waits until it is.
    pub(super) fn promote(&mut self) -> Result<(), DatabaseError> {
        let answer = self.sql("SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(true, 60) ELSE true END")?;
        if answer.trim() != "t" {
            let what = format!("promoting the server of {}", self.name);
            return Err(DatabaseError::Failed { what, tail: log_tail::of_file(&self.log()) });
        }
        self.source = None;
        Ok(())
    }

    /// Whether it follows another one.
    pub(super) fn is_standby(&self) -> bool {
        self.source.is_some()
    }

    /// Whether its processes stand still.
    pub(super) fn is_frozen(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.frozen)
    }

    /// Where it listens, while there is a process to listen.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.port().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    fn port(&self) -> Option<u16> {
        self.running.as_ref().map(|running| running.port)
    }

    /// Runs a statement in a session of its own; see [`Ground::sql`].
    pub(super) fn sql(&self, statement: &str) -> Result<String, DatabaseError> {
        let Some(address) = self.address().filter(|_| !self.is_frozen()) else {
            let what = format!("{statement} on the server of {}", self.name);
            return Err(DatabaseError::Failed { what, tail: "    it does not run".to_owned() });
        };
        self.ground.sql(address, &[statement], &AtomicBool::new(false))
    }

    fn data(&self) -> PathBuf {
        self.ground.directory.join(directory_name(&self.name))
    }

    fn log(&self) -> PathBuf {
        self.data().with_extension("log")
    }
}

impl Running {
    /// Stops every process where it stands; the children first listed when the postmaster can start no further one. Each process of
    /// PostgreSQL leads a group of its own, so there is no group to send a signal to.
    fn halt(&self) -> Vec<u32> {
        let postmaster = self.postmaster.id();
        strike(&[postmaster], Signal::STOP);
        let mut all = descendants_of(postmaster);
        strike(&all, Signal::STOP);
        all.push(postmaster);
        all
    }
}

/// Sends a signal, and waits until it has had its effect.
fn strike(processes: &[u32], signal: Signal) {
    for pid in processes.iter().filter_map(|process| Pid::from_raw(i32::try_from(*process).ok()?)) {
        // Who has ended by itself needs no signal.
        let _sent = kill_process(pid, signal);
    }
    processes.iter().for_each(|process| await_effect(*process, signal));
}

fn await_effect(process: u32, signal: Signal) {
    for _ in 0..1_000 {
        match (signal, state_and_parent(process)) {
            (_, None | Some(('Z' | 'X', _))) | (Signal::CONT, _) | (Signal::STOP, Some(('T', _))) => return,
            (_, Some(_)) => sleep(Duration::from_millis(1)),
        }
    }
}

/// The name of a server's directory.
pub(super) fn directory_name(name: &str) -> String {
    name.replace('/', "-")
}

/// A path in a command of the server's own configuration, where `%` and quotes mean something.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string().replace('%', "%%");
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn run(command: &mut Command, what: &str, limit: Duration, stop: &AtomicBool) -> Result<String, DatabaseError> {
    let ended = bounded::run(command, limit, stop).map_err(DatabaseError::io(what))?;
    if ended.status.is_some_and(|status| status.success()) {
        return Ok(ended.out);
    }
    let end =
        if ended.status.is_none() { format!("it was ended; it had {} s at most", limit.as_secs()) } else { String::new() };
    let said = format!("{}\n{}\n{end}", ended.out, ended.errors);
    Err(DatabaseError::Failed { what: what.to_owned(), tail: log_tail::of_text(&said) })
}
