//! `domain`, `guard`, `planfile` and `printable` of the crate `shared`, from the same files, for what needs more than `shared` has: the
//! schema against an independent validator.

#[path = "../../../shared/src/domain/mod.rs"]
pub mod domain;
#[path = "../../../shared/src/guard.rs"]
pub mod guard;
#[path = "../../../shared/src/planfile/mod.rs"]
pub mod planfile;
#[path = "../../../shared/src/printable.rs"]
pub mod printable;

#[cfg(test)]
mod schema;
