//! The generation in DNS: three recoveries in a row write the record sets of one platform, and the oldest comes late.
//!
//! Route 53 applies a batch of changes whole or not at all, and a DELETE must state the record exactly as it is, so a batch is a
//! conditional write. Each batch holds, beside the DELETE and CREATE of its record sets, a DELETE and CREATE of the platform's TXT
//! record, whose value is the generation and how many of its batches are applied (design §2.4). The incident behind it: AWS,
//! us-east-1, 19 and 20 October 2025, where a slow writer applied an old plan after a newer one, and the newer one's clean-up
//! then deleted what the old plan pointed to.
//!
//! The model: generation 1 serves the primary site; 2 moves to the other, 3 comes back, 4 moves again, so that a value may be what
//! a stale writer read long ago and yet not be the same. Each writer reads, sends a batch, and reads again until nothing is left,
//! then cleans up: it deletes the target that the site which serves no more had. Any of them may die at any point and start again
//! as often as it likes, and a request that it had sent may be applied at any time later.
//!
//! The checker insists on one thing that is easily left out: the clean-up is a batch like the others and must *change* the TXT
//! record. One that deletes and creates it with the same value leaves no mark, so that the next writer, which read before it,
//! points its record sets at a target that is gone.
//!
//! A large set needs several batches, so two are modelled as well as one. Between them the record sets serve two generations,
//! which no order of calls can avoid. What holds between them: each record set serves something that exists, none is ahead of the
//! one before it, none goes back; a newer recovery that comes between takes over all of them, and the older one's next batch is
//! refused; and once the TXT record says that a generation is whole, every record set serves it.

pub mod properties;
mod writer;
mod zone;

use stateright::{Model, Property};

use writer::Request;
use zone::Zone;

/// The generations that write, oldest first; generation 1 was there before.
const WRITERS: [u8; 3] = [2, 3, 4];

/// How the writers guard their batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guards {
    /// As designed.
    #[default]
    Whole,
    /// UPSERT, without a look at the generation.
    None,
    /// The generation is read and compared; then UPSERT.
    CheckThenWrite,
    /// The generation is read and compared; the batch states the record set exactly, and holds no TXT record.
    ExactValuesOnly,
    /// Only a generation's first batch holds the TXT record.
    FirstBatchOnly,
    /// DELETE and CREATE are sent one after the other.
    NotInOneBatch,
    /// The clean-up compares the generation first, and deletes without the TXT record in its batch.
    UnguardedCleanUp,
    /// The clean-up's batch deletes and creates the TXT record with the same value, so that it leaves no mark.
    UnmarkedCleanUp,
}

/// The protocol.
#[derive(Debug, Clone, Copy)]
pub struct GenerationBatches {
    /// How its batches are guarded.
    pub guards: Guards,
    /// Into how many batches the record sets are divided: 1 or 2.
    pub batches: usize,
}

/// The world of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    zone: Zone,
    /// Per writer: the request that it is about to send.
    next: [Option<Request>; WRITERS.len()],
    /// Per writer: a request that it sent before it died, and that is still on its way.
    late: [Option<Request>; WRITERS.len()],
    /// Whether a record set or the TXT record went back to an older generation.
    went_back: bool,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The writer reads the records and decides on its next request.
    Read(usize),
    /// Its request arrives; it reads again whatever the answer, and whether the answer arrives or not.
    Send(usize),
    /// It dies before it sends.
    Crash(usize),
    /// It dies while its request is on its way.
    CrashAfterSending(usize),
    /// The request on its way arrives.
    Arrive(usize),
}

impl Model for GenerationBatches {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            zone: Zone::before(self.batches),
            next: [None; WRITERS.len()],
            late: [None; WRITERS.len()],
            went_back: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for writer in 0..WRITERS.len() {
            if state.next[writer].is_some() {
                actions.extend([Action::Send(writer), Action::Crash(writer), Action::CrashAfterSending(writer)]);
            } else {
                actions.push(Action::Read(writer));
            }
            if state.late[writer].is_some() {
                actions.push(Action::Arrive(writer));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Read(writer) => state.next[writer] = self.decide(&state.zone, WRITERS[writer]),
            Action::Send(writer) => {
                let request = state.next[writer].take();
                state.next[writer] = self.apply(&mut state, request);
            }
            Action::Crash(writer) => state.next[writer] = None,
            Action::CrashAfterSending(writer) => state.late[writer] = state.next[writer].take(),
            Action::Arrive(writer) => {
                let request = state.late[writer].take();
                self.apply(&mut state, request);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }

    fn format_step(&self, last: &State, action: Action) -> Option<String> {
        let (writer, request) = match action {
            Action::Read(writer) => (writer, self.decide(&last.zone, WRITERS[writer])),
            Action::Arrive(writer) => (writer, last.late[writer]),
            Action::Send(writer) | Action::Crash(writer) | Action::CrashAfterSending(writer) => (writer, last.next[writer]),
        };
        let request = request.map_or("nothing is left for it to do".to_owned(), |request| request.to_string());
        Some(format!("generation {}: {action:?}: {request}", WRITERS[writer]))
    }
}
