//! `recoveryctl`: check a recovery plan, show it, and rehearse it without a cloud.

pub mod drill;
pub mod plan_command;
mod plan_overview;
mod plan_rendering;
pub mod simulate_command;
