//! The adapters against a stub server on loopback: what they send, byte by byte where it matters, and what they make of the
//! answers. The real SDK signs, sends and parses; only the service is ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod backups;
mod canary;
mod cbor;
mod databases;
mod envelope_keys;
mod failures;
mod functions;
mod global;
mod health_checks;
mod journal;
mod lags;
mod objects;
mod parameters;
mod permits;
mod reads;
mod replication_rules;
mod restore_jobs;
mod secrets;
mod services;
mod stages;
mod state_machine;
mod stub;
