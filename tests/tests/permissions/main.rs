//! The template's roles allow what the functions call, and nothing else.

mod common;
mod doors;
mod evidence;
mod recorded;
mod roles;
mod table;
