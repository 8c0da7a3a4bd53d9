//! What the parts of the wire promise together.

mod drills;
mod listeners;
mod normal_form;
mod proxy;
pub(in crate::wire) mod requests;
mod route53;
mod stub;
