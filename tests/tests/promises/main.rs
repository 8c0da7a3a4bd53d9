//! What a recovery promises, held against the real functions and the real state machine, in process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod automatic;
mod backups;
mod changes;
mod common;
mod consent;
mod courses;
mod database_failure;
mod directories_in_pieces;
mod dry_run;
mod encrypted_archives;
mod encrypted_in_pieces;
mod encryption;
mod enveloped_archives;
mod examples;
mod failover;
mod hostile;
mod interpreters;
mod journal_outage;
mod kept;
mod one_fault;
mod orders;
mod pieces;
mod postgresql;
mod replication;
mod restore_tests;
mod restored_postgresql;
mod standing_down;
mod storm;
mod stuck;
mod triggers;
mod upgrades;
mod watchdog;
