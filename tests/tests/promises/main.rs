//! What a recovery promises, held against the real functions and the real state machine, in process.

mod common;
mod database_failure;
