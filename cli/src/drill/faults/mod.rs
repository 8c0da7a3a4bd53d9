//! What a drill breaks besides the database: `--fault KIND[:ARGUMENT]`.

pub(super) mod deliveries;
mod grammar;
mod injection;
mod known;
mod table;

pub use deliveries::event as alarm_event;
pub use grammar::{Act, Fault, Shape};
pub use injection::{FaultOutcome, Strike};
pub use known::Known;
pub use table::{End, Kind, Row, TABLE, help};

pub(super) use injection::Injection;
pub(crate) use injection::rules_of;
