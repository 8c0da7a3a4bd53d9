//! What clients experience: who gets a connection, whose sessions live on, which commits are acknowledged.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::facts::Fact;
use crate::identifiers::InstanceKey;
use crate::instances::{Instance, Process};
use crate::replication::{Commit, CommitNumber};
use crate::world::World;

/// What happens to someone who tries to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// TCP connects and the database answers.
    Answers,
    /// TCP connects and nothing more comes.
    AcceptsOnly,
    /// No TCP connection: refused, or never answered.
    Refuses,
}

/// A client's session with an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Session {
    /// The instance.
    pub instance: InstanceKey,
    /// When it began.
    pub opened: Timestamp,
    span: u64,
}

/// Why a client got no connection or no commit. No commit so refused was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// There is no such instance.
    UnknownInstance,
    /// Its Region cannot be reached.
    RegionDark,
    /// The database does not run.
    NotRunning,
    /// Its security groups let nobody in.
    Isolated,
    /// It took the request and never answered.
    NoAnswer,
    /// It is a read replica.
    ReadOnly,
    /// The session was ended before.
    SessionEnded,
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::UnknownInstance => "there is no such instance",
            Self::RegionDark => "the Region cannot be reached",
            Self::NotRunning => "the database does not run",
            Self::Isolated => "the security groups let nobody in",
            Self::NoAnswer => "the database does not answer",
            Self::ReadOnly => "the database is read only",
            Self::SessionEnded => "the session has ended",
        })
    }
}

impl std::error::Error for Refused {}

impl World {
    /// What a new connection to an instance meets with.
    pub fn accepts_connections(&mut self, instance: &InstanceKey, now: Timestamp) -> Connection {
        self.advance(now);
        match self.reach(instance) {
            Ok(()) => Connection::Answers,
            Err(Refused::NoAnswer) => Connection::AcceptsOnly,
            Err(_) => Connection::Refuses,
        }
    }

    /// When all sessions with an instance were last ended. A change of security groups ends none.
    #[must_use]
    pub fn cuts_existing_since(&self, instance: &InstanceKey) -> Option<Timestamp> {
        self.instances.get(instance).and_then(|instance| instance.sessions.cut_at)
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Whatever keeps a new client out.
    pub fn connect(&mut self, instance: &InstanceKey, now: Timestamp) -> Result<Session, Refused> {
        self.advance(now);
        self.reach(instance)?;
        let span = self.instances.get(instance).map_or(0, |instance| instance.sessions.span);
        Ok(Session { instance: instance.clone(), opened: self.clock, span })
    }

    /// Commits over a new connection.
    ///
    /// # Errors
    /// Whatever keeps a new client out or a writer from writing.
    pub fn commit(&mut self, instance: &InstanceKey, now: Timestamp) -> Result<CommitNumber, Refused> {
        let session = self.connect(instance, now)?;
        self.commit_in(&session, now)
    }

    /// Commits in a session opened before. Security groups that came since do not matter to it.
    ///
    /// # Errors
    /// Whatever ended the session or keeps a writer from writing.
    pub fn commit_in(&mut self, session: &Session, now: Timestamp) -> Result<CommitNumber, Refused> {
        self.advance(now);
        let instance = self.instances.get(&session.instance).ok_or(Refused::UnknownInstance)?;
        if instance.sessions.span != session.span {
            return Err(Refused::SessionEnded);
        }
        self.process_answers(instance)?;
        if instance.writable_since.is_none() {
            self.rely_on(Fact::ReplicaIsReadOnly);
            return Err(Refused::ReadOnly);
        }
        if self.is_isolated(instance) {
            self.rely_on(Fact::SessionsOutliveGroupChange);
        }
        let at = self.clock;
        let instance = self.instances.get_mut(&session.instance).ok_or(Refused::UnknownInstance)?;
        let number = instance.timeline.push(&session.instance, at);
        self.rely_on(Fact::ReplicationIsAsynchronous);
        Ok(number)
    }

    /// Every commit that an instance acknowledged itself, in order; what it inherited by promotion is not among them.
    #[must_use]
    pub fn commits(&self, instance: &InstanceKey) -> &[Commit] {
        self.instances.get(instance).map_or(&[], |instance| instance.timeline.commits())
    }

    fn reach(&mut self, key: &InstanceKey) -> Result<(), Refused> {
        let instance = self.instances.get(key).ok_or(Refused::UnknownInstance)?;
        // A database that hangs behind closed groups is as unreachable as any other.
        let isolated = self.is_isolated(instance);
        let answers = self.process_answers(instance);
        if isolated && matches!(answers, Ok(()) | Err(Refused::NoAnswer)) {
            return Err(Refused::Isolated);
        }
        if instance.groups.in_effect().count() > 1 {
            self.rely_on(Fact::GroupRulesAddUp);
        }
        answers
    }

    fn process_answers(&self, instance: &Instance) -> Result<(), Refused> {
        if self.dark.contains(&instance.key.region) {
            return Err(Refused::RegionDark);
        }
        match instance.process {
            Process::Sound => Ok(()),
            Process::Hung => Err(Refused::NoAnswer),
            Process::Down => Err(Refused::NotRunning),
        }
    }

    pub(crate) fn writes_over_new_connections(&self, instance: &Instance) -> bool {
        self.runs(instance) && instance.writable_since.is_some() && !self.is_isolated(instance)
    }

    pub(crate) fn writes_over_old_sessions(&self, instance: &Instance) -> bool {
        self.runs(instance) && instance.writable_since.is_some() && instance.sessions.may_exist
    }
}
