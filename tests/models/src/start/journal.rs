//! What the two services hold: the journal's documents, and the executions.

use super::{IDS, Id};

/// Where an incident is, as far as its start and its end depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Status {
    /// Declared, and not ended.
    Declared,
    /// `stuck`: the platform is held until it is acknowledged.
    Stuck,
    /// `completed`, `rolled_back`, or a stuck one that was acknowledged: the platform is free.
    Released,
}

/// An incident's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Incident {
    pub(super) status: Status,
    /// Whether its execution is in it.
    pub(super) recorded: bool,
}

/// The journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Journal {
    pub(super) incidents: [Option<Incident>; IDS],
    /// The platform's document: the last generation that was given out,
    pub(super) generation: u8,
    /// and the incident that holds the platform.
    pub(super) active: Option<Id>,
}

impl Journal {
    pub(super) fn status(&self, id: Id) -> Option<Status> {
        self.incidents[id].map(|incident| incident.status)
    }
}

/// The executions of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Execution {
    /// How many were started.
    pub(super) started: u8,
    /// Whether one runs.
    pub(super) running: bool,
}
