//! Hostile input: every reader of the outside, fed with valid examples that were changed in one or a few places. Random bytes rarely
//! get past the first brace; a valid event with one wrong place is what gets far.
//!
//! What must hold of anything at all: no panic; a refusal has a stable code and is one printable line; who refuses has called no
//! port. That what is read keeps within bounds of memory is measured in `hostile_memory.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod envelopes;
mod examples;
mod handlers;
mod mutation;
mod plans;
mod untouched;
