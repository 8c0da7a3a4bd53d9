//! What must hold in every state, and what must be reached for that to mean anything.

use stateright::Property;

use super::invocation::{At, Invocation, Purpose};
use super::journal::Status;
use super::{IDS, Id, StartProtocol, State};

/// Of two incidents that hold one platform.
pub const ONE_ACTIVE: &str = "at most one incident holds the platform, and the active marker names it";
/// Of a trigger that is delivered again.
pub const DECLARED_ONCE: &str = "however often it is delivered, a trigger declares one incident";
/// Of executions.
pub const ONE_EXECUTION: &str = "an incident has at most one execution, and only once it is declared";
/// Of generations.
pub const GENERATIONS_GROW: &str = "each declared incident gets a higher generation than any before";
/// Of the watchdog.
pub const NOTHING_NEGLECTED: &str = "a round of the watchdog leaves no incident unstarted that was declared before it";
/// Of joining.
pub const JOINS_THE_ACTIVE: &str = "a trigger joins only an incident that holds the platform";

pub(super) fn all() -> Vec<Property<StartProtocol>> {
    vec![
        Property::always(ONE_ACTIVE, |_, state: &State| {
            let holders: Vec<Id> = (0..IDS).filter(|id| state.holds(*id)).collect();
            holders.len() <= 1 && state.journal.active == holders.first().copied()
        }),
        Property::always(DECLARED_ONCE, |_, state: &State| state.history.declared.iter().all(|times| *times <= 1)),
        Property::always(ONE_EXECUTION, |_, state: &State| {
            (0..IDS).all(|id| state.executions[id].started <= u8::from(state.history.declared[id] > 0))
        }),
        Property::always(GENERATIONS_GROW, |_, state: &State| !state.history.reused),
        Property::always(NOTHING_NEGLECTED, |_, state: &State| !state.history.neglected),
        Property::always(JOINS_THE_ACTIVE, |_, state: &State| !state.history.joined_nothing),
        Property::sometimes("two triggers race, and the declaration of one is refused", |_, state: &State| {
            state.some(|of| matches!(of.at, At::Declare { as_read: false, .. }))
        }),
        Property::sometimes("a trigger joins the incident of the other", |_, state: &State| {
            state.some(|of| matches!((of.purpose, of.at), (Purpose::Trigger(own), At::Start { id }) if own != id))
        }),
        Property::sometimes("who declared dies before the start, and the watchdog starts it", |_, state: &State| {
            let repairs = |of: &Invocation| {
                of.purpose == Purpose::Watchdog && matches!(of.at, At::Start { id } if state.executions[id].started == 0)
            };
            let dead = |of: &Invocation| of.is_at_rest() || !matches!(of.purpose, Purpose::Trigger(_));
            state.some(repairs) && state.invocations.iter().all(dead)
        }),
        Property::sometimes("a start finds that the execution exists already, and has ended", |_, state: &State| {
            let late = |id: Id| state.executions[id].started > 0 && !state.executions[id].running;
            state.some(|of| matches!(of.at, At::Start { id } if late(id)))
        }),
        Property::sometimes("one incident follows the end of the other", |_, state: &State| {
            state.history.declared == [1; IDS]
        }),
        Property::sometimes("an execution outlives its incident", |_, state: &State| {
            (0..IDS).any(|id| state.executions[id].running && state.journal.status(id) == Some(Status::Released))
        }),
    ]
}

impl State {
    fn holds(&self, id: Id) -> bool {
        matches!(self.journal.status(id), Some(Status::Declared | Status::Stuck))
    }

    fn some(&self, fits: impl Fn(&Invocation) -> bool) -> bool {
        self.invocations.iter().any(fits)
    }
}
