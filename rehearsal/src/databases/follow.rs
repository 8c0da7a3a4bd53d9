//! What to do with a server next, so that it is as the world says.

use rehearsal_world::{DatabaseProcess, DatabaseState};

use super::server::{DatabaseError, Server};

/// What can be done with a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Start,
    Kill,
    Freeze,
    Thaw,
    Promote,
}

/// A server as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) process: Process,
    pub(super) standby: bool,
    /// The world's count of restarts when it was last started.
    pub(super) restarts: u64,
}

/// What its processes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    Runs,
    Frozen,
    Down,
}

impl Condition {
    pub(super) fn of(server: &Server, restarts: u64) -> Self {
        let process = match server.address() {
            None => Process::Down,
            Some(_) if server.is_frozen() => Process::Frozen,
            Some(_) => Process::Runs,
        };
        Self { process, standby: server.is_standby(), restarts }
    }
}

/// The next thing to do; nothing once the server is as it should be.
pub(super) fn next(is: Condition, wanted: &DatabaseState) -> Option<Act> {
    match (is.process, wanted.process) {
        (Process::Down, DatabaseProcess::Down) => None,
        (Process::Down, _) => Some(Act::Start),
        (_, DatabaseProcess::Down) => Some(Act::Kill),
        // It was down and up again between two looks.
        _ if is.restarts != wanted.restarts => Some(Act::Kill),
        (Process::Runs, DatabaseProcess::Hangs) => Some(Act::Freeze),
        (Process::Frozen, DatabaseProcess::Runs) => Some(Act::Thaw),
        (Process::Runs, DatabaseProcess::Runs) if wanted.writable && is.standby => Some(Act::Promote),
        (Process::Runs, DatabaseProcess::Runs) | (Process::Frozen, DatabaseProcess::Hangs) => None,
    }
}

/// Does it.
pub(super) fn perform(act: Act, server: &mut Server) -> Result<(), DatabaseError> {
    match act {
        Act::Start => server.start()?,
        Act::Kill => server.kill(),
        Act::Freeze => server.freeze(),
        Act::Thaw => server.thaw(),
        Act::Promote => server.promote()?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(process: DatabaseProcess, writable: bool, restarts: u64) -> DatabaseState {
        DatabaseState { process, writable, restarts }
    }

    /// What is done until nothing is left to do, for a server on which everything succeeds.
    fn acts(mut is: Condition, wanted: &DatabaseState) -> Vec<Act> {
        let mut acts = Vec::new();
        while let Some(act) = next(is, wanted) {
            assert!(acts.len() < 5, "{acts:?} leads nowhere");
            acts.push(act);
            match act {
                Act::Start => (is.process, is.restarts) = (Process::Runs, wanted.restarts),
                Act::Kill => is.process = Process::Down,
                Act::Freeze => is.process = Process::Frozen,
                Act::Thaw => is.process = Process::Runs,
                Act::Promote => is.standby = false,
            }
        }
        acts
    }

    const PRIMARY: Condition = Condition { process: Process::Runs, standby: false, restarts: 0 };
    const STANDBY: Condition = Condition { standby: true, ..PRIMARY };
    const FROZEN: Condition = Condition { process: Process::Frozen, ..PRIMARY };

    #[test]
    fn a_primary_that_hangs_is_frozen_and_one_that_is_rebooted_is_killed_and_started() {
        assert_eq!(acts(PRIMARY, &wanted(DatabaseProcess::Runs, true, 0)), []);
        assert_eq!(acts(PRIMARY, &wanted(DatabaseProcess::Hangs, true, 0)), [Act::Freeze]);
        assert_eq!(acts(FROZEN, &wanted(DatabaseProcess::Runs, true, 0)), [Act::Thaw]);
        assert_eq!(acts(FROZEN, &wanted(DatabaseProcess::Down, true, 1)), [Act::Kill]);
        let down = Condition { process: Process::Down, ..PRIMARY };
        assert_eq!(acts(down, &wanted(DatabaseProcess::Runs, true, 1)), [Act::Start]);
        assert_eq!(acts(down, &wanted(DatabaseProcess::Hangs, true, 1)), [Act::Start, Act::Freeze]);
    }

    #[test]
    fn a_reboot_that_nobody_looked_at_ends_the_processes_all_the_same() {
        assert_eq!(acts(PRIMARY, &wanted(DatabaseProcess::Runs, true, 1)), [Act::Kill, Act::Start]);
        assert_eq!(acts(FROZEN, &wanted(DatabaseProcess::Runs, true, 1)), [Act::Kill, Act::Start]);
    }

    #[test]
    fn a_standby_is_promoted_only_once_the_world_lets_it_take_writes() {
        assert_eq!(acts(STANDBY, &wanted(DatabaseProcess::Runs, false, 0)), []);
        assert_eq!(acts(STANDBY, &wanted(DatabaseProcess::Down, false, 1)), [Act::Kill]);
        assert_eq!(acts(STANDBY, &wanted(DatabaseProcess::Runs, true, 1)), [Act::Kill, Act::Start, Act::Promote]);
    }
}
