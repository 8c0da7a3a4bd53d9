//! `recoveryctl`: check a recovery plan, show it, rehearse it without a cloud, and verify backups.

pub mod backup_command;
mod backup_rendering;
mod closed_list;
pub mod conform;
pub mod drill;
#[cfg(test)]
mod encrypted_archives;
mod identities;
mod object_source;
mod opening;
mod pass_through;
pub mod permissions;
pub mod plan_command;
mod plan_new;
mod plan_overview;
mod plan_rendering;
pub mod rehearse;
mod restore_test;
mod retention;
pub mod simulate_command;
