//! The start of a recovery under every interleaving (`models::start`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

use models::evidence::Folder;
use models::start::properties::{
    DECLARED_ONCE, GENERATIONS_GROW, JOINS_THE_ACTIVE, NOTHING_NEGLECTED, ONE_ACTIVE, ONE_EXECUTION,
};
use models::start::{Guard, StartProtocol};

fn folder() -> Folder {
    Folder::beside(env!("CARGO_TARGET_TMPDIR"))
}

fn control(guard: Guard, name: &str, expected: &str) {
    folder().is_violated(name, "start", expected, &StartProtocol { without: Some(guard) });
}

#[test]
fn however_triggers_crashes_and_the_watchdog_meet_one_incident_starts_once() {
    folder().holds("start", StartProtocol::default());
}

#[test]
fn without_the_condition_check_then_write_declares_two_incidents() {
    control(Guard::ConditionalTransaction, "start-check-then-write", DECLARED_ONCE);
    control(Guard::ConditionalTransaction, "start-check-then-write-generations", GENERATIONS_GROW);
}

#[test]
fn without_one_transaction_a_crash_leaves_an_incident_that_nobody_finds() {
    control(Guard::OneTransaction, "start-two-writes", ONE_ACTIVE);
}

#[test]
fn without_a_unique_name_an_incident_gets_two_executions() {
    control(Guard::UniqueName, "start-name-not-unique", ONE_EXECUTION);
}

#[test]
fn without_the_watchdogs_start_an_incident_stays_unstarted() {
    control(Guard::WatchdogStarts, "start-watchdog-that-only-looks", NOTHING_NEGLECTED);
}

#[test]
fn without_the_condition_an_end_releases_the_platform_of_another() {
    control(Guard::ConditionalEnd, "start-unconditional-end", ONE_ACTIVE);
}

#[test]
fn without_a_look_at_the_holder_a_trigger_joins_what_has_ended() {
    control(Guard::JoinsOnlyTheActive, "start-joins-unseen", JOINS_THE_ACTIVE);
}
