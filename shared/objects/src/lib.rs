//! Reads objects of S3 in order, to their last byte, in bounded memory, from a blocking reader such as an archive's verifier.
//!
//! An object is looked at once ([`Client::look`]), and every read after that is of exactly what was seen then: ranged GETs with
//! `If-Match`, a few of them ahead. A transfer that breaks off is resumed at the byte where it did. What cannot be read is named by a
//! stable code: that an object is missing, was replaced, is shorter than it was, or that its bytes stop coming, are different things
//! to whoever is woken by it.
//!
//! Requests are signed by the SDK's own signer and sent by its own connector. The SDK's client for S3 is not used: for a handful of operations
//! it is the largest of all, it would rebuild every other, and it cannot resume a body.

mod address;
mod ahead;
mod client;
mod directory;
mod failure;
mod fetch;
mod listing;
mod reader;
mod replication;
mod signature;

pub use address::{Location, NotALocation};
pub use client::{Client, Connection, Object};
pub use directory::Directory;
pub use failure::{Code, Failure};
pub use listing::Listed;
pub use reader::{Limits, Reader};
pub use replication::ReplicationRule;
