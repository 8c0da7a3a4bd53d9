//! Makes what the world is asked for: base backups for snapshots, a server for each new instance; and ships the log.
//!
//! One thread does one thing after the other. The world waits for each: nothing is available or restorable before it really is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rehearsal_world::{Breakage, DatabaseProcess, DbSnapshot, InstanceKey, Origin};
use tokio::runtime::Handle;

use super::server::{DatabaseError, Ground, Server};
use super::stream::Stream;
use super::writing::Positions;
use super::{Addresses, LOOK, PAUSE, Seen, Servers, hold_up, keep};
use crate::stage::{Shared, lock};
use crate::wire::time::SimulatedTime;

/// A segment of a megabyte is put away in no time, on a machine that does other things too.
const LONGEST_SHIPPING: Duration = Duration::from_secs(10);
/// How often something is tried that fails while its source runs.
const ATTEMPTS: u32 = 5;

/// A base backup.
#[derive(Debug, Clone)]
pub(super) struct Base {
    /// Whose files these are.
    pub(super) of: String,
    /// When it was whole, in real time.
    pub(super) finished: Timestamp,
    pub(super) directory: PathBuf,
    /// The snapshot that it stands for; nothing for those that were there when the world began.
    pub(super) snapshot: Option<String>,
}

/// What a moment is restored from.
#[derive(Debug, PartialEq, Eq)]
struct Source<'a> {
    directory: &'a Path,
    /// The log is needed up to there; without it the files as they are.
    until: Option<Timestamp>,
}

/// The maker, and what it has to do with others.
pub(super) struct Maker {
    pub(super) ground: Ground,
    pub(super) shared: Arc<Shared>,
    pub(super) addresses: Arc<Addresses>,
    pub(super) positions: Arc<Positions>,
    pub(super) servers: Arc<Mutex<Servers>>,
    pub(super) seen: Arc<Mutex<Seen>>,
    pub(super) stop: Arc<AtomicBool>,
    /// Relays are tasks of it.
    pub(super) runtime: Handle,
    pub(super) bases: Vec<Base>,
    /// How often something failed.
    pub(super) failures: BTreeMap<String, u32>,
}

impl Maker {
    /// Works until it is told to stop.
    pub(super) fn work(mut self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.ship_logs();
            self.take_snapshots();
            self.make_databases();
            sleep(LOOK);
        }
    }

    /// Where an instance's server listens, if it answers.
    fn answering(&self, instance: &InstanceKey) -> Option<std::net::SocketAddr> {
        let state = self.shared.world().database(instance, self.shared.time.now())?;
        if state.process != DatabaseProcess::Runs {
            return None;
        }
        self.addresses.of(&instance.to_string())
    }

    fn ship_logs(&mut self) {
        let instances: Vec<InstanceKey> =
            self.shared.world().endpoints().into_iter().map(|(instance, _)| instance).collect();
        for instance in instances {
            let due = self.shared.world().log_to_ship(&instance, self.shared.time.now());
            let Some((until, address)) = due.and_then(|until| Some((until, self.answering(&instance)?))) else { continue };
            // Recovery ends before the first commit that is too late, so there has to be one. Then the segment is closed.
            let commit_and_close = ["SELECT pg_current_xact_id()", "SELECT pg_walfile_name(pg_switch_wal())"];
            let closed = self.ground.sql(address, &commit_and_close, &self.stop);
            let what = format!("shipping the log of {instance}");
            let segment = closed.map(|said| said.lines().last().unwrap_or_default().trim().to_owned());
            let archive = self.ground.log_archive(&instance.to_string());
            match segment.and_then(|segment| self.await_segment(&archive.join(&segment), &what)) {
                Ok(()) => self.shared.world().log_is_shipped(&instance, until, self.shared.time.now()),
                Err(error) => drop(self.has_failed(what, &instance, &error)),
            }
        }
    }

    fn await_segment(&self, segment: &Path, what: &str) -> Result<(), DatabaseError> {
        let deadline = Instant::now() + LONGEST_SHIPPING;
        while !segment.is_file() {
            if Instant::now() > deadline || self.stop.load(Ordering::Relaxed) {
                let tail = format!("    {} is not there", segment.display());
                return Err(DatabaseError::Failed { what: what.to_owned(), tail });
            }
            sleep(LOOK);
        }
        Ok(())
    }

    fn take_snapshots(&mut self) {
        let due = self.shared.world().snapshots_to_take(self.shared.time.now());
        for snapshot in due {
            let Some(address) = self.answering(&snapshot.instance) else { continue };
            let directory = self.ground.backups().join(format!("base-{}", self.bases.len()));
            match self.ground.base_backup(address, &directory, &self.stop) {
                Ok(()) => {
                    self.bases.push(Base {
                        of: snapshot.instance.to_string(),
                        finished: Timestamp::now(),
                        directory,
                        snapshot: Some(snapshot.identifier.clone()),
                    });
                    self.shared.world().snapshot_is_taken(&snapshot, self.shared.time.now());
                }
                Err(error) => self.snapshot_failed(&snapshot, &directory, &error),
            }
        }
    }

    fn snapshot_failed(&mut self, snapshot: &DbSnapshot, directory: &Path, error: &DatabaseError) {
        // It may never have been begun.
        let _gone = std::fs::remove_dir_all(directory);
        let what = format!("the snapshot {}", snapshot.identifier);
        self.has_failed(what, &snapshot.instance, error);
    }

    /// Notes a failure, unless the server was ended meanwhile; whether it is to be given up.
    fn has_failed(&mut self, what: String, server: &InstanceKey, error: &DatabaseError) -> bool {
        if self.stop.load(Ordering::Relaxed) || self.answering(server).is_none() {
            return false;
        }
        sleep(PAUSE);
        let failures = self.failures.entry(what).or_default();
        *failures += 1;
        let over = *failures == ATTEMPTS;
        if over {
            lock(&self.seen).troubles.push(error.to_string());
        }
        over
    }

    fn make_databases(&mut self) {
        let due = self.shared.world().databases_to_make(self.shared.time.now());
        for (instance, origin) in due {
            let made = match &origin {
                Origin::Replica { source } => match self.answering(source) {
                    Some(_) => self.make_replica(&instance, source),
                    None => continue,
                },
                Origin::Snapshot { instance: of, identifier } => {
                    let found = of_snapshot(&self.bases, &of.to_string(), identifier);
                    self.restore(&instance, found.map(|base| (base.directory.clone(), None)))
                }
                Origin::PointInTime { source, at } => {
                    let until = self.shared.time.until(*at);
                    let found = of_moment(&self.bases, &source.to_string(), until);
                    let archive = self.ground.log_archive(&source.to_string());
                    let from = found.map(|found| (found.directory.to_owned(), found.until.map(|until| (archive, until))));
                    self.restore(&instance, from)
                }
            };
            match made {
                Ok(server) => self.hand_over(server, &instance),
                Err(error) => {
                    let source = if let Origin::Replica { source } = &origin { source } else { &instance };
                    let over = if source == &instance {
                        lock(&self.seen).troubles.push(error.to_string());
                        true
                    } else {
                        self.has_failed(format!("making {instance}"), source, &error)
                    };
                    if over {
                        self.shared.world().break_instance(&instance, Breakage::Failed, self.shared.time.now());
                    }
                }
            }
        }
    }

    /// A standby with a relay of its own, which holds up what the world says has not arrived.
    fn make_replica(&self, instance: &InstanceKey, source: &InstanceKey) -> Result<Server, DatabaseError> {
        let (name, of) = (instance.to_string(), source.to_string());
        let gone = || DatabaseError::Failed { what: format!("copying {of}"), tail: "    it does not run".to_owned() };
        let address = self.addresses.of(&of).ok_or_else(gone)?;
        let relay = self.runtime.block_on(Stream::to(of.clone(), self.addresses.clone()));
        let relay = Arc::new(relay.map_err(DatabaseError::io("the relay of the replication stream"))?);
        let mut server = Server::standby(&self.ground, &name, address, relay.address(), &self.stop)?;
        server.start()?;
        let end = self.ground.sql(address, &["SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"], &self.stop);
        let beginning = end.map(|end| end.trim().parse().unwrap_or_default());
        match beginning {
            Ok(beginning) => {
                let relayed = hold_up(relay, instance.clone(), of, beginning, &self.shared, &self.positions, &self.stop);
                lock(&self.servers).relays.push(relayed);
                Ok(server)
            }
            Err(error) => {
                server.kill();
                Err(error)
            }
        }
    }

    fn restore(
        &self,
        instance: &InstanceKey,
        from: Option<(PathBuf, Option<(PathBuf, Timestamp)>)>,
    ) -> Result<Server, DatabaseError> {
        let none = || DatabaseError::Failed {
            what: format!("restoring {instance}"),
            tail: "    there is no base backup to restore it from".to_owned(),
        };
        let (base, recovery) = from.ok_or_else(none)?;
        let mut server = Server::restored(&self.ground, &instance.to_string(), &base, recovery)?;
        let started = server.start().and_then(|()| server.finish_recovery());
        if started.is_err() {
            server.kill();
        }
        started.map(|()| server)
    }

    /// From now on the server follows the world as the others do.
    fn hand_over(&self, server: Server, instance: &InstanceKey) {
        self.addresses.set(&instance.to_string(), server.address());
        self.shared.world().database_is_made(instance, self.shared.time.now());
        let kept = keep(server, instance.clone(), &self.shared, &self.stop, &self.addresses, &self.seen);
        lock(&self.servers).followers.push(kept);
    }
}

/// The backup that a snapshot stands for. Those of the days before the world began hold what it began with.
fn of_snapshot<'a>(bases: &'a [Base], of: &str, identifier: &str) -> Option<&'a Base> {
    let of_instance = || bases.iter().filter(|base| base.of == of);
    of_instance()
        .find(|base| base.snapshot.as_deref() == Some(identifier))
        .or_else(|| of_instance().find(|base| base.snapshot.is_none()))
}

/// The newest backup that was whole by then, with the log after it; or, of a moment before the first, that one as it is: nobody had
/// written until it was taken.
fn of_moment<'a>(bases: &'a [Base], of: &str, moment: Timestamp) -> Option<Source<'a>> {
    let of_instance = || bases.iter().filter(|base| base.of == of);
    let newest = of_instance().filter(|base| base.finished <= moment).max_by_key(|base| base.finished);
    newest.map(|base| Source { directory: &base.directory, until: Some(moment) }).or_else(|| {
        let first = of_instance().find(|base| base.snapshot.is_none())?;
        Some(Source { directory: &first.directory, until: None })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn base(of: &str, finished: i64, snapshot: Option<&str>) -> Base {
        let directory = PathBuf::from(format!("{of}-{finished}"));
        Base { of: of.to_owned(), finished: at(finished), directory, snapshot: snapshot.map(str::to_owned) }
    }

    #[test]
    fn a_moment_is_restored_from_the_newest_backup_before_it() {
        let bases =
            [base("old", 10, None), base("old", 20, Some("a")), base("new", 30, Some("b")), base("old", 40, Some("c"))];
        let chosen = |of, second| {
            let found = of_moment(&bases, of, at(second))?;
            Some((found.directory.to_str()?.to_owned(), found.until))
        };
        assert_eq!(chosen("old", 35), Some(("old-20".to_owned(), Some(at(35)))));
        assert_eq!(chosen("old", 20), Some(("old-20".to_owned(), Some(at(20)))));
        assert_eq!(chosen("old", 19), Some(("old-10".to_owned(), Some(at(19)))));
        assert_eq!(chosen("old", 9), Some(("old-10".to_owned(), None)));
        assert_eq!(chosen("new", 35), Some(("new-30".to_owned(), Some(at(35)))));
        assert_eq!(chosen("new", 29), None, "what others held then is not what it held");
    }

    #[test]
    fn a_snapshot_is_its_own_backup_and_one_from_before_the_world_began_the_first() {
        let bases = [base("old", 10, None), base("old", 20, Some("a")), base("new", 30, Some("b"))];
        let chosen = |of, name| of_snapshot(&bases, of, name).map(|base| base.finished);
        assert_eq!(chosen("old", "a"), Some(at(20)));
        assert_eq!(chosen("old", "rds:old-1"), Some(at(10)));
        assert_eq!(chosen("new", "b"), Some(at(30)));
        assert_eq!(chosen("new", "a"), None);
    }
}
