//! The pure core: values in, values and reasons out. It knows no clock, no I/O, no SDK and no async runtime, so that every
//! decision can be tried by a table, a property or a simulation.

pub mod advance;
pub mod alerts;
pub mod archive_encryption;
pub mod archives;
pub mod assess;
pub mod backup;
pub mod call;
pub mod change;
pub mod commands;
pub mod consent;
pub mod decide;
pub mod described;
pub mod duration;
pub mod endpoint;
pub mod health;
pub mod identifier;
pub mod incident;
pub mod loss_bound;
pub mod may;
pub mod mutation;
pub mod non_empty;
pub mod observation;
pub mod operation;
pub mod orders;
pub mod permission;
pub mod plan;
pub mod planes;
pub mod predict;
pub mod replication;
pub mod report;
pub mod restore_test;
pub mod retention;
pub mod room;
pub mod step;
pub mod trigger;
