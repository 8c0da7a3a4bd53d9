//! What the tests that cross crates share: the functions in process, on the world of the rehearsal.
//!
//! The tests themselves stand in `tests/`, one file for each group of promises.

pub mod in_process;
