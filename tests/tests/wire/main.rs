//! What a recovery promises on the wire: the five real binaries, the real template and state machine in the emulator, the
//! modelled databases behind the proxy, and clients that share nothing with what is tested.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod alarm_deliveries;
mod approval;
mod default_drill;
mod evidence;
mod faults;
mod killed_processes;
mod operators_commands;
mod real_databases;
mod rehearsal_by_hand;
mod replicas;
mod reported_loss;
mod secrets;
mod stage;
mod standby;
mod stopped_execution;
mod switchover;
