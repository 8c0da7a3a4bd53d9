//! Every backup to a stated proof level, and its freshness against the objectives.

pub mod handler;
