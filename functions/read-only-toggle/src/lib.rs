//! Holds, resumes and fences writes at every enforcement point.

pub mod handler;
