//! What the world promises, scene by scene.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod connecting;
mod copying;
mod creating;
mod databases;
mod describing;
mod dns;
mod facts;
mod failing;
mod keeping;
mod measuring;
mod modifying;
mod promoting;
mod random;
mod rebooting;
mod replicating;
mod restore_tests;
mod restoring;
mod snapshots;
mod stage;
mod truth;
