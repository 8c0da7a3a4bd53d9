//! What reads the outside in the crate `shared`, from the same files.

#[path = "../shared/src/config/mod.rs"]
pub mod config;
#[path = "../shared/src/domain/mod.rs"]
pub mod domain;
#[path = "../shared/src/error.rs"]
pub mod error;
#[path = "../shared/src/events/mod.rs"]
pub mod events;
#[path = "../shared/src/guard.rs"]
pub mod guard;
#[path = "../shared/src/planfile/mod.rs"]
pub mod planfile;
#[path = "../shared/src/ports.rs"]
pub mod ports;
#[path = "../shared/src/printable.rs"]
pub mod printable;
#[path = "../shared/src/redact.rs"]
pub mod redact;
