//! The rehearsal on the wire: everything that stands between the real binaries and the emulator of AWS.
//!
//! The functions under rehearsal believe that they speak to AWS. They speak to [`wire::proxy`], which forwards to the
//! emulator, answers in its place what the modelled world owns, breaks what the rehearsal wants broken, and writes down
//! every request it saw.

pub mod databases;
pub mod emulator;
mod processes;
pub mod stage;
pub mod wire;
