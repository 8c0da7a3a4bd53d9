//! Adapters: each maps one API to a port and does nothing else. What to call, and when, is decided before it comes here.

pub mod aws;
pub mod clock;
pub mod postgresql;
pub mod probe;

mod error;

use error::{Sending, WITHHELD, plain_code};
