//! Domain, engine, ports and adapters that the five recovery functions share.
//!
//! Dependencies point one way: `functions, cli → engine → ports → domain` and `adapters → ports, domain`.

pub mod adapters;
pub mod config;
pub mod domain;
pub mod engine;
pub mod error;
pub mod events;
pub mod guard;
pub mod planfile;
pub mod ports;
pub mod printable;
pub mod redact;
pub mod runtime;
pub mod telemetry;
