//! What is true of an instance's database, for a face that keeps a real one in its place. The world decides when; the face
//! makes it so.

use jiff::Timestamp;
use serde::Serialize;

use crate::identifiers::InstanceKey;
use crate::instances::Process;
use crate::replication::CommitNumber;
use crate::world::World;

/// How a database fares, whatever its control plane says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseProcess {
    /// It runs.
    Runs,
    /// It is there, and does nothing.
    Hangs,
    /// It does not run, or nothing outside its Region can tell that it does.
    Down,
}

/// A database at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseState {
    /// How it fares.
    pub process: DatabaseProcess,
    /// Whether it stands alone and takes writes; false for a replica.
    pub writable: bool,
    /// How often all its sessions were ended so far: by a reboot, by a failure, or because its Region went dark.
    pub restarts: u64,
}

/// How far a replica has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Received {
    /// The newest commit of its source that it has.
    pub newest: CommitNumber,
    /// Whether its source has none that is newer.
    pub everything: bool,
}

impl World {
    /// The state of an instance's database; nothing for an instance that does not exist.
    pub fn database(&mut self, instance: &InstanceKey, now: Timestamp) -> Option<DatabaseState> {
        self.advance(now);
        let found = self.instances.get(instance)?;
        let process = match found.process {
            _ if self.dark.contains(&found.key.region) => DatabaseProcess::Down,
            // It runs as soon as it is made; that nobody is let in before the instance is available is another matter.
            _ if found.making.as_ref().is_some_and(|making| making.made) => DatabaseProcess::Runs,
            Process::Sound => DatabaseProcess::Runs,
            Process::Hung => DatabaseProcess::Hangs,
            Process::Down => DatabaseProcess::Down,
        };
        Some(DatabaseState { process, writable: found.writable_since.is_some(), restarts: found.sessions.span })
    }

    /// What a replica has received of its source's commits; nothing for an instance without a source. It grows no more once
    /// a promotion was asked for.
    pub fn received_of_source(&mut self, replica: &InstanceKey, now: Timestamp) -> Option<Received> {
        self.advance(now);
        let link = self.instances.get(replica)?.link.as_ref()?;
        let source = self.instances.get(&link.source)?;
        let everything = !link.ended && source.timeline.after(link.received).is_empty();
        Some(Received { newest: CommitNumber(link.received), everything })
    }
}
