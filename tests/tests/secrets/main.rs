//! Secrets are in no log, no answer, no journal, no notice, no report and no execution's history.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod canary;
mod traces;
mod whole_recoveries;
