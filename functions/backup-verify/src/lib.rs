//! Every backup to a stated proof level, and its freshness against the objectives.

mod archives;
mod directories;
mod encryption;
pub mod envelope;
mod examination;
pub mod handler;
mod kept;
pub mod level;
pub mod pieces;
mod restore_job;
mod tasks;
