//! What each process does next, one call at a time.

use std::fmt;

use super::journal::{Incident, Status};
use super::{Guard, Id, StartProtocol, State};

/// Why a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Purpose {
    /// An alarm or an operator, with the id that it derives.
    Trigger(Id),
    /// The watchdog.
    Watchdog,
    /// The report task of an incident's execution.
    Report(Id),
}

/// The call that a process makes next, with what it has read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum At {
    Find,
    ReadPlatform,
    ReadHolder {
        holder: Id,
    },
    Declare {
        /// The platform's last generation.
        generation: u8,
        /// Whether the platform's document is still as it was read.
        as_read: bool,
    },
    /// Only without [`Guard::OneTransaction`]: the active marker, after the incident.
    Mark,
    Start {
        id: Id,
    },
    Record {
        id: Id,
    },
    Watch,
    Describe {
        id: Id,
    },
    ReadEnding {
        id: Id,
        end: Status,
    },
    End {
        id: Id,
        end: Status,
        /// The platform's last generation.
        generation: u8,
        /// Whether both documents are still as they were read.
        as_read: bool,
    },
}

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Invocation {
    pub(super) purpose: Purpose,
    pub(super) at: At,
}

impl Invocation {
    /// Before its first call: not begun, or dead, or done; in each case it may be called again.
    pub(super) fn at_rest(purpose: Purpose) -> Self {
        let at = match purpose {
            Purpose::Trigger(_) => At::Find,
            Purpose::Watchdog => At::Watch,
            Purpose::Report(id) => At::ReadEnding { id, end: Status::Released },
        };
        Self { purpose, at }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        *self == Self::at_rest(self.purpose)
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {:?}", self.purpose, self.at)
    }
}

impl StartProtocol {
    /// The process makes its call, and learns the outcome. `None` is the end of its round.
    pub(super) fn call(&self, state: &mut State, index: usize) {
        let Invocation { purpose, at } = state.invocations[index];
        let next = match at {
            At::Find => state.find(purpose),
            At::ReadPlatform => Some(match state.journal.active {
                Some(holder) => At::ReadHolder { holder },
                None => At::Declare { generation: state.journal.generation, as_read: true },
            }),
            At::ReadHolder { holder } => self.join(state, holder),
            At::Declare { generation, as_read } => self.declare(state, purpose, generation, as_read),
            At::Mark => state.mark(purpose),
            At::Start { id } => {
                self.start(state, id);
                Some(At::Record { id })
            }
            At::Record { id } => {
                if state.journal.incidents[id].is_some_and(|incident| lacks_its_execution(&incident)) {
                    state.write_incident(id, |incident| incident.recorded = true);
                }
                None
            }
            At::Watch => state.watch(),
            At::Describe { id } => self.describe(state, id),
            At::ReadEnding { id, end } => (state.journal.status(id) == Some(Status::Declared)).then_some(At::End {
                id,
                end,
                generation: state.journal.generation,
                as_read: true,
            }),
            At::End { id, end, generation, as_read } => {
                let committed = as_read || !self.has(Guard::ConditionalEnd);
                if committed {
                    state.end(id, end, generation);
                }
                // After a conflict the report task comes again at once, and the watchdog in its next round.
                let again = !committed && purpose != Purpose::Watchdog;
                again.then_some(At::ReadEnding { id, end })
            }
        };
        match next {
            Some(at) => state.invocations[index].at = at,
            None => state.complete(index),
        }
    }

    fn join(&self, state: &mut State, holder: Id) -> Option<At> {
        let incident = state.journal.incidents[holder]?;
        if incident.status == Status::Released {
            if self.has(Guard::JoinsOnlyTheActive) {
                return Some(At::Find);
            }
            state.history.joined_nothing = true;
        }
        begin(holder, &incident)
    }

    fn declare(&self, state: &mut State, purpose: Purpose, generation: u8, as_read: bool) -> Option<At> {
        let Purpose::Trigger(id) = purpose else { return None };
        let as_read = as_read && state.journal.incidents[id].is_none();
        if !as_read && self.has(Guard::ConditionalTransaction) && self.has(Guard::OneTransaction) {
            return Some(At::Find);
        }
        let generation = generation + 1;
        state.journal.incidents[id] = Some(Incident { status: Status::Declared, recorded: false });
        state.journal.generation = generation;
        state.history.declared[id] += 1;
        state.history.reused |= generation <= state.history.highest;
        state.history.highest = state.history.highest.max(generation);
        if !self.has(Guard::OneTransaction) {
            return Some(At::Mark);
        }
        state.write_platform(Some(id));
        Some(At::Start { id })
    }

    fn start(&self, state: &mut State, id: Id) {
        let execution = &mut state.executions[id];
        if execution.started == 0 || !self.has(Guard::UniqueName) {
            execution.started += 1;
            execution.running = true;
        }
    }

    fn describe(&self, state: &State, id: Id) -> Option<At> {
        let execution = state.executions[id];
        match (execution.started, execution.running) {
            (0, _) => self.has(Guard::WatchdogStarts).then_some(At::Start { id }),
            (_, true) => None,
            (_, false) => Some(At::ReadEnding { id, end: Status::Stuck }),
        }
    }
}

/// After `Declared::Again` or `Declared::Joined`, the handler's `begin` starts what nobody is known to have started.
fn begin(id: Id, incident: &Incident) -> Option<At> {
    lacks_its_execution(incident).then_some(At::Start { id })
}

fn lacks_its_execution(incident: &Incident) -> bool {
    !incident.recorded && incident.status == Status::Declared
}

impl State {
    pub(super) fn rest(&mut self, index: usize) {
        self.invocations[index] = Invocation::at_rest(self.invocations[index].purpose);
    }

    pub(super) fn write_incident(&mut self, id: Id, how: impl FnOnce(&mut Incident)) {
        if let Some(incident) = &mut self.journal.incidents[id] {
            how(incident);
        }
        for invocation in &mut self.invocations {
            if let At::End { id: read, as_read, .. } = &mut invocation.at
                && *read == id
            {
                *as_read = false;
            }
        }
    }

    pub(super) fn write_platform(&mut self, active: Option<Id>) {
        self.journal.active = active;
        for invocation in &mut self.invocations {
            match &mut invocation.at {
                At::Declare { as_read, .. } | At::End { as_read, .. } => *as_read = false,
                _ => {}
            }
        }
    }

    fn find(&self, purpose: Purpose) -> Option<At> {
        let Purpose::Trigger(id) = purpose else { return None };
        match &self.journal.incidents[id] {
            Some(incident) => begin(id, incident),
            None => Some(At::ReadPlatform),
        }
    }

    fn mark(&mut self, purpose: Purpose) -> Option<At> {
        let Purpose::Trigger(id) = purpose else { return None };
        self.write_platform(Some(id));
        Some(At::Start { id })
    }

    fn watch(&mut self) -> Option<At> {
        self.history.unstarted = self.unstarted();
        let active = self.journal.active.filter(|id| self.journal.status(*id) == Some(Status::Declared));
        active.map(|id| At::Describe { id })
    }

    /// The incident held the platform when both were read, so that is what is written back.
    fn end(&mut self, id: Id, end: Status, generation: u8) {
        self.write_incident(id, |incident| incident.status = end);
        self.journal.generation = generation;
        self.write_platform((end == Status::Stuck).then_some(id));
    }

    /// The process has run to its end.
    fn complete(&mut self, index: usize) {
        match self.invocations[index].purpose {
            Purpose::Trigger(_) => {}
            // What could be found unstarted is started, or has ended.
            Purpose::Watchdog => {
                self.history.neglected |= self.history.unstarted.is_some() && self.history.unstarted == self.unstarted();
                self.history.unstarted = None;
            }
            // The report task is the execution's last.
            Purpose::Report(id) => self.executions[id].running = false,
        }
        self.rest(index);
    }

    fn unstarted(&self) -> Option<Id> {
        let unstarted = |id: &Id| self.journal.status(*id) == Some(Status::Declared) && self.executions[*id].started == 0;
        (0..self.executions.len()).find(unstarted)
    }
}
