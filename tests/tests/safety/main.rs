//! Safety, tried: random incidents with everything going wrong that can, every fault at every call, and each guard taken out once to
//! see that it is missed. `docs/safety.md` is written from what these tests find:
//! `UPDATE_DOCS=1 cargo test -p recovery-tests --test safety`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod campaigns;
mod document;
mod guards;
mod modes;
