//! Tests that cross crates live in the files beside this one.
