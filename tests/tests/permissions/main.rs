//! The template's roles allow what the functions call, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::unreachable)]

mod common;
mod doors;
mod evidence;
mod recorded;
mod roles;
mod table;
