//! The start of a recovery: from however many triggers to exactly one incident with exactly one execution, and to its end.
//!
//! Two deliveries of one trigger, a trigger of another incident for the same platform, the watchdog, and the report task of each
//! execution make their calls in any order and as often as they like. Each may die between any two calls, which is also how a lost
//! reply looks; a commit's lost reply may also look like a conflict. An execution may die at any time, and an operator
//! acknowledges what is stuck.
//!
//! | call of the model | in the code |
//! |---|---|
//! | `Find`, `ReadPlatform`, `ReadHolder`, `Declare` | `engine/declare.rs`, `declare`: one transaction of incident, active marker and generation, conditional on what was read |
//! | `Start` | `adapters/aws/executions.rs`, `start`: StartExecution under the incident's id; the same name and input while it runs is the same execution, later it is `ExecutionAlreadyExists`, taken as started |
//! | `Record` | `engine/declare.rs`, `start`: the execution's ARN into the incident. Read, conditional write and another try where it lost are one call here, because no other write can come between |
//! | `Watch`, `Describe` | `engine/watchdog.rs`, `watchdog` and `look_after` |
//! | `ReadEnding`, `End` | `engine/finish.rs`, `finish`: the end and the release of the active marker in one commit, conditional on both as read |
//! | `Acknowledge` | `engine/command.rs`, `acknowledge`: one commit conditional on all that it read, so one call here |
//!
//! Where the model differs from the code, it allows more, so that what holds here holds there. There is no time: the watchdog's
//! grace never keeps it from looking, a deadline may have passed at any moment, and neither a block period nor a move to the
//! other site keeps a later trigger from declaring. Nothing is counted: a process may die, and an event be delivered, again and
//! again, and a lost race is run again as often as it is lost.
//!
//! A document's revision is modelled as what it is for: whoever read the document knows whether it is still as it was read.

mod invocation;
mod journal;
pub mod properties;

use stateright::{Model, Property};

use invocation::{At, Invocation, Purpose};
use journal::{Execution, Journal, Status};

/// An incident's id. Two triggers with the same id are one delivered twice.
pub type Id = usize;

/// Ids that triggers of the model have.
const IDS: usize = 2;

/// What is taken out of the protocol, one at a time, to see that the checker notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The declaring transaction is conditional on what was read. Without: check, then write.
    ConditionalTransaction,
    /// Incident and active marker are written in one transaction. Without: in two, incident first.
    OneTransaction,
    /// An execution's name is unique. Without: each StartExecution starts another.
    UniqueName,
    /// The watchdog starts what was declared and not started.
    WatchdogStarts,
    /// The end is conditional on incident and platform as they were read. Without: it writes the platform back as it was, without
    /// the marker. Either condition alone would do: while an incident is declared nobody else writes the platform.
    ConditionalEnd,
    /// Who finds the platform held looks whether the holder still holds it. Without: it joins an incident that has ended.
    JoinsOnlyTheActive,
}

/// The protocol, whole or without one guard.
#[derive(Debug, Clone, Copy, Default)]
pub struct StartProtocol {
    /// What is taken out.
    pub without: Option<Guard>,
}

/// The world of the model: what the journal and Step Functions hold, where each process is, and what history must not forget.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    journal: Journal,
    executions: [Execution; IDS],
    invocations: [Invocation; 6],
    history: History,
}

/// What happened, as far as the properties ask.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct History {
    /// How often each incident was declared.
    declared: [u8; IDS],
    /// The highest generation that a declared incident got.
    highest: u8,
    /// Whether a declared incident got one that was not higher.
    reused: bool,
    /// The incident that was declared and not started when the watchdog's round began.
    unstarted: Option<Id>,
    /// Whether a round of the watchdog ran to its end and left that incident so.
    neglected: bool,
    /// Whether a trigger was told to have joined an incident that had let go of the platform before it was looked at.
    joined_nothing: bool,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The process makes its next call.
    Call(usize),
    /// Its commit is applied, its reply lost, and the repeated commit refused because of itself.
    CallWithLostReply(usize),
    /// It dies where it stands.
    Crash(usize),
    /// The watchdog finds the deadline passed.
    Overdue(usize),
    /// The watchdog's describe call shows an older state, in which the execution was not there yet.
    DescribeStale(usize),
    /// The execution dies.
    Die(Id),
    /// An operator acknowledges a stuck incident.
    Acknowledge(Id),
}

impl Model for StartProtocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let purposes = [
            Purpose::Trigger(0),
            Purpose::Trigger(0),
            Purpose::Trigger(1),
            Purpose::Watchdog,
            Purpose::Report(0),
            Purpose::Report(1),
        ];
        vec![State {
            journal: Journal::default(),
            executions: [Execution::default(); IDS],
            invocations: purposes.map(Invocation::at_rest),
            history: History::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (index, invocation) in state.invocations.iter().enumerate() {
            actions_of(state, index, invocation, actions);
        }
        for (id, execution) in state.executions.iter().enumerate() {
            if execution.running {
                actions.push(Action::Die(id));
            }
            if state.journal.status(id) == Some(Status::Stuck) {
                actions.push(Action::Acknowledge(id));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Call(index) => self.call(&mut state, index),
            Action::CallWithLostReply(index) => {
                self.call(&mut state, index);
                // Who sees a conflict looks again from the start.
                state.rest(index);
            }
            Action::Crash(index) => state.rest(index),
            Action::Overdue(index) => {
                if let At::Describe { id } = state.invocations[index].at {
                    state.invocations[index].at = At::ReadEnding { id, end: Status::Stuck };
                }
            }
            Action::DescribeStale(index) => {
                if let At::Describe { id } = state.invocations[index].at {
                    state.invocations[index].at = At::Start { id };
                }
            }
            Action::Die(id) => state.executions[id].running = false,
            Action::Acknowledge(id) => {
                state.write_incident(id, |incident| incident.status = Status::Released);
                if state.journal.active == Some(id) {
                    state.write_platform(None);
                }
            }
        }
        // Two deliveries of one trigger are alike: which of them is where makes no other state.
        state.invocations[..2].sort_unstable();
        // Never `None`, which would put the checker's traces out of step: it counts the actions that led nowhere, and replays without.
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn format_step(&self, last: &State, action: Action) -> Option<String> {
        Some(match action {
            Action::Call(index) => format!("{}", last.invocations[index]),
            Action::CallWithLostReply(index) => format!("{}, and the reply is lost", last.invocations[index]),
            Action::Crash(index) => format!("{}: dies before that", last.invocations[index]),
            Action::Overdue(index) => format!("{}: the deadline has passed", last.invocations[index]),
            Action::DescribeStale(index) => format!("{}: shows no execution yet", last.invocations[index]),
            Action::Die(id) => format!("the execution of incident {id} dies"),
            Action::Acknowledge(id) => format!("an operator acknowledges incident {id}"),
        })
    }
}

impl StartProtocol {
    fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }
}

fn actions_of(state: &State, index: usize, invocation: &Invocation, actions: &mut Vec<Action>) {
    if let Purpose::Report(id) = invocation.purpose
        && invocation.is_at_rest()
        && !state.executions[id].running
    {
        return;
    }
    actions.push(Action::Call(index));
    if let At::Describe { id } = invocation.at {
        actions.push(Action::Overdue(index));
        if state.executions[id].running {
            actions.push(Action::DescribeStale(index));
        }
    }
    if !invocation.is_at_rest() {
        actions.push(Action::Crash(index));
    }
    if matches!(invocation.at, At::Declare { .. } | At::Record { .. } | At::End { .. }) {
        actions.push(Action::CallWithLostReply(index));
    }
}
