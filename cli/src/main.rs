//! Stub being built.
fn main() {}
