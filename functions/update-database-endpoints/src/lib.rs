//! Writes a new database endpoint everywhere it is kept, and restarts its consumers.

pub mod handler;
