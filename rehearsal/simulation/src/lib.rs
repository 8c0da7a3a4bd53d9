//! The rehearsal's world with an in-process face: every port of the functions over one model of an account, on a virtual clock.
//!
//! What runs is real: the five handlers that Lambda calls, and the state machine's own definition, interpreted from its file.
//! What is modelled is AWS: the databases by the rehearsal's world, the rest by the small models beside this file, each of which
//! keeps exactly the behaviour that a recovery meets (revisions, stages, conditions, what a change leaves alone).
//!
//! An invocation never runs on a thread of its own. Every port answers at once, so a handler that is still not done after it was
//! polled has been killed or held up by a fault; dropping it is what the end of a Lambda sandbox is: no code of ours runs after it.

// An instrument of tests: where it cannot go on, the test has to fail.
#![allow(clippy::expect_used, clippy::panic)]

mod accounting;
mod campaign;
mod case;
mod chance;
mod cloud;
mod exhaustive;
mod face;
mod faults;
mod functions;
mod invariants;
mod machine;
mod once_each;
mod platform;
mod restores;
mod simulation;
mod standing;
mod verification;

pub use accounting::{Effect, PortCall};
pub use campaign::{Campaign, Finding, Run, Summary, play, play_aloud, replay, shrink};
pub use case::{Case, Disaster, Happening, Person, Setting, Strike, Trigger};
pub use chance::Chance;
pub use cloud::{Buckets, SimulatedObject, dated, nightly_archive};
pub use cloud::{
    Client, Cloud, EcsService, ExecutionRecord, Journal, LambdaFunction, MethodSetting, RestStage, Secret, SentNotice,
    SsmParameter, State, WrappingKey,
};
pub use exhaustive::Share;
pub use faults::{Fault, Rule};
pub use functions::{Functions, Outcome};
pub use invariants::{Before, Invariant, Violation, Watcher, at_the_end, hosts};
pub use machine::Machine;
pub use platform::{
    DATABASE_PARAMETER, DATABASE_SECRET, Platform, REPORTS_FUNCTION, healthcare_plan, keys, primary_key, replica_key,
};
pub use restores::RestoredData;
pub use simulation::{Ended, Simulation};
pub use verification::Verification;
