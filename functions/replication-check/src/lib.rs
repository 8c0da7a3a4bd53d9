//! Role and lag of every replica, against the objectives.

pub mod handler;
