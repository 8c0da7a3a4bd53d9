//! How another terminal speaks to a rehearsal: one line of JSON with a token, one line of answer, on loopback.

mod client;
mod protocol;
mod server;
#[cfg(test)]
mod tests;

pub(super) use client::ask;
pub(super) use protocol::{Request, Token};
pub(super) use server::{Control, Executor};
